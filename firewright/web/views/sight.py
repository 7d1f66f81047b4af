"""What somebody may see of a policy: flows of which one end is theirs, and of the other end no address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from firewright.analysis.path import internet_of
from firewright.analysis.words import MOST_PREFIXES, Namer
from firewright.model.account import Actor, Role
from firewright.model.address import EVERYWHERE, UNICAST, AddressSet, merge
from firewright.model.interval import Ranges, difference, intersection, is_within, size, union
from firewright.model.packet import Family
from firewright.model.policy import Policy, Rule, Zone, ZoneKind
from firewright.space.axis import HOST
from firewright.space.flow import Flow

_OTHERS = "others"
"""What an end is called of which not even a zone's name may be told."""


@dataclass(frozen=True)
class Sight:
    """What one actor sees of one policy.

    Whoever was granted the policy as a whole sees all of it. Whoever was granted zones sees the flows that begin or end in
    them: of the other end its zone's name and never an address, unless it is nobody's (`internet`).
    """

    actor: Actor
    policy: Policy

    @cached_property
    def is_whole(self) -> bool:
        """Whether nothing of the policy is hidden."""
        return self.actor.is_allowed(Role.VIEWER, self.policy.name)

    @property
    def is_any(self) -> bool:
        """Whether something of the policy is seen."""
        return self.actor.touches(Role.VIEWER, self.policy.name)

    @cached_property
    def key(self) -> tuple[tuple[str, ...] | None, ...]:
        """What tells apart those who see something else: of each authority on the path None for all of it, or the zones."""
        every = (Sight(self.actor, one) for one in self.policy.authorities())
        return tuple(None if one.is_whole else tuple(sorted(one.own)) for one in every)

    @cached_property
    def own(self) -> frozenset[str]:
        """The names of the zones that were granted, the built-in ones among them."""
        names = self.policy.zones
        return frozenset(name for name in names if self.actor.is_allowed(Role.VIEWER, self.policy.name, name))

    @cached_property
    def held(self) -> AddressSet:
        """The addresses of the zones that were granted, the machine itself left out."""
        return merge(self.addresses_of(self.policy.zones[name]) for name in self.own if name != ZoneKind.LOCAL)

    def addresses_of(self, zone: Zone) -> AddressSet:
        """The addresses that a zone means at an end."""
        return internet_of(self.policy) if zone.kind is ZoneKind.INTERNET else zone.addresses

    def pair(self, source: str, destination: str) -> bool:
        """Whether flows from one zone to the other may be shown."""
        return self.is_whole or source in self.own or destination in self.own

    def flows(self, flows: Iterable[Flow]) -> Iterator[Flow]:
        """What of these flows may be shown: exactly the packets of which one end is seen. Disjoint stays disjoint."""
        for flow in flows:
            yield from (flow,) if self.is_whole else self._cut(flow)

    def _cut(self, flow: Flow) -> Iterator[Flow]:
        has_local = ZoneKind.LOCAL in self.own
        if has_local and HOST in (flow.in_interface, flow.out_interface):
            yield flow
            return
        held = self.held.ranges(flow.family)
        mine = () if flow.in_interface == HOST else intersection(flow.source, held)
        if mine:
            yield replace(flow, source=mine)
        rest = difference(flow.source, mine)
        there = () if flow.out_interface == HOST else intersection(flow.destination, held)
        if rest and there:
            yield replace(flow, source=rest, destination=there)

    def is_open_about(self, flow: Flow) -> bool:
        """Whether a packet of the flow may be shown with both its addresses: none is of a zone that is not seen."""
        known = self.told.ranges(flow.family)
        return self.is_whole or (is_within(flow.source, known) and is_within(flow.destination, known))

    @cached_property
    def told(self) -> AddressSet:
        """The addresses that may be told: one's own, and those that no zone of any authority on the path holds."""
        zones = (zone.addresses for one in self.policy.authorities() for zone in one.named_zones)
        return self.held | (EVERYWHERE - merge(zones))

    def rule(self, rule: Rule) -> bool:
        """Whether the line of a rule, and its reason, may be shown: it names no zone that is strange to whoever looks."""
        return self.is_whole or all(
            self._names(zone) for ends in rule.ends for zone in (*ends.sources, *ends.destinations)
        )

    def _names(self, zone: Zone) -> bool:
        """A zone that is seen, is built in, or holds one that is seen; of addresses that are no zone, those that may be told."""
        known = self._known.get(id(zone))
        if known is None:
            known = self._known[id(zone)] = zone, self._may_name(zone)
        return known[1]

    @cached_property
    def _known(self) -> dict[int, tuple[Zone, bool]]:
        """What was said of zones before, which are kept so that their ids stay their own."""
        return {}

    def _may_name(self, zone: Zone) -> bool:
        if zone.kind is not ZoneKind.NAMED or zone.name in self.own:
            return True
        if zone.name not in self.policy.zones:
            return zone.addresses <= self.told
        named = (self.policy.zones[name] for name in self.own)
        return any(one.addresses and one.addresses <= zone.addresses for one in named if one.kind is ZoneKind.NAMED)

    def concerns(self, rule: Rule) -> bool:
        """Whether a rule names a zone that is seen, one that holds it, or addresses of it."""
        if self.is_whole:
            return True
        zones = [zone for ends in rule.ends for zone in (*ends.sources, *ends.destinations)]
        return any(self._is_about(zone) for zone in zones)

    def _is_about(self, zone: Zone) -> bool:
        if zone.kind is ZoneKind.NAMED and zone.name not in self.policy.zones:
            return bool(zone.addresses & self.held)
        return zone.name in self.own or (zone.kind is ZoneKind.NAMED and self._names(zone))

    def namer(self, *others: Policy, asked: Iterable[tuple[str, AddressSet]] = ()) -> Namer:
        """Words for the ends of flows: with addresses only where they may be told."""
        kept = tuple(asked)
        return Namer(self.policy, *others, asked=kept) if self.is_whole else _VeiledNamer(self, kept)


class _VeiledNamer(Namer):
    """Names what may be told by zones that are seen and by addresses, and of the rest only the zones that hold it."""

    def __init__(self, sight: Sight, asked: tuple[tuple[str, AddressSet], ...]) -> None:
        policy = sight.policy
        seen = {
            name: zone for name, zone in policy.zones.items() if zone.kind is not ZoneKind.NAMED or name in sight.own
        }
        self._internet, self._shown = internet_of(policy), sight.told
        super().__init__(replace(policy, zones=seen, behind=None), asked=(*asked, ("internet", self._internet)))
        self._typed = asked
        strange = (zone for one in policy.authorities() for zone in one.named_zones if zone.name not in sight.own)
        self._strange = sorted(strange, key=_extent, reverse=True)

    def _words(self, family: Family, ranges: Ranges) -> str:
        for name, addresses in (*self._typed, ("any", UNICAST), ("any address", EVERYWHERE)):
            if addresses.ranges(family) == ranges:
                return name
        shown = intersection(ranges, self._shown.ranges(family))
        outside = intersection(shown, self._internet.ranges(family))
        words = [*self._of_internet(family, outside), *self._union(family, difference(shown, outside))]
        more = [f"{len(words) - MOST_PREFIXES} more prefixes"] if len(words) > MOST_PREFIXES else []
        return ", ".join((*words[:MOST_PREFIXES], *more, *self._zones_of(family, difference(ranges, shown))))

    def _of_internet(self, family: Family, ranges: Ranges) -> list[str]:
        """Prefixes, or what of the internet they leave out where that is shorter."""
        whole = self._internet.ranges(family)
        if ranges in ((), whole):
            return ["internet"] if ranges else []
        plain, less = self._union(family, ranges), self._union(family, difference(whole, ranges))
        return plain if len(plain) <= len(less) else [f"internet without {' and '.join(less[:MOST_PREFIXES])}"]

    def _zones_of(self, family: Family, hidden: Ranges) -> Iterator[str]:
        """The zones that hold these addresses, the largest first; each address in one."""
        for is_part in (False, True):
            for zone in self._strange:
                held = zone.addresses.ranges(family)
                if intersection(held, hidden) and (is_part or is_within(held, hidden)):
                    yield f"part of {zone.name}" if is_part else zone.name
                    hidden = difference(hidden, held)
        if hidden:
            yield _OTHERS


def _extent(zone: Zone) -> tuple[int, int]:
    return size(zone.addresses.v4), size(zone.addresses.v6)


def count(flows: Iterable[Flow], *, is_source: bool) -> dict[Family, int]:
    """How many addresses of each family are at one end of some flows."""
    found: dict[Family, Ranges] = {}
    for flow in flows:
        found[flow.family] = union(found.get(flow.family, ()), flow.source if is_source else flow.destination)
    return {family: size(ranges) for family, ranges in found.items()}
