"""What connection tracking makes of a packet, and packets of open flows, of their errors, and of none.

Source of `first_state`: net/netfilter/nf_conntrack_proto_tcp.c (tcp_conntracks, tcp_valid_flags), _proto_icmp.c, _proto_icmpv6.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from firewright.analysis.ground import HOST, Ground, obstacle
from firewright.model.address import LOOPBACK
from firewright.model.packet import ICMP, ICMPV6, TCP, UDP, ConntrackState, Family, Packet

_FIN, _SYN, _RST, _PSH, _ACK, _URG, _ECE, _CWR = (1 << place for place in range(8))
STRAYS = (_ACK, _RST, _RST | _ACK, _FIN | _ACK, _SYN | _ACK, _SYN | _ECE | _CWR, _SYN | _PSH, _SYN | _FIN, 0)
"""Flags of segments: some that open a flow in an unusual way, and many that do not."""
_VALID = (_SYN, _SYN | _URG, _SYN | _ACK, _RST, _RST | _ACK, _FIN | _ACK, _FIN | _ACK | _URG, _ACK, _ACK | _URG)
_FIRST = (_SYN, _SYN | _URG, _ACK, _ACK | _URG)
"""Valid flags that may stand at the head of a flow: a lone ACK is taken for one that began earlier (nf_conntrack_tcp_loose)."""
_NEW_ICMP = {4: (8, 13, 15, 17), 6: (128, 139)}
_UNTRACKED_ICMPV6 = (130, 131, 132, 133, 134, 135, 136, 143, 151, 152)
ERRORS = {4: (3, 4, 5, 11, 12), 6: (0, 1, 2, 3, 4, 5, 100, 127)}
"""ICMP errors that conntrack relates to the flow that they tell of; of IPv6 every type below 128, so some that nobody sends."""
_ESP, _AH = 50, 51
_MOST_PAIRS = 40


def first_state(packet: Packet) -> ConntrackState:
    """What conntrack says of a packet of which it has seen nothing before."""
    protocol, kind = packet.protocol, packet.selector >> 8
    if protocol == TCP:
        flags = packet.tcp_flags & ~(_PSH | _ECE | _CWR)
        return ConntrackState.NEW if flags in _VALID and flags in _FIRST else ConntrackState.INVALID
    if protocol in (ICMP, ICMPV6):
        if protocol != (ICMP if packet.family == 4 else ICMPV6):
            return ConntrackState.INVALID
        if protocol == ICMPV6 and kind in _UNTRACKED_ICMPV6:
            return ConntrackState.UNTRACKED
        return ConntrackState.NEW if kind in _NEW_ICMP[packet.family] else ConntrackState.INVALID
    return ConntrackState.NEW


def of_flows(ground: Ground, family: Family) -> Iterator[tuple[Packet, tuple[Packet, ...]]]:
    """Packets that belong to a flow, each with what opens it: replies and errors, for each way through the firewall."""
    names = [one.name for one in ground.interfaces if one.behind.ranges(family)]
    ways = [
        (into, out)
        for into, out in product((HOST, *names), repeat=2)
        if (into or out) and (ground.forwards or not (into and out))
    ]
    for number, (into, out) in enumerate(ways[:_MOST_PAIRS]):
        source, destination = _address(ground, family, into, out, 0), _address(ground, family, out, into, 1)
        if source == destination:
            continue
        opening = Packet(family, source, destination, TCP, 7, 60_000 + number, in_interface=into, out_interface=out)
        yield from _replies(opening)
        yield from _errors(opening)
        yield from _misplaced(ground, opening)


def _address(ground: Ground, family: Family, name: str, other: str, place: int) -> int:
    """An address at the host or behind an interface."""
    if not name:
        return ground.interface(other).own(family)
    first, last = ground.interface(name).behind.ranges(family)[0]
    return min(first + 5 + place, last)


def _back(packet: Packet) -> Packet:
    """The same in the other direction, of the same flow."""
    return replace(
        packet,
        source=packet.destination,
        destination=packet.source,
        in_interface=packet.out_interface,
        out_interface=packet.in_interface,
        source_port=packet.selector if packet.protocol in (TCP, UDP) else 0,
        selector=packet.source_port if packet.protocol in (TCP, UDP) else packet.selector,
        conntrack_state=ConntrackState.ESTABLISHED,
    )


def opening(packet: Packet) -> tuple[Packet, ...]:
    """What is to be sent before a packet, all while everything is open, so that it belongs to an open flow; nothing if none does.

    A related one is an error about a datagram that its destination sent. An established one is the answer to a first packet; else
    another like it came first and was answered, if need be by another way: what connection tracking makes of an answer does not
    depend on where it passes.
    """
    if packet.conntrack_state is ConntrackState.RELATED:
        query = replace(_back(packet), protocol=UDP, selector=9, conntrack_state=ConntrackState.NEW)
        return () if obstacle(query) else (query,)
    asked = replace(_back(packet), conntrack_state=ConntrackState.NEW)
    if not obstacle(asked) and not obstacle(packet):
        return (asked,)
    first = replace(packet, conntrack_state=ConntrackState.NEW)
    into = packet.in_interface or packet.out_interface
    ways = ((packet.out_interface, packet.in_interface), (into, HOST), (HOST, HOST))
    answers = (replace(_back(first), in_interface=one, out_interface=other) for one, other in ways)
    answer = next((one for one in answers if not obstacle(one) and _is_carried_inside(one)), None)
    return () if obstacle(first) or answer is None else (first, answer)


def _is_carried_inside(packet: Packet) -> bool:
    """Whether a packet of the machine to itself, if it is one, is for an address that is always its own."""
    is_inside = not packet.in_interface and not packet.out_interface
    return not is_inside or LOOPBACK.has(packet.family, packet.destination)


def _replies(opening: Packet) -> Iterator[tuple[Packet, tuple[Packet, ...]]]:
    answer = replace(_back(opening), tcp_flags=_SYN | _ACK)
    yield answer, (opening,)
    later = replace(opening, selector=8)
    established = replace(later, conntrack_state=ConntrackState.ESTABLISHED, tcp_flags=_ACK)
    yield established, (later, replace(_back(later), tcp_flags=_SYN | _ACK))
    query = replace(opening, protocol=UDP)
    yield _back(query), (query,)
    sealed = replace(opening, protocol=_ESP, selector=0, source_port=0)
    yield _back(sealed), (sealed,)
    signed = replace(sealed, protocol=_AH)
    yield _back(signed), (signed,)
    ask, echo = (8, 0) if opening.family == 4 else (128, 129)
    ping = replace(sealed, protocol=ICMP if opening.family == 4 else ICMPV6, selector=ask << 8)
    yield replace(_back(ping), selector=echo << 8), (ping,)


def _errors(opening: Packet) -> Iterator[tuple[Packet, tuple[Packet, ...]]]:
    protocol = ICMP if opening.family == 4 else ICMPV6
    for number, kind in enumerate(ERRORS[opening.family]):
        query = replace(opening, protocol=UDP, selector=20 + number)
        error = replace(_back(query), protocol=protocol, selector=kind << 8, source_port=0)
        yield replace(error, conntrack_state=ConntrackState.RELATED), (query,)


def _misplaced(ground: Ground, opening: Packet) -> Iterator[tuple[Packet, tuple[Packet, ...]]]:
    """Replies that come in, or go out, by another interface than their flow's, and those of loopback addresses."""
    others = [one.name for one in ground.interfaces if one.name not in (opening.in_interface, opening.out_interface)]
    query = replace(opening, protocol=UDP)
    if ground.is_named and others:
        if opening.out_interface:
            flow = replace(query, selector=40)
            yield replace(_back(flow), in_interface=others[0]), (flow,)
        if opening.in_interface and opening.out_interface:
            flow = replace(query, selector=41)
            yield replace(_back(flow), out_interface=others[0]), (flow,)
    if opening.family == 4 and opening.in_interface and not opening.out_interface:
        flow = replace(query, source=(127 << 24) + 9, selector=43)
        answer = replace(_back(flow), in_interface=opening.in_interface, out_interface=HOST)
        yield replace(flow, conntrack_state=ConntrackState.ESTABLISHED), (flow, answer)
    if opening.family == 4 and opening.in_interface and opening.out_interface:
        flow = replace(query, source=(127 << 24) + 9, selector=42)
        yield replace(flow, conntrack_state=ConntrackState.ESTABLISHED), (flow, _back(flow))
