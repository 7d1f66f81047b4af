"""The edges of a list of boxes, as packets: for each box its corners, and beside each of its sides one packet that is out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from firewright.analysis.boundaries import ORDINARY, Boundaries, Kind, Way, hop_limit_of, kinds_of, passing_invalid
from firewright.analysis.ground import HOST, Ground, obstacle
from firewright.model.address import BROADCAST, MULTICAST, UNICAST
from firewright.model.interval import Range, Ranges, difference, has, intersection
from firewright.model.packet import ICMP, ICMPV6, PORTED, SCTP, TCP, UDP, ConntrackState, Family, Packet
from firewright.space.axis import TOPS, Axis, interface_number
from firewright.space.box import ANY, Box, ranges_in
from firewright.space.program import Program

_TRIPLES = 48
"""Products of a source range, a destination range and a service range that are looked at for one box."""
_FEWEST = 6
"""Of these, those of each way that a box's packets may go, where they may go many ways."""
_NAMED = 200
"""Services that some box names, to be looked at everywhere."""
_OF_SCTP = 60
"""Ports of TCP and UDP that are looked at with SCTP too: a ruleset may ask for a port and forget the protocol."""
_WITH_OTHERS = 120
"""Of these, those that are looked at from source ports that a box asks for, its own protocols' first."""
_COMMON = (
    TCP << 16 | 1,
    TCP << 16 | 65535,
    UDP << 16 | 4000,
    132 << 16 | 4000,
    50 << 16,
    51 << 16,
    47 << 16,
    136 << 16 | 9,
    33 << 16 | 9,
    2 << 16,
    253 << 16,
)
"""Services to look at where a box takes every one."""
_PING = {4: ICMP << 16 | 8 << 8, 6: ICMPV6 << 16 | 128 << 8}
_NARROW = ((0xFF00 << 112, (0xFF02 << 112) - 1),)
"""The first IPv6 groups, of scopes that no wire carries; as IPv4 numbers they lie beyond the axis."""


@dataclass(frozen=True, slots=True)
class Edges:
    """A list of boxes, the ground on which packets are sent, and services that are to be looked at everywhere."""

    program: Program
    ground: Ground
    named: Sequence[int]


def packets_of(edges: Edges) -> Iterator[tuple[Packet, int]]:
    """The packets at the edges, and the hop limit that each must have, 0 where any will do; some may come twice.

    They open a flow but for those whose state is established or invalid, which are to be made so. Of boxes that ask for a state
    other than new no corners are looked at (`states.of_flows` has packets for those).
    """
    program = edges.program
    boxes = dict.fromkeys(
        (box, literals) for box, literals in zip(program.box, program.literals, strict=True) if _is_opening(box)
    )
    passing = {program.box[step] for step in passing_invalid(program)}
    for box, literals in boxes:
        hop_limit = hop_limit_of(literals)
        for packet in _box_packets(edges.ground, program.family, box):
            yield packet, hop_limit
            if box in passing and packet.protocol in (TCP, UDP):
                yield replace(packet, conntrack_state=ConntrackState.INVALID), hop_limit
        for packet in _with_others(edges, box):
            yield packet, hop_limit
            if box in passing and packet.protocol in (TCP, UDP):
                yield replace(packet, conntrack_state=ConntrackState.INVALID), hop_limit
        if hop_limit:
            for packet in _box_packets(edges.ground, program.family, box, 1):
                yield packet, hop_limit - 1 if hop_limit > 1 else 2
    for kind in kinds_of(program):
        for packet in _pair_packets(edges, kind):
            yield packet, kind.hop_limit


def _is_opening(box: Box) -> bool:
    states = ranges_in(box[Axis.CONNTRACK_STATE], 4)
    return has(states, ConntrackState.NEW) and box[Axis.TCP_FLAGS] == ANY


def _box_packets(ground: Ground, family: Family, box: Box, triples: int = _TRIPLES) -> Iterator[Packet]:
    tops = TOPS[family]
    source, destination, service = (
        ranges_in(box[axis], tops[axis]) for axis in (Axis.SOURCE, Axis.DESTINATION, Axis.SERVICE)
    )
    ports = None if box[Axis.SOURCE_PORT] == ANY else ranges_in(box[Axis.SOURCE_PORT], 65535)
    into, out = (ranges_in(box[axis], tops[axis]) for axis in (Axis.IN_INTERFACE, Axis.OUT_INTERFACE))
    services = _service_ranges(service, family)
    ways = list(_ways(ground, into, out))
    triples = max(min(triples, _FEWEST), triples // len(ways)) if ways else 0
    for way in ways:
        sources = _end_ranges(ground, family, source, way, is_source=True)
        destinations = _end_ranges(ground, family, destination, way, is_source=False)
        for here, there, served in _spread(sources, destinations, services, triples):
            yield from _corners(ground, family, way, here, there, served, ports)


def _ways(ground: Ground, into: Ranges, out: Ranges) -> Iterator[Way]:
    for first, second in product(_names(ground, into), _names(ground, out)):
        if (first is not None and second is not None and first == second == HOST) or (
            ground.forwards or HOST in (first, second)
        ):
            yield first, second


def _names(ground: Ground, ranges: Ranges) -> list[str | None]:
    """The host, and the interfaces that a range takes: None if it takes all of them."""
    found: list[str | None] = [HOST] if has(ranges, 0) else []
    taken = [one.name for one in ground.interfaces if has(ranges, interface_number(one.name))]
    return [*found, None] if len(taken) == len(ground.interfaces) else [*found, *taken]


def _end_ranges(ground: Ground, family: Family, ranges: Ranges, way: Way, is_source: bool) -> Ranges:
    """The addresses to look at for one end. The host's own, where it is the host and any unicast address will do."""
    mine, other = way if is_source else (way[1], way[0])
    if mine != HOST:
        return _apart(ranges, family, is_source)
    if other == HOST:
        return ((_loopback(family), _loopback(family)),)
    own = next((one.own(family) for one in ground.interfaces if one.name == other), ground.interfaces[0].own(family))
    groups = () if is_source else intersection(difference(ranges, _NARROW), (MULTICAST | BROADCAST).ranges(family))
    if has(ranges, own):
        return ((own, own), *groups) if groups and len(ranges) > 1 else ((own, own),)
    return groups or ranges


def _apart(ranges: Ranges, family: Family, is_source: bool) -> Ranges:
    """Ranges cut where unicast addresses end, so that each has an edge that can be sent; of all addresses none else as a source."""
    unicast = intersection(ranges, UNICAST.ranges(family))
    others = () if is_source and len(ranges) == 1 and ranges[0][0] == 0 else difference(ranges, UNICAST.ranges(family))
    others = others if is_source else difference(others, _NARROW)
    return (*unicast, *others) or ranges


def _service_ranges(ranges: Ranges, family: Family) -> Ranges:
    if len(ranges) == 1 and ranges[0][1] - ranges[0][0] > 1 << 20:
        low, high = ranges[0]
        return tuple((one, one) for one in (*_COMMON, _PING[family]) if low <= one <= high)
    return ranges


def _spread(sources: Ranges, destinations: Ranges, services: Ranges, most: int) -> Iterator[tuple[Range, Range, Range]]:
    """Every product of ranges, or, where they are too many, so many that each two ranges of two axes meet as often as may be."""
    counts = [len(sources), len(destinations), len(services)]
    if 0 in counts:
        return
    if counts[0] * counts[1] * counts[2] <= most:
        yield from product(sources, destinations, services)
        return
    # Steps that share no factor with a count visit everything before they repeat.
    for number in range(max(most, *counts)):
        yield (
            sources[number % counts[0]],
            destinations[(number + number // counts[0]) % counts[1]],
            services[(number + number // counts[0] + number // (counts[0] * counts[1])) % counts[2]],
        )


def _corners(
    ground: Ground, family: Family, way: Way, source: Range, destination: Range, service: Range, ports: Ranges | None
) -> Iterator[Packet]:
    """The two corners of a product, and a packet beside each of its sides."""

    def at(here: int, there: int, served: int, port: int = 0) -> Iterator[Packet]:
        return _packet(ground, family, way, here, there, served, port)

    port = ports[0][0] if ports else 0
    for place in (0, 1):
        yield from at(source[place], destination[place], service[place], port)
    # What is beside one side must be seen by that side alone, so its other numbers are those of a packet that can be sent.
    places = ((0, 0), (1, 1), (1, 0), (0, 1))
    corners = ((source[one], destination[other]) for one, other in places)
    here, there = next(
        (ends for ends in corners if any(not obstacle(packet) for packet in at(*ends, service[0], port))),
        (source[0], destination[0]),
    )
    for beside in (source[0] - 1, source[1] + 1):
        yield from at(beside, there, service[0], port)
    for beside in (_below(destination[0], family), destination[1] + 1):
        yield from at(here, beside, service[0], port)
    for served in (*_beside(service), *_other_protocol(service[0])):
        yield from at(here, there, served, port)
    for low, high in ports or ():
        for one in (low - 1, low, high, high + 1):
            if 0 < one <= 65535:
                yield from at(here, there, service[0], one)


def _below(address: int, family: Family) -> int:
    """The destination before one; before the groups that a wire carries, the last that is none."""
    return _NARROW[0][0] - 1 if family == 6 and address == _NARROW[0][1] + 1 else address - 1


def _beside(service: Range) -> tuple[int, int]:
    return service[0] - 1, service[1] + 1


def _other_protocol(service: int) -> tuple[int, ...]:
    """The same port of the other common protocol."""
    protocol, selector = service >> 16, service & 0xFFFF
    return {TCP: (UDP << 16 | selector,), UDP: (TCP << 16 | selector,)}.get(protocol, ())


def _packet(
    ground: Ground, family: Family, way: Way, source: int, destination: int, service: int, port: int
) -> Iterator[Packet]:
    """The packet, where there is such a one: none where a number is beyond its axis, or an address is the host's own."""
    tops = TOPS[family]
    if not (0 <= source <= tops[Axis.SOURCE] and 0 <= destination <= tops[Axis.DESTINATION] and 0 <= service < 1 << 24):
        return
    into = ground.home(family, source) if way[0] is None else way[0]
    out = ground.home(family, destination) if way[1] is None else way[1]
    if out and ground.is_own(family, destination):
        return
    is_inside = not into and not out
    if is_inside and not source == destination == _loopback(family):
        return
    if not is_inside and source == destination and service >> 16 not in (TCP, UDP):
        return  # without ports an answer to it would be the very same packet
    if into and ground.is_own(family, source):
        return
    protocol, selector = service >> 16, service & 0xFFFF
    if protocol not in PORTED and protocol != (ICMP if family == 4 else ICMPV6):
        selector = 0
    yield Packet(
        family,
        source,
        destination,
        protocol,
        selector,
        port if protocol in PORTED else 0,
        in_interface=into,
        out_interface=out,
    )


def _loopback(family: Family) -> int:
    return (127 << 24) + 1 if family == 4 else 1


def _pair_packets(edges: Edges, kind: Kind) -> Iterator[Packet]:
    """The packets of a kind at the boundaries of each way through the firewall."""
    program, ground = edges.program, edges.ground
    ways: list[Way] = [(None, HOST), (HOST, None), *([(None, None)] if ground.forwards else [])]
    for one in ground.interfaces if ground.is_named else ():
        ways += [(one.name, HOST), (HOST, one.name), *([(one.name, None), (None, one.name)] if ground.forwards else [])]
    for way in ways:
        for source, destination, service in Boundaries(program, ground, way, edges.named, kind).places():
            for packet in _packet(ground, program.family, way, source, destination, service, kind.source_port):
                yield packet if kind.state is ORDINARY.state else replace(packet, conntrack_state=kind.state)


def named_services(programs: Mapping[Family, Program]) -> list[int]:
    """The first and last service of each range that some box of some family names, and the same port of the other protocol."""
    found: dict[int, None] = {}
    for program in programs.values():
        for value in dict.fromkeys(box[Axis.SERVICE] for box in program.box if box[Axis.SERVICE] != ANY):
            for low, high in ranges_in(value, (1 << 24) - 1)[:_NAMED]:
                found.update(dict.fromkeys((low, high, *_other_protocol(low), *_other_protocol(high))))
    ported = [service & 0xFFFF for service in found if service >> 16 in (TCP, UDP)]
    others = {SCTP << 16 | port for port in ported[:: max(1, len(ported) // _OF_SCTP)]} - found.keys()
    return sorted((*sorted(found)[:: max(1, len(found) // _NAMED)], *others))


def _with_others(edges: Edges, box: Box) -> Iterator[Packet]:
    """For a box that asks for source ports, packets from these to services that other boxes name."""
    if box[Axis.SOURCE_PORT] == ANY:
        return
    ground, family, tops = edges.ground, edges.program.family, TOPS[edges.program.family]
    port = ranges_in(box[Axis.SOURCE_PORT], 65535)[0][0]
    own = {low >> 16 for low, _ in ranges_in(box[Axis.SERVICE], tops[Axis.SERVICE])}
    named = sorted(edges.named, key=lambda service: service >> 16 not in own)[:_WITH_OTHERS]
    into, out = (ranges_in(box[axis], tops[axis]) for axis in (Axis.IN_INTERFACE, Axis.OUT_INTERFACE))
    for way in _ways(ground, into, out):
        source, destination = (
            _end_ranges(ground, family, ranges_in(box[axis], tops[axis]), way, is_source=axis is Axis.SOURCE)
            for axis in (Axis.SOURCE, Axis.DESTINATION)
        )
        for service in named:
            yield from _packet(ground, family, way, source[0][0], destination[0][0], service, port)
