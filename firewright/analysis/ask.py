"""What a policy, and every authority it is behind, says to a question: in exact parts, with the line that decided each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from firewright.analysis.path import Hop, When, day_of, path
from firewright.analysis.question import Question
from firewright.analysis.words import FlowWords, Namer, flow_words
from firewright.model.address import AddressSet, merge
from firewright.model.decision import Decision, Outcome
from firewright.model.interval import difference, has, intersection, is_within
from firewright.model.packet import Family, Packet
from firewright.model.policy import Policy, Term, ZoneKind
from firewright.model.transport import service_ranges
from firewright.source import Span
from firewright.space.axis import point
from firewright.space.box import Box
from firewright.space.flow import Flow
from firewright.space.partition import partition
from firewright.space.program import Program, specialise
from firewright.space.witness import packet_in


@dataclass(frozen=True, slots=True)
class Ruling:
    """One firewall's decision on a part of a question, and the place of the very word that decided it."""

    policy: Policy
    decision: Decision
    at: Span
    term: Term | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Packets of a question that the same lines decide: the flows, one packet of them, the rulings in the order of the path."""

    flows: tuple[Flow, ...]
    lines: tuple[FlowWords, ...]
    witness: Packet
    rulings: tuple[Ruling, ...]

    @property
    def passing(self) -> tuple[Ruling, ...]:
        """The firewalls that these packets really pass."""
        return tuple(ruling for ruling in self.rulings if ruling.decision.outcome is not Outcome.UNENFORCED)

    @property
    def stops(self) -> tuple[Ruling, ...]:
        """The firewalls that stop these packets, the first on their way first."""
        return tuple(ruling for ruling in self.rulings if not ruling.decision.outcome.is_open)

    @property
    def is_open(self) -> bool:
        """Whether nothing stops them."""
        return not self.stops

    @property
    def outcome(self) -> Outcome:
        """What becomes of them on the whole path: the first stop's outcome, else the weakest of what lets them through."""
        if self.stops:
            return self.stops[0].decision.outcome
        said = {ruling.decision.outcome for ruling in self.passing}
        for outcome in (Outcome.ALLOWED, Outcome.REQUIRED, Outcome.ESSENTIAL, Outcome.LOOPBACK):
            if outcome in said:
                return outcome
        return Outcome.UNENFORCED


@dataclass(frozen=True, slots=True)
class Answer:
    """A policy's whole answer to one question: parts that together are exactly the question."""

    policy: Policy
    question: Question
    day: date
    parts: tuple[Part, ...]


def ask(policy: Policy, question: Question, when: When, *, is_worded: bool = True) -> Answer:
    """The exact answer of a policy to a question on a day, or on each authority's own. Raises Unfilled, Undecided.

    Without words its parts have no `lines`, and what is open comes first in the order of the rules: words of hundreds of parts cost
    more than the parts.
    """
    hops = path(policy, when)
    inside = _inside(hops)
    sides = (side for side in (question.source, question.destination) if not side.is_local and "," not in side.words)
    namer = Namer(policy, asked=((side.words, side.addresses) for side in sides)) if is_worded else None
    found: dict[Hashable, tuple[list[Flow], tuple[Decision, ...], bool]] = {}
    for family, boxes in question.within().items():
        for within in boxes:
            programs = [specialise(hop.programs[family], within) for hop in hops]
            for flows, decisions in parts_of(programs, family, within):
                for is_outward, directed in _by_direction(flows, inside, question):
                    key = (is_outward, *map(identity, decisions))
                    found.setdefault(key, ([], decisions, is_outward))[0].extend(directed)
    parts = [_part(hops, flows, decisions, is_outward, namer) for flows, decisions, is_outward in found.values()]
    parts.sort(key=lambda part: (not part.is_open, part.lines[0] if part.lines else FlowWords("", "", "")))
    return Answer(policy, question, day_of(when, policy), tuple(parts))


def _inside(hops: tuple[Hop, ...]) -> AddressSet:
    """The addresses behind the asking authority's own firewalls: what comes from there meets the innermost first."""
    own = (hop.firewall for hop in hops if hop.is_own)
    legs = (zone for firewall in own for zone in (*firewall.between, *firewall.within))
    return merge(zone.addresses for zone in legs if zone.kind is ZoneKind.NAMED)


def _by_direction(flows: Sequence[Flow], inside: AddressSet, question: Question) -> Iterator[tuple[bool, list[Flow]]]:
    """The flows that go out and those that come in, which meet the firewalls in opposite orders."""
    if question.source.is_local:
        yield True, list(flows)
        return
    for is_outward in (True, False):
        directed = []
        for flow in flows:
            mine = inside.ranges(flow.family)
            source = intersection(flow.source, mine) if is_outward else difference(flow.source, mine)
            if source:
                directed.append(replace(flow, source=source))
        if directed:
            yield is_outward, directed


def parts_of(
    programs: Sequence[Program], family: Family, within: Box
) -> Iterator[tuple[tuple[Flow, ...], tuple[Decision, ...]]]:
    """A question in exact parts, each with what every program decides of it. Raises Undecided."""
    for part in partition(programs, family, within):
        pairs = zip(programs, part.deciders, strict=True)
        yield part.flows, tuple(_decision(program.origin[index]) for program, index in pairs)


def _decision(origin: object) -> Decision:
    assert isinstance(origin, Decision)  # noqa: S101 - encode gives every step its decision
    return origin


def identity(decision: Decision) -> tuple[Hashable, ...]:
    """Equal for decisions that the same line makes, in both families."""
    return decision.outcome, decision.action, decision.reason, decision.at, id(decision.rule)


def witness_of(flow: Flow) -> Packet:
    """One packet of a flow."""
    packet = packet_in(flow.family, flow.axes)
    assert all(map(has, flow.axes, point(packet)))  # noqa: S101 - chosen axis by axis, looked at as a whole
    return packet


def _part(
    hops: tuple[Hop, ...], flows: Sequence[Flow], decisions: tuple[Decision, ...], is_outward: bool, namer: Namer | None
) -> Part:
    rulings = tuple(ruling(hop, decision, flows) for hop, decision in zip(hops, decisions, strict=True))
    lines = () if namer is None else flow_words(flows, namer)
    return Part(tuple(flows), lines, witness_of(flows[0]), rulings[::-1] if is_outward else rulings)


def ruling(hop: Hop, decision: Decision, flows: Sequence[Flow]) -> Ruling:
    """A decision with the very word of its rule that all these flows are of, or its verb where they are of several."""
    terms = decision.rule.terms if decision.rule else ()
    term = next((term for term in terms if all(_is_of(flow, term) for flow in flows)), None)
    return Ruling(hop.policy, decision, term.at if term and term.at.line else decision.at, term)


def _is_of(flow: Flow, term: Term) -> bool:
    if term.is_any:
        return True
    found = service_ranges(term.transports, flow.family)
    return any(
        is_within(flow.source_port, ports) and is_within(flow.service, ranges) for ports, ranges in found.items()
    )
