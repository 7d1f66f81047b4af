"""What the types and codes of ICMP mean, in both families."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from firewright.catalog.table import DATA, Table
from firewright.model.packet import Family


@dataclass(frozen=True, slots=True)
class IcmpRow:
    """A type of one family's ICMP, or one of its codes; `name` is the word of a policy (`icmpv4/NAME`), or empty."""

    family: Family
    type: int
    code: int | None
    name: str
    title: str
    reference: str


@lru_cache(maxsize=1)
def icmp_rows() -> tuple[IcmpRow, ...]:
    """Every known type, IPv4 first, in order; its codes behind it."""
    return tuple(_row(*cells) for cells in Table.read(DATA / "icmp.tsv").rows())


def icmp_meaning(family: Family, kind: int, code: int | None = None) -> tuple[IcmpRow, ...]:
    """What a type is, and then what its code is, as far as they are known. O(rows)."""
    return tuple(row for row in icmp_rows() if row.family == family and row.type == kind and row.code in (None, code))


def _row(family: str, kind: str, code: str, name: str, title: str, reference: str) -> IcmpRow:
    return IcmpRow(int(family), int(kind), int(code) if code else None, name, title, reference)
