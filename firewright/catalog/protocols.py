"""What each IP protocol number is, by IANA's registry of protocol numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from firewright.catalog.table import DATA, Table


@dataclass(frozen=True, slots=True)
class ProtocolRow:
    """The protocols from `low` to `high` (nearly always one); `name` is the word of a policy, or empty.

    `is_extension` is whether IPv6 counts it among its extension headers, which a packet may carry before its protocol.
    """

    low: int
    high: int
    name: str
    title: str
    is_extension: bool
    reference: str


@lru_cache(maxsize=1)
def protocols() -> tuple[ProtocolRow, ...]:
    """Every number from 0 to 255, in order, each in exactly one row."""
    return tuple(_row(*cells) for cells in Table.read(DATA / "protocols.tsv").rows())


def protocol_row(number: int) -> ProtocolRow | None:
    """What a protocol number is; None for what is no number of 8 bits."""
    return next((row for row in protocols() if row.low <= number <= row.high), None)


def _row(numbers: str, name: str, title: str, extension: str, reference: str) -> ProtocolRow:
    low, _, high = numbers.partition("-")
    return ProtocolRow(int(low), int(high or low), name, title, extension == "yes", reference)
