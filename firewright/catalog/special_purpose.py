"""Which addresses are what: private, link-local, documentation, multicast …, and which of them the internet can reach.

RFC 6890 and RFC 8190, with the address-space registries behind them, so that every address is in some row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from firewright.catalog.table import DATA, Table
from firewright.model.address import AddressSet, parse_prefix
from firewright.model.packet import Family


class Reachability(StrEnum):
    """Whether a packet to such an address is forwarded beyond one administrative domain (RFC 8190).

    `n/a` is the registry's own word for 6to4, Teredo and what is deprecated: it depends on the address inside, or on nobody.
    """

    YES = "yes"
    NO = "no"
    UNSAID = "n/a"


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One prefix of the registry, from its first to its last address."""

    prefix: str
    family: Family
    first: int
    last: int
    reachability: Reachability
    title: str
    reference: str


@lru_cache(maxsize=1)
def address_rows() -> tuple[AddressRow, ...]:
    """Every row, IPv4 first; the first of each family holds all its addresses."""
    return tuple(_row(*cells) for cells in Table.read(DATA / "special-purpose.tsv").rows())


def address_row(family: Family, address: int) -> AddressRow:
    """The row that decides what an address is: the longest prefix that holds it. O(rows)."""
    holding = (row for row in address_rows() if row.family == family and row.first <= address <= row.last)
    return min(holding, key=lambda row: row.last - row.first)


@lru_cache(maxsize=1)
def globally_reachable() -> AddressSet:
    """Every unicast address that the registry calls globally reachable, so what a packet from the internet may come from.

    `n/a` is not reachable here (fail closed), nor is what of IPv6 is delegated to nobody (all outside 2000::/3 but NAT64).
    """
    found = AddressSet()
    for row in sorted(address_rows(), key=lambda row: row.first - row.last):
        here = ((row.first, row.last),)
        block = AddressSet(here) if row.family == 4 else AddressSet((), here)
        found = found | block if row.reachability is Reachability.YES else found - block
    return found


def _row(prefix: str, reachability: str, title: str, reference: str) -> AddressRow:
    family, first, last = parse_prefix(prefix)
    return AddressRow(prefix, family, first, last, Reachability(reachability), title, reference)
