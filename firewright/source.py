"""A text, and a place in it. Where a value came from travels with it and never decides equality."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes of the longest text that is read."""

T = TypeVar("T")


class Span(NamedTuple):
    """A place in a text: 1-based line and column in characters, and how many characters from there."""

    path: str
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


NOWHERE = Span("", 0, 0, 0)
"""The place of what no text says: built-in zones, defaults."""


@dataclass(frozen=True, slots=True)
class Located(Generic[T]):
    """A value with its place; two are equal if their values are."""

    value: T
    at: Span = field(compare=False, default=NOWHERE)

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Source:
    """A whole text and the path that people know it by; `-` is standard input."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """Line `number` (1-based) without its end; empty where there is none. O(size of the text) once, then O(1)."""
        lines = _lines(self.text)
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@lru_cache(maxsize=16)
def _lines(text: str) -> list[str]:
    # whoever shows one line of a text mostly shows others of it
    return text.split("\n")


class UnreadableSource(Exception):
    """A file that cannot be a source: missing, a folder, too long, or not UTF-8. Its text says which, and a way out."""


def read(path: Path | str) -> Source:
    """The text of a file, as UTF-8. Raises UnreadableSource."""
    return decode(str(path), read_bytes(path))


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a file, SIZE_LIMIT of them at most. Raises UnreadableSource."""
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise UnreadableSource(f"there is no file {path}") from None
    except IsADirectoryError:
        raise UnreadableSource(f"{path} is a folder, not a file") from None
    except OSError as error:
        raise UnreadableSource(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
    if len(raw) > SIZE_LIMIT:
        raise UnreadableSource(f"{path} is longer than {SIZE_LIMIT // 2**20} MiB, the most that is read")
    return raw


def decode(path: str, raw: bytes) -> Source:
    """The text in these bytes, as UTF-8. Raises UnreadableSource."""
    if len(raw) > SIZE_LIMIT:
        raise UnreadableSource(f"{path} is longer than {SIZE_LIMIT // 2**20} MiB, the most that is read")
    try:
        return Source(path, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = f"{raw[error.start]:#04x}"
        raise UnreadableSource(f"{path}:{line}: not UTF-8 (byte {byte}); save the file as UTF-8") from None
