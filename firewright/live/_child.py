"""One child process with nothing of ours in its environment, a time limit, and a limit on what it may say."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

OUTPUT_LIMIT = 256 * 1024 * 1024
"""Bytes a child may write before it is stopped."""
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Looked through after the caller's PATH: the programs of an administrator are often not on a user's."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended: its exit code (negative: the signal), and what it wrote."""

    code: int
    out: str
    err: str


class Unfinished(Exception):
    """A child that ran longer than its time limit and was stopped with all it had started."""


def path() -> str:
    """The PATH that children get: the caller's, then the folders of a system."""
    own = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder.startswith("/")]
    return os.pathsep.join(dict.fromkeys((*own, *SYSTEM_FOLDERS)))


def find(program: str) -> str:
    """The whole path of a program, or an empty text where it is not installed."""
    return shutil.which(program, path=path()) or ""


def run(
    words: Sequence[str],
    text: str = "",
    seconds: float = 60,
    folder: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Finished:
    """Run a program to its end, in a session of its own, with `text` on its standard input.

    `words` are given to the program as they are: no shell reads them. `environment` is what it gets beside
    PATH and the locale. Output beyond OUTPUT_LIMIT ends the child with SIGXFSZ (the limit is set by `ulimit -f`
    where a child is a shell, and checked here in any case).
    Raises Unfinished after `seconds`, OSError where the program cannot be started.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text.encode())
        given.seek(0)
        child = subprocess.Popen(  # noqa: S603 - the words are constants or went through an allow-list
            list(words),
            stdin=given,
            stdout=out,
            stderr=err,
            env={**_environment(), **environment},
            cwd=folder,
            start_new_session=True,
        )
        try:
            code = child.wait(seconds)
        except BaseException as reason:
            _stop(child)
            if isinstance(reason, subprocess.TimeoutExpired):
                raise Unfinished(f"{Path(words[0]).name} took longer than {seconds:g} s") from None
            raise
        if os.fstat(out.fileno()).st_size > OUTPUT_LIMIT:
            return Finished(-signal.SIGXFSZ, "", "")
        out.seek(0)
        err.seek(0)
        return Finished(code, out.read().decode("utf-8", "replace"), err.read(65536).decode("utf-8", "replace"))


def _environment() -> Mapping[str, str]:
    return {"PATH": path(), "LC_ALL": "C", "TZ": "UTC"}


def _stop(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
