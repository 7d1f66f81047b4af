"""Sets of addresses of both families, canonical at birth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

from firewright.model.interval import Ranges, canonical, difference, has, intersection, is_within, union
from firewright.model.packet import Family

TOP: dict[Family, int] = {4: 2**32 - 1, 6: 2**128 - 1}
"""The last address of each family."""


class BadPrefix(ValueError):
    """A text that is no prefix: what is wrong, and `help`, the way out."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses of both families as canonical ranges, so `==` is equality of sets."""

    v4: Ranges = ()
    v6: Ranges = ()

    @classmethod
    def of(cls, *prefixes: str) -> AddressSet:
        """The addresses of these prefixes. Raises BadPrefix."""
        parts = [parse_prefix(text) for text in prefixes]
        return cls(
            canonical((first, last) for family, first, last in parts if family == 4),
            canonical((first, last) for family, first, last in parts if family == 6),
        )

    def ranges(self, family: Family) -> Ranges:
        """The ranges of one family."""
        return self.v4 if family == 4 else self.v6

    def has(self, family: Family, address: int) -> bool:
        """Whether the set holds an address. O(log n)."""
        return has(self.ranges(family), address)

    def prefixes(self) -> tuple[str, ...]:
        """The fewest prefixes that make up the set, IPv4 first."""
        v4 = (net for low, high in self.v4 for net in summarize_address_range(IPv4Address(low), IPv4Address(high)))
        v6 = (net for low, high in self.v6 for net in summarize_address_range(IPv6Address(low), IPv6Address(high)))
        return (*map(_prefix_word, v4), *map(_prefix_word, v6))

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(union(self.v4, other.v4), union(self.v6, other.v6))

    def __and__(self, other: AddressSet) -> AddressSet:
        return AddressSet(intersection(self.v4, other.v4), intersection(self.v6, other.v6))

    def __sub__(self, other: AddressSet) -> AddressSet:
        return AddressSet(difference(self.v4, other.v4), difference(self.v6, other.v6))

    def __le__(self, other: AddressSet) -> bool:
        return is_within(self.v4, other.v4) and is_within(self.v6, other.v6)

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)


def merge(sets: Iterable[AddressSet]) -> AddressSet:
    """Every address that is in one of the sets. O(n log n) for all of them together."""
    kept = list(sets)
    return AddressSet(union(*(one.v4 for one in kept)), union(*(one.v6 for one in kept)))


def _prefix_word(network: IPv4Network | IPv6Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def parse_prefix(text: str) -> tuple[Family, int, int]:
    """Family, first and last address of a prefix, an address, or a range `a-b`. Raises BadPrefix."""
    first, dash, last = text.partition("-")
    if dash:
        return _parse_range(first.strip(), last.strip())
    address, slash, length = text.partition("/")
    try:
        number = ip_address(address)
    except ValueError:
        raise BadPrefix(f"{text!r} is neither an address nor a prefix", _address_help(address)) from None
    if getattr(number, "scope_id", None):
        raise BadPrefix(f"{text!r} names an interface", "write the address without %; interfaces belong to a firewall")
    if not slash:
        return number.version, int(number), int(number)
    if not (length.isascii() and length.isdecimal()) or int(length) > number.max_prefixlen:
        most = number.max_prefixlen
        raise BadPrefix(f"/{length} is no prefix length", f"IPv{number.version} prefixes go from /0 to /{most}")
    try:
        network = ip_network(f"{address}/{int(length)}")
    except ValueError:
        whole = ip_network(f"{address}/{int(length)}", strict=False)
        raise BadPrefix(f"{text} has host bits set", f"write {whole}, or {address} for the one address") from None
    return network.version, int(network.network_address), int(network.broadcast_address)


def _parse_range(first: str, last: str) -> tuple[Family, int, int]:
    try:
        low, high = ip_address(first), ip_address(last)
    except ValueError:
        raise BadPrefix(f"{first}-{last} is not a range of addresses", "write 192.0.2.10-192.0.2.20") from None
    if low.version != high.version:
        raise BadPrefix(f"{first}-{last} begins in IPv{low.version} and ends in IPv{high.version}", "write two ranges")
    if int(low) > int(high):
        raise BadPrefix(f"{first}-{last} is upside down", f"write {last}-{first}")
    return low.version, int(low), int(high)


def _address_help(text: str) -> str:
    parts = text.split(".")
    if len(parts) == 4 and all(part.isdecimal() for part in parts):
        if any(int(part) > 255 for part in parts):
            return "each part of an IPv4 address is at most 255"
        if any(len(part) > 1 and part[0] == "0" for part in parts):
            return "write the parts without leading zeros: " + ".".join(str(int(part)) for part in parts)
    return ""


EVERYWHERE = AddressSet(((0, TOP[4]),), ((0, TOP[6]),))
MULTICAST = AddressSet.of("224.0.0.0/4", "ff00::/8")
BROADCAST = AddressSet.of("255.255.255.255")
LOOPBACK = AddressSet.of("127.0.0.0/8", "::1")
UNSPECIFIED = AddressSet.of("0.0.0.0/8", "::")
UNICAST = EVERYWHERE - MULTICAST - BROADCAST - LOOPBACK - UNSPECIFIED
"""What a zone may hold: all but multicast, limited broadcast, loopback and "this network" (RFC 6890)."""
