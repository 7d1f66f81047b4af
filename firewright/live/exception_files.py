"""Files of exceptions: written whole or not at all, removed only as they were written, and committed where there is a repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from firewright.diagnostic import harmless

_SECONDS = 30
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


class NotWritten(Exception):
    """A file that could not be written or removed, or a commit that git refused: its text says which and why."""


def write(path: Path, text: str) -> bool:
    """Make a file hold a text, and say whether it did not before. Its folder is made; a link is not followed. Raises NotWritten."""
    try:
        if path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        _keep(path.parent)
    except OSError as error:
        raise NotWritten(f"{harmless(str(path))} cannot be written: {_why(error)}") from None
    return True


def remove(path: Path, text: str) -> bool:
    """Remove a file that holds exactly a text, and say whether it was there; what somebody changed stays. Raises NotWritten."""
    try:
        if not path.is_file() or path.is_symlink():
            return False
        if path.read_bytes() != text.encode():
            raise NotWritten(f"{harmless(str(path))} was changed by somebody, and is left")
        path.unlink()
        _keep(path.parent)
    except OSError as error:
        raise NotWritten(f"{harmless(str(path))} cannot be removed: {_why(error)}") from None
    return True


def holds(path: Path, text: str) -> bool:
    """Whether a file holds exactly a text."""
    try:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode()
    except OSError:
        return False


def commit(path: Path, message: str, author: str) -> str:
    """Commit one file as it is now, and nothing else; the commit's name, empty where no repository is. Raises NotWritten.

    The author is whoever decided; nobody's hooks are run by it, and nothing is pushed.
    """
    folder, name = path.parent, path.name
    if not folder.is_dir() or _git(folder, "rev-parse", "--is-inside-work-tree", is_asking=True) != "true":
        return ""
    _git(folder, "add", "--intent-to-add", "--force", "--", name) if path.exists() else None
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


def _person(account: str) -> str:
    """An account as git writes people; no angle brackets or line breaks, which would make another one of it."""
    name = "".join(character for character in account if character.isprintable() and character not in '<>\\"')
    return f"{name.strip() or 'somebody'} <{name.strip().replace(' ', '.') or 'somebody'}@firewright.invalid>"


def _git(folder: Path, *words: str, is_asking: bool = False) -> str:
    settings = ["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"]
    environment = {**os.environ, **_QUIET}
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
    if done.returncode and not is_asking:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise NotWritten(f"git {words[0]}: {harmless(said[-1] if said else f'exit {done.returncode}')}")
    return done.stdout.decode(errors="replace").strip()


def _keep(folder: Path) -> None:
    """What was renamed or removed in a folder is on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
