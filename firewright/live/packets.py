"""Packets as they are on the wire: headers with right checksums, and in each a number by which it is known again.

The number is IPv4's identification or IPv6's flow label, which routers keep, and stands in the payload too, where a socket sees
no header. Formats: RFC 791, 8200 (IP), 9293 (TCP), 768 (UDP), 792, 4443 (ICMP), 9260 (SCTP), 4340 (DCCP), 4302, 4303 (AH, ESP).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache

from firewright.model.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE, Family, Packet

NUMBERS = 65_000
"""Packets that are told apart at a time: the identification has 16 bits, and 0 is what others send."""
HOP_LIMIT = 64
AH, ESP, IGMP, GRE = 51, 50, 2, 47
ICMP_ERROR_TYPES = {4: (3, 4, 5, 11, 12), 6: tuple(range(128))}
"""ICMP types that carry the packet that they are about, as conntrack reads them."""
_V4 = struct.Struct("!BBHHHBBH")
_V6 = struct.Struct("!IHBB")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHHI")
_NUMBER = struct.Struct("!I")


def wire(
    packet: Packet,
    number: int,
    hop_limit: int = HOP_LIMIT,
    traffic_class: int = 0,
    about: bytes = b"",
    inside: int = 443,
    flow: int = 0,
) -> bytes:
    """An IP packet with these headers and this number.

    `about` is the packet that an ICMP error tells of (else one that nobody sent), `inside` the TCP port in an AH (0: ESP), `flow` the
    number of the packet that opened the flow that this belongs to (else it opens one). O(length).
    """
    width = 4 if packet.family == 4 else 16
    ends = packet.source.to_bytes(width, "big") + packet.destination.to_bytes(width, "big")
    body = payload(packet, number, ends, about, inside, flow)
    return headed(packet.family, ends, packet.protocol, body, number, hop_limit, traffic_class)


def headed(
    family: Family,
    ends: bytes,
    protocol: int,
    body: bytes,
    number: int,
    hop_limit: int = HOP_LIMIT,
    traffic_class: int = 0,
) -> bytes:
    """A body behind an IP header; `ends` are source and destination."""
    if family == 6:
        return _V6.pack(6 << 28 | traffic_class << 20 | number, len(body), protocol, hop_limit) + ends + body
    length = 20 + len(body)
    check = checksum(_V4.pack(0x45, traffic_class, length, number, 0, hop_limit, protocol, 0) + ends)
    return _V4.pack(0x45, traffic_class, length, number, 0, hop_limit, protocol, check) + ends + body


def payload(packet: Packet, number: int, ends: bytes, about: bytes, inside: int, flow: int) -> bytes:
    """What stands behind the IP header."""
    protocol = packet.protocol
    if protocol == TCP:
        return tcp(ends, packet.source_port, packet.selector, packet.tcp_flags, number)
    if protocol in (UDP, UDPLITE):
        return _with_ports(packet, number, ends)
    if (packet.family, protocol) in ((4, ICMP), (6, ICMPV6)):
        return _icmp(packet, number, ends, about, flow)
    if protocol == SCTP:
        return _sctp(packet, number)
    if protocol == DCCP:
        return _dccp(packet, number, ends)
    if protocol == AH:
        head = struct.pack("!BBHII12x", TCP if inside else ESP, 4, 0, 0x1001, number)
        return head + (tcp(ends, 49152, inside, 2, number) if inside else struct.pack("!II24x", 0x1001, number))
    if protocol == ESP:
        return struct.pack("!II24x", 0x1001, number)
    if protocol == GRE:
        return struct.pack("!HHI16x", 0, 0x0800, number)
    if protocol == IGMP and packet.family == 4:
        whole = struct.pack("!BBHI", 0x16, 0, 0, number)
        return whole[:2] + checksum(whole).to_bytes(2, "big") + whole[4:]
    # nftables rejects a packet of a protocol that it does not know only where a checksum at its end would fit.
    whole = struct.pack("!I14x", number)
    return whole + (
        checksum(whole).to_bytes(2, "big") if packet.family == 4 else _checked(ends, protocol, whole + b"\0\0")
    )


def tcp(
    ends: bytes, source_port: int, port: int, flags: int, number: int, answered: int = 0, data: bytes = b""
) -> bytes:
    """A TCP segment whose sequence number is `number`."""
    whole = _TCP.pack(source_port, port, number, answered, 0x50, flags, 64240, 0, 0) + data
    return whole[:16] + _checked(ends, TCP, whole) + whole[18:]


def udp(ends: bytes, source_port: int, port: int, data: bytes) -> bytes:
    """A UDP datagram."""
    whole = struct.pack("!HHHH", source_port, port, 8 + len(data), 0) + data
    return whole[:6] + _checked(ends, UDP, whole) + whole[8:]


def _with_ports(packet: Packet, number: int, ends: bytes) -> bytes:
    whole = _UDP.pack(packet.source_port, packet.selector, 12, 0, number)
    return whole[:6] + _checked(ends, packet.protocol, whole) + whole[8:]


def _icmp(packet: Packet, number: int, ends: bytes, about: bytes, flow: int) -> bytes:
    kind, code = packet.selector >> 8, packet.selector & 255
    if kind in ICMP_ERROR_TYPES[packet.family]:
        half = len(ends) // 2
        # An MTU where a type has one: what says that nothing fits would be another attack.
        rest = struct.pack("!I", 1280) if kind in (2, 3) else b"\0\0\0\0"
        unsent = headed(packet.family, ends[half:] + ends[:half], UDP, _UDP.pack(9, 9, 12, 0, number), number)
        body = rest + (about or unsent)
    else:
        body = struct.pack("!HHH6xQ", (flow or number) & 0xFFFF, 1, 0xFE80, number)
    whole = struct.pack("!BBH", kind, code, 0) + body
    check = checksum(whole).to_bytes(2, "big") if packet.family == 4 else _checked(ends, ICMPV6, whole)
    return whole[:2] + check + whole[4:]


def _sctp(packet: Packet, number: int) -> bytes:
    """An INIT chunk, which opens an association."""
    ports = struct.pack("!HHI", packet.source_port, packet.selector, 0)
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, number or 1, 65535, 1, 1, number)
    return ports + struct.pack("<I", crc32c(ports + b"\0\0\0\0" + chunk)) + chunk


def _dccp(packet: Packet, number: int, ends: bytes) -> bytes:
    """A request, which opens a connection."""
    whole = struct.pack("!HHBBHBBHII", packet.source_port, packet.selector, 5, 0, 0, 1, 0, 0, number, 0)
    return whole[:6] + _checked(ends, DCCP, whole) + whole[8:]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071): a sum of 16-bit words with end-around carry is the number modulo 65535."""
    total = int.from_bytes(data if len(data) % 2 == 0 else data + b"\0", "big")
    return 0xFFFF - (total % 0xFFFF or (0xFFFF if total else 0))


def _checked(ends: bytes, protocol: int, whole: bytes) -> bytes:
    """The checksum with the pseudo header; a 0 is sent as all ones (RFC 768), which TCP takes for the same."""
    total = int.from_bytes(whole if len(whole) % 2 == 0 else whole + b"\0", "big") + int.from_bytes(ends, "big")
    return (0xFFFF - (total + protocol + len(whole)) % 0xFFFF).to_bytes(2, "big")


@cache
def _crc32c_table() -> tuple[int, ...]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return tuple(table)


def crc32c(data: bytes) -> int:
    """The checksum of SCTP (RFC 9260, appendix A)."""
    table, value = _crc32c_table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def fragments(whole: bytes, size: int) -> Iterator[bytes]:
    """An IP packet of either family cut into fragments of at most `size` bytes of body each, a multiple of 8."""
    head, body = (whole[:20], whole[20:]) if whole[0] >> 4 == 4 else (whole[:40], whole[40:])
    for start in range(0, len(body), size):
        part, more = body[start : start + size], start + size < len(body)
        if len(head) == 20:
            fields = struct.pack("!HHH", 20 + len(part), *struct.unpack_from("!H", head, 4), more << 13 | start >> 3)
            bare = head[:2] + fields + head[8:10] + b"\0\0" + head[12:]
            yield bare[:10] + checksum(bare).to_bytes(2, "big") + bare[12:] + part
        else:
            number = _NUMBER.unpack_from(head)[0] & 0xFFFFF
            extension = struct.pack("!BBHI", head[6], 0, start | more, number)
            yield head[:4] + struct.pack("!HB", 8 + len(part), 44) + head[7:] + extension + part
