"""Programs side by side over common atoms: for each axis which steps hold an atom, overlap a value, contain a value.

On each axis the segments between endpoints are merged into **atoms** by which steps hold them (a sweep that XORs bitmaps of
steps at each endpoint). A value is then a bitmap of atoms, a box a tuple of such bitmaps, and "which steps overlap this box"
the AND of eight remembered integers. Opaque literals are axes of their own, with the atoms false and true.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import and_, itemgetter, or_
from typing import NamedTuple

from firewright.model.interval import Ranges, canonical, intersection
from firewright.model.packet import Family
from firewright.space.axis import AXES, TOPS
from firewright.space.bitmap import bitmap_of, bits
from firewright.space.box import ANY, Box, ranges_in
from firewright.space.program import Program

AtomBox = tuple[int, ...]
"""For each axis a set of atoms."""
_FALSE, _TRUE = -1, -2
_REMEMBERED = 1024
"""Values of questions that an axis remembers."""
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
        marks = {value: 1 << place for place, value in enumerate(using)}
        numbers: dict[int, int] = {}
        inside: set[int] = set()
        marked, steps = 0, self.unconstrained
        for start in self.starts:
            for value in changes[start]:
                marked ^= marks[value]
                steps ^= using[value]
            inside.symmetric_difference_update(changes[start])
            number = numbers.get(marked)
            if number is None:
                number = numbers[marked] = len(self.held)
                self.held.append(steps)
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
    return ((0, 0),) if value == _FALSE else ((1, 1),)


class Region(NamedTuple):
    """A box of atoms, the steps that may overlap it, and for each axis the steps that contain it there."""

    atoms: AtomBox
    overlapping: int
    containing: tuple[int, ...]


class Listed:
    """One program's place in an index: where it starts, its steps, and which of them decide or skip how."""

    __slots__ = ("deciding", "offset", "program", "skips", "steps", "target")

    def __init__(self, program: Program, offset: int) -> None:
        count = len(program)
        self.program = program
        self.offset = offset
        self.steps = ((1 << count) - 1) << offset
        by: dict[str, list[int]] = {}
        skips: list[int] = []
        self.target: dict[int, int] = {}
        for index, verdict in enumerate(program.verdict):
            if isinstance(verdict, str):
                by.setdefault(verdict, []).append(index + offset)
            elif verdict is not None:
                skips.append(index + offset)
                self.target[index + offset] = verdict + offset
        self.deciding = {word: bitmap_of(steps, offset + count) for word, steps in by.items()}
        self.skips = bitmap_of(skips, offset + count)


class Index:
    """Several programs of one family over common atoms. Steps are numbered through all of them."""

    def __init__(self, programs: Sequence[Program], family: Family) -> None:
        self.family = family
        self.lists: list[Listed] = []
        self.names = sorted({text for program in programs for literal in program.literals for text, _ in literal})
        column = {text: AXES + place for place, text in enumerate(self.names)}
        steps: list[Box] = []
        for program in programs:
            self.lists.append(Listed(program.seal(), len(steps)))
            for box, literal in zip(program.box, program.literals, strict=True):
                if self.names:
                    wide = [*box, *(ANY for _ in self.names)]
                    for text, wanted in literal:
                        wide[column[text]] = _TRUE if wanted else _FALSE
                    steps.append(tuple(wide))
                else:
                    steps.append(box)
        self.values = steps
        self.count = len(steps)
        self.every_step = (1 << self.count) - 1
        self.width = AXES + len(self.names)
        tops = TOPS[family] + (1,) * len(self.names)
        self.axes = [Atoms([step[axis] for step in steps], tops[axis]) for axis in range(self.width)]
        """Axes that tell no two packets apart are never looked at; those with most atoms come first."""
        self.order = sorted(
            (axis for axis in range(self.width) if len(self.axes[axis].held) > 1),
            key=lambda axis: -len(self.axes[axis].held),
        )
        self.everything: AtomBox = tuple(axis.every for axis in self.axes)
        self.overlapping = [axis.overlapping for axis in self.axes]
        self.containing = [axis.containing for axis in self.axes]
        columns = zip(self.axes, zip(*steps, strict=True), strict=True)
        self.boxes: list[AtomBox] = list(
            zip(*([axis.of[value] for value in column] for axis, column in columns), strict=True)
        )

    def region(self, within: Box | None = None) -> Region:
        """The packets of a question, which need not be aligned with the atoms."""
        atoms, containing, overlapping = [], [], self.every_step
        for axis, one in enumerate(self.axes):
            met, either, both = one.asked(ANY if within is None or axis >= AXES else within[axis])
            atoms.append(met)
            containing.append(both)
            if met != one.every:
                overlapping &= either
        return Region(tuple(atoms), overlapping, tuple(containing))

    def clip(self, region: Region, step: int) -> Region | None:
        """The part of a region that a step holds; None if nothing."""
        atoms, overlapping = region.atoms, region.overlapping
        box, values = self.boxes[step], self.values[step]
        cut, containing = list(atoms), list(region.containing)
        for axis in self.order:
            before, own = atoms[axis], box[axis]
            shared = before & own
            if not shared:
                return None
            if shared != before or shared == own:
                overlapping &= self.overlapping[axis][values[axis]]
                containing[axis] |= self.containing[axis][values[axis]]
                cut[axis] = shared
        return Region(tuple(cut), overlapping, tuple(containing))

    def containers(self, region: Region, steps: int) -> int:
        """Those of the steps that are known to hold all of a region."""
        containing = region.containing
        for axis in self.order:
            steps &= containing[axis]
            if not steps:
                return 0
        return steps

    def meeting(self, step: int, steps: int) -> int:
        """Those of the steps that share a packet with a step (literals included)."""
        values = self.values[step]
        for axis in self.order:
            steps &= self.overlapping[axis][values[axis]]
            if not steps:
                return 0
        return steps

    def holding(self, step: int, steps: int) -> int:
        """Those of the steps that hold all of a step."""
        values = self.values[step]
        for axis in self.order:
            steps &= self.containing[axis][values[axis]]
            if not steps:
                return 0
        return steps

    def holding_both(self, step: int, other: int, steps: int) -> int:
        """Those of the steps that are known to hold all that two steps share: on each axis all of one of the two."""
        values, others = self.values[step], self.values[other]
        for axis in self.order:
            containing = self.containing[axis]
            steps &= containing[values[axis]] | containing[others[axis]]
            if not steps:
                return 0
        return steps

    def product(self, atoms: AtomBox, within: Box | None) -> tuple[Ranges, ...]:
        """The numbers of a box of atoms on each axis, inside the question."""
        out = []
        for axis, one in enumerate(self.axes):
            ranges = one.ranges(atoms[axis])
            if within is not None and axis < AXES and within[axis] != ANY:
                ranges = intersection(ranges, ranges_in(within[axis], one.top))
            out.append(ranges)
        return tuple(out)
