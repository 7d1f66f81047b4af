"""The packets with which a flow is answered: its ends turned round, for each protocol as its standard has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from firewright.model.interval import Ranges, canonical, intersection
from firewright.model.packet import ICMP, ICMPV6, PORTED, TCP, TYPED, ConntrackState, Family
from firewright.space.box import Box, box
from firewright.space.flow import Flow

ANSWERS: Mapping[Family, Mapping[int, int]] = {4: {8: 0, 13: 14, 15: 16, 17: 18}, 6: {128: 129}}
"""The ICMP types that ask and those that answer them (RFC 792, RFC 950, RFC 4443): what else there is, nobody answers."""
_ANSWERING: Ranges = canonical((flags, flags) for flags in range(256) if flags & 0x10)
"""The TCP flags of an answer: every segment after the first has ACK (RFC 9293, section 3.10.7)."""
_LARGEST = 65535


def reply_boxes(flow: Flow, state: ConntrackState) -> Iterator[Box]:
    """The answers to a flow as disjoint products, in a state, by whatever interfaces. O(ranges)."""
    for protocol, selectors in _by_protocol(flow.service):
        for service, ports in _turned(flow, protocol, selectors):
            one = box(
                flow.family,
                source=flow.destination,
                destination=flow.source,
                conntrack_state=((int(state), int(state)),),
                service=service,
                source_port=ports,
                tcp_flags=_ANSWERING if protocol == (TCP, TCP) else None,
            )
            if one is not None:
                yield one


def _by_protocol(service: Ranges) -> Iterator[tuple[tuple[int, int], Ranges]]:
    """The services by protocol: each that answers in its own way alone, the rest as ranges of protocols."""
    special = sorted({*PORTED, *TYPED})
    edges = [0, *(edge for one in special for edge in (one, one + 1)), 256]
    for low, high in pairwise(edges):
        inside = intersection(service, ((low << 16, (high << 16) - 1),)) if high > low else ()
        if inside:
            yield (low, high - 1), inside


def _turned(flow: Flow, protocols: tuple[int, int], services: Ranges) -> Iterator[tuple[Ranges, Ranges | None]]:
    """The services and source ports of the answers to some services."""
    protocol, last = protocols
    if protocol != last or protocol not in (*PORTED, *TYPED):
        yield services, None
    elif protocol in PORTED:
        ports = canonical((low & _LARGEST, high & _LARGEST) for low, high in services)
        yield tuple((protocol << 16 | low, protocol << 16 | high) for low, high in flow.source_port), ports
    elif protocol == (ICMP if flow.family == 4 else ICMPV6):
        asked = ANSWERS[flow.family]
        answers = canonical(
            (protocol << 16 | answer << 8, protocol << 16 | answer << 8 | 255)
            for ask, answer in asked.items()
            if intersection(services, ((protocol << 16 | ask << 8, protocol << 16 | ask << 8 | 255),))
        )
        if answers:
            yield answers, None
