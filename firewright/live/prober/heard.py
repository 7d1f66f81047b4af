"""What was heard of one packet that was sent, and who can send packets and hear of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from firewright.analysis.observed import Answered
from firewright.model.packet import Family


class Heard(NamedTuple):
    """What came back: the ICMP error's type, code and sender (empty: the host itself), the hop limit of what came.

    `problem` says why the packet was not sent, or not sent on by this machine itself; then nothing else counts.
    """

    answered: Answered
    type: int = 0
    code: int = 0
    sender: str = ""
    hop_limit: int = 0
    problem: str = ""


class Wire(Protocol):
    """Something that sends the packet of each of some items, by number, and tells what came back.

    `least_wait` is how many seconds it needs at least to hear of a packet.
    """

    least_wait: float

    def send(self, number: int) -> None:
        """Send the packet of an item. A refusal of this machine is told as what was heard, not raised."""

    def heard(self, seconds: float) -> Sequence[tuple[int, Heard]]:
        """What came back since last time; waits at most so long if there is nothing."""

    def settle(self) -> None:
        """Let go of what is still under way, before items are sent again."""

    def close(self) -> None:
        """Give everything back."""


class About(NamedTuple):
    """The packet that an ICMP error is about: its destination, its protocol, and what stands behind its IP header."""

    type: int
    code: int
    destination: bytes
    protocol: int
    body: bytes


ERRORS: dict[Family, tuple[int, ...]] = {4: (3, 11, 12), 6: (1, 3, 4)}
"""The ICMP types that tell that a packet did not get to where it was sent: RFC 792; RFC 4443, section 3."""


def about(message: bytes, family: Family) -> About | None:
    """What an ICMP message is about; None where it is no error, or too short to tell."""
    if len(message) < 8 or message[0] not in ERRORS[family]:
        return None
    packet = message[8:]
    if family == 4:
        length = (packet[0] & 15) * 4 if packet else 0
        if length < 20 or len(packet) < length + 8:
            return None
        return About(message[0], message[1], packet[16:20], packet[9], packet[length:])
    if len(packet) < 48:
        return None
    return About(message[0], message[1], packet[24:40], packet[6], packet[40:])
