"""The state of a run over many hosts, on disk: a file of JSON lines that only grows, and the lock that keeps two runs apart.

A line counts once it is whole and on the disk. What a run that was killed began to write, and did not finish, does not count.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

SIZE_LIMIT = 256 * 1024 * 1024
"""Bytes of the longest state file that is read."""
Entry = Mapping[str, Any]


class RecordError(Exception):
    """A state file that cannot be made, read or written, or a lock that another run holds: `help` says what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


@contextmanager
def only_run(path: Path) -> Iterator[None]:
    """Hold the lock of a file while the block runs: no other run has it meanwhile. Raises RecordError.

    The lock is the kernel's (flock) on the file itself, so none is left behind by a run that was killed. Workers share it.
    """
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise RecordError(f"{path} cannot be locked: {_reason(error)}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            way_out = "wait until it is done; where it was killed, its last hosts still come to an end"
            raise RecordError(f"another run changes hosts of {path}", way_out) from None
        except OSError as error:
            raise RecordError(f"{path} cannot be locked: {_reason(error)}") from None
        yield
    finally:
        os.close(lock)


class RunRecord:
    """A state file that is open: what it says, and a way to add to it. A context manager."""

    def __init__(self, path: Path, handle: int, entries: list[Entry], length: int = 0) -> None:
        self.path, self.entries, self._handle, self._length = path, entries, handle, length

    @classmethod
    def create(cls, path: Path, first: Entry) -> RunRecord:
        """A new state file with its first line, in a folder that is made where there is none. Raises RecordError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise RecordError(f"{path} is there already", "go on with it by --resume, or name another file") from None
        except OSError as error:
            raise RecordError(f"{path} cannot be made: {_reason(error)}", "name another file by --state") from None
        record = cls(path, handle, [])
        record.append(first)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return record

    @classmethod
    def resume(cls, path: Path) -> RunRecord:
        """The state file of a run that goes on; a last line that is not whole is taken away. Raises RecordError."""
        entries, length = _read(path)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            os.ftruncate(handle, length)
        except OSError as error:
            raise RecordError(f"{path} cannot be written: {_reason(error)}") from None
        return cls(path, handle, entries, length)

    def append(self, entry: Entry) -> None:
        """Add a line; it is on the disk when this comes back. Raises RecordError."""
        raw = (json.dumps(entry, sort_keys=True) + "\n").encode()
        try:
            written = os.write(self._handle, raw)
            if written < len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._length)  # no half line, if another one is added after all
            message = f"{self.path} cannot be written: {_reason(error)}"
            raise RecordError(message, "nothing more is begun; make room, then --resume") from None
        self._length += len(raw)
        self.entries.append(entry)

    def __enter__(self) -> RunRecord:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            os.close(self._handle)


def latest(folder: Path) -> Path | None:
    """The newest state file of a folder, by its name; None where there is none."""
    found = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    return found[-1] if found else None


def _read(path: Path) -> tuple[list[Entry], int]:
    """The whole lines of a state file, and how many bytes they are."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {_reason(error)}", "name a state file by --state") from None
    length = raw.rfind(b"\n") + 1
    entries: list[Entry] = []
    for number, line in enumerate(raw[:length].splitlines(), 1):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or len(raw) > SIZE_LIMIT:
            raise RecordError(f"{path}:{number} is no line of a state file", "begin a new rollout")
        entries.append(entry)
    if not entries:
        raise RecordError(f"{path} is empty: the run was stopped before it began", "begin a new rollout")
    return entries, length


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
