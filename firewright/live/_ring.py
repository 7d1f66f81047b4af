"""Seeing every frame that arrives in a network namespace: one packet socket over all interfaces, with a ring in shared memory.

Memory of a ring counts for no limit that a user without rights could not raise, and what does not fit is counted
(packet(7), Documentation/networking/packet_mmap.rst: TPACKET_V2).
"""

from __future__ import annotations

import mmap
import socket
import struct
from collections.abc import Iterator

_SOL_PACKET, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 263, 5, 6, 10, 23
_TPACKET_V2 = 1
_ETH_P_ALL = 3
FRAME = 2048
"""Bytes of a slot: an Ethernet frame, and what the kernel says of it before."""
_FRAMES, _BLOCK = 4096, 1 << 16
_HEAD = struct.Struct("=IIIHH")
_STATUS = struct.Struct("=I")
_INTERFACE_AT = 32 + 4
_INDEX = struct.Struct("=i")


class Ring:
    """The frames that arrive by any interface of the namespace that this is made in; not those that are sent there."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V2)
        self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        size = FRAME * _FRAMES
        self._socket.setsockopt(_SOL_PACKET, _RX_RING, struct.pack("=IIII", _BLOCK, size // _BLOCK, FRAME, _FRAMES))
        self._memory = mmap.mmap(self._socket.fileno(), size)
        self._at = 0

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What has arrived since last time: the interface's index, and the frame from its Ethernet header on."""
        memory = self._memory
        while True:
            base = self._at * FRAME
            status, _, kept, mac, _ = _HEAD.unpack_from(memory, base)
            if not status & 1:
                return
            start = base + mac
            yield _INDEX.unpack_from(memory, base + _INTERFACE_AT)[0], memory[start : start + kept]
            _STATUS.pack_into(memory, base, 0)
            self._at = (self._at + 1) % _FRAMES

    def lost(self) -> int:
        """How many frames did not fit since last time."""
        return int(struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8))[1])

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        self._socket.close()
