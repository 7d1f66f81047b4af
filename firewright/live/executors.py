"""Where the hosts of a fleet are changed from: processes of this machine, or the workers of a Dask cluster.

Both are an `Executor` of `concurrent.futures`, so that whoever hands them work need not know which it is.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Work = TypeVar("Work")
Found = TypeVar("Found")
_LOOKING = 0.5
"""Seconds between two looks at whether the run is still there."""
_BUSY = threading.Lock()
"""Held by a worker process while it works."""
_ENDING = threading.Event()
"""Set where a worker process is to end once it has done what it does."""


class NoWorkers(Exception):
    """Nobody who could work: `help` says what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True, slots=True)
class Workers:
    """An executor, and how many can work at the same time. `is_here` says whether they are processes of this machine."""

    executor: Executor
    count: int
    is_here: bool

    def begin(self, work: Callable[[Work], Found], about: Work) -> Future[Found]:
        """Hand over some work. Raises what the executor raises where it takes none any more."""
        if self.is_here:
            return self.executor.submit(_guarded, work, about)
        return self.executor.submit(work, about)


@contextmanager
def processes(count: int, held: Path | None) -> Iterator[Workers]:
    """So many processes, none of which dies of the Ctrl-C that its run is told.

    Each holds the lock of the run on the file `held`, if there is one. One whose run was killed comes to the end of what it does, and
    ends: so long the lock is held, and nobody else changes that host.
    """
    with ProcessPoolExecutor(count, initializer=_become_worker, initargs=(os.getpid(), held)) as pool:
        yield Workers(pool, count, is_here=True)


def _become_worker(run: int, held: Path | None) -> None:
    if os.getpid() != os.getsid(0):
        os.setsid()  # a terminal's Ctrl-C is for its foreground group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_soon)
    if held is not None:
        # It stays open: the lock is given back when the worker ends.
        lock = os.open(held, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    threading.Thread(target=_end_with, args=(run,), daemon=True).start()


def _end_soon(number: int, frame: object) -> None:
    """Where one worker dies, its pool ends the others: not in the middle of a host."""
    if not _BUSY.locked():
        os._exit(1)
    _ENDING.set()


def _end_with(run: int) -> None:
    """End this worker once its run is gone and what it does is done."""
    while os.getppid() == run:
        time.sleep(_LOOKING)
    with _BUSY:
        os._exit(1)


def _guarded(work: Callable[[Work], Found], about: Work) -> Found:
    with _BUSY:
        found = work(about)
    if _ENDING.is_set():
        os._exit(1)
    return found


@contextmanager
def dask(address: str) -> Iterator[Workers]:
    """The workers of a Dask cluster, by its scheduler's address (`tcp://...`, `tls://...`). Raises NoWorkers.

    They need firewright, and reach the hosts by their own ssh, keys and known hosts.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise NoWorkers("Dask is not installed", "pip install 'firewright[dask]'") from None
    try:
        client = distributed.Client(address, timeout=5, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoWorkers(
            f"no Dask scheduler at {address}: {error or 'no answer'}", "is it up? write tcp://HOST:8786"
        ) from None
    with client:
        count = sum(client.nthreads().values())
        if not count:
            raise NoWorkers(f"the Dask scheduler at {address} has no workers", f"dask worker {address}")
        yield Workers(client.get_executor(pure=False), count, is_here=False)
