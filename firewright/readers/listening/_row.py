"""A socket's line becomes what it takes packets of, the same way whichever program printed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from typing import NamedTuple

from firewright.model.packet import Family
from firewright.readers.listening._ends import NUMBERS_HELP, RAW, End, NotAnEnd, ports_of
from firewright.readers.listening._heard import Bound, HeardRow, HeardState, Holder
from firewright.source import Span


class Families(NamedTuple):
    """The families that a socket of any address serves: those it surely does, and those it may beside them, with the reason."""

    sure: tuple[Family, ...]
    possible: tuple[Family, ...] = ()
    why: str = ""


def listening_row(
    text: str, at: Span, protocol: int, end: End, port: str, families: Families, holders: Sequence[Holder] = ()
) -> HeardRow:
    """The row of a socket that listens; refused where its port is none. `families` count where the end has no own address."""
    try:
        ports = tuple(ports_of(port, protocol))
    except NotAnEnd as error:
        return refused_row(text, at, str(error), NUMBERS_HELP)
    if not ports:
        return other_row(text, at)
    bound = tuple(_bound(ports, end, families, is_raw=protocol == RAW))
    why = families.why if end.address is None or end.address.is_unspecified else ""
    if len(ports) > 1:
        why = f"{port!r} is a name of {len(ports)} ports"
    state = HeardState.BOUNDED if why else HeardState.UNDERSTOOD
    return HeardRow(text, at, state, bound, tuple(holders), why, NUMBERS_HELP if len(ports) > 1 else "")


def _bound(ports: Sequence[tuple[int, int]], end: End, families: Families, is_raw: bool) -> Iterator[Bound]:
    for protocol, port in ports:
        is_alone = len(ports) == 1
        if end.address is not None and not end.address.is_unspecified:
            family: Family = 4 if isinstance(end.address, IPv4Address) else 6
            yield Bound(family, protocol, port, int(end.address), end.interface, is_alone)
            continue
        for one in families.sure:
            yield Bound(one, protocol, port, 0, end.interface, is_alone)
        for one in families.possible:
            # a raw socket of IPv6 never gets packets of IPv4 (ipv6(7) has no mapped addresses for it)
            if not is_raw:
                yield Bound(one, protocol, port, 0, end.interface, False)


def other_row(text: str, at: Span) -> HeardRow:
    """The row of a socket that takes no packets from whoever sends them."""
    return HeardRow(text, at, HeardState.OTHER)


def refused_row(text: str, at: Span, why: str, help: str = "") -> HeardRow:
    """The row of a line that is not understood."""
    return HeardRow(text, at, HeardState.REFUSED, why=why, help=help)
