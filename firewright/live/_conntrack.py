"""What connection tracking knows in the namespace that this is called in: its flows, and how to end them (ctnetlink)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from firewright.live._netlink import attributes, dump

_NETFILTER = 12
_NEW, _GET, _DELETE = 1 << 8, 1 << 8 | 1, 1 << 8 | 2
_REQUEST, _ACKNOWLEDGE = 0x1, 0x4
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_ORIGINAL, _TIMEOUT, _HELP, _STATUS = 1, 7, 5, 3
_NESTED = 0x8000


@dataclass(frozen=True, slots=True)
class Flow:
    """A tracked flow by its first packet: family, ends, protocol, ports; the seconds it has left, and its helper's name."""

    family: int
    source: bytes
    destination: bytes
    protocol: int
    source_port: int
    port: int
    seconds: int
    helper: str
    original: bytes


def flows() -> tuple[Flow, ...]:
    """Every tracked flow. Raises OSError."""
    return tuple(flow for family in (4, 6) for flow in _flows(family))


def _flows(family: int) -> Iterator[Flow]:
    for message in dump(_NETFILTER, _GET, struct.pack("=BBH", _FAMILY[family], 0, 0)):
        entry = attributes(message[4:])
        tuple_ = attributes(entry[_ORIGINAL])
        ends, ported = attributes(tuple_[1]), attributes(tuple_[2])
        first, second = (1, 2) if family == 4 else (3, 4)
        helper = attributes(entry[_HELP]).get(1, b"") if _HELP in entry else b""
        yield Flow(
            family,
            ends[first],
            ends[second],
            ported[1][0],
            int.from_bytes(ported.get(2, b""), "big"),
            int.from_bytes(ported.get(3, b""), "big"),
            int.from_bytes(entry.get(_TIMEOUT, b""), "big"),
            helper.rstrip(b"\0").decode(),
            entry[_ORIGINAL],
        )


def flush() -> None:
    """End every flow. Raises OSError."""
    for family in (4, 6):
        _ask(_DELETE, family, b"")


def set_seconds(flow: Flow, seconds: int) -> None:
    """Give a flow so many seconds to live from now. Raises OSError."""
    original = struct.pack("=HH", 4 + len(flow.original), _ORIGINAL | _NESTED) + flow.original
    timeout = struct.pack("=HH", 8, _TIMEOUT) + struct.pack("!I", seconds)
    _ask(_NEW, flow.family, original + timeout)


def _ask(kind: int, family: int, request: bytes) -> None:
    body = struct.pack("=BBH", _FAMILY[family], 0, 0) + request
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER) as link:
        link.settimeout(10)
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACKNOWLEDGE, 1, 0) + body)
        code = -struct.unpack_from("=i", link.recv(8192), 16)[0]
    if code:
        raise OSError(code, os.strerror(code))
