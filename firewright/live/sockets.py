"""What listens on this machine: every socket that takes packets from anybody, with its address, and the program behind it.

Read from the kernel over netlink (linux/inet_diag.h), without another program and without rights; a kernel without a
protocol's module is asked in /proc/net. Which program holds a socket is in /proc: of other users' programs only root sees it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firewright.live import _netlink
from firewright.model.address import LOOPBACK
from firewright.model.packet import DCCP, SCTP, TCP, UDP, UDPLITE, Family

_LISTEN, _CLOSE = 10, 7
"""States of a socket that listens: TCP_LISTEN, and TCP_CLOSE for one without connections (net/tcp_states.h)."""
_STATES = {TCP: _LISTEN, DCCP: _LISTEN, SCTP: _LISTEN, UDP: _CLOSE, UDPLITE: _CLOSE}
_RAW = 255
_BY_FAMILY, _V6ONLY = 20, 11
"""SOCK_DIAG_BY_FAMILY and INET_DIAG_SKV6ONLY."""
_FAMILIES: dict[int, Family] = {int(socket.AF_INET): 4, int(socket.AF_INET6): 6}
_REQUEST = struct.Struct("=BBBBI48s")
_ANSWER = struct.Struct("=BBBB2s2s16s16sI8sIIIII")
_MAPPED = 0xFFFF << 32
"""::ffff:0:0/96: an IPv4 address in an IPv6 socket (RFC 4291, section 2.5.5.2)."""


@dataclass(frozen=True, slots=True, order=True)
class Program:
    """A process that holds a socket: its name as the kernel has it, and its number."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A socket of one family that takes packets from whoever sends them.

    `address` is 0 where any of the machine's own will do; `port` is 0 for a raw socket, which gets every packet of its
    `protocol`. An IPv6 socket that takes IPv4 too stands once for each. `interface` is empty where any will do. `programs`
    are empty where they may not be seen, or where the kernel itself listens; `user` is the number of the socket's owner.
    """

    protocol: int
    port: int
    family: Family
    address: int
    interface: str = ""
    programs: tuple[Program, ...] = ()
    user: int = 0

    @property
    def is_raw(self) -> bool:
        """Whether it gets every packet of its protocol."""
        return self.port == 0

    @property
    def is_private(self) -> bool:
        """Whether only the machine itself can reach it: it is bound to a loopback address or to `lo`."""
        return self.interface == "lo" or LOOPBACK.has(self.family, self.address)


@dataclass(frozen=True, slots=True)
class _Socket:
    protocol: int
    port: int
    family: Family
    address: int
    device: int
    inode: int
    user: int
    is_v6_only: bool


@dataclass(frozen=True, slots=True)
class Listening:
    """Every listener, sorted, and in `unseen` what could not be looked at, in sentences."""

    listeners: tuple[Listener, ...]
    unseen: tuple[str, ...] = ()


def listening() -> Listening:
    """What listens in the network namespace of this process, in both families. O(sockets + open files of all processes)."""
    unseen: list[str] = []
    sockets = [one for protocol in (*_STATES, _RAW) for one in _sockets(protocol, unseen)]
    owners, hidden = _owners({one.inode for one in sockets if one.inode})
    unknown = sum(one.inode not in owners for one in sockets if one.inode)
    if unknown and hidden:
        unseen.append(f"the programs behind {unknown} of {len(sockets)} sockets belong to other users: root sees them")
    elif unknown:
        said = "the kernel itself or programs outside of this container"
        unseen.append(f"{unknown} of {len(sockets)} sockets are held by {said}")
    found = {listener for one in sockets for listener in _listeners(one, owners.get(one.inode, ()))}
    return Listening(tuple(sorted(found)), tuple(unseen))


def _listeners(one: _Socket, programs: tuple[Program, ...]) -> Iterator[Listener]:
    """A socket in each family that it serves."""
    interface = _interface_name(one.device)
    families: list[tuple[Family, int]] = [(one.family, one.address)]
    if one.family == 6 and one.address >> 32 == _MAPPED >> 32:
        families = [(4, one.address & 0xFFFFFFFF)]
    elif one.family == 6 and one.address == 0 and not one.is_v6_only and one.port:
        families.append((4, 0))
    for family, address in families:
        yield Listener(one.protocol, one.port, family, address, interface, programs, one.user)


def _interface_name(device: int) -> str:
    try:
        return socket.if_indextoname(device) if device else ""
    except OSError:
        return f"interface {device}"


def _sockets(protocol: int, unseen: list[str]) -> list[_Socket]:
    """The listening sockets of a protocol; those of raw sockets for _RAW."""
    found = []
    for number, family in _FAMILIES.items():
        try:
            found += list(_dumped(number, family, protocol))
        except OSError:
            try:
                found += list(_in_proc(family, protocol))
            except OSError as error:
                unseen.append(f"{_file(family, protocol)} cannot be read: {(error.strerror or 'unknown').lower()}")
    return found


def _dumped(number: int, family: Family, protocol: int) -> Iterator[_Socket]:
    """What netlink says. Raises OSError where the kernel has no module for the protocol."""
    states = 1 << _STATES.get(protocol, _CLOSE)
    request = _REQUEST.pack(number, protocol, 0, 0, states, bytes(48))
    for payload in _netlink.dump(_netlink.SOCK_DIAG, _BY_FAMILY, request):
        fields = _ANSWER.unpack_from(payload)
        port, address, device = int.from_bytes(fields[4], "big"), fields[6], fields[8]
        user, inode = fields[13], fields[14]
        more = _netlink.attributes(payload[_ANSWER.size :])
        size = 4 if family == 4 else 16
        kind, port = (port, 0) if protocol == _RAW else (protocol, port)
        if kind == _RAW or (protocol != _RAW and not port):
            continue  # A raw socket of protocol 255 only sends, and a socket without a port is not bound.
        is_v6_only = more.get(_V6ONLY, b"\0")[:1] == b"\1"
        yield _Socket(kind, port, family, int.from_bytes(address[:size], "big"), device, inode, user, is_v6_only)


def _file(family: Family, protocol: int) -> str:
    name = {TCP: "tcp", UDP: "udp", UDPLITE: "udplite", _RAW: "raw", SCTP: "sctp/eps", DCCP: "dccp"}[protocol]
    return f"/proc/net/{name}{'6' if family == 6 and protocol != SCTP else ''}"


def _in_proc(family: Family, protocol: int) -> Iterator[_Socket]:
    """What /proc/net says; there is no file where the kernel does not have the protocol. Raises OSError."""
    path = Path(_file(family, protocol))
    if protocol in (DCCP, SCTP) or not path.exists():
        return
    wanted = _STATES.get(protocol, _CLOSE)
    for line in path.read_text().splitlines()[1:]:
        words = line.split()
        address, _, port = words[1].partition(":")
        if int(words[3], 16) != wanted:
            continue
        raw = b"".join(int(address[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(address), 8))
        kind, number = (int(port, 16), 0) if protocol == _RAW else (protocol, int(port, 16))
        if kind != _RAW and (number or protocol == _RAW):
            # Without netlink an IPv6 socket is taken to serve IPv4 too: rather one listener too many.
            yield _Socket(kind, number, family, int.from_bytes(raw, "big"), 0, int(words[9]), int(words[7]), False)


def _owners(inodes: set[int]) -> tuple[dict[int, tuple[Program, ...]], bool]:
    """The programs that hold sockets, by inode, and whether some processes could not be looked into."""
    found: dict[int, set[Program]] = {}
    is_hidden = False
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        try:
            held = {_inode(descriptor.path) for descriptor in os.scandir(f"{entry.path}/fd")} & inodes
            if held:
                name = Path(entry.path, "comm").read_text(errors="replace").rstrip("\n")
                for inode in held:
                    found.setdefault(inode, set()).add(Program(name, int(entry.name)))
        except PermissionError:
            is_hidden = True
        except OSError:
            continue  # It ended meanwhile.
    return {inode: tuple(sorted(programs)) for inode, programs in found.items()}, is_hidden


def _inode(path: str) -> int:
    """The number of the socket that a descriptor is, or 0."""
    with contextlib.suppress(OSError, ValueError):
        target = os.readlink(path)  # noqa: PTH115 - one of thousands
        if target.startswith("socket:["):
            return int(target[8:-1])
    return 0
