"""Says what takes so long: on a terminal's standard error only, and only after a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Any

from firewright.cli._output import is_terminal

PATIENCE = 1.0
"""Seconds of silence."""


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Hand out a function that is told each step; what it is told is shown once the patience is over."""
    if not is_terminal(sys.stderr):
        yield lambda step: None
        return
    shown = _Shown()
    timer = Timer(PATIENCE, shown.begin)
    timer.daemon = True
    timer.start()
    try:
        yield shown.step
    finally:
        timer.cancel()
        shown.end()


class _Shown:
    """The line that is shown while something runs; nothing before `begin` and nothing after `end`."""

    def __init__(self) -> None:
        self._lock, self._words, self._is_over = Lock(), "working", False
        self._status: Any = None

    def step(self, words: str) -> None:
        with self._lock:
            self._words = words
            if self._status is not None:
                self._status.update(_plain(words))

    def begin(self) -> None:
        from rich.console import Console

        with self._lock:
            if not self._is_over:
                self._status = Console(stderr=True).status(_plain(self._words))
                self._status.start()

    def end(self) -> None:
        with self._lock:
            self._is_over = True
            if self._status is not None:
                self._status.stop()


def _plain(words: str) -> Any:
    from rich.text import Text

    from firewright.diagnostic import harmless

    return Text(harmless(words, 100))
