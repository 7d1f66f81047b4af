"""What somebody may see of a policy: flows of which one end is theirs, and of the other end no address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from firewright.analysis.path import internet_of
from firewright.analysis.words import MOST_PREFIXES, Namer
from firewright.model.address import EVERYWHERE, UNICAST, AddressSet
from firewright.model.interval import Ranges, difference, intersection, is_within, size, union
from firewright.model.packet import Family
from firewright.model.policy import Policy, Rule, Verb, Zone, ZoneKind
from firewright.space.axis import HOST
from firewright.space.flow import Flow
from firewright.workflows.requests.knowledge import Knowledge

_OTHERS = "others"
"""What an end is called of which not even a zone's name may be told."""


@dataclass(frozen=True)
class Sight(Knowledge):
    """What one actor sees of one policy, by the rule of `Knowledge`.

    Whoever was granted the policy as a whole sees all of it. Whoever was granted zones sees the flows that begin or end in
    them: of the other end its zone's name and never an address, unless it is nobody's (`internet`).
    """

    @cached_property
    def key(self) -> tuple[tuple[str, ...] | None, ...]:
        """What tells apart those who see something else: of each authority on the path None for all of it, or the zones."""
        every = (Sight(self.actor, one) for one in self.policy.authorities())
        return tuple(None if one.is_whole else tuple(sorted(one.own)) for one in every)

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

    def concerns(self, rule: Rule) -> bool:
        """Whether a rule names a zone that is seen, one that holds it, or addresses of it."""
        if self.is_whole:
            return True
        zones = [zone for ends in rule.ends for zone in (*ends.sources, *ends.destinations)]
        return any(self._is_about(zone) for zone in zones)

    def services(self) -> tuple[str, ...]:
        """The policy's own services that may be told: all of them, or those of the rules that may be, and are about one's own."""
        if self.is_whole:
            return tuple(self.policy.services)
        if not self.is_any or not self.policy.services:
            return ()
        rules = (rule for rule in self.policy.rules if self.rule(rule) and self.concerns(rule))
        words = (term.word for rule in rules for term in rule.terms)
        return tuple(dict.fromkeys(word for word in words if word in self.policy.services))

    def bans(self) -> tuple[str, ...]:
        """The names of the bans that may be told, and so can be asked to be passed."""
        bans = (rule for rule in self.policy.rules if rule.name and rule.verb in (Verb.DENY, Verb.REJECT))
        return tuple(rule.name for rule in bans if self.rule(rule))

    def _is_about(self, zone: Zone) -> bool:
        if zone.kind is ZoneKind.NAMED and zone.name not in self.policy.zones:
            return bool(zone.addresses & self.held)
        return zone.name in self.own or (zone.kind is ZoneKind.NAMED and self.names(zone))

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
