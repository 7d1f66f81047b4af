"""What nft can look at in a packet, each field with how its values are written."""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import NamedTuple


class Kind(Enum):
    """How the values of a field are written; NAME and FLAG are words, the others numbers."""

    ADDRESS4 = auto()
    ADDRESS6 = auto()
    PORT = auto()
    PROTOCOL = auto()
    ICMP_TYPE = auto()
    ICMPV6_TYPE = auto()
    NUMBER = auto()
    FAMILY = auto()
    NAME = auto()
    FLAG = auto()


class _Spelling(NamedTuple):
    words: str
    kind: Kind


class Field(_Spelling, Enum):
    """A field in nft's own words."""

    IN_INTERFACE = "iifname", Kind.NAME
    OUT_INTERFACE = "oifname", Kind.NAME
    FAMILY = "meta nfproto", Kind.FAMILY
    PROTOCOL = "meta l4proto", Kind.PROTOCOL
    TIME = "meta time", Kind.NUMBER
    STATE = "ct state", Kind.FLAG
    HELPER = "ct helper", Kind.NAME
    SOURCE4 = "ip saddr", Kind.ADDRESS4
    DESTINATION4 = "ip daddr", Kind.ADDRESS4
    TTL = "ip ttl", Kind.NUMBER
    SOURCE6 = "ip6 saddr", Kind.ADDRESS6
    DESTINATION6 = "ip6 daddr", Kind.ADDRESS6
    HOP_LIMIT = "ip6 hoplimit", Kind.NUMBER
    ICMP_TYPE = "icmp type", Kind.ICMP_TYPE
    ICMP_CODE = "icmp code", Kind.NUMBER
    ICMPV6_TYPE = "icmpv6 type", Kind.ICMPV6_TYPE
    ICMPV6_CODE = "icmpv6 code", Kind.NUMBER
    SOURCE_PORT = "th sport", Kind.PORT
    DESTINATION_PORT = "th dport", Kind.PORT
    TCP_SOURCE_PORT = "tcp sport", Kind.PORT
    TCP_DESTINATION_PORT = "tcp dport", Kind.PORT
    UDP_SOURCE_PORT = "udp sport", Kind.PORT
    UDP_DESTINATION_PORT = "udp dport", Kind.PORT
    SCTP_SOURCE_PORT = "sctp sport", Kind.PORT
    SCTP_DESTINATION_PORT = "sctp dport", Kind.PORT
    DCCP_SOURCE_PORT = "dccp sport", Kind.PORT
    DCCP_DESTINATION_PORT = "dccp dport", Kind.PORT
    UDPLITE_SOURCE_PORT = "udplite sport", Kind.PORT
    UDPLITE_DESTINATION_PORT = "udplite dport", Kind.PORT


TOPS = MappingProxyType(
    {
        Kind.ADDRESS4: 2**32 - 1,
        Kind.ADDRESS6: 2**128 - 1,
        Kind.PORT: 65535,
        Kind.PROTOCOL: 255,
        Kind.ICMP_TYPE: 255,
        Kind.ICMPV6_TYPE: 255,
        Kind.NUMBER: 2**63 - 1,
        Kind.FAMILY: 10,
    }
)
"""The highest value of each kind of numbers."""
_FAMILIES = {2: "ipv4", 10: "ipv6"}
_PROTOCOLS = {
    1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 50: "esp", 51: "ah", 58: "ipv6-icmp", 108: "comp", 132: "sctp", 136: "udplite",
}  # fmt: skip
_ICMP = {
    0: "echo-reply", 3: "destination-unreachable", 4: "source-quench", 5: "redirect", 8: "echo-request",
    9: "router-advertisement", 10: "router-solicitation", 11: "time-exceeded", 12: "parameter-problem",
    13: "timestamp-request", 14: "timestamp-reply", 17: "address-mask-request", 18: "address-mask-reply",
}  # fmt: skip
_ICMPV6 = {
    1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 4: "parameter-problem", 128: "echo-request",
    129: "echo-reply", 130: "mld-listener-query", 131: "mld-listener-report", 132: "mld-listener-done",
    133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit", 136: "nd-neighbor-advert",
    137: "nd-redirect", 143: "mld2-listener-report",
}  # fmt: skip
_NAMES = {Kind.FAMILY: _FAMILIES, Kind.PROTOCOL: _PROTOCOLS, Kind.ICMP_TYPE: _ICMP, Kind.ICMPV6_TYPE: _ICMPV6}
_BITS = {Kind.ADDRESS4: 32, Kind.ADDRESS6: 128}


def value(kind: Kind, number: int) -> str:
    """One value in nft's words: an address, a protocol's or an ICMP type's name where nft has one, else the number."""
    if kind is Kind.ADDRESS4:
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    if kind is Kind.ADDRESS6:
        return str(IPv6Address(number))
    names = _NAMES.get(kind)
    return str(number) if names is None else names.get(number, str(number))


def span(kind: Kind, low: int, high: int) -> str:
    """A closed range in nft's words: a value, a prefix where it is one, else `low-high`."""
    if low == high:
        return value(kind, low)
    bits = _BITS.get(kind)
    if bits is not None:
        size = high - low + 1
        if size & (size - 1) == 0 and low & (size - 1) == 0:
            return f"{value(kind, low)}/{bits - size.bit_length() + 1}"
        return f"{value(kind, low)}-{value(kind, high)}"
    return f"{low}-{high}"


def mask(kind: Kind, length: int) -> str:
    """The mask of a prefix length, as an address. Raises ValueError where the kind has no prefixes."""
    if kind not in _BITS or not 0 < length <= _BITS[kind]:
        raise ValueError(f"no mask of {length} bits for {kind.name}")
    number = ((1 << length) - 1) << (_BITS[kind] - length)
    return str(IPv4Address(number) if kind is Kind.ADDRESS4 else IPv6Address(number))
