"""Long computations at the same time, each in a process of its own that knows all that this one knows."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Generic, NoReturn, TypeVar

Found = TypeVar("Found")


def each(tasks: Sequence[Callable[[], Found]]) -> list[Found]:
    """What each task finds, in their order: the first is done here, each other one in a copy of this process (`fork`).

    Only what a task finds or raises comes back, so it is small, and nothing else that a task does is seen here. A task whose
    process says nothing is done here after all, and so are all of them where a copy gains nothing or is not safe: on one core,
    and beside other threads, whose locks a copy would hold for ever. Raises what the first task that fails raises.
    """
    if len(tasks) < 2 or not _is_safe():
        return [task() for task in tasks]
    copies: list[_Copy[Found]] = []
    try:
        for task in tasks[1:]:
            copies.append(_Copy(task))
        return [tasks[0](), *(copy.found() for copy in copies)]
    finally:
        for copy in copies:
            copy.stop()


def _is_safe() -> bool:
    return hasattr(os, "fork") and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


class _Copy(Generic[Found]):
    """A copy of this process that does one task, says what came of it and ends."""

    def __init__(self, task: Callable[[], Found]) -> None:
        self.task = task
        here, there = os.pipe()
        try:
            self.process = os.fork()
        except OSError:  # no more processes, or no memory for one
            self.process = -1
        if self.process == 0:
            _speak(there, task)
        os.close(there)
        self.heard = os.fdopen(here, "rb")

    def found(self) -> Found:
        """What the task found; raises what it raised. Done here where the copy came to nothing."""
        said = self.heard.read()
        if self._ended() != 0 or not said:
            return self.task()
        result: Found
        result, error = pickle.loads(said)  # noqa: S301 - written by this very program, and whole: it ended well
        if error is not None:
            raise error
        return result

    def stop(self) -> None:
        """End a copy that nobody waits for any more."""
        if self.process > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        """How the copy ended, 0 for well; waits for it."""
        self.heard.close()
        process, self.process = self.process, -1
        return os.waitpid(process, 0)[1] if process > 0 else -1


def _speak(there: int, task: Callable[[], Found]) -> NoReturn:
    """Do the task in the copy, write what came of it, and end at once: nothing that the original began is finished here."""
    code = 1
    try:
        try:
            said: tuple[Found | None, Exception | None] = task(), None
        except Exception as error:
            said = None, error
        text = pickle.dumps(said)
        pickle.loads(text)  # noqa: S301 - not every exception can be made again from what it says
        with os.fdopen(there, "wb") as out:
            out.write(text)
        code = 0
    finally:
        os._exit(code)
