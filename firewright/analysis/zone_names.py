"""Names for zones that nobody named: of the set that a rule asks, of the interface before them, else of their first addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from firewright.analysis.homes import Homes
from firewright.analysis.proposal import Row
from firewright.model.address import UNICAST, AddressSet
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, difference, intersection
from firewright.model.packet import Family

_SET = re.compile(r"(?:@|--match-set )([A-Za-z][\w.-]*)")


def hints(rows: Iterable[Row], family: Family) -> dict[Ranges, str]:
    """The names of sets by the addresses that rules ask of them."""
    found: dict[Ranges, str] = {}
    for row in rows:
        names = _SET.findall(row.line.text) if row.line is not None else []
        ends = [one for one in (row.source, row.destination) if one is not None]
        asked = [
            one
            for one in (intersection(end, UNICAST.ranges(family)) for end in ends)
            if one and one != UNICAST.ranges(family)
        ]
        if row.family == family and len(names) == 1 and len(asked) == 1 and (name := _slug(names[0])):
            found.setdefault(asked[0], name)
            found.setdefault(difference(UNICAST.ranges(family), asked[0]), name)
    return found


def homes_by_name(homes: Homes) -> Iterator[tuple[str, AddressSet]]:
    """What is behind each interface, under a name for it, and what is behind none."""
    if homes:
        yield from ((_slug(one.interface), one.addresses) for one in homes.homes)
        yield "link-local", LINK_LOCAL


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    return slug if slug[:1].isalpha() else f"set-{slug}" if slug else ""


def _is_host(prefixes: tuple[str, ...]) -> bool:
    return len(prefixes) == 1 and prefixes[0].partition("/")[2] in ("", "32", "128")


def _stem(prefixes: tuple[str, ...]) -> str:
    return prefixes[0].partition("/")[0] if _is_host(prefixes) else prefixes[0]


def by_addresses(addresses: AddressSet) -> str:
    """`net-10-0-0-0-8`, `host-192-0-2-1`: by the first of some addresses."""
    prefixes = tuple(addresses.prefixes())
    return _slug(("host-" if _is_host(prefixes) else "net-") + _stem(prefixes))
