"""What a policy lets through as packets that a machine can meet: those that begin flows, those that follow, the essentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from firewright.analysis.running import openings
from firewright.model.address import EVERYWHERE, LOOPBACK, UNICAST, AddressSet
from firewright.model.decision import PERMITTED_OUTCOMES, Outcome
from firewright.model.interval import Ranges, difference, intersection
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, PORTED, TCP, ConntrackState, Family
from firewright.space.axis import HOST, Axis, top
from firewright.space.box import Box, box
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.program import Program

NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
"""Packets that connection tracking takes for the first of a flow."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a machine stands: its own addresses, its interfaces but `lo`, and whether its policy judges what it forwards."""

    own: AddressSet
    outside: Ranges
    is_host: bool


def permissions(
    programs: Mapping[Family, Program], around: Surroundings
) -> Iterator[tuple[str, PacketSet, Family, Box]]:
    """What a policy lets through, kind by kind: what it is, the packets, and a box of them that can come to this machine.

    `programs` are the policy's, by outcomes (`space.encode.encode`).
    """
    named = PacketSet.decided(programs, *PERMITTED_OUTCOMES)
    essential = PacketSet.decided(programs, Outcome.ESSENTIAL.value)
    loopback = PacketSet.decided(programs, Outcome.LOOPBACK.value)
    for family in FAMILIES:
        for one in _ways(family, around):
            for opening in openings(family, one):
                yield "flows", named, family, opening
        for one in _essential(family, around):
            yield "essentials", essential, family, one
        inner = (LOOPBACK | around.own).ranges(family)
        own = box(
            family,
            in_interface=HOST,
            out_interface=HOST,
            source=inner,
            destination=inner,
            conntrack_state=NEW,
        )
        if own is not None:
            for opening in openings(family, own):
                yield "loopback", loopback, family, opening


def _ways(family: Family, around: Surroundings) -> Iterator[Box]:
    """New packets to the machine, from it, and where its policy judges them through it."""
    own, others = (around.own - LOOPBACK).ranges(family), UNICAST.ranges(family)
    ends = [(around.outside, HOST, others, own), (HOST, around.outside, own, EVERYWHERE.ranges(family))]
    if not around.is_host:
        ends.append((around.outside, around.outside, others, others))
    for came, went, source, destination in ends:
        one = box(
            family,
            in_interface=came,
            out_interface=went,
            source=source,
            destination=destination,
            conntrack_state=NEW,
        )
        if one is not None:
            yield one


def _essential(family: Family, around: Surroundings) -> Iterator[Box]:
    """Packets of the essentials: neighbour discovery is not tracked (nf_conntrack_proto_icmpv6.c), all else is new."""
    discovery: Ranges = ((ICMPV6 << 16, ICMPV6 << 16 | 0xFFFF),)
    rest = difference(((0, top(family, Axis.SERVICE)),), discovery if family == 6 else ())
    for came, went in ((around.outside, HOST), (HOST, around.outside)):
        for service, state in ((rest, ConntrackState.NEW), (discovery, ConntrackState.UNTRACKED)):
            if family == 6 or service is rest:
                one = box(
                    family, in_interface=came, out_interface=went, service=service, conntrack_state=_states(state)
                )
                if one is not None:
                    yield one


def _states(*states: ConntrackState) -> Ranges:
    return tuple((int(state), int(state)) for state in sorted(states))


_LATER: Ranges = ((0x10, 0x10), (0x18, 0x18))
_ANSWERING: Ranges = ((0x10, 0x10), (0x12, 0x12), (0x18, 0x18))
"""TCP flags of what comes after the first packet: ACK, and PSH with ACK; of what answers also SYN with ACK."""
_CALLING: Ranges = ((1024, 65535),)
"""Ports that programs call from (RFC 6056, section 3.2): an answer to a lower one would be none."""
_ECHO: Mapping[int, int] = {ICMP: 8 << 8, ICMPV6: 128 << 8}
_ANSWER: Mapping[int, int] = {ICMP: 0, ICMPV6: 129 << 8}
"""Echo request and echo reply (RFC 792; RFC 4443, section 4)."""


def following(flow: Flow) -> Iterator[Box]:
    """The packets that come after those with which programs begin a flow, established: the same way, and back.

    ICMP is answered where it is an echo request; what has no ports has none to change.
    """
    rest = flow.service
    for protocol in (*sorted(PORTED), *_ECHO):
        whole: Ranges = ((protocol << 16, protocol << 16 | 0xFFFF),)
        begun, rest = intersection(flow.service, whole), difference(rest, whole)
        if begun and protocol in PORTED:
            called = tuple((low & 0xFFFF, high & 0xFFFF) for low, high in begun)
            calling = intersection(flow.source_port, _CALLING)
            back = tuple((protocol << 16 | low, protocol << 16 | high) for low, high in calling)
            is_tcp = protocol == TCP
            yield from _established(flow, begun, calling, _LATER if is_tcp else None)
            yield from _established(_turned(flow), back, called, _ANSWERING if is_tcp else None)
        elif intersection(begun, ((protocol << 16 | _ECHO.get(protocol, 0),) * 2,)):
            yield from _established(_turned(flow), ((protocol << 16 | _ANSWER[protocol],) * 2,))
    if rest:
        yield from (*_established(flow, rest), *_established(_turned(flow), rest))


def _turned(flow: Flow) -> Flow:
    return replace(
        flow,
        in_interface=flow.out_interface,
        out_interface=flow.in_interface,
        source=flow.destination,
        destination=flow.source,
    )


def _established(
    flow: Flow, service: Ranges, source_port: Ranges | None = None, flags: Ranges | None = None
) -> Iterator[Box]:
    one = box(
        flow.family,
        in_interface=flow.in_interface,
        out_interface=flow.out_interface,
        source=flow.source,
        destination=flow.destination,
        conntrack_state=_states(ConntrackState.ESTABLISHED),
        service=service,
        source_port=source_port,
        tcp_flags=flags,
    )
    if one is not None:
        yield one
