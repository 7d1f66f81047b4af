"""The rows of a policy out of a subject's decisions: whole rules where precedence allows it, else their exact remains.

A rule of a first-match list may be written as it stands where all of its packets are decided so, or where only rules that are
themselves wholly in force take packets from it, which then stand beside it as stronger verbs. What is left is written flow by flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from firewright.analysis.passage import OPENERS
from firewright.analysis.subject import ACCEPT, Subject, line_of
from firewright.analysis.wire import REAL, beginnings
from firewright.model.interval import Ranges, is_within, union
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


def proposed(subject: Subject, ways: Iterable[Way] = tuple(Way)) -> Proposed:
    """What a policy can say of a subject's decisions over new flows, in its families. One question a rule. Raises Undecided."""
    services: dict[Row, Ranges] = {}
    split: set[Row] = set()
    unsaid: dict[tuple[Line | None, str], None] = {}
    asked = tuple(ways)
    for way in asked:
        for family in subject.families:
            writings = [_Writing(subject, way, family, within) for within in _within(way, family)]
            answers = any(writing.answers for writing in writings)
            for writing in writings:
                for row in writing.rows(answers):
                    key = replace(row, services=(), is_split=False)
                    services[key] = union(services.get(key, ()), row.services)
                    split.update((key,) if row.is_split else ())
                unsaid.update(writing.unsaid)
    found = tuple(replace(key, services=own, is_split=key in split) for key, own in services.items())
    return Proposed(found, tuple(unsaid), asked)


def _within(way: Way, family: Family) -> Iterator[Box]:
    came, went = _INTERFACES[way]
    whole = box(family, in_interface=came, out_interface=went)
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

    def __init__(self, subject: Subject, way: Way, family: Family, within: Box) -> None:
        self.subject, self.way, self.family, self.within = subject, way, family, within
        self.program = subject.programs[family]
        self.telling = (subject.telling or subject.programs)[family]
        self.accepted = subject.surely
        self.rejected = surely(subject.programs, "reject")
        self.dropped = surely(subject.programs, "drop")
        self.parts = partition([self.program, self.telling], family, within)
        self.used: dict[_Refusal, None] = {}
        self.unsaid: dict[tuple[Line | None, str], None] = {}
        self._refusals: list[_Refusal] | None = None

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
                return "the interface: a policy names the addresses behind it"
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
            self.unsaid[line, why] = None
            return
        source = None if self.way is Way.OUTPUT else self._on(one, Axis.SOURCE)
        destination = None if self.way is Way.INPUT else self._on(one, Axis.DESTINATION)
        services, ports = self._on(one, Axis.SERVICE), self._on(one, Axis.SOURCE_PORT)
        if ports != ((0, top(self.family, Axis.SOURCE_PORT)),) and not is_within(services, PORTED_SERVICES):
            self.unsaid[line, "source ports of protocols that have none"] = None
            return
        yield Row(self.way, verb, self.family, source, destination, services, ports, line, is_split)


def may_stop(subject: Subject, way: Way) -> bool:
    """Whether a subject may stop a new flow on a way; where it cannot, a policy need not speak of it."""
    for family in subject.families:
        for within in _within(way, family):
            stopped = PacketSet.of({family: [within]}) - subject.surely
            if not stopped.is_empty({family: within}):
                return True
    return False
