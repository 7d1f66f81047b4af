"""Words on a sheet of paper as lines of text: what stands beside what, with footnote marks told apart from numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_SMALL = 0.87
"""A mark of a footnote is this much smaller than the word before it, or more."""
_APART, _SPACE = 0.75, 0.15
"""Parts of the letters' size: gaps that part columns, and gaps that part words."""
_MARK = re.compile(r"(?:[0-9]{1,2}(?:,[0-9]{1,2})*|[a-z]|[*†‡§¶]{1,3})")


class Word(NamedTuple):
    """A word and where it stands, in points from the upper left corner of its page."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    is_bold: bool = False

    @property
    def middle(self) -> float:
        """Half of its height."""
        return (self.top + self.bottom) / 2

    @property
    def center(self) -> float:
        """Half of its width."""
        return (self.left + self.right) / 2


class Segment(NamedTuple):
    """Words of one line without a wide gap between them."""

    text: str
    left: float
    right: float


@dataclass(slots=True)
class TextLine:
    """Words at one height. `number` counts the lines of a page from the top, 1-based."""

    words: list[Word]
    number: int = 0

    @property
    def top(self) -> float:
        """The upper edge."""
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return max(word.bottom for word in self.words)

    @property
    def middle_height(self) -> float:
        """Half of its height."""
        return (self.top + self.bottom) / 2

    @property
    def left(self) -> float:
        """The left edge."""
        return min(word.left for word in self.words)

    @property
    def size(self) -> float:
        """The size of its largest letters."""
        return max(word.size for word in self.words)

    @property
    def is_bold(self) -> bool:
        """Whether all of it is."""
        return all(word.is_bold for word in self.words)

    @property
    def text(self) -> str:
        """Its words, left to right."""
        return joined(self.words)

    def segments(self) -> list[Segment]:
        """Its words, parted where there are wide gaps. O(words)."""
        groups: list[list[Word]] = []
        for word in sorted(self.words, key=lambda one: one.left):
            if groups and word.left - max(one.right for one in groups[-1]) <= _APART * max(word.size, 5.0):
                groups[-1].append(word)
            else:
                groups.append([word])
        return [Segment(joined(group), group[0].left, max(word.right for word in group)) for group in groups]


@dataclass(slots=True)
class _Band:
    top: float
    bottom: float
    words: list[Word] = field(default_factory=list)

    @property
    def reach(self) -> float:
        """Where the middle of a raised mark may be."""
        return self.top - 0.25 * (self.bottom - self.top)


def lines_of(words: Iterable[Word]) -> list[TextLine]:
    """The words as lines, top to bottom: the tallest begin lines, so that raised marks join theirs. O(words x lines)."""
    bands: list[_Band] = []
    for word in sorted(words, key=lambda one: (one.top - one.bottom, one.top, one.left)):
        near = next((band for band in bands if band.reach <= word.middle <= band.bottom), None)
        if near is None:
            near = _Band(word.top, word.bottom)
            bands.append(near)
        near.words.append(word)
    bands.sort(key=lambda band: band.top)
    return [TextLine(sorted(band.words, key=lambda one: one.left), number) for number, band in enumerate(bands, 1)]


def joined(words: Sequence[Word]) -> str:
    """The words of one line with a space at each gap; a small one that touches the word before is a mark: `443[^1]`."""
    parts: list[str] = []
    before: Word | None = None
    right = 0.0
    for word in sorted(words, key=lambda one: one.left):
        gap = word.left - right
        if (
            before is not None
            and word.size < _SMALL * before.size
            and gap < 0.3 * before.size
            and _MARK.fullmatch(word.text)
        ):
            parts.append(f"[^{word.text}]")
        else:
            is_apart = before is not None and (gap > _SPACE * before.size or gap < -before.size)
            parts.append(f" {word.text}" if is_apart else word.text)
            before = word
        right = word.right
    return "".join(parts)


def in_lines(words: Sequence[Word]) -> str:
    """The text of a cell, a line for each of its lines."""
    return "\n".join(line.text for line in lines_of(words))
