"""Packets on the wire: their checksums, their numbers, and their fragments."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from firewright.live.packets import checksum, crc32c, fragments, udp, wire
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, SCTP, TCP, UDP, Family, Packet

ENDS = {4: ("192.0.2.1", "198.51.100.2"), 6: ("2001:db8::1", "2001:db8:1::2")}


def packet(family: Family, protocol: int, selector: int = 0, source_port: int = 0) -> Packet:
    """A packet between two example hosts."""
    source, destination = (int(ip_address(text)) for text in ENDS[family])
    return Packet(family, source, destination, protocol, selector, source_port)


def body(whole: bytes) -> bytes:
    """What stands behind the IP header."""
    return whole[20:] if whole[0] >> 4 == 4 else whole[40:]


def test_the_checksum_of_sctp_is_crc32c() -> None:
    """The check value of CRC-32C (RFC 3720, B.4; catalogue of parametrised CRC algorithms) comes out."""
    assert crc32c(b"123456789") == 0xE3069283
    segment = body(wire(packet(4, SCTP, 99, 4000), 7))
    assert crc32c(segment[:8] + bytes(4) + segment[12:]) == struct.unpack_from("<I", segment, 8)[0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", [1, 2, 255, 4660, 64_999])
def test_a_checksum_over_header_and_pseudo_header_comes_out_as_zero(family: Family, number: int) -> None:
    """A receiver that sums the whole segment with its checksum finds none missing, for each protocol that has such a sum."""
    ping = (ICMP, 8 << 8) if family == 4 else (ICMPV6, 128 << 8)
    for protocol, selector in ((TCP, 443), (UDP, 53), ping):
        whole = wire(packet(family, protocol, selector, 40_000 if protocol != ping[0] else 0), number)
        ends = whole[12:20] if family == 4 else whole[8:40]
        pseudo = b"" if protocol == ICMP else ends + struct.pack("!II", len(body(whole)), protocol)
        assert checksum(pseudo + body(whole)) in (0, 0xFFFF)
        assert family == 6 or checksum(whole[:20]) in (0, 0xFFFF)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packet_is_known_by_its_number(family: Family) -> None:
    """The number stands where routers keep it, and no two packets of one header have the same payload."""
    whole = wire(packet(family, TCP, 443, 40_000), 51_966)
    kept = whole[4:6] if family == 4 else whole[2:4]
    assert int.from_bytes(kept, "big") == 51_966
    assert (
        len({body(wire(packet(family, protocol), number)) for protocol in (47, 50, 51, 253) for number in (1, 2)}) == 8
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_fragments_are_the_packet_cut_in_pieces(family: Family) -> None:
    """Put together by their offsets, the fragments are the body of the packet, and only the last says that no more come."""
    ends = b"".join(ip_address(text).packed for text in ENDS[family])
    datagram = udp(ends, 53, 40_000, bytes(range(256)) * 12)
    head = wire(packet(family, UDP, 40_000, 53), 9)[: 20 if family == 4 else 40]
    found: dict[int, bytes] = {}
    ends_seen = []
    for part in fragments(head + datagram, 1232):
        offset = int.from_bytes(part[6:8] if family == 4 else part[42:44], "big")
        place, more = (
            ((offset & 0x1FFF) * 8, bool(offset & 0x2000)) if family == 4 else (offset & 0xFFF8, bool(offset & 1))
        )
        found[place] = part[20:] if family == 4 else part[48:]
        ends_seen.append(more)
    assert b"".join(found[place] for place in sorted(found)) == datagram
    assert ends_seen == [True, True, False]
