"""Whether a machine answered to its address on this link: the kernel's table of neighbours (RFC 826, RFC 4861)."""

from __future__ import annotations

import socket
import struct

from firewright.live import _netlink
from firewright.live.prober.target import Target

_GET_NEIGHBOUR, _DESTINATION = 30, 1
"""RTM_GETNEIGH and NDA_DST (linux/rtnetlink.h, linux/neighbour.h)."""
_MESSAGE = struct.Struct("=BxxxiHBB")
_RESOLVED = 0x02 | 0x08 | 0x10
"""NUD_REACHABLE, NUD_DELAY, NUD_PROBE: an answer came within the last half minute, or is being checked."""
_NUMBERS = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}


def resolved(target: Target) -> bool:
    """Whether a target is a neighbour that answered to its address, or this machine itself."""
    if target.is_own:
        return True
    try:
        for payload in _netlink.dump(
            _netlink.ROUTE, _GET_NEIGHBOUR, _MESSAGE.pack(_NUMBERS[target.family], 0, 0, 0, 0)
        ):
            _, index, state, _, _ = _MESSAGE.unpack_from(payload)
            found = _netlink.attributes(payload[_MESSAGE.size :])
            if found.get(_DESTINATION) == target.raw and target.scope in (0, index) and state & _RESOLVED:
                return True
    except OSError:
        return False
    return False
