"""What the constants of a listing stand for: domains of numbers, their names, and sets of them as ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType

from firewright.model.interval import Ranges
from firewright.model.protocol import PROTOCOL_NUMBERS
from firewright.readers.nftables.tree import Between, Binary, Expression, Flags, Number, Prefix, Word
from firewright.space.axis import LONGEST_NAME, TOPS, Axis, interface

SECOND = 10**9
"""The kernel counts time in nanoseconds."""
_NAMES = TOPS[4][Axis.IN_INTERFACE]


@dataclass(frozen=True, eq=False)
class Domain:
    """Numbers from 0 to `top` and how a name among them is read; None for a name that is not known."""

    top: int
    read: Callable[[str], int | None]

    def number(self, expression: Expression) -> int | None:
        """The one number that a constant is; None if it is none, or not known. Flags are their bits together."""
        match expression:
            case Number(value):
                return value if 0 <= value <= self.top else None
            case Word(text):
                found = self.read(text)
                return found if found is not None and 0 <= found <= self.top else None
            case Flags(parts):
                return self._together(parts)
            case Binary(operator, left, right):
                a, b = self.number(left), self.number(right)
                return None if a is None or b is None else _combined(operator, a, b, self.top)
            case _:
                return None

    def ranges(self, expression: Expression) -> Ranges | None:
        """The numbers of one element: a constant, a prefix, a range. None if it is not known."""
        if isinstance(expression, Between):
            low, high = self.number(expression.low), self.number(expression.high)
            return None if low is None or high is None or low > high else ((low, high),)
        if isinstance(expression, Prefix):
            base, width = self.number(expression.base), self.top.bit_length()
            if base is None or expression.length > width:
                return None
            loose = (1 << width - expression.length) - 1
            return ((base & ~loose, base | loose),)
        one = self.number(expression)
        return None if one is None else ((one, one),)

    def _together(self, parts: tuple[Expression, ...]) -> int | None:
        bits = 0
        for part in parts:
            one = self.number(part)
            if one is None:
                return None
            bits |= one
        return bits


class Moments(Domain):
    """Nanoseconds of which only whole seconds are known, so that what a rule holds changes at these and nowhere between."""

    def number(self, expression: Expression) -> int | None:
        """The one number that a constant is; None if it is no whole second."""
        found = super().number(expression)
        return found if found is None or found % SECOND == 0 else None

    def ranges(self, expression: Expression) -> Ranges | None:
        """The numbers of one element; None for a prefix, which ends between two seconds."""
        return None if isinstance(expression, Prefix) else super().ranges(expression)


class Interfaces(Domain):
    """Names of interfaces, as ranges of the axis; `loopback` is what "lo" stands for where it is looked at.

    `unclear` are words that may be no name at all.
    """

    def __init__(self, loopback: Ranges, unclear: tuple[str, ...] = ()) -> None:
        super().__init__(_NAMES, lambda text: None)
        object.__setattr__(self, "loopback", loopback)
        object.__setattr__(self, "unclear", unclear)

    loopback: Ranges
    unclear: tuple[str, ...]

    def ranges(self, expression: Expression) -> Ranges | None:
        """The interfaces with this name; one that ends in a bare `*` is a beginning."""
        if not isinstance(expression, Word) or expression.text in self.unclear:
            return None
        text = expression.text
        if text == "lo":
            return self.loopback
        if text.endswith("\\*"):
            # An escaped star is a character of the name, which `interface` cannot say; the numbers around it can.
            low, _ = _named(text[:-2] + "*\0")
            return ((low, low),)
        stem = text.removesuffix("*")
        if not stem or len(stem.encode(errors="surrogateescape")) > LONGEST_NAME or "\0" in stem or "*" in stem:
            return None
        found = interface(text)
        return tuple(sorted((*self.loopback, *found))) if text != stem and "lo".startswith(stem) else found


def _named(text: str) -> tuple[int, int]:
    raw = text.rstrip("\0").encode(errors="surrogateescape")
    number = int.from_bytes(raw.ljust(16, b"\0"), "big")
    return number, number


def _combined(operator: str, a: int, b: int, top: int) -> int | None:
    match operator:
        case "&":
            return a & b
        case "|":
            return a | b
        case "^":
            return a ^ b
        case "<<":
            return (a << b) & top if b < 256 else None
        case ">>":
            return a >> b if b < 256 else None
        case _:
            return None


def _ipv4(text: str) -> int | None:
    # By hand, since sets of a hundred thousand addresses are read: `ipaddress` takes four times as long.
    parts = text.split(".")
    if len(parts) != 4 or not text.isascii():
        return None
    number = 0
    for part in parts:
        if not part.isdigit() or len(part) > 3 or int(part) > 255:
            return None
        number = number << 8 | int(part)
    return number


def _ipv6(text: str) -> int | None:
    try:
        return int(IPv6Address(text))
    except AddressValueError:
        return None


def _moment(text: str) -> int | None:
    """The kernel's nanoseconds of a date that was listed under TZ=UTC."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * SECOND
        except ValueError:
            continue
    return None


def _table(listed: str) -> Mapping[str, int]:
    pairs = (entry.split() for entry in listed.split(","))
    return MappingProxyType({name: int(number, 0) for name, number in pairs})


def _by_name(names: Mapping[str, int], bits: int) -> Domain:
    def read(text: str) -> int | None:
        found = names.get(text)
        if found is not None:
            return found
        try:
            return int(text, 0)
        except ValueError:
            return None

    return Domain((1 << bits) - 1, read)


def _numbers(bits: int) -> Domain:
    return _by_name({}, bits)


_ALSO = (
    "ip 0, ipv6-hopopts 0, ipv4 4, bbn-rcc 10, nvp 11, dcn 19, sep 33, ipv6-crypt 50, ipv6-auth 51, inlsp 52, mobile 55,"
    "icmpv6 58, rspf 73, ttp 84, ospfigp 89, comp 108, carp 112"
)
"""What systems call protocols otherwise: nft lists the first name that /etc/protocols has."""
_PROTOCOLS = {**PROTOCOL_NUMBERS, **_table(_ALSO)}

IPV4, IPV6 = Domain((1 << 32) - 1, _ipv4), Domain((1 << 128) - 1, _ipv6)
PROTOCOL = _by_name(_PROTOCOLS, 8)
PORT = _numbers(16)
BYTE, SHORT, LONG = _numbers(8), _numbers(16), _numbers(32)
TIME = Moments((1 << 64) - 1, _moment)
ICMP_TYPE = _by_name(
    _table(
        "echo-reply 0, destination-unreachable 3, source-quench 4, redirect 5, echo-request 8, router-advertisement 9,"
        "router-solicitation 10, time-exceeded 11, parameter-problem 12, timestamp-request 13, timestamp-reply 14,"
        "info-request 15, info-reply 16, address-mask-request 17, address-mask-reply 18"
    ),
    8,
)
ICMP_CODE = _by_name(
    _table(
        "net-unreachable 0, host-unreachable 1, prot-unreachable 2, port-unreachable 3, frag-needed 4,"
        "net-prohibited 9, host-prohibited 10, admin-prohibited 13"
    ),
    8,
)
ICMPV6_TYPE = _by_name(
    _table(
        "destination-unreachable 1, packet-too-big 2, time-exceeded 3, parameter-problem 4, echo-request 128,"
        "echo-reply 129, mld-listener-query 130, mld-listener-report 131, mld-listener-done 132,"
        "mld-listener-reduction 132, nd-router-solicit 133, nd-router-advert 134, nd-neighbor-solicit 135,"
        "nd-neighbor-advert 136, nd-redirect 137, router-renumbering 138, ind-neighbor-solicit 141,"
        "ind-neighbor-advert 142, mld2-listener-report 143"
    ),
    8,
)
ICMPV6_CODE = _by_name(
    _table("no-route 0, admin-prohibited 1, addr-unreachable 3, port-unreachable 4, policy-fail 5, reject-route 6"), 8
)
TCP_FLAGS = _by_name(_table("fin 1, syn 2, rst 4, psh 8, ack 16, urg 32, ecn 64, cwr 128"), 8)
CT_STATE = _by_name(_table("invalid 1, established 2, related 4, new 8, untracked 64"), 32)
NFPROTO = _by_name(_table("ipv4 2, ipv6 10"), 8)
ETHERTYPE = _by_name(_table("ip 0x800, ip6 0x86dd, arp 0x806, vlan 0x8100, 8021q 0x8100, 8021ad 0x88a8"), 16)
DSCP = _by_name(
    _table(
        "cs0 0, cs1 8, cs2 16, cs3 24, cs4 32, cs5 40, cs6 48, cs7 56, af11 10, af12 12, af13 14, af21 18, af22 20,"
        "af23 22, af31 26, af32 28, af33 30, af41 34, af42 36, af43 38, ef 46, va 44, lephb 1"
    ),
    6,
)
ECN = _by_name(_table("not-ect 0, ect1 1, ect0 2, ce 3"), 2)
