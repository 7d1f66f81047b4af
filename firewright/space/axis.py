"""The eight axes of the packet space, chosen so that no field depends on another.

The service axis is `protocol << 16 | selector` (Packet says what a selector is), so an ICMP packet has no port to be wrong
about. An interface is its name's 16 bytes read as one big-endian number, so `eth*` is an interval; 0 is the host itself.
"""

from enum import IntEnum

from firewright.model.interval import Range, Ranges, canonical
from firewright.model.packet import PORTED, TCP, Family, Packet


class Axis(IntEnum):
    """A dimension of the packet space, and its place in a box."""

    IN_INTERFACE = 0
    OUT_INTERFACE = 1
    SOURCE = 2
    DESTINATION = 3
    CONNTRACK_STATE = 4
    SERVICE = 5
    SOURCE_PORT = 6
    TCP_FLAGS = 7


AXES = len(Axis)
NAME_BYTES = 16
LONGEST_NAME = 15
_NAMES = (1 << 8 * NAME_BYTES) - 1
TOPS: dict[Family, tuple[int, ...]] = {
    family: (_NAMES, _NAMES, (1 << bits) - 1, (1 << bits) - 1, 4, (1 << 24) - 1, 65535, 255)
    for family, bits in ((4, 32), (6, 128))
}
"""For each family the highest number on each axis."""

HOST: Ranges = ((0, 0),)
"""The host itself: what it sends has no in-interface, what is delivered to it no out-interface."""
ANY_INTERFACE: Ranges = ((1, _NAMES),)
"""Every interface, and not the host itself."""
PORTED_SERVICES: Ranges = canonical((protocol << 16, protocol << 16 | 65535) for protocol in PORTED)
"""Every service that has a source port."""
TCP_SERVICES: Ranges = ((TCP << 16, TCP << 16 | 65535),)
"""Every service that has TCP flags."""


def top(family: Family, axis: Axis) -> int:
    """The highest number on an axis; the lowest is 0."""
    return TOPS[family][axis]


def interface(*names: str) -> Ranges:
    """The interfaces with these names; a name that ends in `*` is every interface whose name begins so.

    Never includes the host itself. ValueError for a name that no interface can have (empty, over 15 bytes, a NUL inside).
    """
    return canonical(map(_named, names))


def _named(name: str) -> Range:
    stem = name.removesuffix("*")
    raw = stem.encode(errors="surrogateescape")
    if not name or b"\0" in raw or len(raw) > LONGEST_NAME:
        raise ValueError(f"no interface can be called {name!r}")
    low = int.from_bytes(raw.ljust(NAME_BYTES, b"\0"), "big")
    if stem == name and len(raw) < LONGEST_NAME:
        return low, low
    # The 16th byte of a name is always NUL, so a name of full length takes its whole last byte: no number between two
    # such names is then left over for a packet that cannot exist.
    return max(low, 1), int.from_bytes(raw.ljust(NAME_BYTES, b"\xff"), "big")


def interface_number(name: str) -> int:
    """The number of one interface; the host itself, "", is 0."""
    return int.from_bytes(name.encode(errors="surrogateescape").ljust(NAME_BYTES, b"\0"), "big")


def interface_name(number: int) -> str:
    """The name with this number, the inverse of `interface_number`."""
    return number.to_bytes(NAME_BYTES, "big").rstrip(b"\0").decode(errors="surrogateescape")


def point(packet: Packet) -> tuple[int, ...]:
    """A packet's place on each axis."""
    return (
        interface_number(packet.in_interface),
        interface_number(packet.out_interface),
        packet.source,
        packet.destination,
        int(packet.conntrack_state),
        packet.protocol << 16 | packet.selector,
        packet.source_port,
        packet.tcp_flags,
    )
