"""The policies as the folder says them now: read again when a file changes, and whatever is reckoned from them, once."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path, PurePath
from threading import Lock, Thread
from time import monotonic, thread_time
from typing import TypeVar, cast

from fastapi import Depends, Request

from firewright.workflows.requests.estate import EXCEPTIONS, Estate, read_estate, stamp

Made = TypeVar("Made")
_KEPT = 256
"""Results that are kept; the one unused for longest goes first."""

_MOST_AHEAD = 32
"""So many results of a state are reckoned before it is shown."""
_SOON = 1.0
"""Seconds of the processor that people wait for a new state rather than see the one before."""

_REST = 3
"""A state is shown so many times as long as it took to reckon, before the next one is begun."""
_LOOKED = 0.5
"""Seconds after which files are looked at one by one again, though no folder has changed: somebody may have written into one."""
_MOST_WATCHED = 64
"""So many policies are looked at each time."""
_SWEPT = 20
"""After so many states what is left of former ones is looked for; see `Estates._renew`."""

Stamp = tuple[tuple[str, int, int], ...]


class Once:
    """Results by their keys, bounded, each made once however many threads ask for it at the same time."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept, self.lock = kept, Lock()
        self._made: OrderedDict[Hashable, Future[object]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is under a key, made now if nothing is. A failure is raised to all who wait, and not kept."""
        with self.lock:
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

    def forget_but(self, digest: str) -> None:
        """Leave out what is of another state than the one with this digest: keys begin with it."""
        with self.lock:
            for key in [key for key in self._made if isinstance(key, tuple) and key[0] != digest]:
                del self._made[key]

    def _make(self, key: Hashable, future: Future[object], make: Callable[[], object]) -> None:
        try:
            future.set_result(make())
        except BaseException as error:
            with self.lock:
                if self._made.get(key) is future:
                    del self._made[key]
            future.set_exception(error)


class Estates:
    """The estate of one folder, read when its stamp is new, and the memory of what was reckoned from it.

    `views` are those of single actors and questions: apart from what is dear to reckon, which they would push out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory = Once()
        self.views = Once(kept=512)
        self._read = Once(kept=2)
        self._last: Estate | None = None
        self._ahead: OrderedDict[Hashable, Callable[[Estate], object]] = OrderedDict()
        self._shown: _Shown | None = None
        self._turn = Lock()
        self._watch = _Watch(folder)
        self._states = 0

    def at(self, now: datetime, *, is_exact: bool = True) -> Estate:
        """The folder's policies, asked at a moment (aware, UTC); unless it must be exact, as they were `_LOOKED` seconds ago at most."""
        found = self.stamp() if is_exact else self._watch.stamp()
        return self._read.get(found, lambda: self._anew(now)).at(now)

    def _anew(self, now: datetime) -> Estate:
        """The folder as it is; where only exceptions changed since it was last read, no more than they are read."""
        self._last = read_estate(now, self.folder, known=self._last)
        return self._last

    def settled(self, now: datetime) -> Estate:
        """The policies as pages about much show them: as the folder is, but where what they need takes long to reckon.

        Then it is the state before, at its own moment, until the new one is reckoned, in a thread of its own, so that nobody waits.
        What is shown is of one state as a whole.
        """
        shown, stamp = self._shown, self._watch.stamp()
        if shown is None:
            if self._turn.acquire(blocking=False):
                self._renew_aside(now)
            return self.at(now)
        if shown.seconds <= _SOON and not shown.is_of(stamp, now):
            with self._turn:
                if self._shown is shown:
                    self._renew(now)
                shown = self._shown
            assert shown is not None  # noqa: S101 - made by _renew
            return shown.estate.at(now)
        if shown.is_of(stamp, now):
            return shown.estate.at(now)
        if shown.is_rested and self._turn.acquire(blocking=False):
            Thread(target=self._renew_aside, args=(now,), daemon=True).start()
        return shown.estate

    def make_ahead(self, key: Hashable, make: Callable[[Estate], object]) -> None:
        """Reckon something of each new state before it is shown; what was not asked for lately is forgotten."""
        with self.memory.lock:
            self._ahead[key] = make
            self._ahead.move_to_end(key)
            while len(self._ahead) > _MOST_AHEAD:
                self._ahead.popitem(last=False)

    def _renew_aside(self, now: datetime) -> None:
        try:
            self._renew(now)
        finally:
            self._turn.release()

    def _renew(self, now: datetime) -> None:
        stamp, began = self.stamp(), thread_time()
        estate = self.at(now)
        with self.memory.lock:
            wanted = list(self._ahead.items())
        for key, make in wanted:
            with suppress(Exception):  # whoever asks for it is told what is wrong
                self.memory.get(memory_key(estate, key), partial(make, estate))
        self._shown = _Shown(estate, stamp, thread_time() - began)
        for one in (self.memory, self.views):
            one.forget_but(estate.digest)
        self._states += 1
        # a state is large and lives long: the collector, which would stop all pages for its time, is to walk it seldom
        if self._states % _SWEPT == 0:
            gc.unfreeze()
            gc.collect()
        gc.freeze()

    def stamp(self) -> Stamp:
        """What changes with every file that is written. O(files)."""
        return stamp(self.folder)


class _Watch:
    """Whether anything was written in a folder, by few looks: a file that is put in place changes the folder that it is in.

    Policies are looked at one by one too, since people write into them; of exceptions there may be thousands.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: tuple[float, _Times, tuple[str, ...], Stamp] = (-_LOOKED, (), (), ())

    def stamp(self) -> Stamp:
        """The stamp of the files; as it was `_LOOKED` seconds ago at most where somebody wrote into an exception. O(policies)."""
        at, known_times, names, known = self._last
        now, times = monotonic(), self._times(names)
        if now - at < _LOOKED and times and times == known_times:
            return known
        # the times are older than what is found: what is written meanwhile is seen the next time
        found = stamp(self._folder)
        watched = _watched(found)
        if watched != names:
            times, found = self._times(watched), stamp(self._folder)
        self._last = now, times, watched, found
        return found

    def _times(self, names: tuple[str, ...]) -> _Times:
        try:
            looked = [(self._folder / name).stat() for name in names]
        except OSError:
            return ()
        return tuple((one.st_mtime_ns, one.st_size) for one in looked)


_Times = tuple[tuple[int, int], ...]


def _watched(found: Stamp) -> tuple[str, ...]:
    """The folders of some files, and the files that are no exceptions."""
    paths = [PurePath(name) for name, _, _ in found]
    folders = {".": None, **{str(path.parent): None for path in paths}}
    files = [str(path) for path in paths if path.parent.name != EXCEPTIONS]
    return (*folders, *files[:_MOST_WATCHED])


@dataclass(frozen=True, slots=True)
class _Shown:
    """A state that is shown, and how long it took to reckon what is shown of it, in seconds of the processor."""

    estate: Estate
    stamp: Stamp
    seconds: float
    at: float = field(default_factory=monotonic, compare=False)

    @property
    def is_rested(self) -> bool:
        """Whether it was shown so long that the next one may be reckoned: pages have most of the processor, however often files change."""
        return monotonic() - self.at >= _REST * self.seconds

    def is_of(self, stamp: Stamp, now: datetime) -> bool:
        """Whether the files are these, and nothing has begun or ended since."""
        return self.stamp == stamp and days_of(self.estate) == days_of(self.estate.at(now))


async def _settle(request: Request) -> None:
    request.state.is_settled = True


SETTLED = (Depends(_settle),)
"""The dependencies of a router whose pages show much of the policies: they may show what was a moment ago, see `Estates.settled`."""


def estate_of(request: Request) -> Estate:
    """The policies that a request is about: one value for the whole request, as the folder was when it was first asked for."""
    from firewright.web.running import running

    found: Estate | None = getattr(request.state, "estate", None)
    if found is None:
        estates, now = running(request).estates, request.state.now
        is_reading = request.method in ("GET", "HEAD")
        is_settled = is_reading and getattr(request.state, "is_settled", False)
        found = request.state.estate = estates.settled(now) if is_settled else estates.at(now, is_exact=not is_reading)
    return found


def days_of(estate: Estate) -> tuple[str, ...]:
    """The day of each policy, or the instant since which nothing of it has begun or ended."""
    return tuple(estate.day_of(policy).isoformat() for policy in estate.policies.values())


def memory_key(estate: Estate, key: Hashable) -> Hashable:
    """What something that was reckoned of an estate is kept under."""
    return estate.digest, days_of(estate), key


def memo(request: Request, key: Hashable, make: Callable[[Estate], Made], *, ahead: bool = False) -> Made:
    """What `make` reckons from the estate: once for these files and these days, however many ask; keys name what it is.

    Nothing about whoever asks may go into it but by the key. What takes long is made `ahead` of each new state's being shown: `make`
    is then asked for other estates too, and may hold nothing of this one.
    """
    from firewright.web.running import running

    estate, estates = estate_of(request), running(request).estates
    if ahead:
        estates.make_ahead(key, make)
    return estates.memory.get(memory_key(estate, key), lambda: make(estate))
