"""Spreadsheets of OpenDocument (ISO/IEC 26300): the cells of every sheet; numbers and dates as they are stored, texts as shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from firewright.diagnostic import Report
from firewright.readers.port_documents._format import Format, Given
from firewright.readers.port_documents._page import COLUMN_LIMIT, ROW_LIMIT, Block, Page
from firewright.readers.port_documents._parcel import Node, Parcel, Unopened
from firewright.readers.port_documents._sheets import SHEET_LIMIT, Merged, Sheet, sheet_blocks
from firewright.source import Span

_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"
_ROW_GROUPS = ("table-row-group", "table-header-rows", "table-rows")
_NOTE_FORMULA = "formulas without a stored value are told as they are written: a spreadsheet program stores the values"


def _read(given: Given, report: Report) -> Page | None:
    try:
        parcel = Parcel(given.raw)
        if _MANIFEST in parcel and any(parcel.tree(_MANIFEST).walk("encryption-data")):
            raise Unopened("encrypted", "it is encrypted", "save it without a password")
        return _Content(parcel.tree(_CONTENT)).page(given.path)
    except Unopened as error:
        report.error(error.name, f"{error}", Span(given.path, 1, 1), error.help)
        return None


@dataclass(slots=True)
class _Content:
    root: Node
    raised: set[str] = field(default_factory=set)
    struck: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def page(self, path: str) -> Page:
        """Every sheet in the order of the tabs. Raises Unopened."""
        for style in self.root.walk("style"):
            look = style.first("text-properties")
            if look is not None and look.get("text-position").startswith(("super", "sub")):
                self.raised.add(style.get("name"))
            if look is not None and look.get("text-line-through-style", "none") != "none":
                self.struck.add(style.get("name"))
        book = self.root.first("body", "spreadsheet")
        if book is None:
            raise Unopened("unreadable", "it is no spreadsheet", "save its tables as .ods, .docx or .csv")
        tables = list(book.elements("table"))
        if len(tables) > SHEET_LIMIT:
            raise Unopened("too-large", f"more than {SHEET_LIMIT} sheets", "save only the tables of ports")
        blocks: list[Block] = []
        for table in tables:
            blocks += sheet_blocks(path, self.sheet(table))
        return Page(path, tuple(blocks), tuple(dict.fromkeys(self.notes)))

    def sheet(self, table: Node) -> Sheet:
        """The cells of a sheet. Raises Unopened."""
        sheet = Sheet(table.get("name", "sheet"))
        number = 0
        for row in _rows(table):
            said = list(self.cells(row))
            times = _count(row, "number-rows-repeated")
            if any(text.strip() for _, _, text in said):
                if times > ROW_LIMIT:
                    message = f"sheet {sheet.name[:80]!r} has more than {ROW_LIMIT:,} rows"
                    raise Unopened("too-large", message, "save only the tables of ports")
                for step in range(times):
                    self.put(sheet, number + step + 1, said)
            number += times
        return sheet

    @staticmethod
    def put(sheet: Sheet, row: int, said: list[tuple[int, Node, str]]) -> None:
        for column, cell, text in said:
            sheet.put(row, column, text)
            down, across = _count(cell, "number-rows-spanned"), _count(cell, "number-columns-spanned")
            if down > 1 or across > 1:
                sheet.merged.append(Merged(row, column, row + down - 1, column + across - 1))

    def cells(self, row: Node) -> Iterator[tuple[int, Node, str]]:
        """The cells of a row with their columns, 1-based; what lies under a merged cell is not seen and not told."""
        column = 1
        for cell in row.elements("table-cell", "covered-table-cell"):
            times = _count(cell, "number-columns-repeated")
            text = self.text(cell) if cell.name == "table-cell" else ""
            if text.strip():
                if times > COLUMN_LIMIT:
                    raise Unopened(
                        "too-large", f"a row has more than {COLUMN_LIMIT} cells", "save only the tables of ports"
                    )
                for step in range(times):
                    yield column + step, cell, text
            column += times

    def text(self, cell: Node) -> str:
        """What a cell says."""
        shown = "\n".join(self.shown(one) for one in cell.elements("p", "h"))
        kind = cell.get("value-type")
        if kind == "float" and cell.get("value"):
            shown = _number(cell.get("value"))
        elif kind in ("date", "time") and (value := cell.get(f"{kind}-value")):
            shown = value.replace("T", " ")
        elif not shown.strip():
            shown = cell.get("value") or cell.get("string-value")
        if not shown.strip() and cell.get("formula"):
            self.notes.append(_NOTE_FORMULA)
            shown = f"={cell.get('formula').partition('=')[2]}"
        return f"~~{shown}~~" if cell.get("style-name") in self.struck and shown.strip() else shown

    def shown(self, text: Node) -> str:
        """A paragraph as it is shown: without comments, footnotes as `[^name]`."""
        parts: list[str] = []
        for child in text.children:
            if isinstance(child, str):
                parts.append(child)
            elif child.name == "s":
                parts.append(" ")
            elif child.name in ("tab", "line-break"):
                parts.append("\t" if child.name == "tab" else "\n")
            elif child.name not in ("annotation", "annotation-end", "ruby-text"):
                said = self.shown(child)
                style = child.get("style-name")
                if said.strip() and style in self.raised:
                    said = f"[^{said.strip()}]"
                parts.append(f"~~{said}~~" if said.strip() and style in self.struck else said)
        return "".join(parts)


def _rows(table: Node) -> Iterator[Node]:
    waiting = [table.elements("table-row", *_ROW_GROUPS)]
    while waiting:
        one = next(waiting[-1], None)
        if one is None:
            waiting.pop()
        elif one.name == "table-row":
            yield one
        else:
            waiting.append(one.elements("table-row", *_ROW_GROUPS))


def _count(node: Node, attribute: str) -> int:
    text = node.get(attribute, "1")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def _number(text: str) -> str:
    try:
        value = float(text)
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    except (ValueError, OverflowError):
        return f"{text} (no number)"


FORMAT = Format("OpenDocument spreadsheet", (".ods", ".ots"), _read, is_confined=True)
