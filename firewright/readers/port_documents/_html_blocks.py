"""HTML's tags become blocks: tables with their merged cells laid out, lists, headings, prose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from firewright.readers.port_documents._decoding import plain
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
    Paragraph,
    Row,
)
from firewright.readers.port_documents._tags import Token
from firewright.readers.port_documents._wording import vocabulary
from firewright.source import Span

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CAPTION_LEVEL = 7
"""A figure's caption speaks for what follows it until the next heading of any kind."""
_BREAKS = vocabulary(
    "p div br hr section article aside header footer main nav figure dl dt dd pre blockquote address form body html"
)
_UNSEEN = vocabulary("script style template head title noscript svg math select textarea iframe")
_SPAN_LIMIT = 1000
"""Rows that a merged cell covers at most (WHATWG allows 65,534; no table of ports needs them)."""
_DEPTH_LIMIT = 32
"""Tables within tables."""


@dataclass(slots=True)
class _Spanned:
    """A cell while it is read, and how many rows and columns it covers."""

    at: Span
    down: int
    across: int
    is_head: bool
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    at: Span
    rows: list[tuple[Span, list[_Spanned]]] = field(default_factory=list)
    cell: _Spanned | None = None
    caption: list[str] = field(default_factory=list)
    heads: int = 0
    is_head: bool = False
    in_caption: bool = False
    is_layout: bool = False


class HtmlBlocks:
    """Takes tags in their order and gives blocks. A table that holds tables is layout: its own cells are prose."""

    def __init__(self, place: Callable[[int], Span]) -> None:
        self.place, self.blocks = place, list[Block]()
        self.notes: tuple[str, ...] = ()
        self.tables: list[_Table] = []
        self.items: list[Item] = []
        self.lists = 0
        self.unseen = ""
        self.parts: list[str] = []
        self.kind: str = "p"
        self.at: Span | None = None
        self.marks: list[str] = []
        self.count = 0

    def take(self, token: Token) -> None:
        """Go on by one tag or text. O(1) amortised."""
        name = token.name
        if self.unseen:
            if name == self.unseen and token.is_end:
                self.unseen = ""
        elif not name:
            self._say(token.content, token.offset)
        elif name in _UNSEEN:
            if not token.is_end:
                self.unseen = name
        elif name in ("sup", "sub"):
            self._say("]" if token.is_end else "[^", token.offset)
        elif name in ("del", "s", "strike"):
            self._say("~~", token.offset)
        elif name in ("table", "caption", "thead", "tr", "td", "th", "tbody", "tfoot"):
            self._table_tag(token)
        elif name in ("ul", "ol", "li"):
            self._list_tag(token)
        elif name in _HEADINGS or name == "figcaption":
            self._flush()
            self.kind = "p" if token.is_end else name
        elif name in _BREAKS:
            self._say("\n", token.offset)
            if name != "br":
                self._flush_prose()
        elif name == "img" and (alt := token.attribute("alt")):
            self._say(f" {alt} ", token.offset)

    def finish(self) -> tuple[Block, ...]:
        """The blocks; what is not closed at the end is closed here."""
        while self.tables:
            self._end_table()
        self._flush()
        return tuple(self.blocks)

    def _say(self, text: str, offset: int) -> None:
        table = self.tables[-1] if self.tables else None
        if table is not None and table.in_caption:
            table.caption.append(text)
        elif table is not None and table.cell is not None:
            table.cell.parts.append(text)
        elif text.strip() or self.parts:
            if self.at is None:
                self.at = self.place(offset + len(text) - len(text.lstrip()))
            self.parts.append(text)

    def _flush_prose(self) -> None:
        if not self.tables and not self.lists and self.kind == "p":
            self._flush()

    def _flush(self) -> None:
        """End the heading, item or paragraph that is open."""
        text, at = plain("".join(self.parts))[:CELL_LIMIT], self.at
        self.parts, self.at = [], None
        if text and at is not None:
            if self.lists:
                self.items.append(Item(text, at, self.lists - 1))
            elif self.kind in _HEADINGS:
                self._add(Heading(text, _HEADINGS[self.kind], at))
            elif self.kind == "figcaption":
                self._add(Heading(text, _CAPTION_LEVEL, at))
            else:
                self._add(Paragraph(text, at))

    def _add(self, block: Block) -> None:
        self.count += (
            len(block.rows) if isinstance(block, Grid) else len(block.items) if isinstance(block, Bullets) else 1
        )
        if len(self.blocks) >= BLOCK_LIMIT or self.count > ROW_LIMIT:
            self.notes = (TOO_LONG,)
        else:
            self.blocks.append(block)

    def _list_tag(self, token: Token) -> None:
        if self.tables:
            self._say("\n", token.offset)
            return
        self._flush()
        if token.name == "li":
            if not token.is_end and not self.lists:
                self.lists = 1
            return
        self.lists = max(0, self.lists - 1) if token.is_end else min(self.lists + 1, _DEPTH_LIMIT)
        if not self.lists and self.items:
            self._add(Bullets(tuple(self.items), self.items[0].at))
            self.items = []

    def _table_tag(self, token: Token) -> None:
        table = self.tables[-1] if self.tables else None
        if token.name == "table":
            if not token.is_end:
                self._begin_table(token.offset)
            elif table is not None:
                self._end_table()
        elif table is None:
            return
        elif token.name == "caption":
            table.in_caption = not token.is_end
        elif token.name in ("thead", "tbody", "tfoot"):
            table.cell, table.is_head = None, token.name == "thead" and not token.is_end
        elif token.name == "tr":
            table.cell = None
            if not token.is_end:
                table.rows.append((self.place(token.offset), []))
        elif token.is_end:
            table.cell = None
        else:
            self._begin_cell(table, token)

    def _begin_cell(self, table: _Table, token: Token) -> None:
        at = self.place(token.offset)
        if not table.rows:
            table.rows.append((at, []))
        table.in_caption = False
        table.cell = _Spanned(
            at, _number(token, "rowspan", _SPAN_LIMIT), _number(token, "colspan", COLUMN_LIMIT),
            table.is_head or token.name == "th",
        )  # fmt: skip
        table.rows[-1][1].append(table.cell)

    def _begin_table(self, offset: int) -> None:
        if len(self.tables) >= _DEPTH_LIMIT:
            self.notes = (TOO_DEEP,)
            return
        if self.tables:
            self.tables[-1].is_layout = True
        self._flush()
        self.tables.append(_Table(self.place(offset)))

    def _end_table(self) -> None:
        table = self.tables.pop()
        caption = plain("".join(table.caption))[:CELL_LIMIT]
        if table.is_layout:
            for _, cells in table.rows:
                for cell in cells:
                    if text := plain("".join(cell.parts)):
                        self._add(Paragraph(text[:CELL_LIMIT], cell.at))
            return
        rows, is_cut = _laid_out(table)
        if is_cut:
            self.notes = (TOO_LONG,)
        heads = next((n for n, (_, cells) in enumerate(table.rows) if not all(c.is_head for c in cells)), len(rows))
        if rows:
            self._add(Grid(rows, table.at, min(heads, len(rows)), caption))


TOO_LONG = "it is longer than is read: what is left out is not counted"
TOO_DEEP = "its tables are nested deeper than is read: what is left out is not counted"


def _number(token: Token, attribute: str, most: int) -> int:
    text = token.attribute(attribute).strip()
    if not (text.isascii() and text.isdecimal()):
        return 1
    # a rowspan of 0 goes to the end of the table; so does one beyond the limit
    return min(int(text[:6]), most) or (most if attribute == "rowspan" else 1)


def _laid_out(table: _Table) -> tuple[tuple[Row, ...], bool]:
    """The rows with each merged cell in every place it covers, and whether something had to be left out."""
    pending: dict[int, tuple[int, Cell]] = {}
    rows: list[Row] = []
    total, is_cut = 0, False
    for at, spanned in table.rows:
        cells: list[Cell] = []
        queue = iter(spanned)
        current = next(queue, None)
        while (current is not None or len(cells) in pending) and len(cells) < COLUMN_LIMIT:
            column = len(cells)
            if column in pending:
                left, repeated = pending.pop(column)
                cells.append(repeated)
                if left > 1:
                    pending[column] = (left - 1, repeated)
                continue
            assert current is not None  # noqa: S101 - the loop's condition
            text = plain("".join(current.parts))[:CELL_LIMIT]
            for step in range(min(current.across, COLUMN_LIMIT - column)):
                if column + step in pending:
                    break
                cells.append(Cell(text, current.at, step > 0))
                if current.down > 1:
                    pending[column + step] = (current.down - 1, Cell(text, current.at, True))
            current = next(queue, None)
        total += len(cells)
        if current is not None or total > ROW_LIMIT * 8:
            is_cut = True
        if total <= ROW_LIMIT * 8:
            rows.append(Row(tuple(cells), at))
    return tuple(rows), is_cut
