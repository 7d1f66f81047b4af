"""What leaves the program: text to standard output, files that are whole or not there at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import click

from firewright.diagnostic import harmless


class CannotWrite(click.ClickException):
    """A file that could not be written; nothing of it was left behind."""

    exit_code = 2


def put(text: str, output: str | None = None) -> None:
    """Write a result to standard output, or whole to a file."""
    if output is None or output == "-":
        click.echo(text, nl=not text.endswith("\n") and bool(text), color=True)
    else:
        write_whole(Path(output), text)


def say(text: str) -> None:
    """Tell the person at the terminal something that is no result."""
    click.echo(text, err=True, color=True)


def shown(path: Path | str) -> str:
    """A path fit for a line on a terminal, whatever its name holds; never cut."""
    text = str(path)
    return harmless(text, len(text))


def keep(path: Path) -> None:
    """Put what a file says beside it, as NAME.bak or with the first number that is free, and say so. Raises CannotWrite.

    Nothing happens where no file is, and a copy that is there already is never replaced.
    """
    try:
        if not path.is_file():
            return
        raw = path.read_bytes()
        beside = next(
            one for one in _backups(path) if not one.is_symlink() and (not one.exists() or one.read_bytes() == raw)
        )
    except OSError as error:
        raise CannotWrite(f"{path} cannot be kept: {(error.strerror or 'unknown reason').lower()}") from None
    if not beside.exists():
        write_whole(beside, raw, replaces=False)
    say(f"kept the old {shown(path)} as {shown(beside)}")


def _backups(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.bak")
    yield from (path.with_name(f"{path.name}.bak{number}") for number in count(2))


def must_be_writable(path: Path) -> None:
    """Make sure that a file could be written, without writing it. Raises CannotWrite."""
    real = path.resolve()
    if real.is_dir():
        raise CannotWrite(f"{path} is a folder, not a file")
    if not real.parent.is_dir():
        raise CannotWrite(f"{path} cannot be written: there is no folder {path.parent}")
    if not os.access(real if real.exists() else real.parent, os.W_OK):
        raise CannotWrite(f"{path} cannot be written: permission denied")


def write_whole(path: Path, text: str | bytes, replaces: bool = True) -> None:
    """Write a file beside its place, then rename it: whoever looks sees the old file or the whole new one.

    Without `replaces` a file that is there already stays, whoever made it and when. What is no regular file (a pipe,
    /dev/null) is written to. Raises CannotWrite.
    """
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        real = path.resolve()
        if real.is_dir():
            raise CannotWrite(f"{path} is a folder, not a file")
        if real.exists() and not stat.S_ISREG(real.stat().st_mode):
            real.write_bytes(raw)
            return
        _write_beside(real, raw, replaces)
    except FileExistsError:
        raise CannotWrite(f"{path} is there already; --force replaces it") from None
    except FileNotFoundError:
        raise CannotWrite(f"{path} cannot be written: there is no folder {path.parent}") from None
    except (OSError, RuntimeError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or "its path leads nowhere, or the text is none").lower()
        raise CannotWrite(f"{path} cannot be written: {reason}") from None


def _write_beside(path: Path, raw: bytes, replaces: bool) -> None:
    import tempfile  # takes longer to import than most commands to run

    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        beside.chmod(_mode_of(path))
        if replaces:
            beside.replace(path)
        else:
            os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _mode_of(path: Path) -> int:
    """The permissions of the file that is replaced, or what a new file gets here."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def is_terminal(stream: object) -> bool:
    """Whether somebody looks at a stream."""
    return bool(getattr(stream, "isatty", lambda: False)())


def colours(choice: str, stream: object) -> bool:
    """Whether a stream gets colours: as chosen, else on a terminal where NO_COLOR is not set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """The columns of the terminal, at most 160; 100 where there is none."""
    if text := os.environ.get("COLUMNS", ""):
        return min(max(int(text), 40), 160) if text.isdecimal() else 100
    try:
        return min(max(os.get_terminal_size(sys.stdout.fileno()).columns, 40), 160)
    except (OSError, ValueError, AttributeError):
        return 100
