"""Tables on a sheet of paper: those with rules around their cells, and those that only stand in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from firewright.readers.port_documents._pdf_words import Segment, TextLine, Word, in_lines

_TIGHT = 1.3
"""Lines of one cell are no further apart than this, in sizes of their letters."""
_WIDE = 2.2
"""A gap of so many sizes of letters ends a table that has no rules."""
_LEAST = 3
"""Lines that must stand in the same two columns to be a table; in more columns two will do."""


class Place(NamedTuple):
    """A cell's text, the number of its first line on the page, and whether it is a merged cell's that begins elsewhere."""

    text: str
    line: int
    is_repeated: bool = False


@dataclass(slots=True)
class Table:
    """Rows of cells, between two heights; `lefts` are where its columns begin."""

    top: float
    bottom: float
    lefts: tuple[float, ...]
    rows: list[list[Place]] = field(default_factory=list)


Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a cell with rules around it."""


def ruled(boxes: Sequence[Box], words: Sequence[Word], line_of: Callable[[Word], int]) -> tuple[Table, set[Word]]:
    """A table of boxes, with the words in them: each merged box in every place it covers. The words that are in none stay out.

    O(boxes x (rows x columns + words)).
    """
    lefts, tops = sorted({box[0] for box in boxes}), sorted({box[1] for box in boxes})
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    within: dict[Box, list[Word]] = {box: [] for box in boxes}
    taken: set[Word] = set()
    for word in words:
        for box in boxes:
            if box[0] <= word.center <= box[2] and box[1] <= word.middle <= box[3]:
                within[box].append(word)
                taken.add(word)
                break
    texts = {box: in_lines(inside) for box, inside in within.items()}
    firsts = {box: min(map(line_of, inside)) for box, inside in within.items() if inside}
    table = Table(tops[0], bottom, tuple(lefts))
    for row, top in enumerate(tops):
        middle = (top + (tops[row + 1] if row + 1 < len(tops) else bottom)) / 2
        here: list[Place] = []
        for column, left in enumerate(lefts):
            center = (left + (lefts[column + 1] if column + 1 < len(lefts) else right)) / 2
            around = next((one for one in boxes if one[0] <= center <= one[2] and one[1] <= middle <= one[3]), None)
            if around is None:
                here.append(Place("", 0))
            else:
                is_repeated = around[0] != left or around[1] != top
                here.append(Place(texts[around], firsts.get(around, 0), is_repeated))
        known = [place.line for place in here if place.line and not place.is_repeated]
        line = min(known, default=max((place.line for place in here), default=1))
        table.rows.append([place if place.line else place._replace(line=max(line, 1)) for place in here])
    return table, taken


@dataclass(slots=True)
class _Column:
    left: float
    right: float

    def meets(self, one: Segment) -> bool:
        return one.left < self.right + 1 and one.right > self.left - 1


@dataclass(slots=True)
class _Run:
    """Lines that stand in the same columns."""

    columns: list[_Column]
    lines: list[tuple[TextLine, list[Segment]]]

    @classmethod
    def begin(cls, line: TextLine) -> _Run:
        segments = line.segments()
        return cls([_Column(one.left, one.right) for one in segments], [(line, segments)])

    def take(self, line: TextLine) -> bool:
        """Add a line if it stands in these columns, and say whether."""
        last = self.lines[-1][0]
        if line.top - last.bottom > _WIDE * last.size:
            return False
        segments = line.segments()
        met = [[number for number, column in enumerate(self.columns) if column.meets(one)] for one in segments]
        if any(len(numbers) > 1 for numbers in met):
            return False
        numbers = [number for found in met for number in found]
        if len(set(numbers)) < len(numbers) or not numbers:
            return False
        for one, found in zip(segments, met, strict=True):
            if found:
                column = self.columns[found[0]]
                column.left, column.right = min(column.left, one.left), max(column.right, one.right)
            else:
                self.columns.append(_Column(one.left, one.right))
        self.lines.append((line, segments))
        return True

    def is_table(self) -> bool:
        full = sum(len(segments) > 1 for _, segments in self.lines)
        return full >= (2 if len(self.columns) > 2 else _LEAST)

    def trimmed(self) -> list[TextLine]:
        """Take off lines at the end that stand in one column only and not close to a row: the prose behind a table."""
        off: list[TextLine] = []
        while len(self.lines) > 1:
            (above, _), (line, segments) = self.lines[-2:]
            if len(segments) > 1 or line.top - above.bottom <= 0.6 * above.size:
                break
            off.insert(0, self.lines.pop()[0])
        return off


def in_columns(lines: Sequence[TextLine], rules: Iterable[float]) -> list[Table | TextLine]:
    """The lines, with those that stand in columns as tables; `rules` are the heights of horizontal rules. O(lines x columns)."""
    heights = sorted(rules)
    found: list[Table | TextLine] = []
    waiting = list(lines)[::-1]
    while waiting:
        line = waiting.pop()
        if len(line.segments()) < 2:
            found.append(line)
            continue
        run = _Run.begin(line)
        while waiting and run.take(waiting[-1]):
            waiting.pop()
        waiting += run.trimmed()[::-1]
        if run.is_table():
            found.append(_table(run, heights))
        else:
            found.append(line)
            waiting += [one for one, _ in run.lines[:0:-1]]
    return found


def _table(run: _Run, rules: Sequence[float]) -> Table:
    columns = sorted(run.columns, key=lambda one: one.left)
    table = Table(run.lines[0][0].top, run.lines[-1][0].bottom, tuple(one.left for one in columns))
    full = sum(len(segments) == len(columns) for _, segments in run.lines)
    # rules that only part groups of rows say nothing of the rows in them
    is_ruled = sum(table.top < height < table.bottom for height in rules) >= max(full - 1, 1)
    usual = _usual_pitch(run)
    above: TextLine | None = None
    for line, segments in run.lines:
        cells = [Place("", line.number) for _ in columns]
        for one in segments:
            number = next(n for n, column in enumerate(columns) if column.meets(one))
            cells[number] = Place(one.text, line.number)
        if above is not None and _goes_on(above, line, cells, rules if is_ruled else None, usual):
            table.rows[-1] = [
                before._replace(text="\n".join(filter(None, (before.text, cell.text))))
                for before, cell in zip(table.rows[-1], cells, strict=True)
            ]
        else:
            table.rows.append(cells)
        above = line
    return table


def _goes_on(
    above: TextLine, line: TextLine, cells: Sequence[Place], rules: Sequence[float] | None, usual: float
) -> bool:
    """Whether a line belongs to the row of the line above: no rule between them, or without rules what is tight and begins no row."""
    if rules is not None:
        return not any(above.middle_height < height < line.middle_height for height in rules)
    if cells[0].text:
        return False
    filled = sum(bool(cell.text) for cell in cells)
    is_tight = line.top - above.top <= _TIGHT * line.size
    return filled == 1 or (is_tight and usual > _TIGHT * line.size)


def _usual_pitch(run: _Run) -> float:
    """How far apart the lines are that begin in the first column, at the least."""
    first = min(column.left for column in run.columns)
    begins = [line.top for line, segments in run.lines if segments[0].left <= first + 3]
    return min((low - high for high, low in pairwise(begins)), default=0.0)
