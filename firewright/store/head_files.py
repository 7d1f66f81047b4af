"""Files of signed heads: one line each, added at the end; kept here, and to be copied to where nobody of here can write."""

from __future__ import annotations

import os
from pathlib import Path

from firewright.store.errors import StoreError
from firewright.store.heads import SignedHead, line, read_heads

SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes of the longest file of heads that is read."""


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, if there is none. Raises StoreError."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {_why(error)}", "choose another folder for the state") from None


def keep(path: Path, signed: SignedHead) -> None:
    """Add a head at the end of a file, on the disk when this returns; the file is its owner's alone. Raises StoreError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as stream:
            stream.write(f"{line(signed)}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {_why(error)}", "choose another file for the head") from None


def kept(path: Path) -> tuple[SignedHead, ...]:
    """The heads of a file, none where there is no such file. Raises StoreError."""
    try:
        if not path.exists():
            return ()
        if path.stat().st_size > SIZE_LIMIT:
            raise StoreError(f"{path} is longer than {SIZE_LIMIT // 2**20} MiB", "keep one head a day")
        return read_heads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = _why(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise StoreError(f"{path} cannot be read: {why}", "name the file that heads were exported to") from None


def _why(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
