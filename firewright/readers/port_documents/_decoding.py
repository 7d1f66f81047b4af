"""The text in the bytes of a document: UTF-8, what a byte-order mark or the document itself declares, else Windows-1252."""

from __future__ import annotations

import re

from firewright.diagnostic import Report, harmless
from firewright.readers.port_documents._format import Given
from firewright.source import Source, Span

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_DECLARED = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii", "windows-1252": "cp1252",
    "cp1252": "cp1252", "iso-8859-1": "cp1252", "latin1": "cp1252", "iso-8859-15": "iso8859-15",
    "windows-1250": "cp1250", "windows-1251": "cp1251", "iso-8859-2": "iso8859-2", "shift_jis": "shift_jis",
    "shift-jis": "shift_jis", "euc-jp": "euc_jp", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030",
}  # fmt: skip
"""Encodings that a page may declare, as browsers read them (WHATWG: ISO-8859-1 is Windows-1252)."""
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
"""Characters that no text of people has; vertical tab and form feed are in texts of word processors."""
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2007": " ", "\u200b": "", "\ufeff": "", "\u00ad": ""})


def text_of(given: Given, report: Report, declared: str = "") -> tuple[Source, tuple[str, ...]] | None:
    """The text of a document with line feeds only, and notes on how it was read; None after an error in the report.

    A byte-order mark decides, then `declared`, then UTF-8, then Windows-1252 with a note. Refused: bytes that fit none of
    them, a declared encoding that the bytes do not have, control characters. The source is known to the report. O(size).
    """
    notes: tuple[str, ...] = ()
    encoding = next(
        (name for mark, name in _MARKS if given.raw.startswith(mark)), _DECLARED.get(declared.lower(), "utf-8")
    )
    text: str | None
    try:
        text = given.raw.decode(encoding)
    except UnicodeDecodeError as error:
        text = _otherwise(given.raw) if encoding == "utf-8" else None
        if text is None:
            line = given.raw.count(b"\n", 0, error.start) + 1
            message = f"{harmless(given.path)} is no text: byte {given.raw[error.start]:#04x} is not {encoding.upper()}"
            report.error("unreadable", message, Span(given.path, line, 1), "save the document as UTF-8")
            return None
        notes = ("it is not UTF-8, and is read as Windows-1252",)
    text = _LINE_END.sub("\n", text)
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        message = f"a control character in the text (U+{ord(found[0]):04X})"
        report.error("control-character", message, Span(given.path, line, 1), "save the document as plain text")
        return None
    source = Source(given.path, text)
    report.know(source)
    return source, notes


def plain(text: str) -> str:
    """The text with every kind of space as a space, without invisible characters, lines stripped and none empty."""
    lines = (" ".join(line.split()) for line in text.translate(_SPACES).split("\n"))
    return "\n".join(line for line in lines if line)


def _otherwise(raw: bytes) -> str | None:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return None
