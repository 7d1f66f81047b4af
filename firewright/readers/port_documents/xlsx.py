"""Excel workbooks (ECMA-376): the cells of every sheet as they are stored; macros and formulas are never run.

A number is told as it is stored, without the marks of its format, a date as a date: `10-12` that was taken for one must not
become ports. A formula is told by its stored value, by itself where it has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from posixpath import join, normpath

from firewright.diagnostic import Report
from firewright.readers.port_documents import docx
from firewright.readers.port_documents._format import Format, Given
from firewright.readers.port_documents._page import Block, Page
from firewright.readers.port_documents._parcel import Node, Parcel, Unopened
from firewright.readers.port_documents._sheets import SHEET_LIMIT, Merged, Sheet, sheet_blocks
from firewright.source import Span

_ROW_END, _COLUMN_END = 1_048_576, 16_384
"""The last row and column that a sheet has (Excel specifications and limits)."""
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
"""Built-in number formats that are dates or times (ECMA-376 part 1, 18.8.30)."""
_NO_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
"""What of a number format stands for itself, or names a colour or a language."""
_ESCAPED = re.compile("_x00(09|0[Aa]|0[Dd]|5[Ff])_")
"""Characters that a text stores as their numbers: spaces, ends of lines, and the underscore that begins such a number (22.9.2.19)."""
_NOTE_FORMULA = "formulas without a stored value are told as they are written: a spreadsheet program stores the values"


def _read(given: Given, report: Report) -> Page | None:
    try:
        parcel = Parcel(given.raw)
        if docx.DOCUMENT in parcel:
            return docx.FORMAT.read(given, report)
        return _Workbook(parcel).page(given.path)
    except Unopened as error:
        report.error(error.name, f"{error}", Span(given.path, 1, 1), error.help)
        return None


@dataclass(slots=True)
class _Workbook:
    parcel: Parcel
    strings: list[str] = field(default_factory=list)
    dates: set[int] = field(default_factory=set)
    struck: set[int] = field(default_factory=set)
    is_1904: bool = False
    notes: list[str] = field(default_factory=list)

    def page(self, path: str) -> Page:
        """Every sheet in the order of the tabs. Raises Unopened."""
        part = self.related("", "officeDocument").get("", "xl/workbook.xml")
        if part.endswith(".bin"):
            raise Unopened("unreadable", "it is a binary workbook", "save it as .xlsx")
        if part not in self.parcel:
            raise Unopened(
                "unreadable", "it is no workbook: it has no part xl/workbook.xml", "name the file by its format"
            )
        book = self.parcel.tree(part)
        settings = book.first("workbookPr")
        self.is_1904 = settings is not None and settings.get("date1904") in ("1", "true")
        for shared in self.related(part, "sharedStrings").values():
            self.strings = [_rich(one) for one in self.parcel.pieces(shared, ("si",))]
        for styles in self.related(part, "styles").values():
            self.take_styles(self.parcel.tree(styles))
        sheets = self.related(part, "worksheet")
        blocks: list[Block] = []
        tabs = list(book.walk("sheet"))
        if len(tabs) > SHEET_LIMIT:
            raise Unopened("too-large", f"more than {SHEET_LIMIT} sheets", "save only the tables of ports")
        for tab in tabs:
            if tab.get("id") in sheets:
                if tab.get("state") in ("hidden", "veryHidden"):
                    self.notes.append(f"the sheet {tab.get('name')!r} is hidden; it is read all the same")
                blocks += sheet_blocks(path, self.sheet(tab.get("name"), sheets[tab.get("id")]))
        return Page(path, tuple(blocks), tuple(dict.fromkeys(self.notes)))

    def related(self, part: str, kind: str) -> dict[str, str]:
        """The parts of a kind that a part names, by the names it gives them; under the empty name the first."""
        folder, _, name = part.rpartition("/")
        relations = join(folder, "_rels", f"{name}.rels")
        found: dict[str, str] = {}
        if relations in self.parcel:
            for one in self.parcel.tree(relations).elements("Relationship"):
                if one.get("Type").rpartition("/")[2] == kind and one.get("TargetMode") != "External":
                    target = normpath(join("/", folder, one.get("Target"))).lstrip("/")
                    found.setdefault("" if kind == "officeDocument" else one.get("Id"), target)
        return found

    def take_styles(self, styles: Node) -> None:
        """Which styles of cells are dates, and which are struck through."""
        codes = {one.get("numFmtId"): one.get("formatCode") for one in styles.walk("numFmt")}
        fonts = styles.first("fonts")
        struck = [_is_on(one.first("strike")) for one in fonts.elements("font")] if fonts else []
        for number, style in enumerate((styles.first("cellXfs") or styles).elements("xf")):
            code, font = style.get("numFmtId", "0"), style.get("fontId", "0")
            own = _NO_LETTERS.sub("", codes.get(code, ""))
            if _whole(code) in _DATES or re.search("[dmyhs]", own.replace("General", ""), re.IGNORECASE):
                self.dates.add(number)
            if 0 <= _whole(font) < len(struck) and struck[_whole(font)]:
                self.struck.add(number)

    def sheet(self, name: str, part: str) -> Sheet:
        """The cells of a sheet. Raises Unopened."""
        sheet = Sheet(name)
        row = 0
        for piece in self.parcel.pieces(part, ("row", "mergeCell")):
            if piece.name == "mergeCell":
                sheet.merged += _merged(piece.get("ref"))
                continue
            row = _whole(piece.get("r")) if piece.get("r") else row + 1
            if piece.get("hidden") in ("1", "true"):
                self.notes.append(f"rows of the sheet {name!r} are hidden; they are read all the same")
            column = 0
            for cell in piece.elements("c"):
                place = _REFERENCE.fullmatch(cell.get("r"))
                column = _column(place[1]) if place else column + 1
                if not (0 < row <= _ROW_END and 0 < column <= _COLUMN_END):
                    raise Unopened("unreadable", f"a cell of sheet {name[:80]!r} is at no place", "save it again")
                sheet.put(row, column, self.text(cell))
        return sheet

    def text(self, cell: Node) -> str:
        """What a cell says."""
        value, formula = cell.first("v"), cell.first("f")
        stored = _text(value) if value is not None else ""
        kind, style = cell.get("t", "n"), _whole(cell.get("s", "0"))
        if kind == "inlineStr":
            text = "".join(_rich(one) for one in cell.elements("is"))
        elif kind == "s":
            number = _whole(stored) if stored else -1
            if stored and not 0 <= number < len(self.strings):
                raise Unopened(
                    "unreadable", f"a cell has text {stored[:20]}, which the workbook does not have", "save it again"
                )
            text = self.strings[number] if stored else ""
        elif kind == "b":
            text = {"1": "TRUE", "0": "FALSE"}.get(stored, stored)
        elif kind == "n" and stored:
            text = self.number(stored, style)
        else:
            text = stored
        if not text and formula is not None:
            self.notes.append(_NOTE_FORMULA)
            return f"={_text(formula)}"
        return f"~~{text}~~" if style in self.struck and text.strip() else text

    def number(self, stored: str, style: int) -> str:
        """A number, or the date that it stands for."""
        try:
            value = float(stored)
            if style in self.dates:
                begin = datetime(1904, 1, 1) if self.is_1904 else datetime(1899, 12, 30)
                day = begin + timedelta(days=value)
                return day.isoformat(" ", "seconds").removesuffix(" 00:00:00")
            return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
        except (ValueError, OverflowError):
            return f"{stored} (no number)"


def _rich(item: Node) -> str:
    """A text of runs: struck through as `~~text~~`, raised or lowered as `[^text]`, without how it is pronounced."""
    parts = []
    for one in item.elements("t", "r"):
        said = _text(one) if one.name == "t" else "".join(_text(text) for text in one.elements("t"))
        look = one.first("rPr")
        raised = look.first("vertAlign") if look else None
        if said.strip() and raised is not None and raised.get("val") in ("superscript", "subscript"):
            said = f"[^{said.strip()}]"
        if said.strip() and look is not None and _is_on(look.first("strike")):
            said = f"~~{said}~~"
        parts.append(said)
    return "".join(parts)


def _text(node: Node) -> str:
    text = "".join(child for child in node.children if isinstance(child, str))
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x00" in text else text


def _is_on(switch: Node | None) -> bool:
    return switch is not None and switch.get("val", "1") not in ("0", "false")


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _merged(reference: str) -> Iterator[Merged]:
    first, _, last = reference.partition(":")
    begin, end = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last)
    if begin and end:
        yield Merged(int(begin[2]), _column(begin[1]), int(end[2]), _column(end[1]))


FORMAT = Format(
    "Excel", (".xlsx", ".xlsm", ".xltx", ".xltm"), _read, (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"), is_confined=True
)
