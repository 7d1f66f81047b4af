"""Files of exceptions: written whole or not at all, removed only as they were written, and committed where there is a repository."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from firewright.diagnostic import harmless

_SECONDS = 30
_LOCK_SECONDS = 20
_UNFINISHED = ".unfinished"
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
_NOTHING = ("not a git repository", "bad revision 'HEAD'")
"""What git says where there is no repository, or no commit yet."""
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""What would make git work on another repository than the folder's, as inside somebody's hook."""


class NotWritten(Exception):
    """A file that could not be written or removed, or a commit that git refused: its text says which and why."""


def write(path: Path, text: str) -> bool:
    """Make a file hold a text, and say whether it did not before. Its folder is made; no link is followed. Raises NotWritten."""
    _refuse_linked(path)
    try:
        if path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        # a name that no other process or thread has, and that nobody reads as an exception
        beside = path.with_name(f".{path.name}.{token_hex(6)}{_UNFINISHED}")
        try:
            _put(beside, text)
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
        _keep(path.parent)
    except OSError as error:
        raise NotWritten(f"{harmless(str(path))} cannot be written: {_why(error)}") from None
    return True


def _put(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else puts files in order below a folder meanwhile: no thread, no other process of this machine. Raises NotWritten."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NotWritten(f"{harmless(str(folder))} cannot be opened: {_why(error)}") from None
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    """Take the lock of a folder, which anybody who can read it can hold: a wait that ends. Raises NotWritten."""
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise NotWritten(f"somebody else keeps {harmless(str(folder))} locked") from None
            time.sleep(0.05)
        else:
            return


def sweep(folder: Path) -> None:
    """Remove what was left in a folder by one that was killed amid writing; only inside `alone`, and not behind a link."""
    if folder.is_symlink():
        return
    with suppress(OSError):
        for left in folder.glob(f".*{_UNFINISHED}"):
            left.unlink()


def remove(path: Path, *texts: str) -> bool:
    """Remove a file that holds exactly one of some texts, and say whether it was there; what somebody changed stays.

    Raises NotWritten.
    """
    if not is_to_go(path, *texts):
        return False
    try:
        path.unlink()
        _keep(path.parent)
    except OSError as error:
        raise NotWritten(f"{harmless(str(path))} cannot be removed: {_why(error)}") from None
    return True


def is_to_go(path: Path, *texts: str) -> bool:
    """Whether a file is there that holds exactly one of some texts. Raises NotWritten for one that holds something else."""
    _refuse_linked(path)
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise NotWritten(f"{harmless(str(path))} is no plain file, and is left")
        if not path.exists():
            return False
        if path.read_bytes() not in [text.encode() for text in texts]:
            raise NotWritten(f"{harmless(str(path))} was changed by somebody, and is left")
    except OSError as error:
        raise NotWritten(f"{harmless(str(path))} cannot be removed: {_why(error)}") from None
    return True


def _refuse_linked(path: Path) -> None:
    """Raises NotWritten where the folder of a file is a link: what lies behind it is another folder, which is nobody's business."""
    if path.parent.is_symlink():
        raise NotWritten(f"{harmless(str(path.parent))} is a link, and nothing is read or written through it")


def holds(path: Path, text: str) -> bool:
    """Whether a file holds exactly a text; one in a folder that is a link holds none."""
    try:
        return (
            not path.parent.is_symlink()
            and path.is_file()
            and not path.is_symlink()
            and path.read_bytes() == text.encode()
        )
    except OSError:
        return False


def uncommitted(folder: Path) -> frozenset[str]:
    """The names of files right in a folder that are not in its repository as they are, those that are gone too.

    Nothing where the folder is in no repository, or git is not installed. Raises NotWritten.
    """
    if not folder.is_dir():
        if not folder.parent.is_dir():
            return frozenset()
        # a folder that git alone remembers: what it held is gone
        return frozenset(Path(one).name for one in _changed(folder.parent, f"./{folder.name}/"))
    return frozenset(one for one in _changed(folder, ".") if "/" not in one)


def _changed(folder: Path, what: str) -> list[str]:
    """Paths below a folder, relative to it, that differ from the last commit."""
    if not _is_in_repository(folder):
        return []
    inside = _git(folder, "rev-parse", "--show-prefix")
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored=traditional")
    found = _git(folder, *words, "--", what, is_raw=True)
    return [one[3:].removeprefix(inside) for one in found.split("\0") if one]


def commit(path: Path, message: str, author: str) -> str:
    """Commit one file as it is now, or that it is gone, and nothing else; the commit's name, empty where there is nothing to commit.

    The author is whoever decided; nobody's hooks are run by it, and nothing is pushed. Raises NotWritten.
    """
    folder = path.parent if path.parent.is_dir() else path.parent.parent
    if not folder.is_dir() or not _is_in_repository(folder):
        return ""
    name = f"./{path.relative_to(folder)}"
    if path.exists():
        _git(folder, "add", "--intent-to-add", "--force", "--", name)
    if not _git(folder, "status", "--porcelain", "--", name):
        return ""
    words = [
        "commit",
        "--quiet",
        "--no-verify",
        "--no-gpg-sign",
        "--only",
        f"--author={_person(author)}",
        "-m",
        message,
    ]
    _git(folder, *words, "--", name)
    return _git(folder, "rev-parse", "HEAD")


def remembers(folder: Path, *names: str) -> bool:
    """Whether some commit that led to the present one touched any of these files, named from a folder. Raises NotWritten.

    False where the folder is in no repository, or git is not installed; a shallow clone remembers less.
    """
    if not _is_in_repository(folder):
        return False
    return bool(_git(folder, "rev-list", "--max-count=1", "HEAD", "--", *names, is_asking=True))


def root_of(folder: Path) -> Path | None:
    """The root of the repository that a folder is in, as git knows it; None where it is in none, or git cannot tell."""
    try:
        found = _git(folder, "rev-parse", "--show-toplevel", is_asking=True) if folder.is_dir() else ""
    except NotWritten:
        return None
    return Path(found).resolve() if found else None


def _person(account: str) -> str:
    """An account as git writes people; no angle brackets or line breaks, which would make another one of it."""
    name = "".join(character for character in account if character.isprintable() and character not in '<>\\"')
    return f"{name.strip() or 'somebody'} <{name.strip().replace(' ', '.') or 'somebody'}@firewright.invalid>"


def _is_in_repository(folder: Path) -> bool:
    return _git(folder, "rev-parse", "--is-inside-work-tree", is_asking=True) == "true"


def _git(folder: Path, *words: str, is_asking: bool = False, is_raw: bool = False) -> str:
    settings = ["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "core.fsmonitor=false"]
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE} | _QUIET
    environment.setdefault("GIT_COMMITTER_NAME", "firewright")
    environment.setdefault("GIT_COMMITTER_EMAIL", "firewright@firewright.invalid")
    try:
        done = subprocess.run(  # noqa: S603 - no shell; words are constants, a checked name, and prose behind its own flag
            ["git", *settings, *words],  # noqa: S607 - whichever git the machine has
            cwd=folder, env=environment, capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return ""
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotWritten(f"git does not answer: {harmless(str(error))}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if is_asking and any(word in line for line in said for word in _NOTHING):
            return ""
        raise NotWritten(f"git {words[0]}: {harmless(said[-1] if said else f'exit {done.returncode}')}")
    out = done.stdout.decode(errors="surrogateescape" if is_raw else "replace")
    return out if is_raw else out.strip()


def _keep(folder: Path) -> None:
    """What was renamed or removed in a folder is on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
