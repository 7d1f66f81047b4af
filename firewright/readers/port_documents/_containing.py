"""Rows that other rows contain: said with both lines, since whoever reads only the narrow one is wrong about what is open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from firewright.diagnostic import harmless
from firewright.model.interval import Ranges, is_within, size
from firewright.model.packet import FAMILIES, Family
from firewright.model.transport import service_ranges
from firewright.readers.port_documents._document import DocumentNote, Entry, Requirement
from firewright.readers.port_documents._ends import ANY_ZONE, Zones

WIDE_LIMIT = 64
"""Rows of one pair of ends among which one that contains another is looked for, the widest first."""

Sets = dict[tuple[Family, Ranges], Ranges]
Held = tuple[int, Sets, Entry]
Pair = tuple[str, str, str]
"""Verb, source and destination."""


def containing(entries: Iterable[Entry], zones: Zones) -> Iterator[DocumentNote]:
    """A note for each row that another row contains wholly, with the place of both; of equal rows the second is contained.

    Looked at are what rows mean surely, by pairs of ends; an end is inside another if it is the same, if that is any, or if
    both are written as addresses. O(rows × WIDE_LIMIT).
    """
    rows = [
        (number, one, _sets(one), entry)
        for number, entry in enumerate(entries)
        for one in entry.requirements
        if one.surely
    ]
    distinct: defaultdict[Pair, dict[frozenset[object], Held]] = defaultdict(dict)
    for number, one, sets, entry in rows:
        key = frozenset(sets.items())
        for source in one.sources:
            for destination in one.destinations:
                distinct[one.verb.value, source, destination].setdefault(key, (number, sets, entry))
    widest = {
        pair: sorted(held.values(), key=lambda one: (-_width(one[1]), one[0]))[:WIDE_LIMIT]
        for pair, held in distinct.items()
    }
    ends = {end for _, one, _, _ in rows for end in (*one.sources, *one.destinations)}
    around = {name: _around(name, zones) for name in ends}
    told: set[int] = set()
    for number, one, sets, entry in rows:
        if number in told:
            continue
        over = _container(number, one, sets, widest, around)
        if over is not None:
            told.add(number)
            text = f"{harmless(over.said, 120)!r} contains {harmless(entry.said, 120)!r}"
            yield DocumentNote("contained-row", text, (over.at, entry.at))


def _container(
    number: int,
    one: Requirement,
    sets: Sets,
    widest: Mapping[Pair, list[Held]],
    around: Mapping[str, tuple[str, ...]],
) -> Entry | None:
    """A row that contains each pair of ends of a requirement, the widest; None where no single row does."""
    candidates: dict[int, tuple[bool, Entry]] | None = None
    for source in one.sources:
        for destination in one.destinations:
            here: dict[int, tuple[bool, Entry]] = {}
            for outer in around[source]:
                for other in around[destination]:
                    is_same = (outer, other) == (source, destination)
                    for held, its, entry in widest.get((one.verb.value, outer, other), ()):
                        if held == number or not _contains(its, sets):
                            continue
                        # of two equal rows the first contains the second, not the other way round too
                        is_equal = is_same and its == sets
                        if not is_equal or held < number:
                            here[held] = is_equal, entry
            candidates = here if candidates is None else {key: one for key, one in candidates.items() if key in here}
            if not candidates:
                return None
    wider = sorted((candidates or {}).values(), key=lambda one: one[0])
    return wider[0][1] if wider else None


def _sets(one: Requirement) -> Sets:
    return {
        (family, source): ranges for family in FAMILIES for source, ranges in service_ranges(one.surely, family).items()
    }


def _contains(outer: Sets, inner: Sets) -> bool:
    """Whether each part of one set lies in one part of the other: source ports within source ports, services within services."""
    return inner == outer or all(
        any(
            family == its and is_within(source, wide) and is_within(ranges, services)
            for (its, wide), services in outer.items()
        )
        for (family, source), ranges in inner.items()
    )


def _width(sets: Sets) -> int:
    return sum(size(ranges) * size(source) for (_, source), ranges in sets.items())


def _around(name: str, zones: Zones) -> tuple[str, ...]:
    """The zone, any, and those zones by addresses that hold its addresses."""
    found = {name: None, ANY_ZONE: None}
    own = zones.known[name].addresses if name in zones.known else None
    if own is not None:
        found |= {other: None for addresses, other in zones.by_addresses.items() if own <= addresses}
    return tuple(found)
