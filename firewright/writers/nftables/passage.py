"""Which packets between other machines do not pass a firewall: they stay on one of its legs, and are none of its business."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.model.address import UNICAST, AddressSet, merge
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, difference, has, intersection
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Zone, ZoneKind

Pair = tuple[Ranges, Ranges]
"""Sources and destinations."""


def not_on_path(firewall: Firewall) -> dict[Family, list[Pair]]:
    """Sources and destinations of the packets that do not pass the firewall; those inside its `within` zones do."""
    legs, nowhere = _legs(firewall)
    return {family: _pairs(firewall, legs, nowhere, family) for family in FAMILIES}


def _pairs(firewall: Firewall, legs: list[AddressSet], nowhere: AddressSet, family: Family) -> list[Pair]:
    everywhere = LINK_LOCAL.ranges(family)  # on every link, so on no leg in particular
    lost = difference(nowhere.ranges(family), everywhere)
    routed = difference(UNICAST.ranges(family), everywhere)
    pairs = [(difference(leg.ranges(family), everywhere),) * 2 for leg in legs]
    pairs += [(lost, routed), (difference(routed, lost), lost)]
    for zone in firewall.within:
        pairs = [part for pair in pairs for part in _without(pair, zone.addresses.ranges(family))]
    return [(source, destination) for source, destination in pairs if source and destination]


def _without(pair: Pair, inside: Ranges) -> list[Pair]:
    """The pair's packets whose ends are not both inside."""
    source, destination = pair
    inner = intersection(source, inside)
    if not inner or not intersection(destination, inside):
        return [pair]
    return [(difference(source, inside), destination), (inner, difference(destination, inside))]


def _legs(firewall: Firewall) -> tuple[list[AddressSet], AddressSet]:
    """What is on each leg, an address that two hold on the inner one; and the unicast addresses that are on none."""
    named = [zone for zone in firewall.between if zone.kind is not ZoneKind.INTERNET]
    legs = []
    for zone in named:
        inner = [one.addresses for one in inside(zone, named)]
        legs.append(zone.addresses - merge(inner) if inner else zone.addresses)
    rest = UNICAST - merge(zone.addresses for zone in named)
    if len(named) < len(firewall.between):
        return [*legs, rest], AddressSet()
    return legs, rest


def inside(zone: Zone, others: list[Zone]) -> Iterator[Zone]:
    """The zones that lie inside another; zones are disjoint or nested, so the first address tells nearly always."""
    family = 4 if zone.addresses.v4 else 6
    ranges = zone.addresses.ranges(family)
    for one in others:
        first = one.addresses.ranges(family)
        if one is not zone and (not first or has(ranges, first[0][0])) and one.addresses <= zone.addresses:
            yield one
