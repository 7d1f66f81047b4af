"""The local end of a socket as listings write it: an address, an interface, and a port by its number or its name."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from firewright.catalog.iana import port_registry
from firewright.catalog.protocols import protocols
from firewright.model.packet import DCCP, SCTP, TCP, UDP, UDPLITE, Family
from firewright.model.protocol import PORTED_NAMES

RAW = -1
"""Sockets that get every packet of a protocol, which stands where others have a port."""
PROTOCOLS = {
    "tcp": TCP,
    "mptcp": TCP,
    "udp": UDP,
    "udplite": UDPLITE,
    "udpl": UDPLITE,
    "sctp": SCTP,
    "dccp": DCCP,
    "raw": RAW,
}
"""The words for kinds of sockets, without the 4 or 6 that some listings put behind them."""
_ICMP_NAMES = {"icmp": 1, "icmp6": 58, "ipv6-icmp": 58, "icmpv6": 58}
_ONLY_SENDS = 255
"""IPPROTO_RAW: such a socket gets nothing (raw(7))."""
_LOCAL: dict[int, IPv4Address | IPv6Address] = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
_ANYWHERE = ("*", "")
NUMBERS_HELP = "list it with numbers (-n)"


class End(NamedTuple):
    """An address (None for `*`, which each listing means in its way) and the interface behind a `%`."""

    address: IPv4Address | IPv6Address | None
    interface: str = ""


class NotAnEnd(ValueError):
    """A word that is no local end. Its text says why."""


def end_of(word: str, family: Family | None = None) -> End:
    """The end that `[fe80::1]%eth0`, `0.0.0.0%lo`, `*` or `localhost` is; a mapped address is its IPv4. Raises NotAnEnd."""
    bare, _, interface = word.replace("[", "").replace("]", "").partition("%")
    if bare in _ANYWHERE:
        return End(None, interface)
    if bare in ("localhost", "ip6-localhost", "localhost6"):
        return End(_LOCAL[6 if bare != "localhost" or family == 6 else 4], interface)
    address: IPv4Address | IPv6Address
    try:
        address = IPv6Address(bare) if ":" in bare else IPv4Address(bare)
    except ValueError:
        raise NotAnEnd(f"{word[:60]!r} is no address") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return End(mapped if mapped is not None else address, interface)


def is_anybody(far: str) -> bool:
    """Whether the other end, `0.0.0.0:*` or `*:*`, is whoever sends: a socket with an end of its own is connected."""
    address, _, port = far.rpartition(":")
    try:
        found = end_of(address).address
    except NotAnEnd:
        return False
    return port == "*" and (found is None or found.is_unspecified)


def ports_of(word: str, protocol: int) -> Iterator[tuple[int, int]]:
    """What a port's number or name stands for, as protocols and ports: several where a name is registered for several.

    Of a raw socket it is the protocol; nothing for a socket that is not bound or only sends. Raises NotAnEnd.
    """
    if word == "*":
        return
    if protocol == RAW:
        number = _number(word, 255)
        if number is None:
            number = _ICMP_NAMES.get(word) or next((row.low for row in protocols() if row.name == word), None)
        if number is None:
            raise NotAnEnd(f"{word[:60]!r} is no protocol")
        if number not in (0, _ONLY_SENDS):
            yield number, 0
        return
    number = _number(word, 65535)
    if number == 0:
        return
    if number is not None:
        yield protocol, number
        return
    found = {
        port
        for entry in port_registry().named(word)
        if any(PORTED_NAMES[name] == protocol for name in entry.protocols)
        for port in range(entry.low, entry.high + 1)
    }
    if not found:
        raise NotAnEnd(f"{word[:60]!r} is no port that is registered by this name")
    yield from ((protocol, port) for port in sorted(found))


def _number(word: str, most: int) -> int | None:
    if not (word.isascii() and word.isdecimal()):
        return None
    if len(word) > 5 or int(word) > most:
        raise NotAnEnd(f"{word[:20]} is more than {most}")
    return int(word)
