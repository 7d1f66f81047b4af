"""TCP by SYN packets of our own, for who may send them: open, reset or refused by ICMP, and by whom, told apart.

The sequence number says which packet an answer is to, so that a late answer to another run or another port counts for nothing. The
source port is one that a socket of ours holds: the kernel answers a SYN-ACK to it with a reset, and nothing is left half open.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from firewright.analysis.observed import Answered
from firewright.live.prober.heard import Heard, about
from firewright.live.prober.target import Target
from firewright.model.packet import TCP

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_BUFFER = 32 << 20
_SEGMENT = struct.Struct("!HHIIBBHHHI")
_PORT_AND_NUMBER, _CHECKSUM = struct.Struct("!HI"), struct.Struct("!H")
_ANSWER = struct.Struct("!HHIIBB")
_MAXIMUM_SEGMENT = 0x020405B4
"""The option of a maximum segment size of 1,460 bytes, which every stack sends with its SYN (RFC 9293, section 3.7.1)."""
_SYN, _RST, _ACK = 2, 4, 16
_ATTACH_FILTER, _FORCE_BUFFER, _ICMP_FILTER, _ICMP6_FILTER = 26, 33, 1, 1
_RECEIVE_HOP_LIMIT, _HOP_LIMIT = 51, 52
_SOL_RAW = 255
_TRIES = 6
_TEMPORARY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT, errno.EPROTO)
_FULL = (errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM)


def problem_of(error: OSError) -> Heard:
    """Why a packet was not sent."""
    said = (error.strerror or str(error)).lower()
    whose = "this machine's own firewall" if error.errno in (errno.EPERM, errno.EACCES) else "this machine"
    return Heard(Answered.NOTHING, problem=f"not sent: {whose} says {said}")


def sent(send: Callable[[], Any]) -> Heard | None:
    """Send a packet in spite of errors of earlier ones that the kernel tells late, and of full queues; why it was not sent."""
    for attempt in range(_TRIES):
        try:
            send()
        except OSError as error:
            last = error
            if error.errno in _FULL:
                time.sleep(0.002 * (attempt + 1))
            elif error.errno not in _TEMPORARY:
                break
        else:
            return None
    return problem_of(last)


def raw_socket(family: int, protocol: int) -> socket.socket:
    """A raw socket with a large buffer, which never waits. Raises PermissionError where raw sockets are not allowed."""
    raw = socket.socket(_FAMILIES[family], socket.SOCK_RAW, protocol)
    raw.setblocking(False)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    with contextlib.suppress(PermissionError):
        raw.setsockopt(socket.SOL_SOCKET, _FORCE_BUFFER, _BUFFER)
    return raw


def error_socket(family: int) -> socket.socket:
    """A raw socket that hears ICMP errors (icmp(7), ICMP_FILTER; RFC 3542, section 3.2: the bits block types)."""
    if family == 4:
        raw = raw_socket(4, socket.IPPROTO_ICMP)
        raw.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << 3 | 1 << 11 | 1 << 12)))
        return raw
    raw = raw_socket(6, socket.IPPROTO_ICMPV6)
    words = [0xFFFFFFFF & ~(1 << 1 | 1 << 3 | 1 << 4), *[0xFFFFFFFF] * 7]
    raw.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))
    return raw


class Syn:
    """SYN packets to the ports of targets; item `number` is port `number // targets` of target `number % targets`."""

    least_wait = 0.0

    def __init__(self, targets: Sequence[Target], ports: Sequence[int]) -> None:
        """Open the sockets. Raises PermissionError where raw sockets are not allowed."""
        self._targets, self._ports, self._count = targets, ports, len(targets) * len(ports)
        self._base = int.from_bytes(os.urandom(4), "big")
        self._raw: dict[int, socket.socket] = {}
        self._errors: dict[int, socket.socket] = {}
        self._held: list[socket.socket] = []
        self._own: dict[int, int] = {}
        self._heard: list[tuple[int, Heard]] = []
        self._events = select.poll()
        self._readers: dict[int, tuple[Callable[[socket.socket, int], bool], socket.socket, int]] = {}
        self._known: dict[tuple[Answered, int], Heard] = {}
        try:
            for family in sorted({target.family for target in targets}):
                self._open(family)
        except OSError:
            self.close()
            raise
        self._packets = [self._packet(target) for target in targets]

    def _open(self, family: int) -> None:
        self._raw[family] = raw_socket(family, socket.IPPROTO_TCP)
        self._errors[family] = error_socket(family)
        held = socket.socket(_FAMILIES[family], socket.SOCK_STREAM)
        self._held.append(held)
        held.bind(("", 0) if family == 4 else ("::", 0))
        self._own[family] = held.getsockname()[1]
        _only_to_port(self._raw[family], family, self._own[family])
        if family == 6:
            self._raw[6].setsockopt(socket.IPPROTO_IPV6, _RECEIVE_HOP_LIMIT, 1)
        for one, read in (
            (self._raw[family], self._read_v4 if family == 4 else self._read_v6),
            (self._errors[family], self._read_error),
        ):
            self._events.register(one, select.POLLIN)
            self._readers[one.fileno()] = (read, one, family)

    def _packet(self, target: Target) -> tuple[bytearray, int, socket.socket, Any]:
        """A SYN without port, number and checksum, and the sum of everything else in it."""
        own = self._own[target.family]
        whole = bytearray(_SEGMENT.pack(own, 0, 0, 0, 0x60, _SYN, 64240, 0, 0, _MAXIMUM_SEGMENT))
        ends = target.source + target.raw
        total = int.from_bytes(whole, "big") + int.from_bytes(ends, "big") + TCP + len(whole)
        return whole, total % 0xFFFF, self._raw[target.family], target.at(0)

    def send(self, number: int) -> None:
        """Send a SYN."""
        port = self._ports[number // len(self._targets)]
        value = self._base + number & 0xFFFFFFFF
        whole, total, raw, where = self._packets[number % len(self._targets)]
        _PORT_AND_NUMBER.pack_into(whole, 2, port, value)
        _CHECKSUM.pack_into(whole, 16, 0xFFFF - (total + port + (value >> 16) + (value & 0xFFFF)) % 0xFFFF)
        try:
            raw.sendto(whole, where)
        except OSError:
            problem = sent(lambda: raw.sendto(whole, where))
            if problem is not None:
                self._heard.append((number, problem))

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """The answers since last time."""
        wait = 0 if self._heard else max(0, round(seconds * 1000))
        for descriptor, _ in self._events.poll(wait):
            read, one, family = self._readers[descriptor]
            try:
                while read(one, family):
                    pass
            except BlockingIOError:
                continue
        heard, self._heard = self._heard, []
        return heard

    def _read_v4(self, one: socket.socket, family: int) -> bool:
        data = one.recv(128)
        start = (data[0] & 15) * 4
        self._segment(4, data[12:16], data[start : start + 14], data[8])
        return True

    def _read_v6(self, one: socket.socket, family: int) -> bool:
        data, extra, _, where = one.recvmsg(128, 32)
        hop_limit = next((int.from_bytes(raw[:4], sys.byteorder) for _, kind, raw in extra if kind == _HOP_LIMIT), 0)
        self._segment(6, socket.inet_pton(socket.AF_INET6, where[0].partition("%")[0]), data[:14], hop_limit)
        return True

    def _segment(self, family: int, source: bytes, head: bytes, hop_limit: int) -> None:
        """Note an answer that is from where it should be, to the packet that its acknowledgement names."""
        if len(head) < 14:
            return
        port, own, _, acknowledged, _, flags = _ANSWER.unpack(head)
        number = acknowledged - 1 - self._base & 0xFFFFFFFF
        if own != self._own[family] or not flags & _ACK or number >= self._count:
            return
        target = self._targets[number % len(self._targets)]
        if self._ports[number // len(self._targets)] != port or target.raw != source or target.family != family:
            return
        answered = Answered.RESET if flags & _RST else Answered.REPLY if flags & _SYN else None
        if answered is not None:
            key = answered, hop_limit
            if key not in self._known:
                self._known[key] = Heard(answered, hop_limit=hop_limit)
            self._heard.append((number, self._known[key]))

    def _read_error(self, one: socket.socket, family: int) -> bool:
        data, where = one.recvfrom(1500)
        found = about(data[(data[0] & 15) * 4 :] if family == 4 else data, family)
        if found is None or found.protocol != TCP:
            return True
        own, port, value = struct.unpack_from("!HHI", found.body)
        number = value - self._base & 0xFFFFFFFF
        if own != self._own[family] or number >= self._count:
            return True
        target = self._targets[number % len(self._targets)]
        if self._ports[number // len(self._targets)] == port and target.raw == found.destination:
            self._heard.append((number, error_heard(target, found.type, found.code, where[0])))
        return True

    def settle(self) -> None:
        """Nothing is held of packets under way."""

    def close(self) -> None:
        """Close the sockets."""
        for one in (*self._raw.values(), *self._errors.values(), *self._held):
            one.close()


def error_heard(target: Target, kind: int, code: int, sender: str) -> Heard:
    """An ICMP error about a target; what this machine says itself, of others, is its own problem."""
    text = sender.partition("%")[0]
    if text == target.text:
        return Heard(Answered.ICMP, kind, code)
    if text == target.source_text and not target.is_own:
        return NOBODY
    return Heard(Answered.ICMP, kind, code, text)


NOBODY = Heard(
    Answered.NOTHING, problem="not sent on: no machine has this address, or this machine's own firewall refuses"
)


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


def _only_to_port(raw: socket.socket, family: int, port: int) -> None:
    """Let a raw socket hear only what is sent to a TCP port (BPF, socket(7)): v4 sees the IP header, v6 does not."""
    load_header_length, load_half, load_half_behind, is_equal, end = 0xB1, 0x28, 0x48, 0x15, 0x06
    program = [(load_header_length, 0, 0, 0), (load_half_behind, 0, 0, 2)] if family == 4 else [(load_half, 0, 0, 2)]
    program += [(is_equal, 0, 1, port), (end, 0, 0, 0xFFFFFFFF), (end, 0, 0, 0)]
    code = (_Instruction * len(program))(*(_Instruction(*one) for one in program))
    raw.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))
