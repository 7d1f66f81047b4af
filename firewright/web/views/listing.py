"""Lists on pages: filtered by words, cut into leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

LEAF = 100
"""Rows of one leaf."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Row]):
    """Some rows of a list: which leaf of how many, and how many rows there are before and after filtering."""

    rows: tuple[Row, ...]
    number: int
    leaves: int
    found: int
    total: int

    @property
    def first(self) -> int:
        """The number of the first row shown, from 1; 0 where there is none."""
        return (self.number - 1) * LEAF + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return self.first + len(self.rows) - 1 if self.rows else 0


def leaf_of(rows: Sequence[Row], number: int, total: int | None = None) -> Leaf[Row]:
    """A leaf of rows that were filtered already; a number that there is not is the nearest that there is."""
    leaves = max(1, -(-len(rows) // LEAF))
    kept = min(max(1, number), leaves)
    start = (kept - 1) * LEAF
    return Leaf(tuple(rows[start : start + LEAF]), kept, leaves, len(rows), len(rows) if total is None else total)


def holding(rows: Iterable[Row], words: str, text_of: Callable[[Row], str]) -> tuple[Row, ...]:
    """The rows whose text holds every one of some words, whatever their case."""
    wanted = words.casefold().split()
    return tuple(row for row in rows if _holds(text_of(row), wanted)) if wanted else tuple(rows)


def _holds(text: str, wanted: Sequence[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in wanted)
