"""A function of ours that looks at what strangers sent, run in a child process of limited time, memory and output.

The child is told values in JSON and answers in JSON, so that whatever happens in it, nothing of it runs here.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import firewright
from firewright.live import _child

MEMORY_LIMIT = 1024 * 1024 * 1024
"""Bytes of address space of a child."""
_MAIN = "from firewright.live.limited import main; main()"


class Overrun(Exception):
    """A child that did not answer: `name` is too-large or unreadable, the text says what it exceeded."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, on the clock and on a processor, and bytes of memory that one call may take."""

    seconds: int
    memory: int = MEMORY_LIMIT


def call(function: str, told: object, limits: Limits) -> Any:
    """What a function (`package.module:name`) answers to a value of JSON, in a process of its own, in an empty folder.

    The child has nothing of ours in its environment, and imports nothing from the current folder. Raises Overrun.
    """
    # -P: the current folder of the child is empty, and no place to import from
    words = [sys.executable, "-P", "-c", _MAIN, function, str(limits.seconds), str(limits.memory)]
    package = {"PYTHONPATH": str(Path(firewright.__file__).parent.parent)}
    try:
        with tempfile.TemporaryDirectory(prefix="firewright-") as folder:
            finished = _child.run(words, json.dumps(told), limits.seconds, Path(folder), package)
    except _child.Unfinished:
        raise Overrun("too-large", f"it takes longer than {limits.seconds} s") from None
    except OSError as error:
        raise Overrun("unreadable", f"no process can be started for it: {error.strerror or 'unknown reason'}") from None
    if finished.code:
        raise _ending(finished.code, limits)
    try:
        return json.loads(finished.out)
    except ValueError:
        raise Overrun("unreadable", "it gave no answer that can be understood") from None


def _ending(code: int, limits: Limits) -> Overrun:
    """What the end of a child says that did not answer."""
    if code == _OUT_OF_MEMORY:
        return Overrun("too-large", f"it needs more than {limits.memory // 2**20} MiB of memory")
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return Overrun("too-large", f"it takes longer than {limits.seconds} s, or more memory than there is")
    if -code == signal.SIGXFSZ:
        return Overrun("too-large", "more comes out of it than is read")
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return Overrun("unreadable", f"it ended with {how}")


_OUT_OF_MEMORY = 77
"""The exit code of a child that was refused memory."""


def main() -> None:
    """The child: limits itself, then looks at what it is told, and answers. Its words are function, seconds, bytes."""
    function, seconds, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, _child.OUTPUT_LIMIT)
    _limit(resource.RLIMIT_CORE, 0)
    # Python itself lets the signal pass, and would go on after a write that did not happen
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    module, _, name = function.partition(":")
    try:
        answer = getattr(import_module(module), name)(json.load(sys.stdin))
        sys.stdout.write(json.dumps(answer))
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)


def _limit(kind: int, wanted: int) -> None:
    """Set a limit, or keep one that is lower already."""
    _, most = resource.getrlimit(kind)
    limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(kind, (limit, limit))
