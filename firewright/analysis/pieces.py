"""The packets that two subjects decide differently, in exact pieces: each decided by one rule on either side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from firewright.analysis.alike import Programs, read_together, renamed, rule_named
from firewright.analysis.cutting import Cell, cells, steps_in
from firewright.analysis.difference import differences, first_disagreement
from firewright.analysis.subject import ACCEPT, Place, Subject, line_of
from firewright.analysis.validate import real
from firewright.analysis.wire import beginnings
from firewright.model.packet import Family, Packet
from firewright.space.axis import point
from firewright.space.bounds import possibly, surely
from firewright.space.box import EVERY_BOX, Box
from firewright.space.budget import Spent, Undecided, charge
from firewright.space.flow import Flow
from firewright.space.packetset import EMPTY, PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import Line
from firewright.space.witness import packet_in

_STOPS = ("drop", "reject")
_PIECE = 20
"""What telling a piece costs, in boxes looked at."""
Disagreement = tuple[Packet, Mapping[str, bool]]
"""A packet, and how conditions that no header tells read for it."""


class Sort(StrEnum):
    """How a packet notices that two subjects differ; of these each packet has one."""

    OPENS = "opens"
    CLOSES = "closes"
    ANSWERS = "answers"
    HIDES = "hides"


_SORTS: Mapping[Sort, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Sort.OPENS: (_STOPS, (ACCEPT,)),
    Sort.CLOSES: ((ACCEPT,), _STOPS),
    Sort.ANSWERS: (("drop",), ("reject",)),
    Sort.HIDES: (("reject",), ("drop",)),
}
"""What the first decides and what the second does."""


class Scope(StrEnum):
    """Which packets are compared: those that begin a flow, or every packet in every state."""

    NEW = "new"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Side:
    """What one subject does with the example: the word, what decided it, and the rules that are not understood on the way."""

    word: str
    place: Place
    unknown: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Packets of one family that the same two steps decide differently."""

    sort: Sort
    is_certain: bool
    flows: tuple[Flow, ...]
    example: Packet
    before: Side
    after: Side
    origins: tuple[object, object]


class Pair:
    """Two subjects side by side, their conditions named as one."""

    def __init__(self, before: Subject, after: Subject, scope: Scope) -> None:
        self.before, self.after, self.scope = before, after, scope
        self.first: Programs = before.programs
        names, self.alike = read_together(before.programs, after.programs, before.lines, after.lines)
        self._names: Mapping[str, str] = names
        self.second: Programs = renamed(after.programs, names)
        self.telling: tuple[Programs, Programs] = (
            before.telling or self.first,
            renamed(after.telling, names) if after.telling else self.second,
        )
        self._dependent: dict[tuple[int, tuple[str, ...]], tuple[Line, ...]] = {}
        self.rules = tuple({line.place: line for line in subject.lines} for subject in (before, after))
        self.sorts = tuple(Sort) if before.answers and after.answers else (Sort.OPENS, Sort.CLOSES)

    def question(self, family: Family) -> Iterator[Box]:
        """The packets of the scope that a machine can see."""
        if self.scope is Scope.ALL:
            yield real(family)
            return
        yield from beginnings(family)

    def cells(self, family: Family, within: Box) -> Iterator[Cell]:
        """Disjoint boxes of a box, together every packet that the two may decide differently, with the steps that meet them."""
        return cells(self.first[family], self.second[family], within)

    def pieces(self, family: Family, within: Box) -> Iterator[Piece]:
        """The differences in a box of a family. Raises Undecided."""
        for cell in self.cells(family, within):
            if self.disagreement(cell) is not None:
                yield from self.told(cell)

    def disagreement(self, cell: Cell) -> Disagreement | None:
        """A packet of a cell for which the two have different words, and how conditions read for it; None if none, proved."""
        return first_disagreement(cell.first, cell.second, cell.within)

    def told(self, cell: Cell) -> tuple[Piece, ...]:
        """The differences of a cell, in flows or, where these are too many, by examples. Raises Undecided; Spent at once."""
        try:
            return tuple(self._told(cell))
        except Spent:
            raise
        except Undecided:
            return tuple(self._by_example(cell))

    def shown(self, cell: Cell, disagreement: Disagreement) -> Piece | None:
        """A cell's difference by the one packet that was found; None where what it shows is no difference between these two."""
        packet, readings = disagreement
        steps = [program.decide(point(packet), readings) for program in (cell.first, cell.second)]
        words = [str(program.verdict[step]) for program, step in zip((cell.first, cell.second), steps, strict=True)]
        for sort in self.sorts:
            old, new = _SORTS[sort]
            if words[0] in old and words[1] in new:
                is_certain = not readings or packet in _differing(cell, sort, surely)
                origins = [program.origin[step] for program, step in zip((cell.first, cell.second), steps, strict=True)]
                return self._piece(sort, is_certain, (), packet, words, origins)
        return None

    def _told(self, cell: Cell) -> Iterator[Piece]:
        """The differences of a cell in flows: the certain ones, then those that hang on conditions."""
        family = cell.first.family
        is_bounded = any(map(any, (*cell.first.literals, *cell.second.literals)))
        telling = [steps_in(programs[family], cell.within) for programs in self.telling]
        for sort in self.sorts:
            certain = _differing(cell, sort, surely if is_bounded else PacketSet.decided)
            perhaps = _differing(cell, sort, possibly) - certain if is_bounded else EMPTY
            for packets, is_certain in ((certain, True), (perhaps, False)):
                for flow in packets.flows(family, {family: cell.within}):
                    yield from self._parts(sort, is_certain, (cell.first, cell.second, *telling), flow)

    def _parts(self, sort: Sort, is_certain: bool, programs: Sequence[Program], flow: Flow) -> Iterator[Piece]:
        """The packets of a flow by the steps that decide them; a reading in which both decide alike is no difference."""
        old, new = _SORTS[sort]
        for part in partition(programs, flow.family, flow.box):
            steps = list(zip(programs, part.deciders, strict=True))
            words = [str(program.verdict[step]) for program, step in steps[:2]]
            if words[0] not in old or words[1] not in new:
                continue
            charge(_PIECE)
            packet = packet_in(flow.family, part.flows[0].axes)
            origins = [_origin(steps[side], steps[side + 2] if words[side] == ACCEPT else None) for side in range(2)]
            yield self._piece(sort, is_certain, part.flows, packet, words, origins)

    def _by_example(self, cell: Cell) -> Iterator[Piece]:
        """The pairs of rules of a cell with a packet each, where the flows are too many to be told."""
        for one in differences(cell.first, cell.second, cell.within):
            charge(_PIECE)
            words = [str(cell.first.verdict[one.before]), str(cell.second.verdict[one.after])]
            for sort in self.sorts:
                old, new = _SORTS[sort]
                if words[0] in old and words[1] in new:
                    is_certain = one.witness in _differing(cell, sort, surely)
                    origins = [cell.first.origin[one.before], cell.second.origin[one.after]]
                    yield self._piece(sort, is_certain, (), one.witness, words, origins)

    def _piece(
        self,
        sort: Sort,
        is_certain: bool,
        flows: tuple[Flow, ...],
        packet: Packet,
        words: Sequence[str],
        origins: Sequence[object],
    ) -> Piece:
        conditions = () if is_certain else tuple(dict.fromkeys(text for flow in flows for text, _ in flow.literals))
        before, after = (
            Side(words[side], subject.place_of(origins[side]), self._depends(side, conditions))
            for side, subject in enumerate((self.before, self.after))
        )
        return Piece(sort, is_certain, flows, packet, before, after, (origins[0], origins[1]))

    def _depends(self, side: int, conditions: tuple[str, ...]) -> tuple[Line, ...]:
        """The rules of a side that some conditions are of; remembered, since many pieces have the same conditions."""
        known = self._dependent.get((side, conditions))
        if known is None:
            found: dict[str, Line] = {}
            for condition in conditions:
                for line in self._asking[side].get(condition, ()):
                    found[line.place] = line
            known = self._dependent[side, conditions] = tuple(found.values())
        return known

    @cached_property
    def _asking(self) -> tuple[Mapping[str, tuple[Line, ...]], ...]:
        """For each side its conditions, and the rules that they are of: the rule whose own one is, else those that ask it."""
        unchanged: Mapping[str, str] = {}
        given = ((self.before.programs, unchanged), (self.after.programs, self._names))
        return tuple(
            {names.get(text, text): lines for text, lines in _lines_asking(programs, rules)}
            for (programs, names), rules in zip(given, self.rules, strict=True)
        )


def _lines_asking(programs: Programs, rules: Mapping[str, Line]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    asking: dict[str, dict[str, Line]] = {}
    for one in programs.values():
        for literals, origin in zip(one.literals, one.origin, strict=True):
            line = line_of(origin)
            for text, _ in literals:
                lines = asking.setdefault(text, {})
                if line is not None:
                    lines.setdefault(line.place, line)
    for text, lines in asking.items():
        own = rules.get(rule_named(text))
        yield text, (own,) if own is not None else tuple(lines.values())


def _origin(decided: tuple[Program, int], told: tuple[Program, int] | None) -> object:
    """What is behind a decision; where everything is passed, the rule of the filtering hooks that lets it."""
    program, step = decided
    if told is not None and told[0].origin[told[1]] is not None:
        program, step = told
    return program.origin[step]


def _differing(cell: Cell, sort: Sort, decided: Callable[..., PacketSet]) -> PacketSet:
    """The packets of a cell's family that differ in this way, where each program decides in the sense of `decided`."""
    old, new = _SORTS[sort]
    return decided(_alone(cell.first), *old) & decided(_alone(cell.second), *new)


def _alone(program: Program) -> Programs:
    """A program of one family with one of the other that is not asked."""
    other = Program(10 - program.family)
    other.add(EVERY_BOX, "not asked")
    return {program.family: program, other.family: other.seal()}
