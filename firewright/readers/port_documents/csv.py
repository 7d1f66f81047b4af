"""Tables as text: CSV with commas, semicolons, tabs or bars, as spreadsheets and edge gateways export them."""

from __future__ import annotations

import csv
import io

from firewright.diagnostic import Report
from firewright.readers.port_documents._decoding import plain, text_of
from firewright.readers.port_documents._format import Format, Given
from firewright.readers.port_documents._page import CELL_LIMIT, COLUMN_LIMIT, ROW_LIMIT, Cell, Grid, Page, Row
from firewright.source import Span

_DELIMITERS = ",;\t|"
_LOOKED_AT = 40
"""Lines that the delimiter is found from."""


def _read(given: Given, report: Report) -> Page | None:
    decoded = text_of(given, report)
    if decoded is None:
        return None
    source, notes = decoded
    text, skipped = source.text, 0
    if text[:4].lower() == "sep=" and text[4:5] and text[5:6] in ("\n", ""):
        delimiter, text, skipped = text[4], text[6:], 1
    else:
        delimiter = _delimiter(text)
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    before = skipped
    try:
        for cells in reader:
            line, before = before + 1, skipped + reader.line_num
            if len(rows) == ROW_LIMIT or len(cells) > COLUMN_LIMIT or any(len(one) > CELL_LIMIT for one in cells):
                message = f"more than {ROW_LIMIT:,} rows, {COLUMN_LIMIT} cells in a row, or {CELL_LIMIT:,} characters in a cell"
                report.error("too-large", message, Span(given.path, line, 1), "split the table into files")
                return None
            if any(cell.strip() for cell in cells):
                rows.append(_row(cells, given.path, line))
    except csv.Error as error:
        at = Span(given.path, min(before + 1, skipped + reader.line_num), 1)
        report.error("unreadable", f"not CSV: {error}", at, "close the quotes, and write a quote in a cell as two")
        return None
    grids = (Grid(tuple(rows), rows[0].at),) if rows else ()
    return Page(given.path, grids, notes)


def _row(cells: list[str], path: str, line: int) -> Row:
    at = Span(path, line, 1)
    return Row(tuple(Cell(plain(cell), at) for cell in cells), at)


def _delimiter(text: str) -> str:
    """The delimiter that most of the first lines have equally often; a comma where nothing tells."""
    lines = [line for line in text[: 64 * 1024].split("\n") if line.strip()][:_LOOKED_AT]
    counts = {mark: [_outside_quotes(line).count(mark) for line in lines] for mark in _DELIMITERS}

    def weight(mark: str) -> tuple[int, int]:
        usual = [count for count in counts[mark] if count]
        most = max(set(usual), key=usual.count) if usual else 0
        return counts[mark].count(most) if most else 0, most

    return max(_DELIMITERS, key=weight) if lines else ","


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


FORMAT = Format("CSV", (".csv", ".tsv", ".tab"), _read)
