"""The service matrix as a picture: from each class of addresses (rows) to each class (columns), open, closed or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from firewright.analysis.status import Standing
from firewright.diagnostic import harmless
from firewright.drawing.imprint import Imprint, write_imprint
from firewright.drawing.metrics import width
from firewright.drawing.outline import Block, Bullets, Heading, Outline, Paragraph, Table
from firewright.drawing.palette import INK, QUIET, TONES, Tone
from firewright.drawing.scene import Area, Rect, Scene
from firewright.drawing.sheet import Sheet
from firewright.model.service_table import MEANINGS, Cell, FamilyTable, ServiceMatrix, count_words, word_of

ROOMY = 8
"""Columns up to which cells have room for words; larger matrices have signs."""
MOST_PARTS = 60
"""Lines about cells in part that a picture tells; what is left is counted."""
_MARGIN, _LEAST_PAGE = 48.0, 980.0
_TOOLTIP, _NAME = 700, 120
_MOST_LINES = 4
"""Lines that a picture gives to what is between two classes."""
_TONES: Mapping[str, Tone] = {
    "open": TONES[Standing.PERMITTED],
    "closed": TONES[Standing.CLOSED],
    "possibly": TONES[Standing.REQUEST],
    "possibly in part": TONES[Standing.REQUEST],
    "in part": TONES[Standing.PERMITTED],
}
_OTHER_TONE = TONES[Standing.UNENFORCED]
_SIGNS: Mapping[str, str] = {
    "open": "open",
    "closed": "–",
    "possibly": "?",
    "in part": "part",
    "possibly in part": "part?",
    "not enforced": "n/e",
    "not said": "n/s",
    "itself": "self",
}
"""What stands in a cell without room for words."""


def draw(found: ServiceMatrix) -> Scene:
    """The picture of a service matrix: a table for each family, one for both where they are alike."""
    kind = {"policy": "Policy", "ruleset": "Ruleset", "document": "Document"}[found.kind]
    title = harmless(f"Who reaches whom by {found.service}", 200)
    said = Imprint("Service matrix", title, (f"{kind} {harmless(found.name, 200)}",), ())
    sheet = Sheet()
    page = max([_LEAST_PAGE, *(_page(one) for one in found.tables)])
    y = write_imprint(sheet, said, _MARGIN, _MARGIN, page - 2 * _MARGIN) + 16
    for tables in found.alike:
        y = _draw_tables(sheet, tables, y, page)
    for note in found.notes:
        y = sheet.paragraph(_MARGIN, y + 4, page - 2 * _MARGIN, harmless(note, _TOOLTIP), 13, QUIET)
    return Scene(round(page, 2), round(y + _MARGIN, 2), tuple(sheet.shapes), _outline(said, found))


# --- the picture in words ---------------------------------------------------------------------------------------------


def _outline(said: Imprint, found: ServiceMatrix) -> Outline:
    blocks: list[Block] = [Heading(said.title, 1), Paragraph(said.sentence)]
    for tables in found.alike:
        first = tables[0]
        classes = tuple(((str(place + 1),), (name,), (count,)) for place, name, count in _classes(tables))
        rows = tuple(
            ((first.number(row),), *(_entries(cell) for cell in cells))
            for row, cells in zip(first.rows, first.cells, strict=True)
        )
        blocks += [
            Heading(_families(tables)),
            Table(("class", "addresses", "how many"), classes),
            Table(("from, to", *map(first.number, first.columns)), rows),
            Bullets(tuple(f"{word}: {meaning}" for word, meaning in MEANINGS.items() if word in first.words)),
        ]
    blocks += [Bullets(tuple(harmless(note, _TOOLTIP) for note in found.notes))] if found.notes else []
    return Outline(f"{said.kind}: {said.title}", tuple(blocks))


def _entries(cell: Cell | None) -> tuple[str, ...]:
    if cell is None or len(cell.shares) == 1:
        return (word_of(cell),)
    return tuple(_told(cell))


def _told(cell: Cell) -> Iterator[str]:
    for share in cell.shares:
        yield harmless(f"{share.state.value} {', '.join(share.words)}".rstrip(), _TOOLTIP)


def _families(tables: Sequence[FamilyTable]) -> str:
    return " and ".join(f"IPv{one.family}" for one in tables)


def _classes(tables: Sequence[FamilyTable]) -> Iterator[tuple[int, str, str]]:
    """The place, the name and the size of each class."""
    for place, one in enumerate(tables[0].classes):
        counts = [count_words(table.classes[place].count) for table in tables]
        if len(counts) > 1:
            counts = [f"IPv{table.family}: {count}" for table, count in zip(tables, counts, strict=True)]
        yield place, harmless(one.name, _NAME), "the machine itself" if one.is_local else ", ".join(counts)


# --- the picture on the page ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the cells stand: the left upper corner and the size of each, the room for heads on the left."""

    x: float
    y: float
    wide: float
    high: float
    left: float

    def cell(self, row: int, column: int) -> Area:
        """The place of one cell, with a gap to its neighbours."""
        return Area(self.x + column * self.wide + 1, self.y + row * self.high + 1, self.wide - 2, self.high - 2)


def _left(one: FamilyTable) -> float:
    """The room for the names of rows."""
    longest = max(width(harmless(each.name, _NAME), 14) for each in one.classes)
    return min(max(longest + 60, 120.0), 320.0)


def _wide(one: FamilyTable) -> float:
    return 124.0 if len(one.columns) <= ROOMY else 46.0


def _page(one: FamilyTable) -> float:
    return 2 * _MARGIN + _left(one) + _wide(one) * len(one.columns)


def _draw_tables(sheet: Sheet, tables: Sequence[FamilyTable], top: float, page: float) -> float:
    one = tables[0]
    room = page - 2 * _MARGIN
    y = sheet.paragraph(_MARGIN, top + 12, room, _families(tables), 18, INK, is_bold=True) + 6
    for place, name, count in _classes(tables):
        sheet.line(Area(_MARGIN, y, 50, 22), one.number(place), 13, QUIET)
        wide = min(width(count, 13) + 1, room / 2)
        sheet.line(Area(_MARGIN + 54, y, room - 66 - wide, 22), name, 14, INK)
        sheet.line(Area(page - _MARGIN - wide, y, wide, 22), count, 13, QUIET)
        y += 22
    left, wide = _left(one), _wide(one)
    grid = _Grid(round(_MARGIN + left, 2), round(y + 40, 2), wide, 44.0 if wide > 100 else 28.0, left)
    _draw_heads(sheet, grid, one)
    for row, cells in enumerate(one.cells):
        for column, cell in enumerate(cells):
            names = (one.classes[one.rows[row]].name, one.classes[one.columns[column]].name)
            _draw_cell(sheet, grid.cell(row, column), cell, names, has_words=wide > 100)
    y = grid.y + grid.high * len(one.rows) + 18
    for word, meaning in MEANINGS.items():
        if word in one.words:
            y = _draw_meaning(sheet, y, word, meaning, page, has_words=wide > 100)
    parts = list(one.parts())
    for rows, columns, cell in parts[:MOST_PARTS]:
        senders, receivers = (", ".join(map(one.number, some)) for some in (rows, columns))
        words = f"{senders} to {receivers}: {'; '.join(_told(cell))}"
        y = sheet.paragraph(_MARGIN, y + 4, room, words, 13, INK, most=_MOST_LINES)
    if len(parts) > MOST_PARTS:
        y = sheet.paragraph(_MARGIN, y + 4, room, f"… and {len(parts) - MOST_PARTS} lines more", 13, QUIET)
    return y + 8


def _draw_heads(sheet: Sheet, grid: _Grid, one: FamilyTable) -> None:
    sheet.line(Area(_MARGIN, grid.y - 26, grid.left - 12, 22), "from, to", 12, QUIET)
    for row, place in enumerate(one.rows):
        area = grid.cell(row, 0)
        sheet.line(Area(_MARGIN, area.y, 42, area.height), one.number(place), 13, QUIET)
        name = harmless(one.classes[place].name, _NAME)
        sheet.line(Area(_MARGIN + 46, area.y, grid.left - 54, area.height), name, 14, INK)
    for column, place in enumerate(one.columns):
        area = grid.cell(0, column)
        sheet.line(Area(area.x + 4, grid.y - 26, area.width - 4, 22), one.number(place), 13, QUIET)


def _draw_cell(sheet: Sheet, area: Area, cell: Cell | None, names: tuple[str, str], *, has_words: bool) -> None:
    word = word_of(cell)
    tone = _TONES.get(word, _OTHER_TONE)
    told = word if cell is None or len(cell.shares) == 1 else "; ".join(_told(cell))
    sheet.put(Rect(area, tone.tint, tone.edge, 4, harmless(f"{names[0]} to {names[1]}: {told}", _TOOLTIP)))
    size = 14.0 if has_words else 12.0
    shown = word if has_words else _SIGNS[word]
    inner = Area(area.x + 4, area.y, area.width - 6, area.height)
    sheet.line(inner, shown, size, tone.strong, tone.tint, is_bold=word == "open")


def _draw_meaning(sheet: Sheet, y: float, word: str, meaning: str, page: float, *, has_words: bool) -> float:
    tone = _TONES.get(word, _OTHER_TONE)
    shown = word if has_words else _SIGNS[word]
    box = Area(_MARGIN, y + 2, 124, 24)
    sheet.put(Rect(box, tone.tint, tone.edge, 4))
    sheet.line(Area(box.x + 6, box.y, box.width - 8, box.height), shown, 13, tone.strong, tone.tint)
    words = meaning if has_words else f"{word}: {meaning}" if shown != word else meaning
    return max(sheet.paragraph(_MARGIN + 140, y + 4, page - 2 * _MARGIN - 140, words, 13, QUIET), y + 26) + 4
