"""Sending frames into a firewall and seeing what becomes of each, without waiting: a drop is seen as surely as an arrival.

A frame has gone all its way through the kernel when what was queued behind it has (the backlog of a processor is a queue, and
this process stays on one): marks sent after each round close it. What the kernel could not hold is counted, and such a round
is sent again, slower, so that a lost capture never looks like a drop.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from firewright.live import _namespace
from firewright.live._probe import ICMP_ANSWER, PROBE, REFUSED, RESET, TYPE, UNSENT, Probe, probes_of
from firewright.live._ring import Ring

ROUND = 192
"""Frames between two marks: less than a backlog holds (1,000), and than a socket without rights can (about 270)."""
_TRIES = 5
_ETHERNET = 14
_MARK = b"\x02\0\0\0\0\xfe\x02\0\0\0\0\xff\x88\xb5"
_PASSES = 4
"""A frame, its answer, the answer's way by loopback, and one more."""
_SECONDS = 10.0
_MEMORY, _DROPS_AT = 55, 8
"""SO_MEMINFO, and the word of it that counts what a socket dropped (linux/sock_diag.h, SK_MEMINFO_DROPS)."""
_ERROR_TYPE = {4: 3, 6: 1}
_RAW_BUFFER = 8 << 20


class Lost(Exception):
    """The kernel lost captures, however slowly they were sent."""


class Sending:
    """The sockets on both sides of the firewall, and what is known of the packets under way."""

    def __init__(self, firewall: int, around: int, legs: Sequence[dict[str, Any]]) -> None:
        self.firewall, self.around = firewall, around
        self.again = 0
        self.names = [leg["name"] for leg in legs]
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self.ring = Ring()
        self.peers: list[socket.socket | None] = [None]
        self.number_of: dict[int, int] = {}
        for number in range(1, len(legs) + 1):
            self.peers.append(_bound(f"fwpeer{number}"))
            self.number_of[socket.if_nametoindex(f"fwpeer{number}")] = number
        self.marker = _bound("fwecho0")
        self.echo = socket.if_nametoindex("fwecho1")
        self.own = {bytes.fromhex(address) for leg in legs for address in leg["own"]}
        self.raw: dict[tuple[int, int], socket.socket] = {}
        self.senders: dict[tuple[int, int], socket.socket] = {}
        self.joined: dict[tuple[int, bytes], socket.socket] = {}
        self.by_number: dict[int, Probe] = {}
        self.by_body: dict[bytes, Probe] = {}
        self.marks = 0

    def send(self, blob: bytes) -> bytes:
        """What became of each packet of a request, in its order. Raises Lost."""
        probes = probes_of(blob)
        self._open(probes)
        out = bytearray()
        for start in range(0, len(probes), ROUND):
            part = probes[start : start + ROUND]
            self._round(part)
            for probe in part:
                out += probe.seen()
        return bytes(out)

    def exchange(self, blob: bytes) -> bytes:
        """Send packets and hand out every IP packet that came out of the firewall, behind the number of its interface."""
        probes = probes_of(blob)
        self._open(probes)
        for _ in self.ring.frames():
            pass
        for probe in probes:
            self._put(probe)
        out = bytearray()
        for number, frame in self._until_marked():
            if frame[12:14] in (TYPE[4], TYPE[6]):
                out += PROBE.pack(number, 0, len(frame) - _ETHERNET) + frame[_ETHERNET:]
        return bytes(out)

    def _round(self, probes: list[Probe]) -> None:
        """Send some packets and see what becomes of them; again where something was lost."""
        for attempt in range(_TRIES):
            self._forget()
            self.by_number = {probe.number: probe for probe in probes}
            self.by_body = {}
            for probe in probes:
                probe.forget()
                if probe.family == 6:
                    self.by_body[probe.whole[40:]] = probe
            step = ROUND >> 2 * attempt or 1
            for start in range(0, len(probes), step):
                for probe in probes[start : start + step]:
                    self._put(probe)
                for number, frame in self._until_marked():
                    self._outside(number, frame)
                self._inside()
            if not self._lost():
                return
            self.again += len(probes)
        raise Lost

    def _put(self, probe: Probe) -> None:
        try:
            if probe.enter:
                peer = self.peers[probe.enter]
                assert peer is not None  # noqa: S101 - every interface has its peer
                peer.send(probe.frame)
            else:
                self._send_from_host(probe)
        except PermissionError:
            probe.flags |= REFUSED
        except OSError:
            probe.flags |= UNSENT

    def _send_from_host(self, probe: Probe) -> None:
        sender = self.senders[probe.family, probe.leave]
        if probe.family == 4:
            sender.sendto(probe.whole, (socket.inet_ntop(socket.AF_INET, probe.whole[16:20]), 0))
        else:
            sender.sendto(probe.whole, (socket.inet_ntop(socket.AF_INET6, probe.whole[24:40]), 0))

    def _until_marked(self) -> list[tuple[int, bytes]]:
        """Whatever came out before the marks that are sent now came back."""
        found = []
        for _ in range(_PASSES):
            self.marks += 1
            mark = _MARK + self.marks.to_bytes(8, "big") + bytes(38)
            self.marker.send(mark)
            is_back, until = False, time.monotonic() + _SECONDS
            while not is_back:
                for index, frame in self.ring.frames():
                    if index == self.echo:
                        is_back = is_back or frame[14:22] == mark[14:22]
                    elif index in self.number_of:
                        found.append((self.number_of[index], frame))
                if not is_back and time.monotonic() > until:
                    raise Lost
        return found

    def _outside(self, number: int, frame: bytes) -> None:
        """A frame came out: a packet that was sent, or an answer to one."""
        kind = frame[12:14]
        if kind == TYPE[4]:
            length = int.from_bytes(frame[16:18], "big")
            whole = frame[_ETHERNET : _ETHERNET + length]
            probe = self.by_number.get(int.from_bytes(whole[4:6], "big"))
            if probe is not None and probe.family == 4 and probe.whole[12:] == whole[12:]:
                probe.arrive(number)
            else:
                self._answer(4, whole[9], whole[12:16], whole[16:20], whole[(whole[0] & 15) * 4 :], number)
        elif kind == TYPE[6]:
            whole = frame[_ETHERNET : _ETHERNET + 40 + int.from_bytes(frame[18:20], "big")]
            probe = self.by_number.get(int.from_bytes(whole[1:4], "big") & 0xFFFFF)
            if probe is not None and probe.family == 6 and probe.whole[8:] == whole[8:]:
                probe.arrive(number)
            else:
                self._answer(6, whole[6], whole[8:24], whole[24:40], whole[40:], number)

    def _answer(self, family: int, protocol: int, source: bytes, destination: bytes, body: bytes, number: int) -> None:
        """A segment that resets a connection, or an error about a packet that was sent."""
        width = len(source)
        first = 12 if family == 4 else 8
        if protocol == 6 and len(body) >= 20 and body[13] & 4:
            probe = self.by_number.get(int.from_bytes(body[8:12], "big") - 1)
            if probe is not None and probe.family == family:
                ends = probe.whole[first : first + 2 * width]
                ports = probe.whole[-20:-16] if len(probe.whole) == first + 2 * width + 20 else b""
                is_right = ends == destination + source and ports == body[2:4] + body[0:2]
                probe.answered(RESET, 0, 0, number, is_right)
        elif protocol == (1 if family == 4 else 58) and body and body[0] == _ERROR_TYPE[family] and len(body) >= 28:
            about = body[8:]
            number_of = about[4:6] if family == 4 else bytes((about[1] & 15, *about[2:4]))
            probe = self.by_number.get(int.from_bytes(number_of, "big"))
            if probe is not None and probe.family == family:
                ends = probe.whole[first : first + 2 * width]
                is_right = (
                    about[first : first + 2 * width] == ends and destination == ends[:width] and source in self.own
                )
                probe.answered(ICMP_ANSWER, body[0], body[1], number, is_right)

    def _inside(self) -> None:
        """What was delivered to the firewall itself."""
        for (family, protocol), raw in self.raw.items():
            while True:
                try:
                    data, sender = raw.recvfrom(4096)
                except BlockingIOError:
                    break
                except OSError:
                    continue
                if family == 4:
                    probe = self.by_number.get(int.from_bytes(data[4:6], "big"))
                    if probe is not None and probe.family == 4 and probe.whole[12:] == data[12:]:
                        probe.deliver()
                    else:
                        self._answer(4, protocol, data[12:16], data[16:20], data[(data[0] & 15) * 4 :], 0)
                else:
                    probe = self.by_body.get(data)
                    if probe is not None:
                        probe.deliver()
                    else:
                        source = socket.inet_pton(socket.AF_INET6, sender[0].partition("%")[0])
                        self._answer_inside(protocol, source, data)

    def _answer_inside(self, protocol: int, source: bytes, body: bytes) -> None:
        """An answer over IPv6 that the firewall got itself: its socket does not say to which address."""
        if protocol == 6 and len(body) >= 20:
            probe = self.by_number.get(int.from_bytes(body[8:12], "big") - 1)
            destination = probe.whole[8:24] if probe is not None and probe.family == 6 else b""
        else:
            destination = body[16:32]
        if destination:
            self._answer(6, protocol, source, destination, body, 0)

    def _open(self, probes: list[Probe]) -> None:
        """Make the sockets that these packets need inside the firewall."""
        wanted = {(probe.family, probe.leave) for probe in probes if not probe.enter} - set(self.senders)
        heard: set[tuple[int, int]] = set()
        groups = set()
        for probe in probes:
            if not probe.enter or not probe.leave:
                if not probe.leave:
                    heard.add((probe.family, probe.whole[9] if probe.family == 4 else probe.whole[6]))
                heard.update(((4, 6), (4, 1)) if probe.family == 4 else ((6, 6), (6, 58)))
                destination = probe.whole[16:20] if probe.family == 4 else probe.whole[24:40]
                if probe.enter and destination[0] in (range(224, 240) if probe.family == 4 else (255,)):
                    groups.add((probe.enter, destination))
        if not wanted and heard <= set(self.raw) and groups <= set(self.joined):
            return
        with _namespace.inside(self.firewall, self.around):
            for family, leave in wanted:
                self.senders[family, leave] = self._sender(family, leave)
            for family, protocol in sorted(heard - set(self.raw)):
                self.raw[family, protocol] = _raw(family, protocol)
            for number, group in sorted(groups - set(self.joined)):
                self.joined[number, group] = self._joined(number, group)

    def _sender(self, family: int, leave: int) -> socket.socket:
        sender = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        if family == 4:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        else:
            sender.setsockopt(socket.IPPROTO_IPV6, 36, 1)  # IPV6_HDRINCL
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        name = self.names[leave - 1] if leave else "lo"
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        if leave:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, leave)
        return sender

    def _joined(self, number: int, group: bytes) -> socket.socket:
        index = socket.if_nametoindex(self.names[number - 1])
        if len(group) == 4:
            member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + bytes(4) + struct.pack("=i", index))
        else:
            member = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            with suppress(OSError):  # a group of one interface only cannot be joined, and needs not
                member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("=I", index))
        return member

    def _forget(self) -> None:
        """Let go of what is still in the sockets, and of what they lost before."""
        for _ in self.ring.frames():
            pass
        self.ring.lost()
        for raw in self.raw.values():
            with suppress(BlockingIOError):
                while True:
                    raw.recv(64)
        self._dropped = {key: _drops(raw) for key, raw in self.raw.items()}

    def _lost(self) -> bool:
        return bool(self.ring.lost()) or any(_drops(raw) != self._dropped[key] for key, raw in self.raw.items())


def _bound(name: str) -> socket.socket:
    """A socket that only sends, by one interface: protocol 0 receives nothing."""
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    one.bind((name, 0))
    return one


def _raw(family: int, protocol: int) -> socket.socket:
    raw = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, protocol)
    raw.setblocking(False)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RAW_BUFFER)
    with suppress(PermissionError):
        raw.setsockopt(socket.SOL_SOCKET, 33, _RAW_BUFFER)  # SO_RCVBUFFORCE, beyond what users get
    return raw


def _drops(raw: socket.socket) -> int:
    memory = raw.getsockopt(socket.SOL_SOCKET, _MEMORY, 36)
    return int(struct.unpack_from("=I", memory, 4 * _DROPS_AT)[0]) if len(memory) >= 36 else 0
