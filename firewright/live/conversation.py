"""A conversation through a testbed: both ends' packets, made by hand, so that no server is needed and nothing is waited for."""

from __future__ import annotations

from dataclasses import replace

from firewright.live.packets import HOP_LIMIT, fragments, headed, tcp, udp
from firewright.live.rehearsal import sent_as
from firewright.live.testbed import Testbed
from firewright.model.packet import TCP, UDP, Packet

SYN, RST, PSH, ACK, FIN = 2, 4, 8, 16, 1
QUIET = """table inet firewright_quiet {
\tchain quiet { type filter hook output priority -450; policy accept;
\t\ttcp flags & rst == rst drop
\t\ticmp type { echo-reply, destination-unreachable } drop
\t\ticmpv6 type { echo-reply, destination-unreachable } drop
\t}
}
"""
"""Beside a ruleset while both ends are played: the machine's own answers to what is delivered to it stay away."""
_FIRST, _SECOND = 1_000_000, 2_000_000


class Conversation:
    """Two hosts that speak, `opening` being the first packet of one to the other; TCP's numbers are kept for both."""

    def __init__(self, bed: Testbed, opening: Packet) -> None:
        self.bed, self.opening = bed, opening
        self.reply = turned(opening)
        self.next = {True: _FIRST, False: _SECOND}
        self.number = 100

    def open(self) -> str:
        """The three segments that open a connection; which of them did not pass, or an empty text."""
        steps = (("the opening segment", True, SYN), ("the answer to it", False, SYN | ACK), ("the third", True, ACK))
        return next((f"{name} did not pass" for name, forth, flags in steps if not self.say(forth, flags)), "")

    def say(self, forth: bool, flags: int = ACK, data: bytes = b"") -> bool:
        """Whether a TCP segment of one end passes."""
        packet = replace(self.opening if forth else self.reply, tcp_flags=flags)
        ends = ends_of(packet)
        answered = self.next[not forth] if flags & ACK else 0
        body = tcp(ends, packet.source_port, packet.selector, flags, self.next[forth], answered, data)
        self.next[forth] += len(data) + bool(flags & (SYN | FIN))
        return self._passes(packet, self._headed(packet, TCP, body))

    def tell(self, forth: bool, data: bytes) -> bool:
        """Whether a UDP datagram of one end passes."""
        packet = self.opening if forth else self.reply
        return self._passes(packet, self._headed(packet, UDP, self._datagram(packet, data)))

    def tell_in_fragments(self, forth: bool, data: bytes, size: int = 1232) -> int:
        """How many of the bytes behind the IP header of a UDP datagram that is sent in fragments come out, in fragments again."""
        packet = self.opening if forth else self.reply
        whole = self._headed(packet, UDP, self._datagram(packet, data))
        sent = [sent_as(self.bed.ground, packet, part) for part in fragments(whole, size)]
        out = self.bed.ground.interface(packet.out_interface).number
        arrived = [found for number, found in self.bed.exchange(sent) if number == out]
        head = 20 if packet.family == 4 else 48
        return sum(len(found) - head for found in arrived if _ends_in(found) == ends_of(packet))

    def _datagram(self, packet: Packet, data: bytes) -> bytes:
        return udp(ends_of(packet), packet.source_port, packet.selector, data)

    def _headed(self, packet: Packet, protocol: int, body: bytes) -> bytes:
        self.number += 1
        return headed(packet.family, ends_of(packet), protocol, body, self.number, HOP_LIMIT)

    def _passes(self, packet: Packet, whole: bytes) -> bool:
        seen = self.bed.send([sent_as(self.bed.ground, packet, whole)])[0]
        if not packet.out_interface:
            return seen.is_delivered
        return seen.arrived == self.bed.ground.interface(packet.out_interface).number


def turned(packet: Packet) -> Packet:
    """The same header in the other direction."""
    return replace(
        packet,
        source=packet.destination,
        destination=packet.source,
        in_interface=packet.out_interface,
        out_interface=packet.in_interface,
        source_port=packet.selector,
        selector=packet.source_port,
    )


def ends_of(packet: Packet) -> bytes:
    """Source and destination as they stand in an IP header."""
    width = 4 if packet.family == 4 else 16
    return packet.source.to_bytes(width, "big") + packet.destination.to_bytes(width, "big")


def _ends_in(whole: bytes) -> bytes:
    return whole[12:20] if whole[0] >> 4 == 4 else whole[8:40]
