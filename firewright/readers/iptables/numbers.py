"""Addresses, ports and protocols as iptables writes them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from firewright.model.interval import Ranges
from firewright.model.packet import Family
from firewright.model.protocol import PROTOCOL_NUMBERS
from firewright.readers.iptables.words import BadLine

_ALIASES = {"all": 0, "ip": 0, "icmpv6": 58, "ipv6-mh": 135, "mh": 135, "ipv4": 4, "st2": 5, "mobility": 135}
_LONGEST = {4: 32, 6: 128}
_KEPT = 1 << 12
"""Protocols and ports that are remembered: a ruleset has most of them many times."""


@lru_cache(maxsize=_KEPT)
def protocol(text: str) -> int:
    """A protocol's number, by number or name; 0 is every protocol, as iptables has it. Raises BadLine."""
    if text.isascii() and text.isdecimal():
        if len(text) > 3 or int(text) > 255:
            raise BadLine(f"there is no protocol {text}")
        return int(text)
    number = _ALIASES.get(text.lower(), PROTOCOL_NUMBERS.get(text.lower()))
    if number is None:
        raise BadLine(f"no protocol is called {text!r}")
    return number


@lru_cache(maxsize=_KEPT)
def port_range(text: str) -> Ranges:
    """`80`, `80:90`, `:90` or `80:`; a range that runs backwards holds no port, as in the kernel.

    Raises BadLine; also for a service's name, which each machine looks up for itself.
    """
    low, colon, high = text.partition(":")
    first = _port(low, 0) if colon else _port(low, None)
    last = _port(high, 65535) if colon else first
    return ((first, last),) if first <= last else ()


def _port(text: str, open_: int | None) -> int:
    if not text and open_ is not None:
        return open_
    if not (text.isascii() and text.isdecimal()):
        raise BadLine(f"{text!r} is no port; names of services are not looked up, since each machine has its own")
    if len(text) > 5 or int(text) > 65535:
        raise BadLine(f"there is no port {text}")
    return int(text)


def address(family: Family, text: str) -> int:
    """One address of the family. Raises BadLine."""
    number = _octets(text) if family == 4 else None
    if number is not None:
        return number
    try:
        return int(IPv4Address(text) if family == 4 else IPv6Address(text))
    except AddressValueError:
        raise BadLine(f"{text!r} {_why_not(family, text)}") from None


def _octets(text: str) -> int | None:
    """An address of IPv4 by hand, four times as fast as `ipaddress`; None leaves it to that."""
    parts = text.split(".")
    if len(parts) != 4 or not text.isascii():
        return None
    number = 0
    for part in parts:
        if not part.isdigit() or len(part) > 3 or (part[0] == "0" and part != "0") or int(part) > 255:
            return None
        number = number << 8 | int(part)
    return number


def _why_not(family: Family, text: str) -> str:
    try:
        IPv6Address(text) if family == 4 else IPv4Address(text)
    except AddressValueError:
        return f"is no IPv{family} address; names of hosts are not looked up, since they change"
    return f"is an address of IPv{10 - family}, which no packet of IPv{family} has"


def network(family: Family, text: str) -> tuple[Ranges, str]:
    """`ADDRESS`, `ADDRESS/LENGTH` or `ADDRESS/MASK`, and what more is asked where the mask has holes. Raises BadLine.

    Then the ranges are those of its leading ones, which hold all that it matches, and the words are the value asked for under
    the mask; else they are empty.
    """
    host, slash, mask = text.partition("/")
    number, longest = address(family, host), _LONGEST[family]
    every = (1 << longest) - 1
    if not slash:
        return ((number, number),), ""
    if mask.isascii() and mask.isdecimal():
        if len(mask) > 3 or int(mask) > longest:
            raise BadLine(f"no prefix of IPv{family} is {mask} bits long")
        bits = every ^ (every >> int(mask))
    else:
        bits = address(family, mask)
    free = every ^ bits
    span = (1 << free.bit_length()) - 1
    low = number & bits & ~span
    words = "" if free == span else f"& {_written(family, bits)} == {_written(family, number & bits)}"
    return ((low, low | span),), words


def _written(family: Family, number: int) -> str:
    return str(IPv4Address(number) if family == 4 else IPv6Address(number))


def span(family: Family, text: str) -> Ranges:
    """`FIRST-LAST` or one address. Raises BadLine."""
    low, dash, high = text.partition("-")
    first = address(family, low)
    last = address(family, high) if dash else first
    if first > last:
        raise BadLine(f"the addresses {text} run backwards")
    return ((first, last),)
