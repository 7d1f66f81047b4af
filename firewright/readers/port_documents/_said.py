"""What cells say, before they are read: protocols, ports within bounds, and why something is not understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from firewright.diagnostic import harmless
from firewright.model.interval import Ranges, canonical
from firewright.model.packet import FAMILIES, TCP, UDP
from firewright.model.protocol import PORTED_NAMES
from firewright.model.transport import Transport, parse_transport
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._wording import (
    Piece,
    pieces,
    protocol_number,
)

PORTED_WORDS = {number: name for name, number in PORTED_NAMES.items()}

UNSAID = (TCP, UDP)
"""What a port can be of where no protocol is said: documents of ports mean TCP or UDP then, and no other."""

PIECE_LIMIT = 400
"""Pieces of one cell."""


class NotUnderstood(Exception):
    """A cell that is refused: `name` is the slug, the text says why, `help` is a way out."""

    def __init__(self, name: str, why: str, help: str = "") -> None:
        super().__init__(why)
        self.name, self.help = name, help


@dataclass(frozen=True, slots=True)
class Protocols:
    """The protocols with ports that a row is about; `is_either` where one of them is meant and not which.

    `whole` are transports that the protocol cell says by itself: ICMP, ESP, everything. `names` are services it names.
    """

    numbers: tuple[int, ...] = ()
    is_either: bool = False
    whole: tuple[Transport, ...] = ()
    is_any: bool = False
    names: tuple[str, ...] = ()

    @property
    def is_said(self) -> bool:
        """Whether anything is said at all."""
        return bool(self.numbers or self.whole or self.is_any)


UNSAID_PROTOCOLS = Protocols()
"""What an empty cell says."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a cell of ports says. `name`, `why` and `help` say what bounds it; they are empty where the bounds are equal."""

    surely: tuple[Transport, ...]
    possibly: tuple[Transport, ...]
    name: str = ""
    why: str = ""
    help: str = ""


def exact(transports: Iterable[Transport]) -> Ports:
    """Ports that are known."""
    known = union_of(transports)
    return Ports(known, known)


def union_of(transports: Iterable[Transport]) -> tuple[Transport, ...]:
    """The same set, a transport for each protocol, pair of families and set of source ports, in the order of numbers."""
    grouped: dict[tuple[tuple[int, ...], int, Ranges], list[tuple[int, int]]] = {}
    for one in transports:
        grouped.setdefault((one.families, one.protocol, one.source_ports), []).extend(one.selectors)
    return tuple(
        Transport(tuple(family for family in FAMILIES if family in families), protocol, canonical(ranges), source)
        for (families, protocol, source), ranges in sorted(grouped.items())
    )


def service_named(name: str, lexicon: Lexicon) -> tuple[Transport, ...]:
    """The transports of a service of the catalog. Raises NotUnderstood where the name is none, or of several."""
    rows = lexicon.by_word(name)
    if len(rows) == 1:
        return rows[0].transports
    if exactly := lexicon.service(name):
        return exactly.transports
    if rows:
        listed = ", ".join(f"{row.name} ({row.words()})" for row in rows[:4])
        raise NotUnderstood(
            "ambiguous-service", f"{harmless(name, 60)!r} can be several services", f"write one of {listed}"
        )
    raise NotUnderstood(
        "unknown-service", f"{harmless(name, 60)!r} is no service of the catalog", commonly(lexicon.suggested(name))
    )


def commonly(suggestion: str) -> str:
    """The help that a suggestion is; empty where there is none."""
    return f"commonly {suggestion}" if suggestion else ""


def services_of(transports: Iterable[Transport]) -> Ranges:
    """Transports on the service axis."""
    return canonical(pair for one in transports for pair in one.services())


def portless_transports(word: str) -> tuple[Transport, ...]:
    """What the name of a protocol without ports stands for."""
    if word.startswith("icmp"):
        return parse_transport(word)
    number = protocol_number(word)
    return () if number is None else (Transport(FAMILIES, number),)


@lru_cache(maxsize=1)
def every_transport() -> tuple[Transport, ...]:
    """Every protocol of both families."""
    return parse_transport("any")


def limited_pieces(text: str) -> list[Piece]:
    """The pieces of a folded cell. Raises NotUnderstood where there are more than PIECE_LIMIT."""
    found = []
    for piece in pieces(text):
        found.append(piece)
        if len(found) > PIECE_LIMIT:
            raise NotUnderstood("too-long", f"a cell of more than {PIECE_LIMIT} pieces")
    return found
