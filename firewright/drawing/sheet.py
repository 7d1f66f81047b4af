"""A page while it is being laid out: shapes are put on it from top to bottom, backgrounds under what is already there."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.analysis.status import Standing
from firewright.drawing.metrics import ASCENT, LINE, cut, width, wrap
from firewright.drawing.palette import INK, PAPER, TONES
from firewright.drawing.scene import Area, Disc, Line, Rect, Shape, Text

PILL_SIZE, PILL_HEIGHT, PILL_PADDING, PILL_GAP = 11.0, 18.0, 7.0, 5.0


class Sheet:
    """Shapes in the order of drawing. Lengths are pixels; every method that writes downwards gives the y where it ended."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []

    def put(self, *shapes: Shape) -> None:
        """Draw over everything so far."""
        self.shapes += shapes

    def under(self, place: int, shape: Shape) -> None:
        """Draw under everything since `place`, a former `len(sheet.shapes)`."""
        self.shapes.insert(place, shape)

    def line(
        self, room: Area, words: str, size: float, fill: str = INK, ground: str = PAPER, is_bold: bool = False,
        is_right: bool = False,
    ) -> None:  # fmt: skip
        """One line in the middle of the room's height, cut where it is too long."""
        shown = cut(words, size, room.width, is_bold)
        if shown.strip():
            x = room.right - width(shown, size, is_bold) if is_right else room.x
            y = room.y + room.height / 2 + size * (ASCENT - 0.22) / 2 + size * 0.07
            self.put(Text(round(x, 2), round(y, 2), shown, size, fill, ground, room, is_bold))

    def paragraph(
        self, x: float, y: float, room: float, words: str, size: float, fill: str = INK, ground: str = PAPER,
        is_bold: bool = False, most: int = 0,
    ) -> float:  # fmt: skip
        """A text in as many lines as it takes, at most `most`; each has its own strip of the page."""
        for shown in wrap(words, size, room, is_bold, most):
            height = round(size * LINE, 2)
            self.line(Area(x, y, room, height), shown, size, fill, ground, is_bold)
            y = round(y + height, 2)
        return y

    def pills(self, x: float, y: float, room: float, words: Iterable[str], fill: str, ground: str, edge: str) -> float:
        """Small words in frames, side by side and then below each other."""
        left, bottom = x, y
        for word in words:
            shown = cut(word, PILL_SIZE, room - 2 * PILL_PADDING)
            wide = round(width(shown, PILL_SIZE) + 2 * PILL_PADDING, 2)
            if left > x and left + wide > x + room:
                left, y = x, y + PILL_HEIGHT + PILL_GAP
            self.put(Rect(Area(left, y, wide, PILL_HEIGHT), ground, edge, PILL_HEIGHT / 2))
            self.line(
                Area(left + PILL_PADDING, y, wide - 2 * PILL_PADDING + 0.01, PILL_HEIGHT),
                shown,
                PILL_SIZE,
                fill,
                ground,
            )
            left, bottom = round(left + wide + PILL_GAP, 2), y + PILL_HEIGHT
        return bottom

    def arrow(self, x: float, y: float, length: float, colour: str) -> None:
        """An arrow to the right, its shaft at y."""
        tip = x + length
        self.put(
            Line(((x, y), (tip, y)), colour, 1.5), Line(((tip - 4, y - 4), (tip, y), (tip - 4, y + 4)), colour, 1.5)
        )

    def sign(self, x: float, y: float, standing: Standing) -> None:
        """The sign of a standing in a disc of 22 pixels: a tick, a question mark, a cross, a bar, a ring."""
        tone = TONES[standing]
        self.put(Disc(x, y, 11, tone.strong))
        match standing:
            case Standing.PERMITTED:
                self.put(Line(((x - 4.5, y + 0.5), (x - 1.5, y + 3.5), (x + 4.5, y - 3.5)), PAPER, 2))
            case Standing.REQUEST:
                self.line(Area(x - 4, y - 9, 10, 18), "?", 15, PAPER, tone.strong, is_bold=True)
            case Standing.DENIED:
                self.put(
                    Line(((x - 3.5, y - 3.5), (x + 3.5, y + 3.5)), PAPER, 2),
                    Line(((x - 3.5, y + 3.5), (x + 3.5, y - 3.5)), PAPER, 2),
                )
            case Standing.CLOSED:
                self.put(Line(((x - 4.5, y), (x + 4.5, y)), PAPER, 2))
            case Standing.UNENFORCED:
                self.put(Disc(x, y, 5, PAPER), Disc(x, y, 3, tone.strong))


def pills_width(words: Iterable[str]) -> float:
    """How wide these words in frames are, side by side."""
    return sum(width(word, PILL_SIZE) + 2 * PILL_PADDING + PILL_GAP for word in words)
