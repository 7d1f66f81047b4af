"""The rows of a policy out of a subject's decisions: whole rules where precedence allows it, else their exact remains.

A rule of a first-match list may be written as it stands where all of its packets are decided so, or where only rules that are
themselves wholly in force take packets from it, which then stand beside it as stronger verbs. What is left is written flow by flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import Literal

from firewright.analysis.homes import Homes
from firewright.analysis.passage import OPENERS
from firewright.analysis.subject import ACCEPT, Subject, line_of
from firewright.analysis.wire import REAL, beginnings
from firewright.model.address import UNICAST
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, intersection, is_within, union
from firewright.model.packet import Family
from firewright.model.policy import Verb
from firewright.space.axis import HOST, PORTED_SERVICES, TCP_SERVICES, Axis, top
from firewright.space.bounds import surely
from firewright.space.box import ANY, Box, box, meet_box, ranges_of
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import Line


class Way(StrEnum):
    """Whether packets enter the machine, leave it, or pass through."""

    INPUT = "input"
    OUTPUT = "output"
    FORWARD = "forward"


NOWHERE = Homes()
INTERFACE = "the interface: a policy names the addresses behind it"
"""Why no rule of a policy says what a rule by interface does."""
ASTRAY = "the addresses that it names are behind another interface than it asks for"
"""Why no packet of a rule comes by the interface that it asks for."""
_INTERFACES = {Way.INPUT: (REAL, HOST), Way.OUTPUT: (HOST, REAL), Way.FORWARD: (REAL, REAL)}
_VERBS = {ACCEPT: Verb.ALLOW, "reject": Verb.REJECT, "drop": Verb.DENY}


@dataclass(frozen=True, slots=True)
class Row:
    """Packets of one family on one way, and the verb for them; an end that is the machine itself is None.

    `line` is the rule that they are of, None where nothing judges them. `is_split` is whether they are a part of what that rule
    says, because rules before it take the rest. The verb `otherwise` is the answer to what no other row takes.
    """

    way: Way
    verb: Verb
    family: Family
    source: Ranges | None
    destination: Ranges | None
    services: Ranges
    source_ports: Ranges
    line: Line | None
    is_split: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """The rows of a subject, and the rules of which packets are accepted or refused that no row of a policy can say."""

    rows: tuple[Row, ...]
    unsaid: tuple[tuple[Line | None, str], ...]
    ways: tuple[Way, ...]


def proposed(subject: Subject, ways: Iterable[Way] = tuple(Way), homes: Homes = NOWHERE) -> Proposed:
    """What a policy can say of a subject's decisions over new flows, in its families. One question a rule. Raises Undecided.

    With `homes` it is said of packets whose addresses come by their interfaces, and rules by interface are rules of addresses.
    """
    rows: list[Row] = []
    unsaid: dict[tuple[Line | None, str], None] = {}
    asked = tuple(ways)
    for way in asked:
        for family in subject.families:
            writings = [_Writing(subject, way, family, within, homes) for within in _within(way, family, homes)]
            answering = {writing.region for writing in writings if writing.answers}
            for writing in writings:
                rows += writing.rows(writing.region in answering)
                unsaid.update(writing.unsaid)
            if homes:
                unsaid.update(dict.fromkeys((line, ASTRAY) for line in _astray(subject, way, family, writings)))
    parts: tuple[_Part, ...] = ("services", "source", "destination") if homes else ("services",)
    for part in parts:
        rows = _joined(rows, part)
    return Proposed(tuple(rows), tuple(unsaid), asked)


def _astray(subject: Subject, way: Way, family: Family, writings: Iterable[_Writing]) -> Iterator[Line]:
    """Rules that accept packets, and none whose addresses come by their own interfaces."""
    home = {id(line) for writing in writings for line in writing.accepting}
    for within in _within(way, family, NOWHERE):
        for line in _Writing(subject, way, family, within, NOWHERE).accepting:
            if id(line) not in home:
                yield line


_Part = Literal["services", "source", "destination"]


def _joined(rows: Iterable[Row], part: _Part) -> list[Row]:
    """Rows that differ in one thing only as one; it is split if any of them is."""
    found: dict[Row, Ranges] = {}
    split: set[Row] = set()
    for row in rows:
        own: Ranges | None = getattr(row, part)
        key = replace(row if own is None else _with(row, part, ()), is_split=False)
        found[key] = union(found.get(key, ()), own or ())
        split.update((key,) if row.is_split else ())
    return [
        replace(key if getattr(key, part) is None else _with(key, part, own), is_split=key in split)
        for key, own in found.items()
    ]


def _with(row: Row, part: _Part, own: Ranges) -> Row:
    if part == "services":
        return replace(row, services=own)
    return replace(row, source=own) if part == "source" else replace(row, destination=own)


def _within(way: Way, family: Family, homes: Homes) -> Iterator[Box]:
    """The packets of a way with which a flow begins, in parts of which each comes and goes by the interfaces of its addresses."""
    inward, outward = _INTERFACES[way]
    own = ((HOST, ((0, top(family, Axis.SOURCE)),)),)
    sources = own if inward == HOST else tuple(homes.regions(family, Axis.SOURCE))
    destinations = own if outward == HOST else tuple(homes.regions(family, Axis.DESTINATION))
    for (came, source), (went, destination) in product(sources, destinations):
        whole = box(family, in_interface=came, out_interface=went, source=source, destination=destination)
        for one in beginnings(family):
            met = None if whole is None else meet_box(one, whole, family)
            if met is not None:
                yield met


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A rule that refuses all of its packets, whatever stands before it."""

    verb: Verb
    box: Box
    line: Line | None


class _Writing:
    """The rows of one family, way and kind of opening."""

    def __init__(self, subject: Subject, way: Way, family: Family, within: Box, homes: Homes) -> None:
        self.subject, self.way, self.family, self.within = subject, way, family, within
        self.program = subject.programs[family]
        self.telling = (subject.telling or subject.programs)[family]
        self.accepted = subject.surely
        self.rejected = surely(subject.programs, "reject")
        self.dropped = surely(subject.programs, "drop")
        self.parts = partition([self.program, self.telling], family, within)
        self.used: dict[_Refusal, None] = {}
        self.is_homeless = bool(homes) and any(
            not intersection(self._on(within, axis), (UNICAST - LINK_LOCAL).ranges(family))
            for axis in (Axis.SOURCE, Axis.DESTINATION)
        )
        self.unsaid: dict[tuple[Line | None, str], None] = {}
        self._refusals: list[_Refusal] | None = None

    @property
    def accepting(self) -> Iterator[Line]:
        """The rules by which some of its packets pass."""
        for part in self.parts:
            step, told = part.deciders
            line = line_of(self.telling.origin[told])
            if line is not None and self.program.verdict[step] == ACCEPT:
                yield line

    @property
    def region(self) -> Box:
        """The ends of its packets: where one answers to the rest of them, what is dropped needs a rule."""
        return self.within[: Axis.CONNTRACK_STATE]

    @property
    def answers(self) -> bool:
        """Whether packets are rejected because no rule names them."""
        return any(self._is_rest(part.deciders[0]) for part in self.parts)

    def rows(self, answers: bool) -> list[Row]:
        """The rows, the refusals that they need first; with `answers` those of what is dropped, too."""
        found: list[Row] = []
        for part in self.parts:
            step, told = part.deciders
            word = str(self.program.verdict[step])
            by, place = (self.telling, told) if word == ACCEPT else (self.program, step)
            # What is dropped needs no rule, unless the answer to the rest is another.
            if word != "drop" or answers:
                found += self._part(word, by, place, part.flows)
        refused = [row for one in self.used for row in self._row(one.verb, one.box, one.line, is_split=False)]
        return [*refused, *found]

    def _is_rest(self, step: int) -> bool:
        """Whether a step rejects whatever comes to it: the answer to what no rule names."""
        own = self.program.box[step]
        whole = meet_box(own, self.within, self.family)
        is_every = whole == self.within and own[Axis.SERVICE] == ANY
        return is_every and self.program.verdict[step] == "reject" and not self.program.literals[step]

    def _part(self, word: str, program: Program, step: int, flows: tuple[Flow, ...]) -> Iterator[Row]:
        line = line_of(program.origin[step])
        mine = {ACCEPT: self.accepted, "reject": self.rejected, "drop": self.dropped}[word]
        whole = meet_box(program.box[step], self.within, self.family)
        if whole is not None and program.verdict[step] == word:
            if word == "reject" and self._is_rest(step):
                yield from self._row(Verb.OTHERWISE, whole, line, is_split=False)
                return
            if self._is_empty(whole, mine) or (word == ACCEPT and self._is_behind_refusals(whole)):
                yield from self._row(_VERBS[word], whole, line, is_split=False)
                return
        for flow in flows:
            for one in self._sure(flow, mine):
                yield from self._row(_VERBS[word], one.box, line, is_split=True)

    def _sure(self, flow: Flow, mine: PacketSet) -> Iterable[Flow]:
        """The packets of a flow that are decided so however its conditions are read."""
        if not flow.literals:
            return (flow,)
        return mine.flows(self.family, {self.family: flow.box})

    def _is_empty(self, whole: Box, *sets: PacketSet) -> bool:
        """Whether the sets take every packet of a box."""
        left = PacketSet.of({self.family: [whole]})
        for one in sets:
            left = left - one
        return left.is_empty({self.family: whole})

    def _is_behind_refusals(self, whole: Box) -> bool:
        """Whether only rules that are wholly in force take packets from one that accepts; they are then needed beside it."""
        beside = [one for one in self.refusals if meet_box(one.box, whole, self.family) is not None]
        if not beside:
            return False
        taken = PacketSet.of({self.family: [one.box for one in beside]})
        if not self._is_empty(whole, self.accepted, taken):
            return False
        self.used.update(dict.fromkeys(beside))
        return True

    @property
    def refusals(self) -> list[_Refusal]:
        """The rules that refuse all of their packets, and less than everything, and that a policy can say."""
        if self._refusals is None:
            self._refusals = list(self._wholly_refused())
        return self._refusals

    def _wholly_refused(self) -> Iterator[_Refusal]:
        for one, word, origin, literals in zip(
            self.program.box, self.program.verdict, self.program.origin, self.program.literals, strict=True
        ):
            if word not in ("drop", "reject") or literals:
                continue
            whole = meet_box(one, self.within, self.family)
            if whole is None or whole == self.within or self._why_unsaid(whole):
                continue
            if self._is_empty(whole, self.dropped if word == "drop" else self.rejected):
                yield _Refusal(_VERBS[str(word)], whole, line_of(origin))

    def _why_unsaid(self, one: Box) -> str:
        """What of a box no rule of a policy can say; empty where it says all."""
        for axis in (Axis.IN_INTERFACE, Axis.OUT_INTERFACE):
            if self._on(one, axis) != self._on(self.within, axis):
                return INTERFACE
        own = {Way.INPUT: Axis.DESTINATION, Way.OUTPUT: Axis.SOURCE}.get(self.way)
        if own is not None and self._on(one, own) != self._on(self.within, own):
            return "some of the machine's own addresses: a policy's local is all of them"
        if is_within(self._on(one, Axis.SERVICE), TCP_SERVICES) and not is_within(
            OPENERS, self._on(one, Axis.TCP_FLAGS)
        ):
            return "some TCP flags of an opening segment: a policy asks for none"
        return ""

    def _on(self, one: Box, axis: Axis) -> Ranges:
        return ranges_of(one, axis, self.family)

    def _row(self, verb: Verb, one: Box, line: Line | None, *, is_split: bool) -> Iterator[Row]:
        if why := self._why_unsaid(one):
            # Where addresses come by the interfaces of their homes, no home is that of link-local ones: they are told apart.
            if why != INTERFACE or not self.is_homeless:
                self.unsaid[line, why] = None
            return
        source = None if self.way is Way.OUTPUT else self._on(one, Axis.SOURCE)
        destination = None if self.way is Way.INPUT else self._on(one, Axis.DESTINATION)
        services, ports = self._on(one, Axis.SERVICE), self._on(one, Axis.SOURCE_PORT)
        if ports != ((0, top(self.family, Axis.SOURCE_PORT)),) and not is_within(services, PORTED_SERVICES):
            self.unsaid[line, "source ports of protocols that have none"] = None
            return
        yield Row(self.way, verb, self.family, source, destination, services, ports, line, is_split)


def way_box(family: Family, way: Way) -> Iterator[Box]:
    """Every packet of a way; what the machine sends itself is with what leaves it."""
    came, went = _INTERFACES[way]
    one = box(family, in_interface=came, out_interface=union(went, HOST) if came == HOST else went)
    if one is not None:
        yield one


def may_stop(subject: Subject, way: Way) -> bool:
    """Whether a subject may stop a new flow on a way; where it cannot, a policy need not speak of it."""
    for family in subject.families:
        for within in _within(way, family, NOWHERE):
            stopped = PacketSet.of({family: [within]}) - subject.surely
            if not stopped.is_empty({family: within}):
                return True
    return False
