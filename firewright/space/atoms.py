"""One axis of an index: its numbers cut into atoms, and for each value which steps overlap it, which contain it.

The segments between the ends of all ranges are merged where the same steps hold them: no step tells the numbers of an atom
apart. A value is then a set of atoms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import and_, itemgetter, or_
from random import Random

from firewright.model.interval import Ranges, canonical
from firewright.space.bitmap import bitmap_of, bits
from firewright.space.box import ANY, ranges_in

FALSE, TRUE = -1, -2
"""The values of an opaque literal; their numbers are 0 and 1."""
_REMEMBERED = 1024
"""Values of questions that an axis remembers."""
_MARK = 60
"""Bits of the random mark of a value; marks of values are joined by XOR (A. Zobrist, 1970), and the hash of a short number is
the number itself, where long bitmaps of one bit each have hardly sixty different hashes."""
_FEW = 64
"""Fewer atoms than this are turned into ranges one by one."""


class Atoms:
    """One axis of an index.

    `held` maps an atom to the steps that hold it; `of`, `overlapping` and `containing` map a value to its atoms (`atoms` as a
    sequence), to the steps that share a packet with it, and to those that hold all of it; `starts` and `atom` are the segments.
    """

    __slots__ = (
        "_asked",
        "_segments",
        "atom",
        "atoms",
        "containing",
        "every",
        "held",
        "of",
        "overlapping",
        "starts",
        "top",
        "unconstrained",
    )

    def __init__(self, values: Sequence[int], top: int) -> None:
        count = len(values)
        users: dict[int, list[int]] = {}
        for step, value in enumerate(values):
            users.setdefault(value, []).append(step)
        using = {value: bitmap_of(steps, count) for value, steps in users.items()}
        self.top = top
        self.unconstrained = using.pop(ANY, 0)
        self.atoms = self._sweep(using)
        self.every = (1 << len(self.held)) - 1
        self._segments: list[list[int]] | None = None
        self._asked: dict[int, tuple[int, int, int]] = {}
        self.of: dict[int, int] = {ANY: self.every}
        self.overlapping: dict[int, int] = {ANY: (1 << count) - 1}
        self.containing: dict[int, int] = {ANY: self.unconstrained}
        for value, atoms in self.atoms.items():
            self.of[value] = bitmap_of(atoms, len(self.held))
            held = [self.held[atom] for atom in atoms]
            self.overlapping[value] = reduce(or_, held)
            # Most values are held by none but themselves, which is seen at a few atoms.
            least, containing = using[value] | self.unconstrained, held[0]
            for steps in held:
                if containing == least:
                    break
                containing &= steps
            self.containing[value] = containing
        self.atoms[ANY] = range(len(self.held))

    def _sweep(self, using: dict[int, int]) -> dict[int, Sequence[int]]:
        """Find segments and atoms, and the atoms of each value. Steps with one value go in and out of segments together."""
        changes: defaultdict[int, list[int]] = defaultdict(list, {0: []})
        for value in using:
            for low, high in _ranges(value, self.top):
                changes[low].append(value)
                if high < self.top:
                    changes[high + 1].append(value)
        self.starts = sorted(changes)
        self.held: list[int] = []
        self.atom: list[int] = []
        atoms: dict[int, list[int]] = {value: [] for value in using}
        marking = Random(1)  # noqa: S311 (marks only find atoms; that they are the same atom is then seen at its steps)
        marks = {value: marking.getrandbits(_MARK) for value in using}
        numbers: dict[int, int] = {}
        inside: set[int] = set()
        marked, steps, held = 0, self.unconstrained, self.held
        for start in self.starts:
            for value in changes[start]:
                marked ^= marks[value]
                steps ^= using[value]
            inside.symmetric_difference_update(changes[start])
            place = marked
            while (number := numbers.get(place)) is not None and held[number] != steps:
                place += 1
            if number is None:
                number = numbers[place] = len(held)
                held.append(steps)
                for value in inside:
                    atoms[value].append(number)
            self.atom.append(number)
        return dict(atoms)

    def _atoms_of(self, ranges: Ranges) -> set[int]:
        """The atoms that meet a set, which need not be aligned with them."""
        found: set[int] = set()
        for low, high in ranges:
            found.update(self.atom[bisect_right(self.starts, low) - 1 : bisect_left(self.starts, high + 1)])
        return found

    def asked(self, value: int) -> tuple[int, int, int]:
        """The atoms that meet any value, the steps that do, and steps known to hold all of it; the last few are remembered."""
        if value in self.of:
            return self.of[value], self.overlapping[value], self.containing[value]
        found = self._asked.get(value)
        if found is None:
            if len(self._asked) >= _REMEMBERED:
                self._asked.clear()
            atoms = self._atoms_of(_ranges(value, self.top))
            held = [self.held[atom] for atom in atoms]
            found = self._asked[value] = bitmap_of(atoms, len(self.held)), reduce(or_, held), reduce(and_, held)
        return found

    def steps_meeting(self, ranges: Ranges) -> int:
        """The steps that share a number with a set."""
        found = 0
        for atom in self._atoms_of(ranges):
            found |= self.held[atom]
        return found

    def ranges(self, atoms: int) -> Ranges:
        """The numbers of a set of atoms."""
        if atoms == self.every:
            return ((0, self.top),)
        starts, last = self.starts, len(self.starts) - 1
        if atoms.bit_count() < _FEW:
            if self._segments is None:
                self._segments = [[] for _ in self.held]
                for segment, atom in enumerate(self.atom):
                    self._segments[atom].append(segment)
            return canonical(
                (starts[segment], starts[segment + 1] - 1 if segment < last else self.top)
                for atom in bits(atoms)
                for segment in self._segments[atom]
            )
        # A letter for each segment, so that runs of them are found as fast as text is searched.
        letters = bin(atoms | 1 << len(self.held))[:2:-1]
        text = "".join(itemgetter(*self.atom)(letters))
        pairs, first = [], text.find("1")
        while first >= 0:
            behind = text.find("0", first)
            pairs.append((starts[first], starts[behind] - 1 if behind >= 0 else self.top))
            first = text.find("1", behind) if behind >= 0 else -1
        return tuple(pairs)


def _ranges(value: int, top: int) -> Ranges:
    if value >= 0:
        return ranges_in(value, top)
    return ((0, 0),) if value == FALSE else ((1, 1),)
