"""UDP by ordinary sockets, which hear ICMP errors too (ip(7), IP_RECVERR): nothing here needs a right."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
from collections.abc import Iterator, Sequence
from functools import partial

from firewright.analysis.observed import Answered
from firewright.catalog.udp_payloads import udp_payloads
from firewright.live.prober.heard import Heard
from firewright.live.prober.syn import error_heard, sent
from firewright.live.prober.target import Target
from firewright.model.packet import Family

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_RECEIVE_ERRORS = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
"""IP_RECVERR and IPV6_RECVERR (linux/in.h, linux/in6.h)."""
_EXTENDED = struct.Struct("=IBBBxII")
_ORIGIN_LOCAL, _ORIGIN_ICMP, _ORIGIN_ICMP6 = 1, 2, 3
_BUFFER = 8 << 20
_OWN_SOCKETS = 4096
"""Sockets at most for services that answer from another port."""
_REPLY = Heard(Answered.REPLY)


def erring_socket(family: Family, kind: int, protocol: int = 0) -> socket.socket:
    """A socket of datagrams that never waits, and keeps the ICMP errors about what it sent."""
    one = socket.socket(_FAMILIES[family], kind, protocol)
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    one.setsockopt(*_RECEIVE_ERRORS[family], 1)
    return one


def errors_of(one: socket.socket, family: Family) -> Iterator[tuple[str, int, int, int, str]]:
    """The errors that a socket keeps: the address and port that was sent to, ICMP type and code, who said so (type 0: this machine)."""
    while True:
        try:
            _, extra, _, where = one.recvmsg(64, 256, socket.MSG_ERRQUEUE)
        except BlockingIOError:
            return
        except OSError:
            continue
        for level, kind, raw in extra:
            if (level, kind) == _RECEIVE_ERRORS[family] and len(raw) >= _EXTENDED.size:
                _, origin, type_, code, _, _ = _EXTENDED.unpack_from(raw)
                if origin in (_ORIGIN_ICMP, _ORIGIN_ICMP6):
                    yield where[0].partition("%")[0], where[1], type_, code, _offender(raw[_EXTENDED.size :], family)
                elif origin == _ORIGIN_LOCAL:
                    yield where[0].partition("%")[0], where[1], 0, 0, ""


def _offender(raw: bytes, family: Family) -> str:
    """The address in the sockaddr behind an error (linux/errqueue.h, SO_EE_OFFENDER)."""
    first, width = (4, 4) if family == 4 else (8, 16)
    return socket.inet_ntop(_FAMILIES[family], raw[first : first + width]) if len(raw) >= first + width else ""


class Datagrams:
    """Datagrams to the ports of targets; item `number` is port `number // targets` of target `number % targets`.

    Each port gets its service's own first datagram (`catalog.udp_payloads`), else an empty one.
    """

    least_wait = 0.0

    def __init__(self, targets: Sequence[Target], ports: Sequence[int]) -> None:
        self._targets, self._ports = targets, ports
        self._known = udp_payloads()
        self._by_text = {target.text: index for index, target in enumerate(targets)}
        self._by_port = {port: index for index, port in enumerate(ports)}
        self._shared = {
            family: erring_socket(family, socket.SOCK_DGRAM) for family in {target.family for target in targets}
        }
        self._own: dict[int, socket.socket] = {}
        self._owner: dict[int, tuple[socket.socket, Family, int | None]] = {}
        self._events = select.epoll()
        self._heard: list[tuple[int, Heard]] = []
        for family, one in self._shared.items():
            self._watch(one, family, None)

    def _watch(self, one: socket.socket, family: Family, number: int | None) -> None:
        self._owner[one.fileno()] = one, family, number
        self._events.register(one, select.EPOLLIN)

    def send(self, number: int) -> None:
        """Send a datagram."""
        target = self._targets[number % len(self._targets)]
        port = self._ports[number // len(self._targets)]
        row = self._known.get(port)
        one = self._shared[target.family]
        if row is not None and row.is_from_elsewhere:
            one = self._socket_of(number, target)
        try:
            one.sendto(row.payload if row else b"", target.at(port))
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES, errno.EINVAL):
                problem = sent(partial(one.sendto, row.payload if row else b"", target.at(port)))
            else:
                self._read_errors(one, target.family)
                problem = sent(partial(one.sendto, row.payload if row else b"", target.at(port)))
            if problem is not None:
                self._heard.append((number, problem))

    def _socket_of(self, number: int, target: Target) -> socket.socket:
        """A socket for one item alone, so that whatever comes to it is its answer."""
        if number not in self._own:
            if len(self._own) >= _OWN_SOCKETS:
                return self._shared[target.family]
            try:
                self._own[number] = erring_socket(target.family, socket.SOCK_DGRAM)
            except OSError:  # no descriptor is left
                return self._shared[target.family]
            self._watch(self._own[number], target.family, number)
        return self._own[number]

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """The answers and errors since last time."""
        for descriptor, _ in self._events.poll(0 if self._heard else seconds, 256):
            one, family, number = self._owner[descriptor]
            self._read_errors(one, family)
            self._read(one, number)
        heard, self._heard = self._heard, []
        return heard

    def _read(self, one: socket.socket, own: int | None) -> None:
        while True:
            try:
                _, where = one.recvfrom(64)
            except BlockingIOError:
                return
            except OSError:
                continue
            number = self._number(where[0], where[1])
            if own is not None and self._is_of(own, where[0]):
                number = own
            if number is not None:
                self._heard.append((number, _REPLY))

    def _read_errors(self, one: socket.socket, family: Family) -> None:
        for text, port, kind, code, sender in errors_of(one, family):
            number = self._number(text, port)
            if number is not None and kind:
                target = self._targets[number % len(self._targets)]
                self._heard.append((number, error_heard(target, kind, code, sender)))

    def _is_of(self, number: int, text: str) -> bool:
        return self._targets[number % len(self._targets)].text == text.partition("%")[0]

    def _number(self, text: str, port: int) -> int | None:
        index, place = self._by_text.get(text.partition("%")[0]), self._by_port.get(port)
        return None if index is None or place is None else place * len(self._targets) + index

    def settle(self) -> None:
        """Nothing is held of datagrams under way."""

    def close(self) -> None:
        """Close the sockets."""
        self._events.close()
        for one in (*self._shared.values(), *self._own.values()):
            with contextlib.suppress(OSError):
                one.close()
