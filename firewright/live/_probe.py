"""Packets of a request to the inside of a testbed, and what was seen of each: how both stand in bytes, and how it is noted."""

from __future__ import annotations

import struct
from dataclasses import dataclass

PROBE = struct.Struct("!BBH")
"""Before each packet of a request: the interface by which it enters (0: the firewall sends it), leaves, and its length."""
SEEN = struct.Struct("!BBBBBBBx")
"""After each: flags, where it arrived, what answered, ICMP type and code, where the answer came out, the protocol of it."""
ARRIVED, DELIVERED, REFUSED, WRONG_ANSWER, TWICE, UNSENT = 1, 2, 4, 8, 16, 32
RESET, ICMP_ANSWER = 1, 2
INTO = 63
"""The traffic class, without its last two bits, of a packet that is delivered to the firewall whatever its address."""
TYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}
"""Ethernet's types of both families."""


@dataclass(slots=True)
class Probe:
    """One packet of a request, and what was seen of it."""

    enter: int
    leave: int
    whole: bytes
    family: int
    flags: int = 0
    arrived: int = 0
    answer: int = 0
    kind: int = 0
    code: int = 0
    where: int = 0

    @property
    def number(self) -> int:
        """The number by which it is known again."""
        whole = self.whole
        return int.from_bytes(whole[4:6], "big") if self.family == 4 else int.from_bytes(whole[1:4], "big") & 0xFFFFF

    @property
    def frame(self) -> bytes:
        """The packet as a frame from the neighbour at the interface by which it enters."""
        return b"\x02\0\0\0\0" + bytes((self.enter,)) + b"\x02\0\0\0\1\0" + TYPE[self.family] + self.whole

    def forget(self) -> None:
        """Note nothing yet."""
        self.flags = self.arrived = self.answer = self.kind = self.code = self.where = 0

    def arrive(self, number: int) -> None:
        """Note that it came out by an interface."""
        self.flags |= TWICE | ARRIVED if self.flags & ARRIVED else ARRIVED
        self.arrived = number

    def deliver(self) -> None:
        """Note that the firewall itself got it."""
        self.flags |= TWICE | DELIVERED if self.flags & DELIVERED else DELIVERED

    def answered(self, answer: int, kind: int, code: int, number: int, is_right: bool) -> None:
        """Note an answer to it, where it came out, and whether it is from and to whom it should be."""
        self.answer, self.kind, self.code, self.where = answer, kind, code, number
        if not is_right:
            self.flags |= WRONG_ANSWER

    def seen(self) -> bytes:
        """What was noted, in bytes."""
        return SEEN.pack(self.flags, self.arrived, self.answer, self.kind, self.code, self.where, 0)


def probes_of(blob: bytes) -> list[Probe]:
    """The packets of a request."""
    found, at = [], 0
    while at < len(blob):
        enter, leave, length = PROBE.unpack_from(blob, at)
        at += PROBE.size
        whole = blob[at : at + length]
        found.append(Probe(enter, leave, whole, whole[0] >> 4))
        at += length
    return found
