"""A picture as values: rectangles, lines, discs and texts at their places, and the same content as text."""

from __future__ import annotations

from dataclasses import dataclass

from firewright.drawing.metrics import ASCENT, DESCENT, width
from firewright.drawing.outline import Outline


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the page, in pixels from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Where it ends on the right."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Where it ends below."""
        return self.y + self.height

    def holds(self, other: Area, slack: float = 0.01) -> bool:
        """Whether another area lies inside."""
        return (
            self.x - slack <= other.x
            and self.y - slack <= other.y
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )

    def meets(self, other: Area, slack: float = 0.01) -> bool:
        """Whether two areas share more than an edge."""
        return (
            self.x + slack < other.right
            and other.x + slack < self.right
            and self.y + slack < other.bottom
            and other.y + slack < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Rect:
    """A filled rectangle; `edge` is the colour of its outline or empty, `tooltip` what a viewer shows on pointing at it."""

    area: Area
    fill: str
    edge: str = ""
    radius: float = 0
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str
    thickness: float = 1


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle."""

    x: float
    y: float
    radius: float
    fill: str


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text on a ground of one colour, inside `room`; its first letter begins at x, its letters stand on y.

    An upright text is turned by a quarter to the left, so that it reads upwards: x is the line its letters stand on,
    y where it begins, below.
    """

    x: float
    y: float
    words: str
    size: float
    fill: str
    ground: str
    room: Area
    is_bold: bool = False
    is_upright: bool = False

    @property
    def length(self) -> float:
        """How long the line is, in pixels."""
        return width(self.words, self.size, self.is_bold)

    @property
    def area(self) -> Area:
        """What its letters may cover."""
        above, below = self.size * ASCENT, self.size * DESCENT
        if self.is_upright:
            return Area(self.x - above, self.y - self.length, above + below, self.length)
        return Area(self.x, self.y - above, self.length, above + below)


Shape = Rect | Line | Disc | Text


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture: its shapes from back to front, its title, and the outline that says the same in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    outline: Outline

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text of the picture."""
        return tuple(shape for shape in self.shapes if isinstance(shape, Text))
