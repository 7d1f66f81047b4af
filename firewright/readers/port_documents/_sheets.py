"""Cells of a spreadsheet as blocks: one grid a sheet under the sheet's name, its merged cells in each place that they cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from firewright.diagnostic import harmless
from firewright.readers.port_documents._decoding import plain
from firewright.readers.port_documents._page import CELL_LIMIT, COLUMN_LIMIT, ROW_LIMIT, Block, Cell, Grid, Heading, Row
from firewright.readers.port_documents._parcel import Unopened
from firewright.source import Span

SHEET_LIMIT = 256
"""Sheets of one file."""
_FILLED_LIMIT = 1_000_000
"""Places that merged cells cover, of one sheet."""
_WAY_OUT = "save only the tables of ports"


class Merged(NamedTuple):
    """The rows and columns that a merged cell covers, 1-based, both ends within."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Sheet:
    """The cells of one sheet that have a text, by row and column, 1-based."""

    name: str
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[Merged] = field(default_factory=list)

    def put(self, row: int, column: int, text: str) -> None:
        """Keep a cell's text. Raises Unopened beyond the limits."""
        if not (said := plain(text)):
            return
        cells = self.rows.setdefault(row, {})
        cells[column] = said
        if len(self.rows) > ROW_LIMIT or len(cells) > COLUMN_LIMIT or len(said) > CELL_LIMIT:
            message = (
                f"more than {ROW_LIMIT:,} rows, {COLUMN_LIMIT} cells in a row, or {CELL_LIMIT:,} characters in a cell"
            )
            raise Unopened("too-large", f"sheet {self.name[:80]!r} has {message}", _WAY_OUT)


def sheet_blocks(path: str, sheet: Sheet) -> Iterator[Block]:
    """A heading with the sheet's name, one for each line above its table, and the table; nothing of an empty sheet.

    Rows and columns that are empty are left out; every row has as many cells as the widest. Raises Unopened. O(places).
    """
    if not sheet.rows:
        return
    place = f"{path}[{harmless(sheet.name, 80)}]"
    yield Heading(plain(sheet.name) or "sheet", 1, Span(place, 1, 1))
    repeated = _repeated(sheet)
    columns = sorted({column for cells in (*sheet.rows.values(), *repeated.values()) for column in cells})
    if len(columns) > COLUMN_LIMIT:
        raise Unopened("too-large", f"sheet {sheet.name[:80]!r} has more than {COLUMN_LIMIT} columns", _WAY_OUT)
    numbers = sorted(sheet.rows.keys() | repeated.keys())
    rows: list[Row] = []
    for number in numbers:
        own, others = sheet.rows.get(number, {}), repeated.get(number, {})
        if not rows and len(own) == 1 and not set(others.values()) - set(own.values()) and len(columns) > 1:
            ((column, text),) = own.items()
            yield Heading(text, 2, Span(place, number, column))
            continue
        cells = (_cell(place, number, column, own, others) for column in columns)
        rows.append(Row(tuple(cells), Span(place, number, columns[0])))
    if rows:
        yield Grid(tuple(rows), rows[0].at)


def _cell(place: str, row: int, column: int, own: dict[int, str], others: dict[int, str]) -> Cell:
    is_repeated = column not in own and column in others
    return Cell(own.get(column, others.get(column, "")), Span(place, row, column), is_repeated)


def _repeated(sheet: Sheet) -> dict[int, dict[int, str]]:
    """The texts of merged cells in the places that they cover beside their first."""
    found: dict[int, dict[int, str]] = {}
    last_row = max(sheet.rows)
    last_column = max(column for cells in sheet.rows.values() for column in cells)
    filled = 0
    for one in sheet.merged:
        text = sheet.rows.get(one.top, {}).get(one.left)
        if text is None:
            continue
        # a merge that goes on behind the last cell, to the end of the sheet, says nothing there
        for row in range(one.top, min(one.bottom, last_row) + 1):
            for column in range(one.left, min(one.right, max(last_column, one.left)) + 1):
                filled += 1
                if filled > _FILLED_LIMIT:
                    message = f"the merged cells of sheet {sheet.name[:80]!r} cover more than {_FILLED_LIMIT:,} places"
                    raise Unopened("too-large", message, _WAY_OUT)
                if (row, column) != (one.top, one.left):
                    found.setdefault(row, {})[column] = text
    return found
