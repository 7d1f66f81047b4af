"""Who sits here, and over which connection: what an apply must not cut off."""

from __future__ import annotations

import getpass
import os
import re
import socket
from pathlib import Path

_MOST = 64
"""Ancestors of this process that are looked at."""


def connection() -> str:
    """The ssh connection that this process came over, as `client port server port`; empty where it came over none.

    Where sudo has taken the variable away, an ancestor that is still in the session has it.
    """
    number = os.getpid()
    for _ in range(_MOST):
        found = os.environ.get("SSH_CONNECTION") if number == os.getpid() else _variable(number)
        if found:
            # The zone of a link-local address is the name of an interface.
            return " ".join(re.sub(r"[^0-9A-Za-z:.%@_ -]", "", found).split())
        number = _parent(number)
        if number <= 1:
            break
    return ""


def user() -> str:
    """Who asks for something, for a host's journal: user@machine, behind sudo the user who called it."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())
    return re.sub(r"[^A-Za-z0-9_.@-]", "_", f"{name}@{socket.gethostname()}")[:80]


def _variable(number: int) -> str:
    try:
        found = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    values = [one.partition(b"=")[2] for one in found if one.startswith(b"SSH_CONNECTION=")]
    return values[0].decode("ascii", "replace") if values else ""


def _parent(number: int) -> int:
    """The number of a process's parent, 0 where it cannot be told; the name in `stat` may hold anything."""
    try:
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
