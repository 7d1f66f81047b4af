"""TCP by connect(), for users without rights: open, refused (a reset or an ICMP error, which the kernel does not tell apart), silent."""

from __future__ import annotations

import errno
import os
import resource
import select
import socket
import struct
import time
from collections.abc import Sequence

from firewright.analysis.observed import Answered
from firewright.live.prober.heard import Heard
from firewright.live.prober.target import Target

_MOST, _SPARE = 4096, 64
_SECONDS = 1.3
"""How long a connection may take where another one waits for its place: the kernel sends a second SYN after one."""
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
_REFUSALS = {
    errno.ECONNREFUSED: Heard(Answered.REFUSED),
    errno.ECONNRESET: Heard(Answered.RESET),
    errno.ENOPROTOOPT: Heard(Answered.ICMP, 3, 2),
}
_UNTOLD = Heard(Answered.ICMP, sender="the host or the path")
"""An ICMP error of which connect() tells neither kind nor sender."""


def verdict(number: int, family: int) -> Heard | None:
    """What an error of connect() tells; None for one that tells nothing. `number` is an errno, 0 for success."""
    if number == 0:
        return Heard(Answered.REPLY)
    if number in _REFUSALS:
        return _REFUSALS[number]
    if number == errno.EACCES and family == 6:
        return _UNTOLD  # net/ipv6/icmp.c: an administrator's prohibition, and a source that is not let in
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return _UNTOLD
    if number in (errno.ETIMEDOUT, errno.EINPROGRESS):
        return None
    said = os.strerror(number).lower()
    whose = "its own firewall" if number in (errno.EPERM, errno.EACCES) else "this machine"
    return Heard(Answered.NOTHING, problem=f"not sent: {whose} says {said}")


class Connecting:
    """Connections to the ports of targets; item `number` is port `number // targets` of target `number % targets`."""

    least_wait = 1.2
    """The kernel takes no notice of an ICMP error that comes while connect() is still at work, but for that to its second SYN."""

    def __init__(self, targets: Sequence[Target], ports: Sequence[int]) -> None:
        self._targets, self._ports = targets, ports
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < _MOST + _SPARE:
            soft = hard if hard != resource.RLIM_INFINITY and hard < _MOST + _SPARE else _MOST + _SPARE
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self._room = max(16, min(_MOST, soft - _SPARE))
        self._open: dict[int, tuple[socket.socket, int, float]] = {}
        self._heard: list[tuple[int, Heard]] = []
        self._events = select.epoll()

    def send(self, number: int) -> None:
        """Begin a connection; waits for a place where too many are under way."""
        while len(self._open) >= self._room:
            oldest = next(iter(self._open.values()))
            left = oldest[2] + _SECONDS - time.monotonic()
            if left <= 0:
                self._close(oldest[0].fileno())
            else:
                self._poll(left)
        target = self._targets[number % len(self._targets)]
        one = socket.socket(_FAMILIES[target.family], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        error = one.connect_ex(target.at(self._ports[number // len(self._targets)]))
        if error == errno.EINPROGRESS:
            self._open[one.fileno()] = (one, number, time.monotonic())
            self._events.register(one, select.EPOLLOUT)
            return
        one.close()
        found = verdict(error, target.family)
        if found is not None:
            self._heard.append((number, found))

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """What became of connections."""
        if not self._heard or not seconds:
            self._poll(seconds)
        heard, self._heard = self._heard, []
        return heard

    def _poll(self, seconds: float) -> None:
        for descriptor, _ in self._events.poll(seconds, 256):
            one, number, _ = self._open[descriptor]
            error = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found = verdict(error, self._targets[number % len(self._targets)].family)
            self._close(descriptor)
            if found is not None:
                self._heard.append((number, found))

    def _close(self, descriptor: int) -> None:
        one, _, _ = self._open.pop(descriptor)
        self._events.unregister(descriptor)
        one.close()

    def settle(self) -> None:
        """Give up the connections that are still under way."""
        for descriptor in list(self._open):
            self._close(descriptor)

    def close(self) -> None:
        """Give up everything."""
        self.settle()
        self._events.close()
