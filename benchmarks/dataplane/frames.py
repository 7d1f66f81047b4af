"""Packet headers as Ethernet frames of the least length, each with its number in its last four bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from benchmarks.dataplane.lab import CLIENT_MAC, FIREWALL_MAC, OUTSIDE_MAC, SERVER_MAC
from firewright.model.packet import ICMP, ICMPV6, TCP, UDP, Packet

_ETHERNET = bytes.fromhex((FIREWALL_MAC + CLIENT_MAC).replace(":", ""))
_FROM_SERVER = bytes.fromhex((OUTSIDE_MAC + SERVER_MAC).replace(":", ""))


def write(packets: Iterable[Packet], path: Path, are_replies: bool = False) -> Path:
    """Write the packets as frames into a file, each after its length, and return the path.

    As replies they are what the server answers: both ends swapped, from its side of the firewall.
    """
    with path.open("wb") as file:
        for number, packet in enumerate(packets):
            frame = _FROM_SERVER + frame_of(_reply(packet), number)[12:] if are_replies else frame_of(packet, number)
            file.write(struct.pack("<H", len(frame)) + frame)
    return path


def _reply(packet: Packet) -> Packet:
    return replace(
        packet,
        source=packet.destination,
        destination=packet.source,
        source_port=packet.selector,
        selector=packet.source_port,
    )


def frame_of(packet: Packet, number: int) -> bytes:
    """One frame with right lengths and checksums; ValueError for a protocol that this cannot build."""
    body = _transport(packet, struct.pack("<I", number))
    if packet.family == 6:
        head = struct.pack(">IHBB", 0x60000000, len(body), packet.protocol, 64)
        return _ETHERNET + b"\x86\xdd" + head + _addresses(packet) + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, packet.protocol, 0) + _addresses(packet)
    return _ETHERNET + b"\x08\x00" + head[:10] + _checksum(head) + head[12:] + body


def _transport(packet: Packet, tail: bytes) -> bytes:
    ports = struct.pack(">HH", packet.source_port, packet.selector & 0xFFFF)
    match packet.protocol:
        case 6:
            body = ports + struct.pack(">IIBBHHH", 1, 0, 0x50, packet.tcp_flags, 65535, 0, 0) + tail
            return body[:16] + _checksum(_pseudo(packet, body) + body) + body[18:]
        case 17:
            body = ports + struct.pack(">HH", 12, 0) + tail
            return body[:6] + _checksum(_pseudo(packet, body) + body) + body[8:]
        case 1 | 58:
            body = struct.pack(">BBHHH", packet.selector >> 8, packet.selector & 255, 0, packet.source_port, 1) + tail
            whole = (_pseudo(packet, body) if packet.protocol == ICMPV6 else b"") + body
            return body[:2] + _checksum(whole) + body[4:]
        case 50:
            return struct.pack(">II", 1, 1) + tail
    raise ValueError(f"no frame for protocol {packet.protocol}")


BUILDABLE = (ICMP, TCP, UDP, 50, ICMPV6)
"""Protocols that `frame_of` knows; SCTP and AH are the rehearsal's affair."""


def _pseudo(packet: Packet, body: bytes) -> bytes:
    if packet.family == 6:
        return _addresses(packet) + struct.pack(">II", len(body), packet.protocol)
    return _addresses(packet) + struct.pack(">HH", packet.protocol, len(body))


def _addresses(packet: Packet) -> bytes:
    size = 4 if packet.family == 4 else 16
    return packet.source.to_bytes(size, "big") + packet.destination.to_bytes(size, "big")


def _checksum(data: bytes) -> bytes:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF or 0xFFFF)
