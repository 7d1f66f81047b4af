"""What becomes of every service between two zones: the exact numbers behind pictures of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import combinations, product

from firewright.analysis.narrowing import narrowed
from firewright.analysis.path import Hop, When, day_of, internet_of, path
from firewright.analysis.question import Side
from firewright.analysis.words import FlowWords, Namer, flow_words
from firewright.model.address import UNICAST, AddressSet, merge
from firewright.model.decision import Decision, Outcome
from firewright.model.interval import Ranges, difference, intersection, union
from firewright.model.packet import FAMILIES, ConntrackState, Family
from firewright.model.policy import Action, Policy, Zone, ZoneKind
from firewright.model.transport import EVERY_SERVICE
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import Box, box
from firewright.space.flow import Flow
from firewright.space.partition import partition

_NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
_GROUPS = (ZoneKind.MULTICAST, ZoneKind.BROADCAST)
_MACHINES = (ZoneKind.NAMED, ZoneKind.INTERNET)
_LONG = 300
"""A policy of so many rules is narrowed for each source."""
_ASIDE = (Outcome.ESSENTIAL, Outcome.LOOPBACK, Outcome.SPOOFED)
"""What no rule of a policy decides: it is said beside the picture and never makes a service open or closed in part."""


class Standing(StrEnum):
    """What becomes of new flows, from most to least open; `not enforced` where no firewall stands between."""

    PERMITTED = "permitted"
    REQUEST = "on request"
    DENIED = "denied"
    CLOSED = "closed"
    UNENFORCED = "not enforced"


_STANDINGS = {
    Outcome.REQUIRED: Standing.PERMITTED,
    Outcome.ALLOWED: Standing.PERMITTED,
    Outcome.REQUESTED: Standing.REQUEST,
    Outcome.DENIED: Standing.DENIED,
    Outcome.REJECTED: Standing.DENIED,
    Outcome.CLOSED: Standing.CLOSED,
    Outcome.UNOPENED: Standing.CLOSED,
    Outcome.UNENFORCED: Standing.UNENFORCED,
}
_RANK = {standing: number for number, standing in enumerate(Standing)}


@dataclass(frozen=True, slots=True)
class Stand:
    """A standing, whether the policy requires the flows to work, and whether a caller that is stopped gets an answer."""

    standing: Standing
    is_required: bool = False
    is_answered: bool = False

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """The order in which stands are told: the most open first, required before allowed, silent before answered."""
        return _RANK[self.standing], not self.is_required, self.is_answered


@dataclass(frozen=True, slots=True)
class Share:
    """Services of one family that fare alike, on the service axis.

    One stand where all addresses and source ports fare the same; several where it depends on them.
    """

    family: Family
    services: Ranges
    stands: tuple[Stand, ...]


@dataclass(frozen=True, slots=True)
class Direction:
    """New flows from one zone to another: for each family that both ends have, shares that together are every service.

    `parts` tells which flows have which stand where it depends on more than the service, `reasons` what the deciding
    rules say for themselves. `asides` are the essentials that pass whatever the policy says; a service that is wholly
    essential is in no share.
    """

    source: str
    destination: str
    families: tuple[Family, ...]
    shares: tuple[Share, ...]
    parts: tuple[tuple[Stand, FlowWords], ...] = ()
    reasons: tuple[tuple[Standing, str], ...] = ()
    asides: tuple[str, ...] = ()

    def services(self, family: Family, *standings: Standing) -> Ranges:
        """Every service of a family that has one of these standings, be it for some addresses only."""
        return union(
            *(
                share.services
                for share in self.shares
                if share.family == family and any(stand.standing in standings for stand in share.stands)
            )
        )

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The standings that some flow has, the most open first."""
        found = {stand.standing for share in self.shares for stand in share.stands}
        return tuple(standing for standing in Standing if standing in found)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two zones whose traffic is looked at both ways; a zone and itself where the traffic stays inside it."""

    here: Zone
    there: Zone

    @property
    def is_within(self) -> bool:
        """Whether both ends are the same zone."""
        return self.here.name == self.there.name


def pairs(policy: Policy) -> tuple[Pair, ...]:
    """The pairs that a policy's own firewalls separate: their legs two by two, the internet first; then zones within."""
    found: list[tuple[Zone, Zone]] = []
    for firewall in policy.firewalls.values():
        legs = sorted(firewall.between, key=lambda zone: zone.kind is not ZoneKind.INTERNET)
        found += combinations(legs, 2)
        if firewall.is_host:
            found += ((zone, policy.zones["local"]) for zone in (policy.zones["internet"], *policy.named_zones))
    found += ((zone, zone) for firewall in policy.firewalls.values() for zone in firewall.within)
    unique = {(here.name, there.name): Pair(here, there) for here, there in reversed(found)}
    return tuple(reversed(unique.values()))


def named_pairs(policy: Policy) -> Iterator[Pair]:
    """The pairs that the rules of a policy name, in their order, the internet first and the machine last; `any` is no name.

    Lazy, with repetitions: rules can name millions.
    """
    for rule in policy.rules:
        for ends in rule.ends:
            for source, destination in product(ends.sources, ends.destinations):
                if ZoneKind.ANY not in (source.kind, destination.kind):
                    is_turned = destination.kind is ZoneKind.INTERNET or source.is_local
                    yield Pair(destination, source) if is_turned else Pair(source, destination)


def zones_of(policy: Policy) -> tuple[Zone, ...]:
    """The zones of a matrix: the internet, the named ones, the machine itself and groups, where something speaks of them."""
    spoken = {zone.name for rule in policy.rules for ends in rule.ends for zone in (*ends.sources, *ends.destinations)}
    has_host = any(firewall.is_host for firewall in policy.firewalls.values())
    kinds = [
        kind for kind in (ZoneKind.LOCAL, *_GROUPS) if kind.value in spoken or (kind is ZoneKind.LOCAL and has_host)
    ]
    return (policy.zones["internet"], *policy.named_zones, *(policy.zones[kind.value] for kind in kinds))


class Statuses:
    """The directions of one policy on a day, or on each authority's own. Raises Unfilled.

    The firewalls on its path are encoded once; those of a policy of many rules once for each source, with the rules that it needs.
    """

    def __init__(self, policy: Policy, when: When) -> None:
        self.policy, self.day, self._when = policy, day_of(when, policy), when
        bare = path(_bare(policy), when)
        self._internet = internet_of(policy)
        self._inside = _inside(bare)
        self._is_machine = all(hop.firewall.is_host for hop in bare)
        self._from: dict[str, tuple[Hop, ...]] = {}
        self._is_long = sum(len(one.rules) for one in policy.authorities()) >= _LONG

    @cached_property
    def _namer(self) -> Namer:
        return Namer(self.policy)

    @cached_property
    def _whole(self) -> tuple[Hop, ...]:
        return path(self.policy, self._when)

    def _hops(self, source: Zone) -> tuple[Hop, ...]:
        """The firewalls on the path as they decide what comes from a zone."""
        if not self._is_long or source.kind not in _MACHINES:
            return self._whole
        if source.name not in self._from:
            self._from[source.name] = path(narrowed(self.policy, self.addresses_of(source)), self._when)
        return self._from[source.name]

    def direction(self, source: Zone, destination: Zone) -> Direction:
        """What becomes of every new flow from one zone to another. Raises Undecided."""
        hops = self._hops(source)
        shares: list[Share] = []
        parts: dict[Stand, list[Flow]] = {}
        reasons: dict[tuple[Standing, str], None] = {}
        asides: dict[str, None] = {}
        families = []
        for family in FAMILIES:
            within = self._box(source, destination, family)
            if within is None:
                continue
            families.append(family)
            if not hops:
                shares.append(Share(family, EVERY_SERVICE, (Stand(Standing.UNENFORCED),)))
                continue
            flows: dict[Stand, list[Flow]] = {}
            inside = ((0, 2**128 - 1),) if source.is_local else self._inside.ranges(family)
            for stand, decisions, decided in _parts(hops, family, within, inside):
                asides |= dict.fromkeys(_essentials(decisions))
                if stand is not None:
                    flows.setdefault(stand, []).extend(decided)
                    reasons |= dict.fromkeys(_reasons(stand, decisions))
            found = list(_shares(family, flows))
            shares += found
            for stand, kept in _in_part(found, flows):
                parts.setdefault(stand, []).extend(kept)
        words = [
            (stand, line)
            for stand in sorted(parts, key=lambda stand: stand.rank)
            for line in flow_words(parts[stand], self._namer)
        ]
        return Direction(
            source.name, destination.name, tuple(families), tuple(shares), tuple(words), tuple(reasons), tuple(asides)
        )

    def addresses_of(self, zone: Zone) -> AddressSet:
        """The addresses that a zone means at an end: the internet is what no authority on the path has a zone for."""
        if zone.kind is ZoneKind.INTERNET:
            return self._internet
        return UNICAST if zone.is_local else zone.addresses

    def _side(self, zone: Zone) -> Side:
        return Side(zone.name, self.addresses_of(zone), zone.is_local, zone.kind in _GROUPS)

    def _box(self, source: Zone, destination: Zone, family: Family) -> Box | None:
        """The new flows of a family; None where an end has no address in it. Groups are heard by the machine itself."""
        here, there = self._side(source), self._side(destination)
        is_heard = there.is_group and self._is_machine and not here.is_local
        return box(
            family,
            in_interface=HOST if here.is_local else ANY_INTERFACE,
            out_interface=HOST if there.is_local or is_heard else ANY_INTERFACE,
            source=here.addresses.ranges(family),
            destination=there.addresses.ranges(family),
            conntrack_state=_NEW,
        )


def _bare(policy: Policy) -> Policy:
    """The policy, and those that it is behind, with their firewalls and without a rule."""
    return replace(policy, rules=(), behind=None if policy.behind is None else _bare(policy.behind))


_Part = tuple[Stand | None, list[Decision], tuple[Flow, ...]]


def _inside(hops: tuple[Hop, ...]) -> AddressSet:
    """The addresses behind the asking authority's own firewalls: what comes from there meets the innermost first."""
    own = (hop.firewall for hop in hops if hop.is_own)
    legs = (zone for firewall in own for zone in (*firewall.between, *firewall.within))
    return merge(zone.addresses for zone in legs if zone.kind is ZoneKind.NAMED)


def _parts(hops: tuple[Hop, ...], family: Family, within: Box, inside: Ranges) -> Iterator[_Part]:
    """The flows inside a box by the lines that decide them, and what they come to: who is met first answers."""
    programs = [hop.programs[family] for hop in hops]
    for part in partition(programs, family, within):
        decisions = [_decision(program.origin[k]) for program, k in zip(programs, part.deciders, strict=True)]
        inward, outward = _stand(decisions), _stand(decisions[::-1])
        if inward == outward:
            yield inward, decisions, part.flows
            continue
        for stand, cutter in ((outward, intersection), (inward, difference)):
            sources = [(flow, cutter(flow.source, inside)) for flow in part.flows]
            if flows := tuple(replace(flow, source=source) for flow, source in sources if source):
                yield stand, decisions, flows


def _essentials(decisions: Iterable[Decision]) -> Iterator[str]:
    yield from (said.reason.partition(":")[0] for said in decisions if said.outcome is Outcome.ESSENTIAL)


def _reasons(stand: Stand, decisions: Iterable[Decision]) -> Iterator[tuple[Standing, str]]:
    """What the rules that make up a stand say for themselves."""
    for said in decisions:
        if said.rule is not None and said.rule.because and _STANDINGS[said.outcome] is stand.standing:
            yield stand.standing, said.rule.because


def _decision(origin: object) -> Decision:
    assert isinstance(origin, Decision)  # noqa: S101 - encode gives every step its decision
    return origin


def _stand(decisions: list[Decision]) -> Stand | None:
    """What several firewalls in a row come to; None where no rule has a say.

    A ban outweighs a closed door, and that a request: to ask helps only where nothing else stops the flow.
    """
    passing = [said for said in decisions if said.outcome is not Outcome.UNENFORCED]
    if not passing:
        return Stand(Standing.UNENFORCED)
    if any(said.outcome in (Outcome.LOOPBACK, Outcome.SPOOFED) for said in passing):
        return None
    if all(said.outcome in _ASIDE for said in passing):
        return None
    is_required = any(said.outcome is Outcome.REQUIRED for said in passing)
    stops = [said for said in passing if not said.outcome.is_open]
    if not stops:
        return Stand(Standing.PERMITTED, is_required)
    found = {_STANDINGS[said.outcome] for said in stops}
    standing = next(one for one in (Standing.DENIED, Standing.CLOSED, Standing.REQUEST) if one in found)
    return Stand(standing, is_required, stops[0].action is Action.REJECT)


def _shares(family: Family, flows: dict[Stand, list[Flow]]) -> Iterator[Share]:
    """The service axis, regrouped by which stands hold each service."""
    groups: dict[tuple[Stand, ...], Ranges] = {}
    for stand in sorted(flows, key=lambda stand: stand.rank):
        services = union(*(flow.service for flow in flows[stand]))
        regrouped: dict[tuple[Stand, ...], Ranges] = {}
        fresh = services
        for stands, held in groups.items():
            _put(regrouped, (*stands, stand), intersection(held, services))
            _put(regrouped, stands, difference(held, services))
            fresh = difference(fresh, held)
        _put(regrouped, (stand,), fresh)
        groups = regrouped
    order = sorted(groups.items(), key=lambda pair: [stand.rank for stand in pair[0]])
    yield from (Share(family, services, stands) for stands, services in order)


def _put(groups: dict[tuple[Stand, ...], Ranges], key: tuple[Stand, ...], services: Ranges) -> None:
    if services:
        groups[key] = union(groups.get(key, ()), services)


def _in_part(shares: Iterable[Share], flows: dict[Stand, list[Flow]]) -> Iterator[tuple[Stand, list[Flow]]]:
    """The flows of services that fare in several ways, cut down to these services."""
    split = union(*(share.services for share in shares if len(share.stands) > 1))
    for stand, held in flows.items():
        kept = [_cut(flow, split) for flow in held if intersection(flow.service, split)]
        if kept:
            yield stand, kept


def _cut(flow: Flow, services: Ranges) -> Flow:
    return replace(flow, service=intersection(flow.service, services))
