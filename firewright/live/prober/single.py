"""Echo requests, and the first packets of ESP and AH: what has no ports.

An echo needs no right where the machine's administrator allows it (icmp(7), ping_group_range); ESP and AH need raw sockets.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Sequence
from functools import partial

from firewright.analysis.observed import Answered
from firewright.live.packets import checksum
from firewright.live.prober.datagrams import erring_socket, errors_of
from firewright.live.prober.heard import Heard, about
from firewright.live.prober.syn import error_heard, error_socket, raw_socket, sent
from firewright.live.prober.target import Target
from firewright.model.packet import ICMP, ICMPV6, Family

ESP, AH = 50, 51
PROTOCOLS = (ESP, AH)
_ECHO = {4: (ICMP, 8, 0), 6: (ICMPV6, 128, 129)}
_NO_NEXT_HEADER = 59
_REPLY = Heard(Answered.REPLY)
NEEDS_ROOT = Heard(Answered.NOTHING, problem="not sent: it needs root")


class Echo:
    """Echo requests, by raw sockets or without rights; item `number` is target `number`."""

    least_wait = 0.0

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._name = os.urandom(2)
        self._secret = os.urandom(16)
        self._by_text = {target.text: index for index, target in enumerate(targets)}
        self._sockets: dict[Family, tuple[socket.socket, bool]] = {}
        self._errors: dict[int, tuple[socket.socket, Family]] = {}
        self._events = select.poll()
        self._heard: list[tuple[int, Heard]] = []
        for family in sorted({target.family for target in targets}):
            self._open(family)

    def _open(self, family: Family) -> None:
        protocol = _ECHO[family][0]
        try:
            self._sockets[family] = raw_socket(family, protocol), True
            errors = error_socket(family)
            self._errors[errors.fileno()] = errors, family
            self._events.register(errors, select.POLLIN)
        except PermissionError:
            try:
                self._sockets[family] = erring_socket(family, socket.SOCK_DGRAM, protocol), False
            except PermissionError:
                return
        self._events.register(self._sockets[family][0], select.POLLIN)

    def send(self, number: int) -> None:
        """Send a request."""
        target = self._targets[number]
        if target.family not in self._sockets:
            self._heard.append((number, NEEDS_ROOT))
            return
        one, is_raw = self._sockets[target.family]
        whole = struct.pack("!BBH2sH", _ECHO[target.family][1], 0, 0, self._name, number) + self._secret
        if is_raw and target.family == 4:
            whole = whole[:2] + checksum(whole).to_bytes(2, "big") + whole[4:]
        problem = sent(partial(one.sendto, whole, target.at(0)))
        if problem is not None:
            self._heard.append((number, problem))

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """The replies and errors since last time."""
        ready = {descriptor for descriptor, _ in self._events.poll(0 if self._heard else max(0, round(seconds * 1000)))}
        for family, (one, is_raw) in self._sockets.items():
            if one.fileno() in ready:
                self._read(one, family, is_raw)
                if not is_raw:
                    for text, _, kind, code, sender in errors_of(one, family):
                        self._note_error(text, kind, code, sender)
        for descriptor, (errors, family) in self._errors.items():
            if descriptor in ready:
                self._read_errors(errors, family)
        heard, self._heard = self._heard, []
        return heard

    def _read(self, one: socket.socket, family: Family, is_raw: bool) -> None:
        while True:
            try:
                data, where = one.recvfrom(256)
            except BlockingIOError:
                return
            except OSError:
                continue
            message = data[(data[0] & 15) * 4 :] if family == 4 and is_raw else data
            number = int.from_bytes(message[6:8], "big")
            is_ours = message[8:24] == self._secret and number < len(self._targets) and message[0] == _ECHO[family][2]
            if is_ours and self._targets[number].text == where[0].partition("%")[0]:
                self._heard.append((number, _REPLY))

    def _read_errors(self, one: socket.socket, family: Family) -> None:
        while True:
            try:
                data, where = one.recvfrom(1500)
            except BlockingIOError:
                return
            found = about(data[(data[0] & 15) * 4 :] if family == 4 else data, family)
            if found is not None and found.protocol == _ECHO[family][0] and found.body[4:6] == self._name:
                text = socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, found.destination)
                self._note_error(text, found.type, found.code, where[0])

    def _note_error(self, text: str, kind: int, code: int, sender: str) -> None:
        number = self._by_text.get(text)
        if number is not None and kind:
            self._heard.append((number, error_heard(self._targets[number], kind, code, sender)))

    def settle(self) -> None:
        """Nothing is held of requests under way."""

    def close(self) -> None:
        """Close the sockets."""
        for one, _ in (*self._sockets.values(), *self._errors.values()):
            one.close()


class Bare:
    """The first packet of ESP and AH to targets; item `number` is protocol `number // targets` of target `number % targets`."""

    least_wait = 0.0

    def __init__(self, targets: Sequence[Target], protocols: Sequence[int]) -> None:
        """Open the sockets. Raises PermissionError where raw sockets are not allowed."""
        self._targets, self._protocols = targets, protocols
        self._index = os.urandom(4)
        self._by_raw = {(target.family, target.raw): index for index, target in enumerate(targets)}
        self._raw: dict[tuple[Family, int], socket.socket] = {}
        self._errors: dict[int, tuple[socket.socket, Family]] = {}
        self._events = select.poll()
        self._heard: list[tuple[int, Heard]] = []
        for family in sorted({target.family for target in targets}):
            for protocol in protocols:
                self._raw[family, protocol] = raw_socket(family, protocol)
            errors = error_socket(family)
            self._errors[errors.fileno()] = errors, family
            self._events.register(errors, select.POLLIN)

    def _packet(self, protocol: int) -> bytes:
        """A header with an index that nobody agreed on (RFC 4303, section 2; RFC 4302, section 2)."""
        if protocol == ESP:
            return self._index + struct.pack("!I24x", 1)
        return struct.pack("!BBH", _NO_NEXT_HEADER, 4, 0) + self._index + struct.pack("!I12x", 1)

    def send(self, number: int) -> None:
        """Send a packet."""
        target = self._targets[number % len(self._targets)]
        protocol = self._protocols[number // len(self._targets)]
        one = self._raw[target.family, protocol]
        problem = sent(partial(one.sendto, self._packet(protocol), target.at(0)))
        if problem is not None:
            self._heard.append((number, problem))

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """The errors since last time: nothing else answers such a packet."""
        for descriptor, _ in self._events.poll(0 if self._heard else max(0, round(seconds * 1000))):
            one, family = self._errors[descriptor]
            while True:
                try:
                    data, where = one.recvfrom(1500)
                except BlockingIOError:
                    break
                found = about(data[(data[0] & 15) * 4 :] if family == 4 else data, family)
                if found is None or found.protocol not in self._protocols or self._index not in found.body[:8]:
                    continue
                place = self._by_raw.get((family, found.destination))
                if place is not None:
                    number = self._protocols.index(found.protocol) * len(self._targets) + place
                    self._heard.append((number, error_heard(self._targets[place], found.type, found.code, where[0])))
        heard, self._heard = self._heard, []
        return heard

    def settle(self) -> None:
        """Nothing is held of packets under way."""

    def close(self) -> None:
        """Close the sockets."""
        for one in (*self._raw.values(), *(errors for errors, _ in self._errors.values())):
            one.close()
