"""Word documents (ECMA-376): tables with merged cells, lists, headings and prose, as they look with all changes accepted.

Such a document has no lines: a place in it counts its paragraphs and the rows of its tables from the first, and within a row
its cells. What stands on every page (headers, footers) and comments are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from firewright.diagnostic import Report
from firewright.readers.port_documents._decoding import plain
from firewright.readers.port_documents._docx_text import Styles, said
from firewright.readers.port_documents._format import Format, Given
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
from firewright.readers.port_documents._parcel import Node, Parcel, Unopened
from firewright.source import Span

DOCUMENT = "word/document.xml"
_WRAPPERS = frozenset(["sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "AlternateContent", "Choice"])
"""Elements that hold paragraphs, tables, rows or cells without being one."""
_WAY_OUT = "save only the tables of ports"


def _read(given: Given, report: Report) -> Page | None:
    try:
        parcel = Parcel(given.raw)
        if DOCUMENT not in parcel:
            raise Unopened(
                "unreadable", f"it is no Word document: it has no part {DOCUMENT}", "name the file by its format"
            )
        return _Reading(given.path, parcel).page()
    except Unopened as error:
        report.error(error.name, f"{error}", Span(given.path, 1, 1), error.help)
        return None


@dataclass(slots=True)
class _Reading:
    path: str
    parcel: Parcel
    styles: Styles = field(default_factory=Styles)
    notes: set[str] = field(default_factory=set)
    blocks: list[Block] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    caption: str = ""
    line: int = 0

    def page(self) -> Page:
        """The whole document. Raises Unopened."""
        if "word/styles.xml" in self.parcel:
            self.styles = Styles.of(self.parcel.tree("word/styles.xml"))
        body = self.parcel.tree(DOCUMENT).first("body")
        if body is None:
            raise Unopened("unreadable", "it has no text at all", "save it again")
        self.flow(body)
        for part, kind in (("word/footnotes.xml", "footnote"), ("word/endnotes.xml", "endnote")):
            if part in self.parcel:
                self.footnotes(part, kind)
        self.end_list()
        self.end_caption()
        return Page(self.path, tuple(self.blocks), tuple(sorted(self.notes)))

    def footnotes(self, part: str, kind: str) -> None:
        for note in self.parcel.tree(part).elements(kind):
            text = plain("\n".join(said(one, self.notes) for one in note.walk("p")))
            if text and note.get("type") not in ("separator", "continuationSeparator", "continuationNotice"):
                self.put(Paragraph(f"[^{note.get('id')}]: {text}"[:CELL_LIMIT], self.next()))

    def next(self) -> Span:
        """The place of the next paragraph or row."""
        self.line += 1
        if self.line > ROW_LIMIT:
            raise Unopened("too-large", f"more than {ROW_LIMIT:,} paragraphs and rows", _WAY_OUT)
        return Span(self.path, self.line, 1)

    def put(self, block: Block) -> None:
        self.end_list()
        self.end_caption()
        if len(self.blocks) >= BLOCK_LIMIT:
            raise Unopened("too-large", f"more than {BLOCK_LIMIT:,} blocks", _WAY_OUT)
        self.blocks.append(block)

    def end_list(self) -> None:
        items, self.items = self.items, []
        if items:
            self.put(Bullets(tuple(items), items[0].at))

    def end_caption(self) -> None:
        """A caption that no table follows is prose."""
        text, self.caption = self.caption, ""
        if text:
            self.put(Paragraph(text, Span(self.path, self.line, 1)))

    def flow(self, parent: Node) -> None:
        """The paragraphs and tables within an element, in their order."""
        for one in _within(parent, "p", "tbl", "altChunk"):
            if one.name == "tbl":
                self.table(one)
            elif one.name == "p":
                self.paragraph(one)
            else:
                self.notes.add("a file that is embedded in it is not read")

    def paragraph(self, one: Node) -> None:
        at, text = self.next(), self.text(plain(said(one, self.notes)))
        level, depth = self.styles.heading(one), self.styles.item(one)
        if text and level:
            self.put(Heading(text, level, at))
        elif text and depth is not None:
            if not self.items:
                self.end_caption()
            self.items.append(Item(text, at, depth))
        elif text and self.styles.is_caption(one):
            self.end_list()
            self.end_caption()
            self.caption = text
        elif text:
            self.put(Paragraph(text, at))
        for box in _boxes(one):
            self.flow(box)

    def text(self, text: str) -> str:
        """The text, if it is no longer than is read. Raises Unopened."""
        if len(text) > CELL_LIMIT:
            raise Unopened("too-large", f"a paragraph or cell has more than {CELL_LIMIT:,} characters", _WAY_OUT)
        return text

    def table(self, table: Node) -> None:
        """A table, then the tables within its cells."""
        self.end_list()
        caption, self.caption = self.caption, ""
        shown = table.first("tblPr", "tblCaption")
        caption = caption or (plain(shown.get("val"))[:CELL_LIMIT] if shown is not None else "")
        rows: list[Row] = []
        above: dict[int, Cell] = {}
        heads, is_head = 0, True
        inner: list[Node] = []
        for row in _within(table, "tr"):
            if row.first("trPr", "del") is not None:
                self.notes.add("it has tracked changes: it is read as if they were accepted")
                continue
            mark = row.first("trPr", "tblHeader")
            is_head = is_head and mark is not None and mark.get("val", "1") not in ("0", "false")
            heads += is_head
            rows.append(self.row(row, above, inner))
        if rows:
            self.put(Grid(tuple(rows), rows[0].at, heads, caption))
        for one in inner:
            self.flow(one)

    def row(self, row: Node, above: dict[int, Cell], inner: list[Node]) -> Row:
        """A row with each merged cell in every place that it covers; `above` holds those that go on below."""
        at = self.next()
        before, after = _number(row, "trPr", "gridBefore"), _number(row, "trPr", "gridAfter")
        cells = [Cell("", at)] * min(before, COLUMN_LIMIT)
        for number, cell in enumerate(_within(row, "tc"), 1):
            across = max(1, _number(cell, "tcPr", "gridSpan"))
            merge = cell.first("tcPr", "vMerge")
            column = len(cells)
            if column + across > COLUMN_LIMIT:
                raise Unopened("too-large", f"a row has more than {COLUMN_LIMIT} cells", _WAY_OUT)
            own = Cell(self.text(self.cell(cell, inner)), at._replace(column=number))
            if merge is not None and merge.get("val", "continue") == "continue" and column in above:
                first = above[column]
                # a cell that goes on has no text of its own as people see it; some programs leave one there
                own = first._replace(is_repeated=True) if not own.text else own
            for step in range(across):
                kept = own if step == 0 else own._replace(is_repeated=True)
                if merge is None:
                    above.pop(column + step, None)
                elif not kept.is_repeated or column + step not in above:
                    above[column + step] = kept
                cells.append(kept)
        cells += [Cell("", at)] * min(after, COLUMN_LIMIT - len(cells))
        return Row(tuple(cells), at)

    def cell(self, cell: Node, inner: list[Node]) -> str:
        """What a cell says, each paragraph a line; tables and text boxes in it are read behind its table."""
        lines = []
        for one in _within(cell, "p", "tbl"):
            if one.name == "p":
                lines.append(said(one, self.notes))
                inner += _boxes(one)
            else:
                inner.append(Node("body", {}, [one]))
        return plain("\n".join(lines))


def _within(parent: Node, *names: str) -> Iterator[Node]:
    """The elements of some names in another, also where a content control or an accepted change is around them."""
    for one in parent.elements():
        if one.name in names:
            yield one
        elif one.name in _WRAPPERS:
            yield from _within(one, *names)


def _boxes(paragraph: Node) -> list[Node]:
    """The text boxes that hang on a paragraph; not those for programs that know no such boxes, which say the same again."""
    found: list[Node] = []
    waiting = list(paragraph.elements())[::-1]
    while waiting:
        one = waiting.pop()
        if one.name == "txbxContent":
            found.append(one)
        elif one.name == "AlternateContent":
            waiting += list(one.elements("Choice"))[:1] or list(one.elements("Fallback"))[:1]
        else:
            waiting += list(one.elements())[::-1]
    return found


def _number(node: Node, *path: str) -> int:
    found = node.first(*path)
    text = found.get("val") if found is not None else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


FORMAT = Format("Word", (".docx", ".docm", ".dotx", ".dotm"), _read, is_confined=True)
