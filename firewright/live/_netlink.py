"""Dumps over netlink: a request, and every message of the kernel's answer with its attributes (RFC 3549, section 2)."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping

ROUTE, SOCK_DIAG = 0, 4
"""NETLINK_ROUTE and NETLINK_SOCK_DIAG (linux/netlink.h)."""
_REQUEST, _DUMP, _MULTI_END, _ERROR = 0x1, 0x300, 3, 2
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 18
_SECONDS = 5.0


def dump(bus: int, kind: int, request: bytes) -> Iterator[bytes]:
    """The payload of each message that answers a dump request. Raises OSError as the kernel says, or after 5 s."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, bus) as link:
        link.settimeout(_SECONDS)
        link.bind((0, 0))
        link.send(_HEADER.pack(_HEADER.size + len(request), kind, _REQUEST | _DUMP, 1, 0) + request)
        while True:
            for kind_, payload in _messages(link.recv(_BUFFER)):
                if kind_ in (_MULTI_END, _ERROR):
                    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
                    if code > 0:
                        raise OSError(code, os.strerror(code))
                    return
                yield payload


def _messages(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(raw):
        length, kind, _, _, _ = _HEADER.unpack_from(raw, at)
        if length < _HEADER.size or at + length > len(raw):
            raise OSError(errno.EBADMSG, "a message of netlink is cut off")
        yield kind, raw[at + _HEADER.size : at + length]
        at += length + 3 & ~3


def attributes(raw: bytes) -> Mapping[int, bytes]:
    """The attributes behind a message's fixed part, by number."""
    found, at = {}, 0
    while at + _ATTRIBUTE.size <= len(raw):
        length, kind = _ATTRIBUTE.unpack_from(raw, at)
        if length < _ATTRIBUTE.size or at + length > len(raw):
            break
        found[kind & 0x3FFF] = raw[at + _ATTRIBUTE.size : at + length]
        at += length + 3 & ~3
    return found
