"""The policies as the folder says them now: read again when a file changes, and whatever is reckoned from them, once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar, cast

from fastapi import Request

from firewright.workflows.requests.estate import Estate, read_estate, stamp

Made = TypeVar("Made")
_KEPT = 256
"""Results that are kept; the one unused for longest goes first."""

Stamp = tuple[tuple[str, int, int], ...]


class Once:
    """Results by their keys, bounded, each made once however many threads ask for it at the same time."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept, self._lock = kept, Lock()
        self._made: OrderedDict[Hashable, Future[object]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is under a key, made now if nothing is. A failure is raised to all who wait, and not kept."""
        with self._lock:
            future = self._made.get(key)
            is_mine = future is None
            if future is None:
                future = self._made[key] = Future()
                while len(self._made) > self._kept:
                    self._made.popitem(last=False)
            else:
                self._made.move_to_end(key)
        if is_mine:
            self._make(key, future, make)
        return cast(Made, future.result())

    def _make(self, key: Hashable, future: Future[object], make: Callable[[], object]) -> None:
        try:
            future.set_result(make())
        except BaseException as error:
            with self._lock:
                if self._made.get(key) is future:
                    del self._made[key]
            future.set_exception(error)


class Estates:
    """The estate of one folder, read when its stamp is new, and the memory of what was reckoned from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory = Once()
        self._read = Once(kept=2)
        self._last: Estate | None = None

    def at(self, now: datetime) -> Estate:
        """The folder's policies, asked at a moment (aware, UTC)."""
        return self._read.get(self.stamp(), lambda: self._anew(now)).at(now)

    def _anew(self, now: datetime) -> Estate:
        """The folder as it is; where only exceptions changed since it was last read, no more than they are read."""
        self._last = read_estate(now, self.folder, known=self._last)
        return self._last

    def stamp(self) -> Stamp:
        """What changes with every file that is written. O(files)."""
        return stamp(self.folder)


def estate_of(request: Request) -> Estate:
    """The policies that a request is about: one value for the whole request, as the folder was when it was first asked for."""
    from firewright.web.running import running

    found: Estate | None = getattr(request.state, "estate", None)
    if found is None:
        found = request.state.estate = running(request).estates.at(request.state.now)
    return found


def memo(request: Request, key: Hashable, make: Callable[[Estate], Made]) -> Made:
    """What `make` reckons from the estate: once for these files and these days, however many ask; keys name what it is.

    Nothing about whoever asks may go into it but by the key.
    """
    from firewright.web.running import running

    estate = estate_of(request)
    days = tuple(estate.day_of(policy).isoformat() for policy in estate.policies.values())
    return running(request).estates.memory.get((estate.digest, days, key), lambda: make(estate))
