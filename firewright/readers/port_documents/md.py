"""Markdown: tables, lists, headings and prose by markdown-it's map of lines; pieces of HTML in it by HTML's rules.

Cells are split here, from the line itself: a processor leaves out cells that a table's head does not have, and pads rows that
are short; here a ragged row stays ragged, so that nothing is lost.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from firewright.diagnostic import Report
from firewright.readers.port_documents._decoding import plain, text_of
from firewright.readers.port_documents._format import Format, Given, MissingExtra
from firewright.readers.port_documents._html_blocks import HtmlBlocks
from firewright.readers.port_documents._inline import cells_of, heading_text, shown
from firewright.readers.port_documents._page import (
    BLOCK_LIMIT,
    CELL_LIMIT,
    COLUMN_LIMIT,
    ROW_LIMIT,
    Block,
    Bullets,
    Cell,
    Grid,
    Heading,
    Item,
    Page,
    Paragraph,
    Row,
)
from firewright.readers.port_documents._tags import tokens
from firewright.source import Span

if TYPE_CHECKING:
    from markdown_it.token import Token

TEXT_LIMIT = 1024 * 1024
"""Characters of the longest Markdown that is read: a library reads it, whose worst texts take 30 s for so many."""
_RULED = re.compile(r"[ \t>]*(?:\|[ \t]*)?:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*")
"""The second line of a table, with whatever columns."""
_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)??\1[ \t]*(?:\n|\Z)", re.DOTALL)


def _read(given: Given, report: Report) -> Page | None:
    decoded = text_of(given, report)
    if decoded is None:
        return None
    source, notes = decoded
    if len(source.text) > TEXT_LIMIT:
        at = Span(given.path, 1, 1)
        report.error(
            "too-large", f"more than {TEXT_LIMIT:,} characters of Markdown", at, "split the document into files"
        )
        return None
    # as many lines as before, so that each keeps its number
    text = _FRONT_MATTER.sub(lambda found: "\n" * found[0].count("\n"), source.text, count=1)
    reading = _Reading(given.path, text.split("\n"))
    blocks = tuple(reading.blocks(_parsed(text)))
    rows = sum(
        len(one.rows) if isinstance(one, Grid) else len(one.items) if isinstance(one, Bullets) else 1 for one in blocks
    )
    if len(blocks) > BLOCK_LIMIT or rows > ROW_LIMIT or reading.is_cut:
        at = Span(given.path, 1, 1)
        message = f"more than {BLOCK_LIMIT:,} blocks, {ROW_LIMIT:,} rows, or {COLUMN_LIMIT} cells in a row"
        report.error("too-large", message, at, "split the document into files")
        return None
    return Page(given.path, blocks, notes)


def _parsed(text: str) -> list[Token]:
    """The blocks of the text with their lines; what is inside a line is left as it stands."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise MissingExtra("Markdown", "markdown-it-py") from None
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    # a table in people's pages often stands right under a line of prose, as GitHub allows it
    return parser.parse(text)


class _Reading:
    """Turns markdown-it's tokens into blocks."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path, self.lines, self.is_cut = path, lines, False

    def at(self, line: int, column: int = 1) -> Span:
        """The place of a 0-based line."""
        return Span(self.path, line + 1, column)

    def blocks(self, parsed: list[Token]) -> Iterator[Block]:
        depth, items, begun = 0, list[Item](), False
        level, in_table = 0, False
        for token in parsed:
            kind = token.type
            line: int = token.map[0] if token.map else 0
            if kind in ("bullet_list_open", "ordered_list_open"):
                depth += 1
            elif kind in ("bullet_list_close", "ordered_list_close"):
                depth -= 1
                if not depth and items:
                    yield Bullets(tuple(items), items[0].at)
                    items = []
            elif kind == "list_item_open":
                begun = True
            elif kind == "heading_open":
                level = int(token.tag[1])
            elif kind == "heading_close":
                level = 0
            elif kind == "table_open":
                in_table = True
                begin, end = token.map or [line, line]
                yield from self.table(begin, end)
            elif kind == "table_close":
                in_table = False
            elif in_table:
                continue
            elif kind == "inline":
                if level:
                    yield Heading(heading_text(token.content), level, self.at(line))
                elif depth and (begun or items):
                    self.item(items, token, line, depth, begun)
                    begun = False
                else:
                    yield from self.paragraph(token, line)
            elif kind == "html_block":
                yield from self.html(token.content, line)
            elif kind in ("fence", "code_block") and token.content.strip():
                yield Paragraph(plain(token.content)[:CELL_LIMIT], self.at(line))

    def item(self, items: list[Item], token: Token, line: int, depth: int, begun: bool) -> None:
        """An item of a list, or a further paragraph of the item before."""
        text = shown(token.content)
        if begun or not items:
            items.append(Item(text, self.at(line), depth - 1))
        else:
            items[-1] = items[-1]._replace(text=f"{items[-1].text}\n{text}"[:CELL_LIMIT])

    def paragraph(self, token: Token, begin: int) -> Iterator[Block]:
        """Prose, and what people mean for a table although its second line has not as many columns as its first, or is not there.

        A processor makes a paragraph of that, in which rows would be lost.
        """
        lines = token.content.split("\n")
        ruled = next((place for place, line in enumerate(lines) if place and _RULED.fullmatch(line)), 0)
        first = ruled - 1 if ruled and "|" in lines[ruled - 1] else len(lines)
        barred = next((place for place, line in enumerate(lines) if line.lstrip().startswith("|")), len(lines))
        if barred < first and all(line.lstrip().startswith("|") for line in lines[barred:]) and len(lines) - barred > 1:
            first = barred
        if any(line.strip() for line in lines[:first]):
            yield Paragraph(shown("\n".join(lines[:first])), self.at(begin))
        if first < len(lines):
            yield from self.table(begin + first, begin + len(lines))

    def table(self, begin: int, end: int) -> Iterator[Block]:
        rows = []
        for line in range(begin, end):
            # the second line of a table only says how its columns are aligned
            if (line == begin + 1 and _RULED.fullmatch(self.lines[line])) or not self.lines[line].strip():
                continue
            cells = cells_of(self.lines[line])
            if len(cells) > COLUMN_LIMIT:
                self.is_cut = True
                continue
            kept = tuple(Cell(shown(text), self.at(line, column)) for text, column in cells)
            rows.append(Row(kept, self.at(line)))
        yield Grid(tuple(rows), self.at(begin), heads=1)

    def html(self, content: str, line: int) -> Iterator[Block]:
        starts = [0, *(found.end() for found in re.finditer("\n", content))]

        def place(offset: int) -> Span:
            here = bisect_right(starts, offset)
            return Span(self.path, line + here, offset - starts[here - 1] + 1)

        blocks = HtmlBlocks(place)
        for token in tokens(content):
            blocks.take(token)
        yield from blocks.finish()


FORMAT = Format("Markdown", (".md", ".markdown", ".mdx"), _read)
