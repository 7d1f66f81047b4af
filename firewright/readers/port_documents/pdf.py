"""PDF: tables with rules or in columns, headings by the size of their letters, lists and prose, page by page.

A place names the page (`ports.pdf[page 3]`) and counts the lines on it from the top. A table that goes on over the end of a page
is one table. Nothing is recognised in pictures: where there is no text, that is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import Report
from firewright.readers.port_documents._decoding import plain
from firewright.readers.port_documents._format import Format, Given, MissingExtra
from firewright.readers.port_documents._page import (
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
from firewright.readers.port_documents._parcel import Unopened
from firewright.readers.port_documents._pdf_tables import Table, in_columns, ruled
from firewright.readers.port_documents._pdf_whole import must_be_whole, promised_pages
from firewright.readers.port_documents._pdf_words import TextLine, Word, lines_of
from firewright.source import Span

if TYPE_CHECKING:
    from pdfplumber.page import Page as Paper

PAGE_LIMIT = 1000
"""Pages of one document."""
_END_WITHIN = 2048
"""Bytes at the end of a file among which its end is marked (PDF 32000, annex H: 1024)."""
_BULLET = re.compile(r"^(?:[-*•‣▪◦●○■·–—\uf0b7\uf0a7]|[0-9]{1,3}[.)])\s+(?=\S)")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
"""Characters that no text of people has, whatever a font calls its letters."""
_LARGER, _NEAR = 1.12, 0.9
"""How much larger than prose a heading is, and how near the lines of one paragraph are, in sizes of letters."""
_TITLE_LIMIT = 90
"""Characters of the longest bold line that is a heading."""
_EDGE = 0.12
"""The part of a page, above and below, where lines stand that are on every page."""
_THIN = 2.0
"""Points of the thickest rule."""
_WAY_OUT = "save only the tables of ports"


def _read(given: Given, report: Report) -> Page | None:
    try:
        return _document(given)
    except Unopened as error:
        report.error(error.name, f"{error}", Span(given.path, 1, 1), error.help)
        return None


def _document(given: Given) -> Page:
    """The whole document. Raises Unopened, MissingExtra."""
    try:
        from pdfplumber.pdf import PDF
    except ImportError:
        raise MissingExtra("PDF", "pdfplumber") from None
    if b"%%EOF" not in given.raw[-_END_WITHIN:]:
        raise Unopened("unreadable", "its end is missing: it is cut off, or no PDF", "fetch it again")
    try:
        with PDF(BytesIO(given.raw)) as pdf:
            promised = promised_pages(pdf.doc)
            must_be_whole(pdf.doc)
            papers = [_Paper(number, paper.height) for number, paper in enumerate(pdf.pages[: PAGE_LIMIT + 1], 1)]
            if len(papers) > PAGE_LIMIT:
                raise Unopened("too-large", f"more than {PAGE_LIMIT:,} pages", _WAY_OUT)
            if len(papers) != promised:
                message = f"{len(papers)} of its {promised} pages are there: it is damaged"
                raise Unopened("unreadable", message, "fetch it again")
            for one, paper in zip(papers, pdf.pages, strict=True):
                one.take(paper)
                paper.close()
    except (Unopened, MemoryError):
        raise
    except Exception as error:
        # whatever the library meets in a file that is damaged, or made to do harm
        raise _unopened(error) from error
    return _Layout(given.path, papers).page()


def _unopened(error: Exception) -> Unopened:
    kinds = {type(one).__name__ for one in (error, *error.args) if isinstance(one, Exception)}
    if any("Password" in kind or "Encryption" in kind for kind in kinds):
        return Unopened("encrypted", "it is encrypted", "save it without a password")
    kind = min(kinds - {"PdfminerException"}, default="PdfminerException")
    return Unopened("unreadable", f"it cannot be read as PDF ({kind})", "fetch it again, or save its tables as CSV")


@dataclass(slots=True)
class _Paper:
    """One page: its lines and tables in the order of their heights."""

    number: int
    height: float
    lines: list[TextLine] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    rules: list[float] = field(default_factory=list)
    weights: Counter[float] = field(default_factory=Counter)
    has_pictures: bool = False

    def take(self, paper: Paper) -> None:
        """Read the page. Whatever words are in no table's cell are in `lines`."""
        found = paper.extract_words(x_tolerance_ratio=0.15, extra_attrs=["size", "fontname"], keep_blank_chars=False)
        words = [
            Word(
                _CONTROL.sub("\ufffd", one["text"]),
                one["x0"],
                one["x1"],
                one["top"],
                one["bottom"],
                one["size"],
                _is_bold(one["fontname"]),
            )
            for one in found
        ]
        for word in words:
            self.weights[round(word.size, 1)] += len(word.text)
        numbers = {word: line.number for line in lines_of(words) for word in line.words}
        taken: set[Word] = set()
        for table in paper.find_tables():
            columns, rows = len({box[0] for box in table.cells}), len({box[1] for box in table.cells})
            if columns > 1 and (rows > 1 or not self.tables):
                one, inside = ruled(table.cells, [word for word in words if word not in taken], numbers.__getitem__)
                if inside:
                    taken |= inside
                    self.tables.append(one)
        self.lines = lines_of(word for word in words if word not in taken)
        for line in self.lines:
            line.number = numbers[line.words[0]]
        # the edges of what is only shaded are no rules
        drawn = (one for one in (*paper.lines, *paper.rects) if one["height"] < _THIN)
        self.rules = sorted({round(one["top"], 1) for one in drawn})
        self.has_pictures = bool(paper.images)

    def elements(self, running: AbstractSet[tuple[str, int] | None]) -> list[Table | TextLine]:
        """Lines and tables in the order of their heights, without the lines that are on every page."""
        own = [line for line in self.lines if _running_key(line, self.height) not in running]
        found: list[Table | TextLine] = []
        tables = sorted(self.tables, key=lambda one: one.top)
        start = 0
        for table in (*tables, None):
            end = next((n for n, one in enumerate(own) if table and one.top > table.top), len(own))
            end = max(end if table else len(own), start)
            found += in_columns(own[start:end], self.rules)
            if table:
                found.append(table)
            start = end
        return found


@dataclass(slots=True)
class _Layout:
    """The pages as blocks."""

    path: str
    papers: list[_Paper]
    blocks: list[Block] = field(default_factory=list)
    open_table: Table | None = None
    sizes: list[float] = field(default_factory=list)
    body: float = 0.0
    rows: int = 0

    def page(self) -> Page:
        """Every block. Raises Unopened."""
        if not any(paper.weights for paper in self.papers):
            raise Unopened(
                "no-text", "there is no text in it, only pictures or nothing", "read it with a text recognition first"
            )
        weights = sum((paper.weights for paper in self.papers), Counter[float]())
        self.body = weights.most_common(1)[0][0]
        self.sizes = sorted((size for size in weights if size > self.body * _LARGER), reverse=True)
        running = self.running()
        notes = []
        for paper in self.papers:
            if paper.has_pictures and not paper.lines and not paper.tables:
                notes.append(f"page {paper.number} is a picture without text: it is not read")
            self.flow(paper, paper.elements(running))
        seen: set[str] = set()
        for paper in self.papers:
            for line in paper.lines:
                if _running_key(line, paper.height) in running and line.text not in seen:
                    seen.add(line.text)
                    self.put(Paragraph(self.cut(line.text), self.at(paper, line.number)))
        return Page(self.path, tuple(self.blocks), tuple(notes))

    def running(self) -> set[tuple[str, int]]:
        """The lines near the edges that stand at the same height of several pages, but for their numbers."""
        found: Counter[tuple[str, int]] = Counter()
        for paper in self.papers:
            found.update({key for line in paper.lines if (key := _running_key(line, paper.height)) is not None})
        return {key for key, times in found.items() if times > 1}

    def at(self, paper: _Paper, line: int, column: int = 1) -> Span:
        return Span(f"{self.path}[page {paper.number}]", line, column)

    def put(self, block: Block) -> None:
        self.rows += (
            len(block.rows) if isinstance(block, Grid) else len(block.items) if isinstance(block, Bullets) else 1
        )
        if self.rows > ROW_LIMIT:
            raise Unopened("too-large", f"more than {ROW_LIMIT:,} rows and paragraphs", _WAY_OUT)
        self.blocks.append(block)

    @staticmethod
    def cut(text: str) -> str:
        said = plain(text)
        if len(said) > CELL_LIMIT:
            raise Unopened("too-large", f"a paragraph or cell has more than {CELL_LIMIT:,} characters", _WAY_OUT)
        return said

    def flow(self, paper: _Paper, elements: Iterable[Table | TextLine]) -> None:
        """The blocks of a page, its first table joined to the one that the page before ended with."""
        group: list[TextLine] = []
        before = self.open_table
        self.open_table = None
        for number, one in enumerate(elements):
            if isinstance(one, Table):
                self.prose(paper, group)
                group = []
                self.table(paper, one, before if number == 0 else None)
                self.open_table = one
            else:
                group.append(one)
                self.open_table = None
        self.prose(paper, group)

    def table(self, paper: _Paper, table: Table, before: Table | None) -> None:
        if len(table.lefts) > COLUMN_LIMIT:
            raise Unopened("too-large", f"a table has more than {COLUMN_LIMIT} columns", _WAY_OUT)
        rows = [self.row(paper, row) for row in table.rows]
        last = self.blocks[-1] if self.blocks else None
        if before is not None and isinstance(last, Grid) and _is_continued(before, table):
            head = [cell.text for cell in last.rows[0].cells]
            kept = [row for row in rows if [cell.text for cell in row.cells] != head]
            self.blocks.pop()
            self.rows -= len(last.rows)
            self.put(Grid((*last.rows, *kept), last.at, last.heads, last.caption))
        else:
            self.put(Grid(tuple(rows), rows[0].at))

    def row(self, paper: _Paper, places: Iterable[Any]) -> Row:
        cells = tuple(
            Cell(self.cut(one.text), self.at(paper, one.line, column), one.is_repeated)
            for column, one in enumerate(places, 1)
        )
        line = min((cell.at.line for cell in cells if cell.text and not cell.is_repeated), default=cells[0].at.line)
        return Row(cells, self.at(paper, line))

    def prose(self, paper: _Paper, lines: list[TextLine]) -> None:
        """Headings, items and paragraphs of lines that are in no table."""
        items: list[Item] = []
        for group in self.groups(lines):
            at, text = self.at(paper, group[0].number), self.cut(" ".join(line.text for line in group))
            is_large = round(group[0].size, 1) in self.sizes
            if not is_large and (found := _BULLET.match(text)):
                items.append(Item(text[found.end() :], at, 0))
                continue
            if items:
                self.put(Bullets(tuple(items), items[0].at))
                items = []
            level = self.level(group)
            self.put(Heading(text, level, at) if level else Paragraph(text, at))
        if items:
            self.put(Bullets(tuple(items), items[0].at))

    def groups(self, lines: list[TextLine]) -> Iterator[list[TextLine]]:
        """Lines that belong together: near to each other, of one size, none but the first behind a bullet."""
        group: list[TextLine] = []
        for line in lines:
            if group:
                last = group[-1]
                is_near = line.top - last.bottom <= _NEAR * last.size and line.top >= last.top
                is_alike = abs(line.size - last.size) < 0.5 and line.is_bold == last.is_bold
                is_item = _BULLET.match(line.text) or (_BULLET.match(group[0].text) and line.left <= group[0].left + 2)
                if not is_near or not is_alike or is_item:
                    yield group
                    group = []
            group.append(line)
        if group:
            yield group

    def level(self, group: list[TextLine]) -> int:
        """The level of a heading, 0 for prose."""
        size = round(group[0].size, 1)
        if size in self.sizes:
            return min(self.sizes.index(size) + 1, 6)
        text = group[0].text
        is_title = group[0].is_bold and len(group) == 1 and len(text) <= _TITLE_LIMIT and not text.endswith(".")
        return min(len(self.sizes) + 1, 6) if is_title else 0


def _is_bold(font: object) -> bool:
    return bool(re.search("bold|black|heavy|semib", str(font), re.IGNORECASE))


def _running_key(line: TextLine, height: float) -> tuple[str, int] | None:
    """What lines on every page have in common: their text without numbers and their height. None in the middle of a page."""
    if _EDGE * height < line.middle_height < (1 - _EDGE) * height:
        return None
    return re.sub("[0-9]+", "#", line.text), round(line.top / 3)


def _is_continued(before: Table, table: Table) -> bool:
    """Whether a table has the columns of the one that the page before ended with."""
    return len(before.lefts) == len(table.lefts) and all(
        abs(one - other) < 4 for one, other in zip(before.lefts, table.lefts, strict=True)
    )


FORMAT = Format("PDF", (".pdf",), _read, (b"%PDF-",), is_confined=True)
