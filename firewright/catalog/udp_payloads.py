"""What a UDP service answers: the first datagram of its own protocol, and whether whoever listens there answers strangers at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from firewright.catalog.table import DATA, Table


class Answers(StrEnum):
    """Whether a service answers its datagram: whoever runs it does, some do, or it keeps silent by design."""

    ALWAYS = "always"
    SOME = "some"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class UdpPayload:
    """The datagram for some ports; the answer to it may come from elsewhere: from another port of the same host."""

    name: str
    ports: tuple[int, ...]
    answers: Answers
    is_from_elsewhere: bool
    payload: bytes
    reference: str


@lru_cache(maxsize=1)
def udp_payloads() -> Mapping[int, UdpPayload]:
    """The datagram for each port that has one. Raises ValueError where the table says something that cannot be."""
    found: dict[int, UdpPayload] = {}
    for cells in Table.read(DATA / "udp_payloads.tsv").rows():
        row = _row(*cells)
        for port in row.ports:
            if found.setdefault(port, row) is not row:
                raise ValueError(f"two datagrams for udp/{port}")
    return MappingProxyType(dict(sorted(found.items())))


def is_telling(port: int) -> bool:
    """Whether silence of a UDP port tells that no service of its usual kind is reached there."""
    row = udp_payloads().get(port)
    return row is not None and row.answers is Answers.ALWAYS


def _row(ports: str, name: str, answers: str, elsewhere: str, length: str, payload: str, reference: str) -> UdpPayload:
    raw = bytes.fromhex(payload)
    return UdpPayload(
        name, tuple(_ports(ports)), Answers(answers), elsewhere == "yes", raw.ljust(int(length), b"\0"), reference
    )


def _ports(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found
