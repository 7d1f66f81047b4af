"""Lines of a source around a place: cut to a width, harmless, with carets under the very characters, wide ones too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from unicodedata import combining, east_asian_width

from firewright.diagnostic import harmless
from firewright.source import Source, Span

_CUT = "…"


class Lines:
    """The lines of some sources, each text split once however many places are shown from it."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._split: dict[str, list[str]] = {}

    def at(self, place: Span) -> str:
        """The whole line of a place, without its end; empty where no source has it."""
        source = self._sources.get(place.path)
        if source is None or place.line < 1:
            return ""
        if place.path not in self._split:
            self._split[place.path] = source.text.split("\n")
        lines = self._split[place.path]
        return lines[place.line - 1].rstrip("\r") if place.line <= len(lines) else ""


def shown(character: str) -> str:
    """A character as it is put on a terminal: a tab is four spaces, what cannot be seen is its escape."""
    return "    " if character == "\t" else harmless(character)


def visible(text: str) -> str:
    """A text of several lines in which every other character can be seen; nothing is cut."""
    return "\n".join(harmless(line, len(line)) for line in text.split("\n"))


def columns(text: str) -> int:
    """The columns that a text takes on a terminal: wide characters take two, combining ones none (Unicode TR 11)."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def pad(text: str, width: int) -> str:
    """The text with spaces behind it up to that many columns."""
    return text + " " * max(0, width - columns(text))


def cut(text: str, width: int) -> str:
    """The text in at most that many columns; what is left out at its end is an ellipsis."""
    if columns(text) <= width:
        return text
    taken, used = [], 0
    for one in text:
        used += columns(one)
        if used > width - 1:
            break
        taken.append(one)
    return "".join(taken).rstrip() + _CUT


def folded(text: str, first: int, rest: int) -> list[str]:
    """The whole text as rows of at most that many columns, broken at spaces; a longer word has a row of its own.

    `first` are the columns of the first row, which is empty where not even its first word fits.
    """
    rows: list[str] = []
    row, used, room = "", 0, first
    for word in text.split(" "):
        wide = columns(word)
        if used and used + 1 + wide <= room:
            row, used = f"{row} {word}", used + 1 + wide
        elif not used and not row and (wide <= room or rows):
            row, used = word, wide
        else:
            rows.append(row)
            row, used, room = word, wide, rest
    return [*rows, row]


def excerpt(line: str, place: Span, room: int) -> tuple[str, str]:
    """The line in at most about `room` columns around a place, and the carets that stand under the place. O(room).

    A place at or behind the end of the line (something is missing there) has one caret behind the last character.
    """
    room = max(room, 20)
    start = min(max(place.column - 1, 0), len(line))
    end = min(start + max(place.width, 1), len(line))
    while 0 < start < len(line) and combining(line[start]):
        start -= 1  # A mark stands on the character before it, and has no column of its own.
    first, last = _window(line, start, end, room)
    head, marked, tail = (
        "".join(map(shown, line[first:start])),
        "".join(map(shown, line[start : min(end, last)])),
        "".join(map(shown, line[min(end, last) : last])),
    )
    before = _CUT if first else ""
    after = _CUT if last < len(line) else ""
    text = f"{before}{head}{marked}{tail}{after}".rstrip()
    return text, " " * columns(before + head) + "^" * max(columns(marked), 1)


def _window(line: str, start: int, end: int, room: int) -> tuple[int, int]:
    """The characters to show: the place, then what is before and behind it while there is room."""
    first, last, used = start, start, 0
    while last < end and used < room:
        used += columns(shown(line[last]))
        last += 1
    behind = min(room, used + (room - used) // 3) if start else room
    while last < len(line) and used < behind:
        used += columns(shown(line[last]))
        last += 1
    while first and used < room:
        first -= 1
        used += columns(shown(line[first]))
    while last < len(line) and used < room:
        used += columns(shown(line[last]))
        last += 1
    return first, last


def table(rows: Iterable[tuple[str, ...]], gap: str = "  ") -> list[str]:
    """Rows as aligned lines, columns as wide as their widest cell, the last one left as it is."""
    kept = list(rows)
    widths = [max(map(columns, cells)) for cells in zip(*kept, strict=True)] if kept else []
    lines = []
    for row in kept:
        cells = [*(pad(cell, width) for cell, width in zip(row[:-1], widths[:-1], strict=True)), row[-1]]
        lines.append(gap.join(cells).rstrip())
    return lines
