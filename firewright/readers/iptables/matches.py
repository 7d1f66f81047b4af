"""What each match of a rule says of a packet's headers; a module that is not understood is a literal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from firewright.model.interval import Range, Ranges, canonical, complement
from firewright.model.packet import DCCP, ICMP, ICMPV6, PORTED, SCTP, TCP, UDP, UDPLITE, ConntrackState, Family
from firewright.readers.iptables import numbers
from firewright.readers.iptables.clauses import (
    Clauses,
    address,
    behind_ah,
    both,
    boxes,
    literal,
    service,
)
from firewright.readers.iptables.condition import AddressKind, Condition, Dates, Header, Interface
from firewright.readers.iptables.icmp import icmp_services
from firewright.readers.iptables.options import Given, Owner, Parts
from firewright.readers.iptables.sets import NO_SETS, KnownSet
from firewright.readers.iptables.words import BadLine
from firewright.space.axis import LONGEST_NAME
from firewright.space.box import box

_PROTOCOL_OF = {
    "tcp": (TCP,), "udp": (UDP, UDPLITE), "udplite": (UDPLITE,), "sctp": (SCTP,), "dccp": (DCCP,), "icmp": (ICMP,),
    "icmp6": (ICMPV6,), "multiport": (TCP, UDP, UDPLITE, SCTP, DCCP),
}  # fmt: skip
"""The protocols that a module may be used with; the kernel refuses it with others."""
_NEVER_ALONE = ("addrtype", "conntrack", "iprange", "multiport", "state")
"""Modules that iptables refuses without an option."""
_FAMILY_OF = {"icmp": 4, "icmp6": 6}
_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
_MOST_PORTS = 15
_KEPT = 1 << 12
"""Clauses that are remembered: a ruleset has most of its ports and protocols many times."""
_OPENING = ("FIN,SYN,RST,ACK", "SYN")
_STATES = {state.name: state for state in ConntrackState}
_STATUSES = ("SNAT", "DNAT")
_KINDS = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",
    "NAT", "XRESOLVE",
)  # fmt: skip
_STEADY = (
    "ah", "bpf", "cluster", "cpu", "devgroup", "dst", "esp", "eui64", "frag", "hbh", "hl", "helper", "ipcomp",
    "ipv6header", "length", "mac", "mh", "owner", "physdev", "pkttype", "policy", "realm", "rt", "srh", "string", "ttl",
    "u32",
)  # fmt: skip
"""Modules whose answer for a packet is the same wherever the same words stand; of the rest each occurrence is its own."""


class Context(NamedTuple):
    """What a match needs to know of its rule: its family and table, its protocol, its place in words.

    `protocol` is None where there is none, or it is negated. `sees_behind_ah` is whether `-p` and ports mean what is behind
    an IPv6 authentication header, or may (kernel: ip6_tables does, nf_tables stops there). `sets` are those that are known.
    """

    family: Family
    table: str
    protocol: int | None
    place: str
    sees_behind_ah: bool
    sets: Mapping[str, KnownSet]

    def last_header(self, clauses: Clauses, words: str, is_negated: bool) -> Condition:
        """A match of the last header; `words` are what it asks."""
        return Header(behind_ah(clauses, words, is_negated) if self.sees_behind_ah else clauses)


def conditions(
    parts: Parts,
    family: Family,
    table: str,
    place: str,
    sees_behind_ah: bool = False,
    sets: Mapping[str, KnownSet] = NO_SETS,
) -> tuple[Condition, ...]:
    """Every match of a rule; `place` sets those apart that say something else at each occurrence. Raises BadLine."""
    context = Context(family, table, protocol_of(parts), place, sees_behind_ah, sets)
    found = [condition for given in parts.general for condition in _GENERAL[given.name](given, context)]
    for number, owner in enumerate(parts.modules):
        found += _module(owner, context._replace(place=f"{place}.{number}") if number else context)
    return tuple(found)


def protocol_of(parts: Parts) -> int | None:
    """The protocol that every packet of a rule has; None where the rule leaves it open. Raises BadLine."""
    given = next((given for given in parts.general if given.name == "-p" and not given.is_negated), None)
    return (numbers.protocol(given.values[0]) or None) if given else None


def _address(given: Given, context: Context) -> Iterator[Condition]:
    """One network, or any of several; several cannot be negated (iptables makes a rule of each)."""
    listed = given.values[0].split(",")
    if given.is_negated and len(listed) > 1:
        raise BadLine(f"! {given.name} takes one network")
    is_source, family = given.name == "-s", context.family
    clauses: Clauses = ()
    unknown: list[str] = []
    for text in listed:
        ranges, asked = numbers.network(family, text)
        if not asked:
            clauses += address(family, is_source, ranges, given.is_negated)
            continue
        words = f"{'ip' if family == 4 else 'ip6'} {'saddr' if is_source else 'daddr'} {asked}"
        clauses += both(address(family, is_source, ranges), literal(words, given.is_negated), family)
        if given.is_negated:
            clauses += address(family, is_source, ranges, is_negated=True)
        unknown.append(words)
    yield Header(clauses, ", ".join(unknown))


def _protocol(given: Given, context: Context) -> Iterator[Condition]:
    number = numbers.protocol(given.values[0])
    if number:
        plain = _of_protocol(context.family, number, given.is_negated)
        yield context.last_header(plain, f"-p {number}", given.is_negated)
    elif given.is_negated:
        raise BadLine("no packet has no protocol at all")


@lru_cache(maxsize=_KEPT)
def _of_protocol(family: Family, number: int, is_negated: bool) -> Clauses:
    return service(family, _services(number), is_negated)


def _services(*protocols: int) -> Ranges:
    return canonical((number << 16, number << 16 | 65535) for number in protocols)


def _interface(given: Given, context: Context) -> Iterator[Condition]:
    name = given.values[0]
    stem = name.removesuffix("+")
    if not name or "\0" in name or len(stem.encode(errors="surrogateescape")) > LONGEST_NAME:
        raise BadLine(f"no interface can be called {name!r}")
    yield Interface(given.name == "-o", stem, stem != name, given.is_negated)


def _fragment(given: Given, context: Context) -> Iterator[Condition]:
    if context.family == 6:
        raise BadLine("-f is of IPv4 only")
    yield Header(literal("-f", given.is_negated), "-f")


def _counters(given: Given, context: Context) -> Iterator[Condition]:
    return iter(())


_GENERAL: Mapping[str, Callable[[Given, Context], Iterator[Condition]]] = {
    "-s": _address,
    "-d": _address,
    "-p": _protocol,
    "-i": _interface,
    "-o": _interface,
    "-f": _fragment,
    "-c": _counters,
}


def _module(owner: Owner, context: Context) -> list[Condition]:
    if owner.name in _NEVER_ALONE and not owner.given:
        raise BadLine(f"-m {owner.name} asks nothing")
    wanted = _PROTOCOL_OF.get(owner.name)
    if wanted is not None and context.protocol not in wanted:
        raise BadLine(f"-m {owner.name} needs its protocol before it (-p), not negated")
    if context.family != _FAMILY_OF.get(owner.name, context.family):
        raise BadLine(f"-m {owner.name} is not of IPv{context.family}")
    read = _MODULES.get(owner.name)
    return _opaque(owner, context) if read is None else list(read(owner, context))


def _ports(owner: Owner, context: Context) -> Iterator[Condition]:
    for given in owner.given:
        if given.name == "--tcp-flags":
            yield _flags(context, given.values[0], given.values[1], given.is_negated)
        elif given.name == "--syn":
            yield _flags(context, *_OPENING, given.is_negated)
        elif given.name in ("--sport", "--dport"):
            ports = numbers.port_range(given.values[0])
            plain = _at_ports(context, ports, given.name == "--sport", given.is_negated)
            yield context.last_header(plain, f"{given.name[2:]} {_said(ports)}", given.is_negated)
        else:
            words = f"{owner.name} {given.words.removeprefix('! ')}"
            yield Header(literal(words, given.is_negated), words)


def _at_ports(context: Context, ports: Ranges, is_source: bool, is_negated: bool) -> Clauses:
    return _ported(context.family, context.protocol, ports, is_source, is_negated)


@lru_cache(maxsize=_KEPT)
def _ported(family: Family, protocol: int | None, ports: Ranges, is_source: bool, is_negated: bool) -> Clauses:
    if protocol is None or protocol not in PORTED:
        raise BadLine("ports need a protocol that has them")
    if is_source:
        ports = complement(ports, 65535) if is_negated else ports
        return boxes(box(family, service=_services(protocol), source_port=ports))
    wanted = canonical((protocol << 16 | low, protocol << 16 | high) for low, high in ports)
    return service(family, wanted, is_negated, inside=_services(protocol))


def _flags(context: Context, mask: str, wanted: str, is_negated: bool) -> Condition:
    looked_at, set_ = _flag_bits(mask), _flag_bits(wanted)
    values = canonical((value, value) for value in range(256) if (value & looked_at == set_) != is_negated)
    plain = boxes(box(context.family, tcp_flags=values))
    return context.last_header(plain, f"tcp flags {looked_at} {set_}", is_negated)


def _flag_bits(text: str) -> int:
    bits = 0
    for name in text.upper().split(","):
        if name not in _FLAGS:
            raise BadLine(f"{name!r} is no flag of TCP")
        bits |= _FLAGS[name]
    return bits


def _icmp(owner: Owner, context: Context) -> Iterator[Condition]:
    for given in owner.given:
        wanted = icmp_services(context.family, given.values[0])
        inside = _services(ICMP if context.family == 4 else ICMPV6)
        yield context.last_header(
            service(context.family, wanted, given.is_negated, inside),
            f"icmp {_said(_behind(wanted))}",
            given.is_negated,
        )


def _multiport(owner: Owner, context: Context) -> Iterator[Condition]:
    if len(owner.given) != 1:
        raise BadLine("-m multiport takes one list of ports")
    given = owner.given[0]
    ports = canonical(_listed_ports(given.values[0]))
    ends = {"--sports": (True,), "--dports": (False,), "--ports": (True, False)}[given.name]
    sides = [_at_ports(context, ports, is_source, given.is_negated) for is_source in ends]
    plain = sides[0]
    for side in sides[1:]:
        plain = both(plain, side, context.family) if given.is_negated else plain + side
    yield context.last_header(plain, f"{given.name[2:]} {_said(ports)}", given.is_negated)


def _said(ports: Ranges) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ports)


def _behind(services: Ranges) -> Ranges:
    """Types and codes without their protocol."""
    return tuple((low & 0xFFFF, high & 0xFFFF) for low, high in services)


def _listed_ports(text: str) -> list[Range]:
    entries = text.split(",")
    if any(entry.startswith(":") or entry.endswith(":") for entry in entries):
        raise BadLine("a range of -m multiport has two ends")
    if len(entries) + sum(":" in entry for entry in entries) > _MOST_PORTS:
        raise BadLine(f"-m multiport takes at most {_MOST_PORTS} ports, and a range counts as two")
    ranges = [numbers.port_range(entry) for entry in entries]
    if not all(ranges):
        raise BadLine(f"a range of ports runs backwards in {text}")
    return [pair for (pair,) in ranges]


def _iprange(owner: Owner, context: Context) -> Iterator[Condition]:
    for given in owner.given:
        ranges = numbers.span(context.family, given.values[0])
        yield Header(address(context.family, given.name == "--src-range", ranges, given.is_negated))


def _conntrack(owner: Owner, context: Context) -> Iterator[Condition]:
    for given in owner.given:
        if given.name in ("--state", "--ctstate"):
            yield _state(given, context)
        else:
            words = f"ct {given.words.removeprefix('! ')}"
            yield Header(literal(words, given.is_negated), words)


def _state(given: Given, context: Context) -> Condition:
    names = given.values[0].upper().split(",")
    statuses = _STATUSES if given.name == "--ctstate" else ()
    strange = [name for name in names if name not in _STATES and name not in statuses]
    if strange:
        raise BadLine(f"{strange[0]!r} is no state of a connection")
    if context.table == "raw":
        # Nothing is tracked yet there, but what the host sends itself comes by a second time with its state.
        words = f"{given.name} {given.values[0]} before tracking"
        return Header(literal(words, given.is_negated), words)
    states = canonical((int(_STATES[name]), int(_STATES[name])) for name in names if name in _STATES)
    if given.is_negated:
        found = boxes(box(context.family, conntrack_state=complement(states, len(_STATES) - 1)))
        for name in names:
            if name in statuses:
                found = both(found, literal(f"ct status {name.lower()}", is_negated=True), context.family)
    else:
        found = boxes(box(context.family, conntrack_state=states))
        for name in names:
            if name in statuses:
                found += literal(f"ct status {name.lower()}")
    return Header(found, ",".join(f"ct status {name.lower()}" for name in names if name in statuses))


def _comment(owner: Owner, context: Context) -> Iterator[Condition]:
    return iter(())


def _address_kind(owner: Owner, context: Context) -> list[Condition]:
    ends = {"--src-type": True, "--dst-type": False}
    found: list[Condition] = []
    for given in owner.given:
        kinds = tuple(given.values[0].upper().split(",")) if len(given.values) == 1 else ()
        if given.name in ends and not all(kind in _KINDS for kind in kinds):
            raise BadLine(f"{' '.join(given.values)!r} is no kind of address")
        if given.name not in ends or not kinds or context.family == 6:
            # IPv6 asks for all of several kinds at once, and for some only by a route (kernel: xt_addrtype.c, match_type6).
            return _opaque(owner, context)
        found.append(AddressKind(ends[given.name], kinds, given.is_negated))
    return found


_SIDES = {"src": True, "dst": False}


def _set(owner: Owner, context: Context) -> list[Condition]:
    """One set, of which the addresses are known; with any more options, or another, it is a literal."""
    given = owner.given[0] if len(owner.given) == 1 else None
    if given is None or given.name != "--match-set" or len(given.values) != 2:
        return _opaque(owner, context)
    known = context.sets.get(given.values[0])
    if known is None or known.family != context.family or given.values[1] not in _SIDES:
        return _opaque(owner, context)
    return [Header(address(context.family, _SIDES[given.values[1]], known.ranges, given.is_negated))]


def _time(owner: Owner, context: Context) -> list[Condition]:
    given = {one.name: one.values for one in owner.given}
    whole = {("00:00:00",), ("00:00",), ("23:59:59",)}
    if set(given) - {"--datestart", "--datestop", "--timestart", "--timestop", "--utc"}:
        return _opaque(owner, context)
    if given.get("--timestart", ("00:00:00",)) not in whole or given.get("--timestop", ("23:59:59",)) != ("23:59:59",):
        return _opaque(owner, context)
    start, stop = _instant(given.get("--datestart")), _instant(given.get("--datestop"))
    return [Dates(start, stop, f"time {owner.words.removeprefix('time ')}")]


def _instant(values: tuple[str, ...] | None) -> int | None:
    """A date as iptables takes it, `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` in UTC, in epoch seconds."""
    if values is None:
        return None
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return int(datetime.strptime(" ".join(values), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise BadLine(f"{' '.join(values)!r} is no date")


def _opaque(owner: Owner, context: Context) -> list[Condition]:
    """A module that is not understood, as one literal; in nft's words where it has words for the same."""
    owner = Owner(
        owner.name, [given for given in owner.given if (owner.name, given.name, *given.values) not in _DEFAULTS]
    )
    words = owner.words
    if len(owner.given) == 1 and len(owner.given[0].values) == 1:
        given = owner.given[0]
        said = _NFT_WORDS.get((owner.name, given.name))
        if said is not None:
            return [Header(literal(f"{said} {given.values[0].lower()}", given.is_negated), words)]
    text = words if owner.name in (*_STEADY, "addrtype", "time") else f"{owner.name} at {context.place}"
    return [Header(literal(text), words)]


_DEFAULTS = {("recent", "--mask", "255.255.255.255"), ("recent", "--mask", "ffff:" * 7 + "ffff")}
"""Options that newer programs print and older ones do not, though they mean the same."""
_NFT_WORDS = {
    ("ttl", "--ttl-eq"): "ip ttl",
    ("ttl", "--ttl"): "ip ttl",
    ("hl", "--hl-eq"): "ip6 hoplimit",
    ("helper", "--helper"): "ct helper",
    ("mac", "--mac-source"): "ether saddr",
    ("pkttype", "--pkt-type"): "meta pkttype",
}

_MODULES: Mapping[str, Callable[[Owner, Context], Iterator[Condition] | list[Condition]]] = {
    "tcp": _ports,
    "udp": _ports,
    "udplite": _ports,
    "sctp": _ports,
    "dccp": _ports,
    "icmp": _icmp,
    "icmp6": _icmp,
    "multiport": _multiport,
    "iprange": _iprange,
    "state": _conntrack,
    "conntrack": _conntrack,
    "comment": _comment,
    "addrtype": _address_kind,
    "set": _set,
    "time": _time,
}
