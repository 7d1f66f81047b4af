"""Choosing one packet of a product of ranges: as much like a real one as the product allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from firewright.model.interval import Ranges, has, intersection, size
from firewright.model.packet import ICMP, ICMPV6, PORTED, TCP, TYPED, UDP, ConntrackState, Family, Packet
from firewright.space.axis import Axis, interface, interface_name

_SOURCES = {
    4: ("203.0.113.10", "198.51.100.10", "192.0.2.10", "9.9.9.9", "10.0.0.10", "192.168.0.10", "172.16.0.10"),
    6: ("2001:db8::10", "2001:db8:1::10", "2620:fe::9", "fd00::10"),
}
_DESTINATIONS = {
    4: ("198.51.100.20", "192.0.2.20", "203.0.113.20", "9.9.9.10", "10.0.0.20", "192.168.0.20", "172.16.0.20"),
    6: ("2001:db8:1::20", "2001:db8::20", "2620:fe::10", "fd00::20"),
}
_WIDE = {4: 1 << 20, 6: 1 << 80}
"""A range with more addresses than this is no network of anyone's: a well-known example address is then nicer."""
_UNLIKELY: dict[Family, Ranges] = {
    4: ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    6: ((0, (1 << 64) - 1), (255 << 120, (1 << 128) - 1)),
}
_SERVICES = (
    *(TCP << 16 | port for port in (443, 80, 22, 25)),
    *(UDP << 16 | port for port in (53, 123)),
)
_PING = {4: ICMP << 16 | 8 << 8, 6: ICMPV6 << 16 | 128 << 8}
_SYN, _ACK = 2, 16


def packet_in(family: Family, axes: Sequence[Ranges]) -> Packet:
    """A packet of a product of ranges, one for each axis, none empty: the likeliest that we can think of."""
    service = _service(family, axes[Axis.SERVICE])
    protocol = service >> 16
    state = _first(axes[Axis.CONNTRACK_STATE], tuple(ConntrackState))
    flags = (_SYN, _ACK) if state in (ConntrackState.NEW, ConntrackState.UNTRACKED) else (_ACK, _SYN)
    source = _address(family, axes[Axis.SOURCE], _SOURCES[family])
    destination = _address(family, axes[Axis.DESTINATION], _DESTINATIONS[family])
    if destination == source and has(axes[Axis.DESTINATION], source + 1):
        destination += 1  # Nobody talks to himself over a wire.
    return Packet(
        family=family,
        source=source,
        destination=destination,
        protocol=protocol,
        selector=service & 0xFFFF,
        source_port=_port(axes[Axis.SOURCE_PORT]) if protocol in PORTED else axes[Axis.SOURCE_PORT][0][0],
        conntrack_state=ConntrackState(state),
        in_interface=_interface(axes[Axis.IN_INTERFACE], "eth0"),
        out_interface=_interface(axes[Axis.OUT_INTERFACE], "eth1"),
        tcp_flags=_first(axes[Axis.TCP_FLAGS], flags),
    )


def _first(ranges: Ranges, liked: Sequence[int]) -> int:
    """The first number we like that is there, else the lowest."""
    return next((number for number in liked if has(ranges, number)), ranges[0][0])


def _service(family: Family, ranges: Ranges) -> int:
    for service in (*_SERVICES, _PING[family]):
        if has(ranges, service):
            return service
    other = ICMPV6 if family == 4 else ICMP
    for protocol in (TCP, UDP, *PORTED, *TYPED):
        here = intersection(ranges, ((protocol << 16, protocol << 16 | 65535),))
        if here and protocol != other:
            ported = intersection(here, ((protocol << 16 | 1, protocol << 16 | 65535),))
            return ported[0][0] if ported and protocol in PORTED else here[0][0]
    # Other protocols have no selector: prefer one whose whole interval, from 0 on, is there.
    return next(
        (
            low if not low & 0xFFFF else (low >> 16) + 1 << 16
            for low, high in ranges
            if low & 0xFFFF == 0 or high >> 16 > low >> 16
        ),
        ranges[0][0],
    )


def _port(ranges: Ranges) -> int:
    if has(ranges, 49152):
        return 49152
    high = intersection(ranges, ((1024, 65535),)) or intersection(ranges, ((1, 65535),))
    return (high or ranges)[0][0]


def _address(family: Family, ranges: Ranges, liked: Sequence[str]) -> int:
    """The first host address of the first likely range, or an example address where a range is very wide."""
    wide = tuple(one for one in ranges if one[1] - one[0] >= _WIDE[family])
    if size(wide):
        for text in liked:
            number = int(ip_address(text))
            if has(wide, number):
                return number
    likely = [one for one in ranges if not intersection((one,), _UNLIKELY[family])]
    low, high = next(iter(likely), ranges[0])
    return low + 1 if low < high and low & 1 == 0 else low


def _interface(ranges: Ranges, liked: str) -> str:
    """A name that an interface can have, else the host itself if it is there."""
    number = interface(liked)[0][0]
    if has(ranges, number):
        return liked
    names = intersection(ranges, ((1, ranges[-1][1]),)) if ranges[-1][1] else ()
    for low, high in names:
        for name in _names(low):
            if low <= (found := int.from_bytes(name.ljust(16, b"\0"), "big")) <= high:
                return interface_name(found)
    return interface_name(ranges[0][0])


def _names(low: int) -> Iterator[bytes]:
    """Names at or a little above a number: itself if it is one, else it with a letter more or raised at some place."""
    raw = low.to_bytes(16, "big").rstrip(b"\0")
    if _is_name(raw):
        yield raw
    for length in range(15, -1, -1):
        stem = raw[:length]
        if stem and not _is_name(stem):
            continue
        after = raw[length] if length < len(raw) else 0
        letters = (*(letter for letter in b"0-aA_." if letter > after), *range(max(after + 1, 33), 127))
        yield from (name for letter in letters if _is_name(name := stem + bytes((letter,))))


def _is_name(raw: bytes) -> bool:
    return 0 < len(raw) <= 15 and all(33 <= letter < 127 and letter not in b"/:*" for letter in raw)
