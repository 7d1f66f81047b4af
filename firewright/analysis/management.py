"""The way by which a machine is managed: whether a ruleset surely leaves it open; and whether a policy requires one (from the model)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from firewright.model.address import LOOPBACK
from firewright.model.interval import Ranges, canonical, difference
from firewright.model.management import without_management
from firewright.model.packet import FAMILIES, TCP, ConntrackState, Family, Packet
from firewright.space.axis import ANY_INTERFACE, HOST, interface
from firewright.space.bounds import surely
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.program import Program, specialise

__all__ = ["SOURCE_PORTS", "Connection", "alone", "parse_connection", "stays_open", "without_management"]

SOURCE_PORTS: Ranges = ((1024, 65535),)
"""The ports from which a new session may come: whatever a client may choose (RFC 6056, section 3.2)."""
_FIN, _SYN, _RST, _PSH, _ACK, _URG, _ECE, _CWR = (1 << place for place in range(8))
_FIRST: Ranges = canonical((flags, flags) for flags in (_SYN, _SYN | _ECE | _CWR))
"""How clients begin: plainly, or asking for congestion notification (RFC 3168, section 6.1.1)."""
_SECOND: Ranges = canonical((flags, flags) for flags in (_SYN | _ACK, _SYN | _ACK | _ECE))
_LATER: Ranges = canonical((flags, flags) for flags in range(256) if flags & (_SYN | _RST | _ACK | _URG) == _ACK)
"""Segments that carry a session on, and its end: an acknowledgement, with data or without."""
_LOOPBACK_INTERFACE = "lo"


@dataclass(frozen=True, slots=True)
class Connection:
    """The TCP session by which a machine is managed, as its filter sees it: the client, and the machine's own address and port.

    `interfaces` are those by which it may come (nft's names); none: any but `lo`, as nobody knows which.
    """

    family: Family
    client: int
    server: int
    port: int
    interfaces: tuple[str, ...] = ()

    @property
    def is_inside(self) -> bool:
        """Whether the machine talks to itself, so that nothing comes by a wire."""
        is_own = self.client == self.server or LOOPBACK.has(self.family, self.client)
        return is_own or self.interfaces == (_LOOPBACK_INTERFACE,)


def parse_connection(text: str) -> Connection | None:
    """The session that SSH_CONNECTION tells of, `192.0.2.1 50000 192.0.2.2 22` (sshd's environment); None if it tells of none.

    An IPv4 address in IPv6's form is IPv4; the zone of a link-local address is the interface, where it is a name.
    """
    words = text.split()
    if len(words) != 4 or _port(words[1]) is None:
        return None
    client, server, port = _end(words[0]), _end(words[2]), _port(words[3])
    if client is None or server is None or port is None or client[0] != server[0]:
        return None
    zones = tuple(dict.fromkeys(zone for _, _, zone in (client, server) if zone))
    if len(zones) > 1:
        return None
    try:
        interface(*zones)
    except ValueError:
        return None
    # A number stands for an interface whose name could not be found (getnameinfo): then it may be any.
    return Connection(client[0], client[1], server[1], port, tuple(zone for zone in zones if not zone.isdecimal()))


def _port(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) <= 5
    return int(text) if is_number and 0 < int(text) <= 65535 else None


def _end(text: str) -> tuple[Family, int, str] | None:
    """Family, address and zone of an end."""
    try:
        if ":" not in text:
            return 4, int(IPv4Address(text)), ""
        address = IPv6Address(text)
    except AddressValueError:
        return None
    if address.ipv4_mapped is not None:
        return 4, int(address.ipv4_mapped), ""
    return 6, int(address), address.scope_id or ""


def stays_open(programs: Mapping[Family, Program], connection: Connection) -> Packet | None:
    """None where a new session like this one is proved open, from any port of the client and by each of the interfaces;
    else a packet of it that is not surely accepted: its first, or one of those by which it goes on, in either direction.

    `programs` decide with nft's words (`encode_enforced`, or `machine` of a ruleset). What is not understood is read for the
    worse. Addresses are as the filter sees them, and replies are taken to leave by the interfaces by which the session came.
    Raises Undecided. O(steps).
    """
    for way in _segments(connection):
        found = _not_accepted(programs[connection.family], way)
        if found is not None:
            return found
    return None


def _segments(connection: Connection) -> Iterator[Box]:
    """The packets of a session: the first one, those that go on towards the machine, its answers."""
    outside = interface(*connection.interfaces) if connection.interfaces else _WIRES
    outside = HOST if connection.is_inside else outside
    port = connection.port
    inward = (outside, HOST, connection.client, connection.server, (port, port), SOURCE_PORTS)
    outward = (HOST, outside, connection.server, connection.client, SOURCE_PORTS[0], ((port, port),))
    for ends, state, flags in (
        (inward, ConntrackState.NEW, _FIRST),
        (outward, ConntrackState.ESTABLISHED, _SECOND),
        (inward, ConntrackState.ESTABLISHED, _LATER),
        (outward, ConntrackState.ESTABLISHED, _LATER),
    ):
        into, out, source, destination, (low, high), source_port = ends
        one = box(
            connection.family,
            in_interface=into,
            out_interface=out,
            source=((source, source),),
            destination=((destination, destination),),
            conntrack_state=((state, state),),
            service=((TCP << 16 | low, TCP << 16 | high),),
            source_port=source_port,
            tcp_flags=flags,
        )
        if one is None:
            raise AssertionError("a session has packets")
        yield one


_WIRES: Ranges = difference(ANY_INTERFACE, interface(_LOOPBACK_INTERFACE))


def _not_accepted(program: Program, within: Box) -> Packet | None:
    """A packet of a box that a program does not accept under some reading of what is not understood."""
    near = specialise(program, within)
    return (~surely(alone(near), "accept")).witness({near.family: within})


def alone(program: Program) -> dict[Family, Program]:
    """A program of one family where sets want both: nothing is asked of the other family, and it accepts everything."""
    others = {family: Program(family) for family in FAMILIES if family != program.family}
    for other in others.values():
        other.add(EVERY_BOX, "accept")
    return {program.family: program, **others}
