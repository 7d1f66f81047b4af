"""Markdown inside a line, as its reader sees it: without marks of emphasis, links and code, HTML in it by its own rules."""

from __future__ import annotations

import re

from firewright.readers.port_documents._decoding import plain
from firewright.readers.port_documents._page import CELL_LIMIT
from firewright.readers.port_documents._tags import tokens
from firewright.readers.port_documents._wording import vocabulary

_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\n]*\)|\[[^\[\]\n]*\])")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\s]*|[^<>\s@]+@[^<>\s]+)>")
_STRONG = re.compile(r"\*\*(?=\S)|(?<=\S)\*\*|(?<![A-Za-z0-9])__(?=\S)|(?<=\S)__(?![A-Za-z0-9])")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^*_\n]*[^\s*_])\1(?![\w*])")
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}\n]*\}\s*$")
_BREAKS = vocabulary("br p div li ul ol tr")


def shown(text: str) -> str:
    """The text that a reader sees of a line of Markdown; a reference to a footnote stays as `[^name]`. O(length)."""
    kept = text[:CELL_LIMIT]
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found[1])
        return f"\x00{len(held) - 1}\x00"

    kept = _ESCAPED.sub(hold, kept.replace("\x00", ""))
    kept = _AUTOLINK.sub(r"\1", kept)
    kept = _LINK.sub(r"\1", kept)
    kept = "".join(_pieces(kept)).replace("`", "")
    kept = _EMPHASIS.sub(r"\2", _STRONG.sub("", kept)) if kept.strip() not in ("*", "**") else kept
    kept = re.sub("\x00([0-9]+)\x00", lambda found: held[int(found[1])], kept)
    return plain(kept)


def heading_text(text: str) -> str:
    """The same of a heading, without the name that some processors let it have: `Nodes {#nodes}`."""
    return shown(_ATTRIBUTES.sub("", text))


def cells_of(line: str) -> list[tuple[str, int]]:
    """The cells of a row of a table with their columns, 1-based: split at each bar that is not escaped (GFM, 4.10)."""
    start = len(line) - len(line.lstrip())
    end = len(line.rstrip())
    if line[start : start + 1] == "|":
        start += 1
    if end > start and line[end - 1] == "|" and line[end - 2 : end - 1] != "\\":
        end -= 1
    cells: list[tuple[str, int]] = []
    at = start
    for found in re.finditer(r"\\.|\|", line[start:end]):
        if found[0] == "|":
            bar = start + found.start()
            cells.append((line[at:bar].replace("\\|", "|"), at + 1))
            at = bar + 1
    return [*cells, (line[at:end].replace("\\|", "|"), at + 1)]


def _pieces(text: str) -> list[str]:
    pieces = []
    for token in tokens(text):
        if not token.name:
            pieces.append(token.content)
        elif token.name in _BREAKS:
            pieces.append("\n")
        elif token.name in ("sup", "sub"):
            pieces.append("]" if token.is_end else "[^")
        elif token.name in ("del", "s", "strike"):
            pieces.append("~~")
    return pieces
