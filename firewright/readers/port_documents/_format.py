"""Which format a document is in: a file a format, found by its name's ending and by how its bytes begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from firewright.diagnostic import Report
from firewright.readers.port_documents._page import Page
from firewright.registry import Registry


class Given(NamedTuple):
    """A file as it is: the path that people know it by (`-` is standard input) and its bytes."""

    path: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Format:
    """One format of documents.

    `suffixes` are endings of file names, `.xlsx`; `begins` the first bytes by which a file without such an ending is known.
    `read` gives the page, or None after an error in the report; it may raise `MissingExtra`, nothing else, whatever the bytes.
    `is_confined` says that foreign libraries unpack it: it is read in a child process of limited time and memory.
    """

    title: str
    suffixes: tuple[str, ...]
    read: Callable[[Given, Report], Page | None]
    begins: tuple[bytes, ...] = ()
    is_confined: bool = False


class MissingExtra(Exception):
    """A library that a format needs is not installed. Its text says what to install."""

    def __init__(self, title: str, library: str) -> None:
        super().__init__(f"{title} needs {library}, which is not installed; install firewright[documents]")


FORMATS: Registry[Format] = Registry("firewright.readers.port_documents", "FORMAT")


def format_of(given: Given) -> Format | None:
    """The format of a file: by its ending if a format has that, else by its first bytes; None where nothing tells. O(formats)."""
    suffix = PurePath(given.path).suffix.lower()
    if suffix[1:] in FORMATS.names():
        # a format is mostly called like its files, so that no other need be imported
        return FORMATS.load(suffix[1:])
    formats = [one for _, one in FORMATS.all()]
    by_name = next((one for one in formats if suffix and suffix in one.suffixes), None)
    if by_name is not None:
        return by_name
    head = given.raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((one for one in formats if any(head.startswith(begin.lower()) for begin in one.begins)), None)
