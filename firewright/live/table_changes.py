"""Every change of nf_tables in this network namespace, by which process: the kernel says so, nothing is dumped to find out.

The kernel counts transactions (its generation number) and tells whoever listens which process made each (linux/netfilter/nfnetlink.h,
group NFNLGRP_NFTABLES; nf_tables.h, NFT_MSG_NEWGEN). Messages can be lost where many come at once, the number cannot: both are asked.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from types import TracebackType

from firewright.diagnostic import harmless
from firewright.live._netlink import attributes

_NETFILTER, _GROUP = 12, 7
"""NETLINK_NETFILTER, and the group that hears of nf_tables."""
_NEWGEN, _GETGEN = (10 << 8) | 15, (10 << 8) | 16
"""NFNL_SUBSYS_NFTABLES and the kinds of message."""
_ID, _PID, _NAME = 1, 2, 3
_HEADER = struct.Struct("=IHHII")
_FAMILY = b"\0\0\0\0"
_BUFFER = 1 << 16
_MOMENT = 0.1


@dataclass(frozen=True, slots=True)
class Change:
    """The number that nf_tables has now, and who made the last transaction; process 0 where the kernel did not tell."""

    number: int
    process: int = 0
    program: str = ""


class Changes:
    """Watches nf_tables of this network namespace from now on. Needs CAP_NET_ADMIN there, or OSError is raised."""

    def __init__(self) -> None:
        self._heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)
        self._asked = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)
        try:
            self._heard.bind((0, 1 << (_GROUP - 1)))
            self._heard.setblocking(False)
            self._asked.bind((0, 0))
            self._asked.settimeout(5)
            self.number = self.ask()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Changes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching."""
        self._heard.close()
        self._asked.close()

    def ask(self) -> int:
        """The generation number of nf_tables now: one message there and one back, some microseconds."""
        self._asked.send(_HEADER.pack(_HEADER.size + 4, _GETGEN, 1, 1, 0) + _FAMILY)
        raw = self._asked.recv(_BUFFER)
        found = _change(raw)
        if found is None:
            kind = _HEADER.unpack_from(raw)[1]
            code = -struct.unpack_from("=i", raw, _HEADER.size)[0] if kind == 2 and len(raw) >= 20 else errno.EBADMSG
            raise OSError(code, os.strerror(code))
        return found.number

    def wait(self, seconds: float | None = None, poll: float = 1.0) -> Change | None:
        """The next change, at the latest after `seconds` None; what the kernel did not tell of is noticed after `poll` seconds.

        Several transactions that were made before it was asked are one change: the last.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = poll if end is None else min(poll, end - time.monotonic())
            select.select([self._heard], [], [], max(0.0, left))
            last = self._told()
            number = self.ask()
            if number != self.number:
                if last is None or last.number != number:
                    # The number is there a moment before the kernel tells of it.
                    select.select([self._heard], [], [], _MOMENT)
                    last = self._told() or last
                self.number = number
                return last if last is not None and last.number == number else Change(number)
            if end is not None and time.monotonic() >= end:
                return None

    def _told(self) -> Change | None:
        """The last change among the messages that wait."""
        last = None
        while True:
            try:
                raw = self._heard.recv(_BUFFER)
            except BlockingIOError:
                return last
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                continue
            last = _change(raw) or last


def _change(raw: bytes) -> Change | None:
    """The last generation that some messages tell of."""
    at, found = 0, None
    while at + _HEADER.size <= len(raw):
        length, kind, *_ = _HEADER.unpack_from(raw, at)
        if length < _HEADER.size or at + length > len(raw):
            break
        if kind == _NEWGEN:
            said = attributes(raw[at + _HEADER.size + len(_FAMILY) : at + length])
            if len(said.get(_ID, b"")) == 4:
                process = struct.unpack("!I", said[_PID])[0] if len(said.get(_PID, b"")) == 4 else 0
                name = said.get(_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
                found = Change(struct.unpack("!I", said[_ID])[0], process, harmless(name, 64))
        at += length + 3 & ~3
    return found
