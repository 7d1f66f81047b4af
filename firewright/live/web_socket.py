"""The socket of the web server: it listens before anything else is begun, so that a port that is taken is told at once."""

from __future__ import annotations

import socket

Socket = socket.socket
BACKLOG = 1024
"""Connections that wait for a process to take them."""


def listening(address: str, port: int) -> socket.socket:
    """A TCP socket that listens at an address of either family, 0 for any port that is free; child processes may have it.

    Raises OSError where that is not possible: EADDRINUSE where another program listens there.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.create_server((address, port), family=family, backlog=BACKLOG)
    found.set_inheritable(True)
    return found
