"""Programs: every ruleset as one first-match list of boxes with skips to later steps.

`chain.py` makes them of chains that jump, go and return; `fold.py` makes them shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from firewright.model.packet import Family
from firewright.space.axis import AXES, TOPS, Axis
from firewright.space.box import ANY, EVERY_BOX, Box, Value, has_number, meet, ranges_in

Verdict = str | int | None
"""A decision in a word, or the later step to go on at, or None while that step is not known yet."""
Literals = tuple[tuple[str, bool], ...]
"""Matches that are not understood, by their text, and whether they must hold; sorted, each text once."""

_TELLING = tuple(sorted(Axis, key=lambda axis: axis not in (Axis.SOURCE, Axis.SERVICE)))


class Program:
    """A first-match list of one family. The first step that matches decides, or says at which later step to go on.

    Built by `add` and `skip`; its first use seals it. Every packet is decided: the last step is EVERY_BOX with a decision.
    """

    __slots__ = ("_by_destination", "_sealed", "box", "family", "literals", "origin", "verdict", "words")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.box: list[Box] = []
        self.verdict: list[Verdict] = []
        self.origin: list[object] = []
        self.literals: list[Literals] = []
        self.words: set[str] = set()
        self._sealed = False
        self._by_destination: list[tuple[int, int, Value, list[int]]] | None = None

    def __len__(self) -> int:
        return len(self.box)

    def add(self, box: Box, verdict: str | None, origin: object = None, literals: Literals = ()) -> int:
        """Put a step at the end and give its index; a verdict of None becomes a skip by `skip`."""
        if self._sealed:
            raise ValueError("this program is in use and cannot grow")
        if len(box) != AXES:
            raise ValueError(f"a box has {AXES} values, not {len(box)}")
        self.box.append(box)
        self.verdict.append(verdict)
        self.origin.append(origin)
        self.literals.append(literals)
        if verdict is not None:
            self.words.add(verdict)
        return len(self.box) - 1

    def skip(self, index: int, to: int) -> None:
        """Let a step that was added without a decision go on at a later step."""
        if self._sealed:
            raise ValueError("this program is in use and cannot change")
        if to <= index:
            raise ValueError(f"step {index} can only skip forward, not to {to}")
        if isinstance(self.verdict[index], str):
            raise ValueError(f"step {index} decides {self.verdict[index]!r}; it does not skip")
        self.verdict[index] = to

    def seal(self) -> Program:
        """This program, checked to decide every packet, and closed to change. ValueError if it does not."""
        if self._sealed:
            return self
        count = len(self.box)
        if not count or self.box[-1] != EVERY_BOX or self.literals[-1] or not isinstance(self.verdict[-1], str):
            raise ValueError("a program must decide every packet: its last step is EVERY_BOX with a decision")
        for index, verdict in enumerate(self.verdict):
            if verdict is None:
                raise ValueError(f"step {index} has neither a decision nor a step to skip to")
            if isinstance(verdict, int) and verdict >= count:
                raise ValueError(f"step {index} skips to {verdict}, behind the end")
        self._sealed = True
        return self

    def decide(self, place: Sequence[int], assumed: Mapping[str, bool] | None = None) -> int:
        """The step that decides the packet at this place; literals that are not assumed do not hold.

        Looks at each destination that steps have, then at the steps whose destination holds the packet: O(n), mostly far less.
        """
        holds = assumed or {}
        number = place[Axis.DESTINATION]
        near = [
            steps
            for lowest, highest, value, steps in self._grouped()
            if lowest <= number <= highest and has_number(value, number)
        ]
        # A value is looked at once, however many steps have it: what it holds of this packet is the same for all.
        known: list[dict[Value, bool]] = [{ANY: True} for _ in place]
        at = 0
        for step in sorted(chain.from_iterable(near)):
            if step < at or not self._matches(step, place, known):
                continue
            if all(holds.get(text, False) == wanted for text, wanted in self.literals[step]):
                verdict = self.verdict[step]
                if not isinstance(verdict, int):
                    return step
                at = verdict
        raise AssertionError("the last step of a program matches every packet and decides")

    def _grouped(self) -> list[tuple[int, int, Value, list[int]]]:
        """Each destination that steps have: where it begins and ends, and the steps; put together when first asked."""
        if self._by_destination is None:
            self.seal()
            steps_to: dict[Value, list[int]] = {}
            for step, box in enumerate(self.box):
                steps_to.setdefault(box[Axis.DESTINATION], []).append(step)
            top = TOPS[self.family][Axis.DESTINATION]
            ends = ((ranges_in(value, top), value, steps) for value, steps in steps_to.items())
            self._by_destination = [(ranges[0][0], ranges[-1][1], value, steps) for ranges, value, steps in ends]
        return self._by_destination

    def _matches(self, step: int, place: Sequence[int], known: list[dict[Value, bool]]) -> bool:
        """Whether a step's box holds the place; sources first, since they tell most steps to one destination apart."""
        values = self.box[step]
        for axis in _TELLING:
            value = values[axis]
            is_in = known[axis].get(value)
            if is_in is None:
                is_in = known[axis][value] = has_number(value, place[axis])
            if not is_in:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a step of firewalls in series comes from: the firewall's name, the step's place and its own origin there."""

    name: str
    step: int
    origin: object


def series(hops: Iterable[tuple[str, Program]]) -> Program:
    """Firewalls one behind the other: accept goes on at the next, the last one's accept accepts; each origin is a `Hop`.

    Interfaces belong to one firewall, so fix them with `specialise` first.
    """
    named = [(name, program.seal()) for name, program in hops]
    if not named:
        raise ValueError("a path has at least one firewall")
    if len({program.family for _, program in named}) > 1:
        raise ValueError("firewalls in series are asked about one family at a time")
    out = Program(named[0][1].family)
    for number, (name, program) in enumerate(named):
        start = len(out)
        behind = start + len(program)
        is_last = number == len(named) - 1
        for index, verdict in enumerate(program.verdict):
            word = verdict if isinstance(verdict, str) and (is_last or verdict != "accept") else None
            place = out.add(program.box[index], word, Hop(name, index, program.origin[index]), program.literals[index])
            if word is None:
                out.skip(place, verdict + start if isinstance(verdict, int) else behind)
    return out


def specialise(program: Program, fixed: Box) -> Program:
    """The program as it is for packets of a box: steps that miss the box are left out, and what it fixes is free afterwards.

    An axis stays constrained only where steps tell packets of the box apart on it. O(n).
    """
    program.seal()
    tops = TOPS[program.family]
    kept: list[Box | None] = [_cofactor(box, fixed, tops) for box in program.box]
    place, places = 0, []
    for one in kept:
        places.append(place)
        place += one is not None
    out = Program(program.family)
    for index, one in enumerate(kept):
        if one is None:
            continue
        verdict = program.verdict[index]
        word = verdict if isinstance(verdict, str) else None
        here = out.add(one, word, program.origin[index], program.literals[index])
        if isinstance(verdict, int):
            out.skip(here, places[verdict])
    return out


def _cofactor(box: Box, fixed: Box, tops: tuple[int, ...]) -> Box | None:
    out = []
    for value, key, top in zip(box, fixed, tops, strict=True):
        shared = meet(value, key, top)
        if shared is None:
            return None
        out.append(ANY if shared == key else shared)
    return tuple(out)


def trim(program: Program) -> Program:
    """The same program without skips to the very next step."""
    while True:
        keep = [verdict != index + 1 or not isinstance(verdict, int) for index, verdict in enumerate(program.verdict)]
        if all(keep):
            return program
        places, place = [], 0
        for kept in keep:
            places.append(place)
            place += kept
        out = Program(program.family)
        for index, kept in enumerate(keep):
            if not kept:
                continue
            verdict = program.verdict[index]
            word = verdict if isinstance(verdict, str) else None
            here = out.add(program.box[index], word, program.origin[index], program.literals[index])
            if isinstance(verdict, int):
                out.skip(here, places[verdict])
        program = out


def meet_literals(a: Literals, b: Literals) -> Literals | None:
    """Both at once; None if they contradict each other."""
    if not b:
        return a
    if not a:
        return b
    both = dict(a)
    for text, wanted in b:
        if both.setdefault(text, wanted) != wanted:
            return None
    return tuple(sorted(both.items()))
