"""What every format of a document becomes: headings, grids, lists and paragraphs, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from firewright.source import Span

BLOCK_LIMIT = 20_000
"""Blocks of one page."""
ROW_LIMIT = 50_000
"""Rows, list items and paragraphs of one page together."""
COLUMN_LIMIT = 256
"""Cells of one row."""
CELL_LIMIT = 10_000
"""Characters of one cell, item, heading or paragraph."""


class Cell(NamedTuple):
    """One cell: its text as people see it, lines in it and the items of a list in it apart by `\\n`.

    `at` is where it stands: line and column of a text; in a sheet its row and column, the sheet's name behind the path
    (`ports.xlsx[Sheet 1]`); in pages of a document the path has the page (`ports.pdf[page 3]`). `is_repeated` says that
    the text belongs to a merged cell that begins to the left of it or above it: a merged cell is put into each place it covers.
    """

    text: str
    at: Span
    is_repeated: bool = False


class Row(NamedTuple):
    """A row of a grid: as many cells as the document gives it, so that a ragged row stays ragged."""

    cells: tuple[Cell, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `heads` is how many first rows the document itself marks as its head, 0 where it does not say.

    `caption` is the text that the document ties to the table, empty where there is none.
    """

    rows: tuple[Row, ...]
    at: Span
    heads: int = 0
    caption: str = ""


class Heading(NamedTuple):
    """A heading of a level, 1 for the outermost."""

    text: str
    level: int
    at: Span


class Item(NamedTuple):
    """An item of a list; `depth` is 0 for the outermost list."""

    text: str
    at: Span
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, bulleted or numbered, with the lists in it, in the order of the text."""

    items: tuple[Item, ...]
    at: Span


class Paragraph(NamedTuple):
    """Prose: what the reader of a document sees between its tables and lists."""

    text: str
    at: Span


Block = Heading | Grid | Bullets | Paragraph


@dataclass(frozen=True, slots=True)
class Page:
    """A whole document: its blocks in the order in which people read them.

    `notes` are things about reading that a person should know ("not UTF-8, read as Windows-1252"); they are no rows.
    """

    path: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
