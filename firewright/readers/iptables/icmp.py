"""The types of ICMP as iptables calls them, and their numbers (RFC 792 and 1812; RFC 4443 and 4861)."""

from __future__ import annotations

from collections.abc import Mapping

from firewright.model.interval import Ranges
from firewright.model.packet import ICMP, ICMPV6, Family
from firewright.readers.iptables.words import BadLine

_V4 = """
echo-reply 0, pong 0, destination-unreachable 3, source-quench 4, redirect 5, echo-request 8, ping 8,
router-advertisement 9, router-solicitation 10, time-exceeded 11, ttl-exceeded 11, parameter-problem 12,
timestamp-request 13, timestamp-reply 14, address-mask-request 17, address-mask-reply 18,
network-unreachable 3/0, host-unreachable 3/1, protocol-unreachable 3/2, port-unreachable 3/3,
fragmentation-needed 3/4, source-route-failed 3/5, network-unknown 3/6, host-unknown 3/7, network-prohibited 3/9,
host-prohibited 3/10, tos-network-unreachable 3/11, tos-host-unreachable 3/12, communication-prohibited 3/13,
host-precedence-violation 3/14, precedence-cutoff 3/15, network-redirect 5/0, host-redirect 5/1,
tos-network-redirect 5/2, tos-host-redirect 5/3, ttl-zero-during-transit 11/0, ttl-zero-during-reassembly 11/1,
ip-header-bad 12/0, required-option-missing 12/1
"""
_V6 = """
destination-unreachable 1, packet-too-big 2, time-exceeded 3, ttl-exceeded 3, parameter-problem 4, echo-request 128,
ping 128, echo-reply 129, pong 129, router-solicitation 133, router-advertisement 134, neighbour-solicitation 135,
neighbor-solicitation 135, neighbour-advertisement 136, neighbor-advertisement 136, redirect 137, no-route 1/0,
communication-prohibited 1/1, beyond-scope 1/2, address-unreachable 1/3, port-unreachable 1/4, failed-policy 1/5,
reject-route 1/6, ttl-zero-during-transit 3/0, ttl-zero-during-reassembly 3/1, bad-header 4/0,
unknown-header-type 4/1, unknown-option 4/2
"""


def _table(text: str) -> Mapping[str, str]:
    pairs = (entry.split() for entry in text.split(","))
    return {name: number for name, number in pairs}  # noqa: C416


NAMES: Mapping[Family, Mapping[str, str]] = {4: _table(_V4), 6: _table(_V6)}
"""For each family `TYPE` or `TYPE/CODE` by name."""
_ANY_TYPE = 255


def icmp_services(family: Family, text: str) -> Ranges:
    """The services of a `--icmp-type` or `--icmpv6-type`: a name, TYPE, TYPE/CODE or TYPE/CODE:CODE. Raises BadLine.

    In IPv4 `any`, which is type 255, is every type (kernel: `icmp_type_code_match`).
    """
    protocol = ICMP if family == 4 else ICMPV6
    number, slash, codes = NAMES[family].get(text.lower(), text).partition("/")
    if family == 4 and text.lower() == "any":
        number, slash = str(_ANY_TYPE), ""
    low, colon, high = codes.partition(":")
    high = high if colon else low
    is_sound = _is_byte(number) and (not slash or (_is_byte(low) and _is_byte(high) and int(low) <= int(high)))
    if not is_sound:
        raise BadLine(f"{text!r} is no type of {'ICMP' if family == 4 else 'ICMPv6'}")
    if family == 4 and int(number) == _ANY_TYPE:
        return ((protocol << 16, protocol << 16 | 65535),)
    first = protocol << 16 | int(number) << 8
    return ((first | int(low), first | int(high)),) if slash else ((first, first | 255),)


def _is_byte(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4 and int(text) < 256
