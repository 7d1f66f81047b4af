"""Plain text: paragraphs between empty lines, and lines that begin with a bullet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firewright.diagnostic import Report
from firewright.readers.port_documents._decoding import plain, text_of
from firewright.readers.port_documents._format import Format, Given
from firewright.readers.port_documents._page import (
    BLOCK_LIMIT,
    CELL_LIMIT,
    Block,
    Bullets,
    Heading,
    Item,
    Page,
    Paragraph,
)
from firewright.source import Span

_BULLET = re.compile(r"^(\s*)(?:[-*•‣▪·]|[0-9]{1,3}[.)])\s+(?=\S)")
_TITLE_LIMIT = 60
"""Characters of the longest line that can be a title."""


def _read(given: Given, report: Report) -> Page | None:
    decoded = text_of(given, report)
    if decoded is None:
        return None
    source, notes = decoded
    blocks = list(_blocks(given.path, source.text))
    if len(blocks) > BLOCK_LIMIT:
        at = Span(given.path, 1, 1)
        report.error("too-large", f"more than {BLOCK_LIMIT:,} paragraphs", at, "split the document into files")
        return None
    return Page(given.path, tuple(blocks), notes)


def _blocks(path: str, text: str) -> Iterator[Block]:
    group: list[tuple[int, str]] = []
    is_first = True
    for number, line in enumerate((*text.split("\n"), ""), 1):
        if line.strip():
            group.append((number, line))
        elif group:
            yield from _group(path, group, is_first)
            is_first, group = False, []


def _group(path: str, group: list[tuple[int, str]], is_first: bool) -> Iterator[Block]:
    """The blocks of some lines without an empty one among them."""
    first, line = group[0]
    if len(group) == 1 and len(line) <= _TITLE_LIMIT and (is_first or line.rstrip().endswith(":")) and "." not in line:
        yield Heading(plain(line).rstrip(":"), 1, Span(path, first, 1))
        return
    prose: list[str] = []
    items: list[Item] = []
    for number, one in group:
        if found := _BULLET.match(one):
            items.append(
                Item(plain(one[found.end() :])[:CELL_LIMIT], Span(path, number, found.end() + 1), len(found[1]) // 2)
            )
        elif items and one[:1].isspace():
            items[-1] = items[-1]._replace(text=f"{items[-1].text} {plain(one)}"[:CELL_LIMIT])
        else:
            prose.append(one)
    if prose:
        yield Paragraph(plain("\n".join(prose))[:CELL_LIMIT], Span(path, first, 1))
    if items:
        yield Bullets(tuple(items), items[0].at)


FORMAT = Format("plain text", (".txt", ".text"), _read)
