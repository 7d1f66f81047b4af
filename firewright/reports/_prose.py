"""Prose in columns: a label, and its text wrapped beside it."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from firewright.reports._lines import pad
from firewright.reports._paint import Paint

PROSE_WIDTH = 92
"""Columns in which prose is comfortable to read."""


def labelled(
    label: str, text: str, indent: int, label_width: int, width: int, paint: Paint, style: str = "faint"
) -> Iterator[str]:
    """`label  text`, the text wrapped to the columns that are left, its further lines under its first."""
    start = indent + label_width + 2
    rows = wrap(text, max(30, min(width, PROSE_WIDTH) - start), break_long_words=False, break_on_hyphens=False) or [""]
    yield " " * indent + paint(style, pad(label, label_width)) + "  " + rows[0]
    yield from (" " * start + row for row in rows[1:])


def paragraph(text: str, indent: int, width: int) -> Iterator[str]:
    """A text wrapped to the columns, indented."""
    rows = wrap(text, max(30, min(width, PROSE_WIDTH) - indent), break_long_words=False, break_on_hyphens=False)
    yield from (" " * indent + row for row in rows)
