"""What the kernel sees when a rule looks at a key: an axis of the packet space, or a match that is only bounded.

Measured on Linux 6.18 with packets and counters: a name of an interface that the hook does not have reads as empty, so
`iifname != "x"` holds in output and `oifname != "x"` in input (old kernels end the rule there), and so does the index; its
group and type end the rule. `meta l4proto` stops at an IPv6 authentication header (old kernels walk past it, to what it
carries). `th dport` reads bytes of whatever protocol, and ends the rule where there are too few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from types import MappingProxyType

from firewright.model.interval import Ranges, canonical, complement, difference, has, intersection
from firewright.model.packet import PORTED, ConntrackState, Family
from firewright.model.protocol import PORTED_NAMES
from firewright.readers.nftables import domains
from firewright.readers.nftables.domains import Domain, Interfaces
from firewright.readers.nftables.terms import ALWAYS, NEVER, Terms, both, literal, numbered, on
from firewright.readers.nftables.tree import Key
from firewright.space.axis import HOST, PORTED_SERVICES, TCP_SERVICES, Axis
from firewright.space.ruleset import Hook


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a rule is judged: family, hook, whether before connection tracking, and the time if it is given."""

    family: Family
    hook: Hook
    is_early: bool = False
    instant: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A key whose constants are numbers: `holds` gives the packets for which it is in a set of them."""

    domain: Domain
    holds: Callable[[Ranges, Scene], Terms]
    values: tuple[int, ...] = ()
    """Every number that the kernel may see, where they are few: then any arithmetic is decided by trying."""


_HOSTS_OWN_IN = (Hook.OUTPUT,)
_NO_OUT = (Hook.PREROUTING, Hook.INPUT)
_AT_LOOPBACK = {
    Axis.IN_INTERFACE: (Hook.PREROUTING, Hook.INPUT),
    Axis.OUT_INTERFACE: (Hook.OUTPUT, Hook.POSTROUTING),
}
_ABSENT = {Axis.IN_INTERFACE: _HOSTS_OWN_IN, Axis.OUT_INTERFACE: _NO_OUT}
_DEVICES = {"iifname": Axis.IN_INTERFACE, "iif": Axis.IN_INTERFACE} | {
    "oifname": Axis.OUT_INTERFACE,
    "oif": Axis.OUT_INTERFACE,
}
_NUMBERED = ("iif", "oif")
"""Keys that are the number of an interface: nft lists its name, and 0 for none, but so it lists an interface whose name is 0."""
_STATE_BITS = (8, 2, 4, 1, 64)
"""The kernel's bit of each number on the axis of states: new, established, related, invalid, untracked."""
_WITH_FOUR_BYTES = (1, 2, 4, 41, 47, 50, 51, 58, 88, 89, 103, 108, 112, 115)
"""Protocols without ports whose own header has four bytes and more, so that two bytes at any of them can be read."""
_EXTENSIONS: Ranges = ((0, 0), (43, 44), (60, 60), (135, 135), (139, 140))
_AH: Ranges = ((51, 51),)
_NOT_AH: Ranges = ((0, 50), (52, 255))
_PORTED: Ranges = tuple((number, number) for number in PORTED)


def field(key: Key, scene: Scene) -> Field | None:
    """The field that a key is in this scene; None if its constants are not numbers that are known here."""
    if key.text in _DEVICES:
        return _device(_DEVICES[key.text], scene.hook, is_number=key.text in _NUMBERED)
    return _FIELDS.get(key.text)


def around(key: Key, scene: Scene) -> Terms:
    """The packets that a key can be asked of at all: what nft itself adds before a rule that looks at it."""
    if key.kind in ("exthdr", "payload", "tcp option", "ip option", "sctp chunk", "dccp option"):
        header = key.text.split(" ", 1)[0] if key.kind != "exthdr" else "ip6"
        if _HEADER_FAMILY.get(header, scene.family) != scene.family and not is_unsaid(key, scene):
            return NEVER
        number = _HEADER_PROTOCOL.get(header)
        return ALWAYS if number is None else _protocols(((number, number),), scene)
    if key.text.startswith(("iifgroup", "meta iif")) and scene.hook in _HOSTS_OWN_IN:
        return NEVER
    if key.text.startswith(("oifgroup", "meta oif")) and scene.hook in _NO_OUT:
        return NEVER
    return ALWAYS


def is_unsaid(key: Key, scene: Scene) -> bool:
    """Whether a listing leaves open if the rule looks at packets of this family: the ICMP of the other one.

    Before `icmp type`, nft puts `meta nfproto ipv4`, but not where the rule itself says `meta l4proto icmp`; both are listed alike.
    """
    return _ICMP_FAMILY.get(key.text.split(" ", 1)[0], scene.family) != scene.family and key.kind == "payload"


def may_break(key: Key) -> bool:
    """Whether a packet may lack what the key looks at: the rule then ends, whatever it compares with."""
    if key.kind == "payload":
        header, _, name = key.text.partition(" ")
        if header in _ICMP_FAMILY:
            # What follows the checksum is there for some types only, and nft asks for these without a word.
            return name not in ("type", "code", "checksum")
        return header in ("ether", "vlan", "th", "gre", "vxlan", "geneve", "igmp", "ah", "comp")
    return key.text not in _ALWAYS_THERE


_ALWAYS_THERE = frozenset(
    {f"meta {word}" for word in ("mark", "length", "priority", "pkttype", "protocol", "nfproto", "cpu", "time", "hour")}
    | {"meta day", "meta nftrace", "meta ipsec", "ct state", *_DEVICES}
)
_ICMP_FAMILY = {"icmp": 4, "icmpv6": 6}
_HEADER_FAMILY = {"ip": 4, "ip6": 6, **_ICMP_FAMILY}
UNSAID = "what the listing leaves out, "
"""How the literal begins for what a rule may do with the other family's packets (`is_unsaid`)."""
_HEADER_PROTOCOL = {**PORTED_NAMES, "icmp": 1, "igmp": 2, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "comp": 108}


@cache
def _device(axis: Axis, hook: Hook, *, is_number: bool) -> Field:
    is_absent = hook in _ABSENT[axis]
    loopback = HOST if hook in _AT_LOOPBACK[axis] else ()

    def holds(names: Ranges, scene: Scene) -> Terms:
        if is_absent:
            # The name is empty, which no constant of a listing is: it is in a set exactly if the set is a complement.
            return ALWAYS if has(names, 0) else NEVER
        return on(axis, names, scene.family)

    return Field(Interfaces(() if is_absent else loopback, () if not is_number else ("0",)), holds)


def _address(axis: Axis, family: Family) -> Callable[[Ranges, Scene], Terms]:
    return lambda ranges, scene: on(axis, ranges, family) if scene.family == family else NEVER


def _protocols(ranges: Ranges, scene: Scene) -> Terms:
    return on(Axis.SERVICE, tuple((low << 16, high << 16 | 65535) for low, high in ranges), scene.family)


def _next_header(ranges: Ranges, scene: Scene) -> Terms:
    """`ip6 nexthdr`: AH if that comes first; else an extension header, or, where there is none, the last header itself."""
    if scene.family != 6:
        return NEVER
    terms = list(_protocols(intersection(ranges, _AH), scene))
    rest = _protocols(_NOT_AH, scene)
    own = intersection(difference(ranges, _AH), complement(_EXTENSIONS, 255))
    terms += both(_protocols(own, scene), literal(_BARE), 6)
    extensions = intersection(ranges, _EXTENSIONS)
    if extensions:
        which = () if extensions == _EXTENSIONS else numbered("ip6 nexthdr", extensions, 255, may_break=False)
        with_extension = both(rest, literal(_BARE, holds=False), 6)
        terms += both(with_extension, which, 6) if which else with_extension
    return tuple(terms)


_BARE = "ip6 without extension headers"
"""No extension header comes before the last header (AH counts as a last header)."""


def _port(protocols: Ranges, *, is_source: bool) -> Callable[[Ranges, Scene], Terms]:
    def holds(ranges: Ranges, scene: Scene) -> Terms:
        if not ranges:
            return NEVER
        if is_source:
            return both(on(Axis.SOURCE_PORT, ranges, scene.family), _protocols(protocols, scene), scene.family)
        numbers = (number for low, high in protocols for number in range(low, high + 1))
        services = tuple((number << 16 | low, number << 16 | high) for number in numbers for low, high in ranges)
        return on(Axis.SERVICE, services if ranges != ((0, 65535),) else _whole(services), scene.family)

    return holds


def _whole(services: Ranges) -> Ranges:
    return PORTED_SERVICES if len(services) == len(PORTED) else services


def _any_port(name: str, *, is_source: bool) -> Callable[[Ranges, Scene], Terms]:
    """Two bytes behind the network header: ports where there are ports, whatever is there elsewhere."""
    ports = _port(_PORTED, is_source=is_source)

    def holds(ranges: Ranges, scene: Scene) -> Terms:
        if not ranges:
            return NEVER
        others = _protocols(complement(_PORTED_NUMBERS, 255), scene)
        if ranges == ((0, 65535),):
            long = _protocols(_LONG, scene)
            short = _protocols(complement(_PORTED_NUMBERS_AND_LONG, 255), scene)
            # With ports, or long enough: what is compared with all numbers is no more than "there are two bytes".
            return (*_protocols(_PORTED_NUMBERS, scene), *long, *both(short, literal(f"{name} present"), scene.family))
        rest = both(others, numbered(name, ranges, 65535, may_break=True), scene.family)
        return (*ports(ranges, scene), *rest)

    return holds


def _each(numbers: Iterable[int]) -> Ranges:
    return canonical((number, number) for number in numbers)


_PORTED_NUMBERS = _each(PORTED)
_LONG = _each(_WITH_FOUR_BYTES)
_PORTED_NUMBERS_AND_LONG = _each((*PORTED, *_WITH_FOUR_BYTES))


def _icmp(protocol: int, family: Family, *, is_code: bool) -> Callable[[Ranges, Scene], Terms]:
    base = protocol << 16

    def holds(ranges: Ranges, scene: Scene) -> Terms:
        if scene.family != family:
            own = _protocols(((protocol, protocol),), scene)
            return both(own, literal(f"{UNSAID}of IPv{scene.family}"), scene.family) if ranges else NEVER
        if ranges == ((0, 255),):
            return _protocols(((protocol, protocol),), scene)
        if is_code:
            listed = tuple((base | t << 8 | low, base | t << 8 | high) for t in range(256) for low, high in ranges)
        else:
            listed = tuple((base | low << 8, base | high << 8 | 255) for low, high in ranges)
        return on(Axis.SERVICE, canonical(listed), family)

    return holds


def _flags(ranges: Ranges, scene: Scene) -> Terms:
    service = on(Axis.SERVICE, TCP_SERVICES, scene.family)
    return both(on(Axis.TCP_FLAGS, ranges, scene.family), service, scene.family)


def _state(ranges: Ranges, scene: Scene) -> Terms:
    numbers = tuple(number for number, bit in enumerate(_STATE_BITS) if has(ranges, bit))
    if not numbers or len(numbers) == len(_STATE_BITS):
        return ALWAYS if numbers else NEVER
    if scene.is_early:
        # Before connection tracking every packet reads as invalid, but those that come back over loopback.
        names = [state.name.lower() for state in ConntrackState if (state in numbers) is (0 not in numbers)]
        return literal(f"early ct state {','.join(names)}", 0 not in numbers)
    return on(Axis.CONNTRACK_STATE, _each(numbers), scene.family)


def _constant(by_family: dict[Family, int]) -> Callable[[Ranges, Scene], Terms]:
    return lambda ranges, scene: ALWAYS if has(ranges, by_family[scene.family]) else NEVER


def _version(family: Family) -> Callable[[Ranges, Scene], Terms]:
    return lambda ranges, scene: ALWAYS if scene.family == family and has(ranges, family) else NEVER


def _time(ranges: Ranges, scene: Scene) -> Terms:
    if scene.instant is None:
        return numbered("meta time", ranges, domains.TIME.top, may_break=False)
    # Exact: from 2116 on, the nanoseconds since 1970 have more digits than a float.
    return ALWAYS if has(ranges, int(Fraction(scene.instant) * domains.SECOND)) else NEVER


def _number(name: str, domain: Domain) -> Field:
    """A header field or a mark that is no axis, with numbers that are known."""
    key = Key("meta" if name.startswith("meta") else "ct" if name.startswith("ct") else "payload", name)
    breaks = may_break(key)

    def holds(ranges: Ranges, scene: Scene) -> Terms:
        inside = around(key, scene)
        return both(inside, numbered(name, ranges, domain.top, may_break=breaks), scene.family) if inside else NEVER

    return Field(domain, holds)


_PROTOCOL_V4 = Field(domains.PROTOCOL, lambda ranges, scene: _protocols(ranges, scene) if scene.family == 4 else NEVER)
_FIELDS = MappingProxyType(
    {
        "ip saddr": Field(domains.IPV4, _address(Axis.SOURCE, 4)),
        "ip daddr": Field(domains.IPV4, _address(Axis.DESTINATION, 4)),
        "ip6 saddr": Field(domains.IPV6, _address(Axis.SOURCE, 6)),
        "ip6 daddr": Field(domains.IPV6, _address(Axis.DESTINATION, 6)),
        "meta l4proto": Field(domains.PROTOCOL, _protocols),
        "ip protocol": _PROTOCOL_V4,
        "ip6 nexthdr": Field(domains.PROTOCOL, _next_header),
        "th sport": Field(domains.PORT, _any_port("th sport", is_source=True)),
        "th dport": Field(domains.PORT, _any_port("th dport", is_source=False)),
        **{
            f"{name} {side}": Field(domains.PORT, _port(((number, number),), is_source=side == "sport"))
            for name, number in PORTED_NAMES.items()
            for side in ("sport", "dport")
        },
        "icmp type": Field(domains.ICMP_TYPE, _icmp(1, 4, is_code=False)),
        "icmp code": Field(domains.ICMP_CODE, _icmp(1, 4, is_code=True)),
        "icmpv6 type": Field(domains.ICMPV6_TYPE, _icmp(58, 6, is_code=False)),
        "icmpv6 code": Field(domains.ICMPV6_CODE, _icmp(58, 6, is_code=True)),
        "tcp flags": Field(domains.TCP_FLAGS, _flags, tuple(range(256))),
        "ct state": Field(domains.CT_STATE, _state, _STATE_BITS),
        "meta nfproto": Field(domains.NFPROTO, _constant({4: 2, 6: 10})),
        "meta protocol": Field(domains.ETHERTYPE, _constant({4: 0x800, 6: 0x86DD})),
        "ip version": Field(domains.BYTE, _version(4)),
        "ip6 version": Field(domains.BYTE, _version(6)),
        "meta time": Field(domains.TIME, _time),
        **{
            name: _number(name, domain)
            for name, domain in (
                ("ip ttl", domains.BYTE),
                ("ip6 hoplimit", domains.BYTE),
                ("ip length", domains.SHORT),
                ("ip id", domains.SHORT),
                ("ip frag-off", domains.SHORT),
                ("ip dscp", domains.DSCP),
                ("ip6 dscp", domains.DSCP),
                ("ip ecn", domains.ECN),
                ("ip6 ecn", domains.ECN),
                ("ip6 length", domains.SHORT),
                ("meta mark", domains.LONG),
                ("meta length", domains.LONG),
                ("ct mark", domains.LONG),
                ("udp length", domains.SHORT),
                ("esp spi", domains.LONG),
                ("ah spi", domains.LONG),
            )
        },
    }
)
