"""Conversations through the firewall of a test's network, and what it remembers of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from firewright.live import _conntrack
from firewright.model.packet import TCP, Family
from tests.kernel.managed import until
from tests.kernel.network import CLIENT, SERVER, Network

_SECONDS = 1.5
_UNACKNOWLEDGED = 300


class Talk:
    """A TCP connection from the client to the server, seen from both ends."""

    def __init__(self, network: Network, family: Family, caller: socket.socket, called: socket.socket) -> None:
        self.network, self.family, self._caller, self._called = network, family, caller, called
        self.source_port: int = caller.getsockname()[1]
        self.port: int = called.getsockname()[1]

    def goes_on(self) -> bool:
        """Whether a word from the client gets to the server and is answered."""
        try:
            self._caller.sendall(b"word")
            if self._called.recv(4) != b"word":
                return False
            self._called.sendall(b"echo")
            return self._caller.recv(4) == b"echo"
        except OSError:
            return False

    def flow(self) -> _conntrack.Flow | None:
        """What the firewall remembers of it."""
        with self.network.firewall.entered():
            for one in _conntrack.flows():
                ends = (one.family, one.protocol, one.source_port, one.port)
                if ends == (self.family, TCP, self.source_port, self.port):
                    return one
        return None

    def seconds(self) -> int:
        """How long the firewall will remember it, once what was said last is acknowledged: until then it is five minutes."""
        until(lambda: (flow := self.flow()) is not None and flow.seconds > _UNACKNOWLEDGED, _SECONDS)
        flow = self.flow()
        return flow.seconds if flow is not None else 0

    def record(self) -> str:
        """The line by which a host is told to end it."""
        ends = f"{CLIENT[self.family]} {SERVER[self.family]} {self.source_port} {self.port}"
        return f"{self.family} tcp {ends}\n"


@contextmanager
def talk(network: Network, family: Family, port: int) -> Iterator[Talk]:
    """A connection to a port of the server. OSError where it does not come about."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with network.server.entered():
        listener = socket.socket(kind, socket.SOCK_STREAM)
    with network.client.entered():
        caller = socket.socket(kind, socket.SOCK_STREAM)
    with listener, caller:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for one in (listener, caller):
            one.settimeout(_SECONDS)
        listener.bind((SERVER[family], port))
        listener.listen()
        caller.connect((SERVER[family], port))
        called, _ = listener.accept()
        with called:
            called.settimeout(_SECONDS)
            yield Talk(network, family, caller, called)


def arrives(network: Network, family: Family, port: int, of: str = "udp") -> bool:
    """Whether a datagram, or a connection, from the client arrives at a port of the server."""
    if of == "tcp":
        try:
            with talk(network, family, port) as one:
                return one.goes_on()
        except OSError:
            return False
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with network.server.entered():
        there = socket.socket(kind, socket.SOCK_DGRAM)
    with network.client.entered():
        here = socket.socket(kind, socket.SOCK_DGRAM)
    with there, here:
        there.bind((SERVER[family], port))
        here.sendto(b"word", (SERVER[family], port))
        # The path through the three namespaces is one softirq: what arrives is there when the call comes back.
        there.settimeout(0.2)
        try:
            return there.recv(4) == b"word"
        except TimeoutError:
            return False
