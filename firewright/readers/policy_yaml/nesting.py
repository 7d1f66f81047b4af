"""Two zones are disjoint or nested: one sweep over all ranges, and for each fault the address that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from firewright.diagnostic import Note
from firewright.model.address import AddressSet
from firewright.model.interval import size
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Zone
from firewright.readers.policy_yaml.complaint import Complaints


def check_nesting(zones: Sequence[Zone], made_of: Mapping[str, Sequence[str]], complaints: Complaints) -> None:
    """Complain of each zone that equals another one, or overlaps one in part. O(n log n) in the ranges of all.

    A sweep from the lowest address keeps the ranges that are open, the innermost last; where ranges are alike the larger
    zone lies outside. The zones nest if no range reaches out of the one it begins in, and if all ranges of a zone lie in
    ranges of one and the same zone, or of none: then whoever shares an address with it is one of those around it.
    """
    distinct = _distinct(zones, made_of, complaints)
    around: dict[str, Zone | None] = {}
    said: set[str] = set()
    for family in FAMILIES:
        for zone, outer, fits in _sweep(distinct, family):
            first = around.setdefault(zone.name, outer)
            if (fits and outer is first) or zone.name in said:
                continue
            for other in (outer, first):
                if other is not None and other.name not in said and not zone.addresses <= other.addresses:
                    said.add(zone.name)
                    _complain_of_overlap(zone, other, complaints)
                    break


def _sweep(zones: Sequence[Zone], family: Family) -> Iterator[tuple[Zone, Zone | None, bool]]:
    """Each zone with the zone that its range begins in, and whether it ends in it as well; once a range."""
    sizes = [size(zone.addresses.v4) + size(zone.addresses.v6) for zone in zones]
    ranges = sorted(
        (low, -high, -sizes[place], place)
        for place, zone in enumerate(zones)
        for low, high in zone.addresses.ranges(family)
    )
    open_ones: list[tuple[int, Zone]] = []
    for low, negative_high, _, place in ranges:
        zone = zones[place]
        while open_ones and open_ones[-1][0] < low:
            open_ones.pop()
        fits = not open_ones or -negative_high <= open_ones[-1][0]
        yield zone, open_ones[-1][1] if open_ones else None, fits
        if fits:
            open_ones.append((-negative_high, zone))


def _distinct(zones: Sequence[Zone], made_of: Mapping[str, Sequence[str]], complaints: Complaints) -> list[Zone]:
    """The zones without those that equal an earlier one, which are complained of."""
    by_addresses: dict[AddressSet, Zone] = {}
    for zone in sorted(zones, key=lambda one: (one.at.path, one.at.line, one.at.column)):
        first = by_addresses.setdefault(zone.addresses, zone)
        if first is not zone:
            is_member = zone.name in made_of.get(first.name, ()) or first.name in made_of.get(zone.name, ())
            way_out = (
                "take one of the two out" if not is_member else "use the one zone; the other adds no address to it"
            )
            complaints.error(
                "overlapping-zones",
                f"the zones {first.name} and {zone.name} hold the same addresses, {_example(zone.addresses)} for one",
                zone.at,
                way_out,
                [Note(f"{first.name} is defined here", first.at)],
            )
    return list(by_addresses.values())


def _complain_of_overlap(zone: Zone, other: Zone, complaints: Complaints) -> None:
    shared = _example(zone.addresses & other.addresses)
    only = _example(zone.addresses - other.addresses)
    complaints.error(
        "overlapping-zones",
        f"the zones {zone.name} and {other.name} overlap in part: {shared} is in both, {only} only in {zone.name}",
        zone.at,
        "let one hold the other whole, or cut them so that they share nothing",
        [Note(f"{other.name} is defined here", other.at)],
    )


def _example(addresses: AddressSet) -> str:
    """One address of a set that is not empty."""
    first = AddressSet(((addresses.v4[0][0],) * 2,)) if addresses.v4 else AddressSet((), ((addresses.v6[0][0],) * 2,))
    return first.prefixes()[0]
