"""Boxes and axes: empty is not a value, equal sets are one value, interfaces are intervals of names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.model.interval import canonical, difference, has, intersection, size
from firewright.model.packet import FAMILIES, TCP, UDP, Packet
from firewright.space.axis import ANY_INTERFACE, HOST, PORTED_SERVICES, Axis, interface, interface_name, point, top
from firewright.space.box import EVERY_BOX, box, has_point, is_within_box, meet_box, minus_box, ranges_of

RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=4).map(
    lambda pairs: canonical((low, low + width) for low, width in pairs)
)
SOME = RANGES.filter(bool)
NAME = st.text("abcdefgh0123456789.-_", min_size=1, max_size=15)


@given(RANGES, RANGES, st.sampled_from(FAMILIES))
def test_an_empty_set_makes_no_box(
    source: tuple[tuple[int, int], ...], port: tuple[tuple[int, int], ...], family: int
) -> None:
    """A box exists if and only if none of its sets is empty: an empty match can never render wider."""
    made = box(family, source=source, source_port=port)
    assert (made is None) == (not source or not port)


@given(SOME, SOME, SOME, SOME, st.sampled_from(FAMILIES))
def test_boxes_meet_and_part_as_their_sets_do(
    a: tuple[tuple[int, int], ...],
    b: tuple[tuple[int, int], ...],
    c: tuple[tuple[int, int], ...],
    d: tuple[tuple[int, int], ...],
    family: int,
) -> None:
    """Law: meet is the intersection on each axis; minus is disjoint pieces that with the meet give the box back."""
    one, other = box(family, source=a, destination=b), box(family, source=c, destination=d)
    assert one is not None
    assert other is not None
    shared = meet_box(one, other, family)
    assert shared == box(family, source=intersection(a, c), destination=intersection(b, d))
    pieces = [*minus_box(one, other, family), *([shared] if shared else [])]
    areas = [size(ranges_of(x, Axis.SOURCE, family)) * size(ranges_of(x, Axis.DESTINATION, family)) for x in pieces]
    assert sum(areas) == size(a) * size(b)
    for place, piece in enumerate(pieces):
        assert is_within_box(piece, one, family)
        assert all(meet_box(piece, before, family) is None for before in pieces[:place])


@given(RANGES.filter(bool), st.integers(1, 9))
def test_a_set_written_in_pieces_is_the_same_value(ranges: tuple[tuple[int, int], ...], cut: int) -> None:
    """Equal sets are equal values however they were written, so boxes can be compared by ==."""
    pieces = [(low, low + cut) for low, high in ranges if high > low + cut]
    assert box(4, source=(*ranges, *pieces)) == box(4, source=ranges)


def test_a_set_of_everything_is_no_constraint() -> None:
    """Whoever names all of an axis has not constrained it, in either family."""
    for family in FAMILIES:
        for axis in (Axis.SOURCE, Axis.DESTINATION):
            assert box(family, **{axis.name.lower(): ((0, top(family, axis)),)}) == EVERY_BOX
    assert box(6, source=((0, (1 << 32) - 1),)) != EVERY_BOX


def test_a_number_that_an_axis_does_not_have_is_refused() -> None:
    """A port of 70,000 or an IPv6 address in an IPv4 box is an error, never a wrap."""
    with pytest.raises(ValueError, match="source_port"):
        box(4, source_port=((70_000, 70_000),))
    with pytest.raises(ValueError, match="source of IPv4"):
        box(4, source=((1 << 64, 1 << 64),))


def test_ports_and_flags_ask_for_protocols_that_have_them() -> None:
    """Who asks for a source port gets protocols with ports, who asks for flags gets TCP, and ICMP has neither."""
    icmp = ((1 << 16, 1 << 16 | 65535),)
    udp = ((UDP << 16, UDP << 16 | 65535),)
    port = box(4, source_port=((53, 53),))
    flags = box(6, tcp_flags=((2, 2),))
    assert port is not None
    assert flags is not None
    assert ranges_of(port, Axis.SERVICE, 4) == PORTED_SERVICES
    assert ranges_of(flags, Axis.SERVICE, 6) == ((TCP << 16, TCP << 16 | 65535),)
    assert box(4, service=icmp, source_port=((53, 53),)) is None
    assert box(4, service=udp, tcp_flags=((2, 2),)) is None
    mixed = box(4, service=canonical((*icmp, *udp)), source_port=((53, 53),))
    assert mixed is not None
    assert ranges_of(mixed, Axis.SERVICE, 4) == udp


@given(NAME, NAME)
def test_a_wildcard_holds_exactly_the_names_that_begin_so(stem: str, name: str) -> None:
    """`stem*` holds a name if and only if the name begins with the stem; it never holds the host itself."""
    number = point(Packet(4, 0, 0, TCP, in_interface=name))[Axis.IN_INTERFACE]
    assert has(interface(stem + "*"), number) == name.startswith(stem)
    assert has(interface(name), number)
    assert interface_name(interface(name)[0][0]) == name
    assert not intersection(interface(stem + "*", name), HOST)


def test_every_interface_is_not_the_host() -> None:
    """`*` is every interface; the host itself is none."""
    assert interface("*") == ANY_INTERFACE
    assert not difference(interface("eth0", "ppp*"), ANY_INTERFACE)


@pytest.mark.parametrize("name", ["", "a" * 16, "a" * 16 + "*", "a\0b"])
def test_names_that_no_interface_has_are_refused(name: str) -> None:
    """An interface's name has 1 to 15 bytes and no NUL (IFNAMSIZ)."""
    with pytest.raises(ValueError, match="no interface"):
        interface(name)


def test_a_packet_is_in_a_box_by_every_axis() -> None:
    """A packet is in a box if its place on each axis is."""
    packet = Packet(4, 10, 20, TCP, 443, 50_000, in_interface="eth0")
    inside = box(4, source=((10, 10),), service=((TCP << 16 | 443,) * 2,), in_interface=interface("eth*"))
    outside = box(4, source=((10, 10),), out_interface=ANY_INTERFACE)
    assert inside is not None
    assert outside is not None
    assert has_point(inside, point(packet))
    assert not has_point(outside, point(packet))
