"""What a listing of sockets says: each of its lines, the sockets that listen, and which program wrote it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from firewright.model.packet import Family
from firewright.registry import Registry
from firewright.source import Source, Span

ROW_LIMIT = 100_000
"""Lines of one listing."""
LINE_LIMIT = 8_192
"""Characters of one line: a socket that hundreds of processes share."""


class HeardState(StrEnum):
    """How a line is understood: a listener; one of which not all is certain; a socket that does not listen; nothing known."""

    UNDERSTOOD = "understood"
    BOUNDED = "bounded"
    OTHER = "not listening"
    REFUSED = "refused"


class Holder(NamedTuple):
    """A process that holds a socket: its name, empty where the listing has none, and its number."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class Bound:
    """What a listening socket takes packets of: a family, a protocol and its port, 0 for every packet of the protocol.

    `address` is 0 where any of the machine's own will do. Without `is_certain` the listing leaves open whether it does.
    """

    family: Family
    protocol: int
    port: int
    address: int
    interface: str = ""
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class HeardRow:
    """One line of a listing; `why` says what is not certain or not understood, `help` a way out."""

    text: str
    at: Span
    state: HeardState
    bound: tuple[Bound, ...] = ()
    holders: tuple[Holder, ...] = ()
    why: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class HeardListing:
    """A listing, its lines in order; `title` is what printed it. Heads of columns and empty lines are no rows."""

    path: str
    title: str
    rows: tuple[HeardRow, ...]

    def count(self, state: HeardState) -> int:
        """How many lines are of a state."""
        return sum(row.state is state for row in self.rows)


@dataclass(frozen=True, slots=True)
class Listing:
    """A program that lists sockets. `knows` says whether a text is its; `read` never raises, whatever the text. Both O(size)."""

    title: str
    knows: Callable[[str], bool]
    read: Callable[[Source], HeardListing]


LISTINGS: Registry[Listing] = Registry("firewright.readers.listening", "LISTING")


_BEFORE = 4
"""Lines before a listing's head that belong to it: the command, a warning."""


def beginning(text: str) -> list[str]:
    """The first lines of a text that are not empty: where a listing has its head. A page that quotes one further on is none."""
    return [line for line in text[:4096].splitlines() if line.strip()][: _BEFORE + 1]


def listing_of(text: str) -> Listing | None:
    """Whose listing a text is, None where it is nobody's. O(size)."""
    return next((one for _, one in LISTINGS.all() if one.knows(text)), None)
