"""Firewalls one behind the other, each with its own rulesets: what becomes of a question at every one, and of what is answered.

A packet comes to each by interfaces of its own; what it carries beside them is the same for all. Addresses are taken as they
are asked; where a firewall gives packets that come in another destination, it is followed, another source is not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from firewright.analysis.passage import conditions, passage_words, ways
from firewright.analysis.question import Question
from firewright.analysis.replies import reply_boxes
from firewright.analysis.rewriting import Rewrite
from firewright.analysis.station import Judgement, Station, at_interfaces, only_state, passed
from firewright.analysis.wire import REAL, by_any, real_ways, seen_openings
from firewright.analysis.words import FlowWords, Namer
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, ConntrackState, Family, Packet
from firewright.space.axis import ANY_INTERFACE, HOST, Axis
from firewright.space.box import Box, ranges_of
from firewright.space.budget import Undecided
from firewright.space.flow import Flow, flow_of, merged
from firewright.space.ruleset import Line
from firewright.space.witness import packet_in


@dataclass(frozen=True, slots=True)
class Replies:
    """What becomes of answers to an open part: those that the same rules decide, in the order in which they meet the firewalls.

    `is_stateful` is whether they pass because connection tracking knows their flow; a packet like them that it does not
    know is then stopped. `is_untracked` says that they are judged as if it saw none of the flow.
    """

    words: tuple[FlowWords, ...]
    witness: Packet
    judgements: tuple[Judgement, ...]
    is_stateful: bool
    is_untracked: bool = False

    @property
    def is_open(self) -> bool:
        """Whether they come through."""
        return all(one.is_open for one in self.judgements)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """That packets were given another destination at a firewall: by which rule, and where they then go, in words."""

    firewall: str
    line: Line
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """Packets of a question that the same rules decide at every firewall, in the order of their way."""

    words: tuple[FlowWords, ...]
    witness: Packet
    judgements: tuple[Judgement, ...]
    replies: tuple[Replies, ...] = ()
    rewrites: tuple[Rewritten, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether every firewall lets them through."""
        return all(one.is_open for one in self.judgements)

    @property
    def is_certain(self) -> bool:
        """Whether what becomes of them on the whole way hangs on nothing: one certain stop is enough for closed."""
        if self.is_open:
            return all(one.is_certain for one in self.judgements)
        return any(one.is_certain and not one.is_open for one in self.judgements)

    @property
    def stop(self) -> Judgement | None:
        """The first firewall that stops them, a certain one before others."""
        stops = [one for one in self.judgements if not one.is_open]
        return next((one for one in stops if one.is_certain), stops[0] if stops else None)


@dataclass(frozen=True, slots=True)
class _Leg:
    """The interfaces of a packet at one firewall, and what it must carry there beside the axes, in words."""

    in_interface: Ranges
    out_interface: Ranges
    condition: str = ""


@dataclass(frozen=True, slots=True)
class _Trip:
    """A flow on its way: its axes, with the interfaces of the firewall it is at, where it has been, and what was decided."""

    flow: Flow
    legs: tuple[_Leg, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    rewrites: tuple[tuple[str, Rewrite, Flow], ...] = ()
    """At which firewall by what the destination was changed, and the flow before."""

    @property
    def asked(self) -> Flow:
        """The flow with the destinations that were asked about."""
        flow = self.flow
        for _, rewrite, before in reversed(self.rewrites):
            flow = rewrite.before(before, flow)
        return flow

    @property
    def identity(self) -> Hashable:
        """Equal for trips on which the same rules decide, and change destinations."""
        changed = tuple((name, rewrite.line.place, rewrite.line.text) for name, rewrite, _ in self.rewrites)
        return *(one.identity for one in self.judgements), changed


class Undone:
    """What of an answer was too much work: packets of which nothing is known, and open parts whose replies are not known."""

    def __init__(self) -> None:
        self.boxes: list[Flow] = []
        self.replies = 0


@dataclass(frozen=True)
class Route:
    """The firewalls between two ends, in the order in which a question meets them."""

    stations: tuple[Station, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of which every firewall says something; of others there is no answer."""
        return tuple(family for family in FAMILIES if all(family in one.families for one in self.stations))

    def parts(self, question: Question, namer: Namer, undone: Undone | None = None) -> tuple[Part, ...]:
        """The exact answer to a question about flows that begin, of the families: what passes first. Raises Undecided.

        Long rulesets are asked about the question in boxes. Where `undone` is given, a box that is too much work, and those
        left when the purse is spent, are put there instead.
        """
        groups: dict[Hashable, list[_Trip]] = {}
        for family, boxes in question.within().items():
            for opening in seen_openings(family, boxes) if family in self.families else ():
                for stations, within in self._regions(family, opening, question):
                    ways = [_ways_of(within, family), *self._ways(question)[1:]]
                    try:
                        trips = list(self._trips(stations, family, within, ways))
                    except Undecided:
                        if undone is None:
                            raise
                        undone.boxes.append(flow_of(family, within))
                        continue
                    for trip in trips:
                        groups.setdefault(trip.identity, []).append(trip)
        parts = [self._part(trips, namer, undone) for trips in map(_merged, groups.values())]
        return tuple(sorted(parts, key=lambda one: (not one.is_open, not one.is_certain, one.words)))

    def _regions(self, family: Family, opening: Box, question: Question) -> Iterator[tuple[tuple[Station, ...], Box]]:
        """A box of a question in smaller ones as the first firewall asks for them, each with the firewalls as they are for it.

        Where destinations are changed first, each of its packets may be judged as any other: then it stays whole.
        """
        first, *others = self.stations
        asked = at_interfaces(flow_of(family, opening), *self._ways(question)[0])
        if family in first.running.rewriting:
            yield self.stations, asked
            return
        for within, running in first.running.regions(family, asked):
            yield (replace(first, running=running), *others), within

    def _ways(self, question: Question) -> list[tuple[Ranges, Ranges]]:
        """By which interfaces the packets of a question come and go at each firewall."""
        last = len(self.stations) - 1
        return [
            (
                real_ways(question.source.interface) if number == 0 else REAL,
                real_ways(question.destination.interface) if number == last else REAL,
            )
            for number in range(last + 1)
        ]

    def _part(self, trips: list[_Trip], namer: Namer, undone: Undone | None) -> Part:
        judgements = trips[0].judgements
        is_open = all(one.is_open for one in judgements)
        try:
            replies = tuple(self._replies(trips, namer)) if is_open else ()
        except Undecided:
            if undone is None:
                raise
            undone.replies += 1
            replies = ()
        told = trips[0].asked
        packet = packet_in(told.family, told.axes)
        rewrites = tuple(
            Rewritten(name, rewrite.line, _destination_words(rewrite)) for name, rewrite, _ in trips[0].rewrites
        )
        return Part(self._words(trips, namer), packet, judgements, replies, rewrites)

    def _words(self, trips: Iterable[_Trip], namer: Namer) -> tuple[FlowWords, ...]:
        """Flows in words; where there are several firewalls, with the name of the one that a condition is about."""
        if len(self.stations) == 1:
            return passage_words([by_any(trip.asked) for trip in trips], namer)
        groups: dict[str, list[Flow]] = {}
        for trip in trips:
            told = trip.asked
            said = [
                f"{words} at {judgement.firewall}"
                for leg, judgement in zip(trip.legs, trip.judgements, strict=True)
                if (words := _leg_words(told, leg))
            ]
            plain = replace(told, in_interface=_end(trip.legs[0].in_interface), literals=())
            plain = replace(plain, out_interface=_end(trip.legs[-1].out_interface))
            groups.setdefault(", ".join(said), []).append(plain)
        lines = [
            replace(line, service=f"{line.service} {said}".rstrip())
            for said, flows in groups.items()
            for line in passage_words(flows, namer)
        ]
        return tuple(sorted(set(lines)))

    def _trips(
        self,
        stations: Sequence[Station],
        family: Family,
        within: Box,
        interfaces: Sequence[tuple[Ranges, Ranges]],
    ) -> Iterator[_Trip]:
        """A box of packets through some firewalls, split by what decides at each. Raises Undecided."""
        trips = [_Trip(flow_of(family, within))]
        for station, (came, went) in zip(stations, interfaces, strict=True):
            trips = [
                _Trip(
                    flow,
                    (*trip.legs, _leg(flow)),
                    (*trip.judgements, judgement),
                    (*trip.rewrites, (station.name, *changed)) if changed else trip.rewrites,
                )
                for trip in trips
                for flow, judgement, changed in passed(station, family, at_interfaces(trip.flow, came, went))
            ]
        yield from trips

    def _replies(self, trips: Iterable[_Trip], namer: Namer) -> Iterator[Replies]:
        """The answers to open flows on their way back, each firewall met in turn by the interfaces of the way there."""
        backward = self.stations[::-1]
        states = [ConntrackState.ESTABLISHED]
        states += [ConntrackState.UNTRACKED] if any(one.has_untracked for one in backward) else []
        for state in states:
            groups: dict[Hashable, list[_Trip]] = {}
            for trip in trips:
                ways_back = [(leg.out_interface, leg.in_interface) for leg in trip.legs[::-1]]
                for answer in reply_boxes(trip.flow, state):
                    for back in self._trips(backward, trip.flow.family, answer, ways_back):
                        groups.setdefault(back.identity, []).append(back)
            for found in groups.values():
                is_untracked = state is ConntrackState.UNTRACKED
                yield Replies(
                    Route(backward)._words(found, namer),
                    packet_in(found[0].flow.family, found[0].flow.axes),
                    found[0].judgements,
                    not is_untracked and not self._pass_unknown(backward, found),
                    is_untracked,
                )

    def _pass_unknown(self, stations: Sequence[Station], trips: Iterable[_Trip]) -> bool:
        """Whether packets like these pass every firewall although connection tracking does not know their flow."""
        for trip in trips:
            flow = replace(trip.flow, conntrack_state=only_state(ConntrackState.UNTRACKED))
            for station, leg in zip(stations, trip.legs, strict=True):
                asked = at_interfaces(flow, leg.in_interface, leg.out_interface)
                if not (~station.running.possibly).is_empty({flow.family: asked}):
                    return False
        return True


def _destination_words(rewrite: Rewrite) -> str:
    """Where packets go behind a rule that changes their destination."""
    if not rewrite.is_known:
        return "somewhere that its words do not tell"
    ports = "" if rewrite.ports is None else f"{rewrite.ports[0]}-{rewrite.ports[1]}"
    if rewrite.ports is not None and rewrite.ports[0] == rewrite.ports[1]:
        ports = str(rewrite.ports[0])
    if rewrite.is_local:
        return f"the machine itself{f', port {ports}' if ports else ''}"
    return ", ".join(filter(None, (rewrite.address_words, f"port {ports}" if ports else "")))


def with_own(question: Question, own: AddressSet) -> Question:
    """The question, where what is sent to or from these addresses is for the machine itself at that end, or from it."""
    if not own.v4 and not own.v6:
        return question
    sides = []
    for side in (question.source, question.destination):
        if side.is_local:
            side = replace(side, addresses=own)
        elif side.addresses <= own:
            side = replace(side, is_local=True)
        sides.append(side)
    return replace(question, source=sides[0], destination=sides[1])


def _ways_of(within: Box, family: Family) -> tuple[Ranges, Ranges]:
    """By which interfaces the packets of a box come and go."""
    return ranges_of(within, Axis.IN_INTERFACE, family), ranges_of(within, Axis.OUT_INTERFACE, family)


def _merged(trips: list[_Trip]) -> list[_Trip]:
    """Trips with the same judgements as few of them, where there is one firewall, whose interfaces their flows have."""
    if len(trips) < 2 or len(trips[0].legs) != 1 or trips[0].rewrites:
        return trips
    by_family: dict[Family, list[Flow]] = {}
    for trip in trips:
        by_family.setdefault(trip.flow.family, []).append(trip.flow)
    flows = [
        flow
        for family, several in by_family.items()
        for flow in merged(family, [(one.axes, one.literals) for one in several])
    ]
    return [_Trip(flow, (_leg(flow),), trips[0].judgements) for flow in flows]


def _leg(flow: Flow) -> _Leg:
    return _Leg(flow.in_interface, flow.out_interface, conditions(flow.literals))


def _leg_words(flow: Flow, leg: _Leg) -> str:
    plain = by_any(replace(flow, in_interface=leg.in_interface, out_interface=leg.out_interface))
    return " ".join(filter(None, (ways(plain), leg.condition)))


def _end(interfaces: Ranges) -> Ranges:
    """An end of the whole way: the machine itself, or any interface, which the firewall's own words tell of."""
    return HOST if interfaces == HOST else ANY_INTERFACE
