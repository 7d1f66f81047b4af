"""Network namespaces of this process: made here, gone with it, and never one of the machine's own."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_PDEATHSIG, _SIGKILL = 1, 9
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """End this process when the one that started it ends, however that ends (prctl(2), PR_SET_PDEATHSIG)."""
    _LIBC.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)


def own_user_namespace() -> None:
    """Be root in a user namespace of this process's own, with a network namespace. OSError where that is forbidden."""
    user, group = os.getuid(), os.getgid()
    _call(_LIBC.unshare(_NEWUSER | _NEWNET))
    with suppress(FileNotFoundError):  # kernels before 3.19 have no such file, and need none
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def new() -> int:
    """Go into a network namespace that did not exist before, and hand out a descriptor of it. OSError where forbidden."""
    _call(_LIBC.unshare(_NEWNET))
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter(descriptor: int) -> None:
    """Go into one of those."""
    _call(_LIBC.setns(descriptor, _NEWNET))


@contextmanager
def inside(descriptor: int, back_to: int) -> Iterator[None]:
    """Do something in one namespace and go back to another."""
    enter(descriptor)
    try:
        yield
    finally:
        enter(back_to)


def _call(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
