"""The few colours of all pictures. Every text has a contrast of at least 4.5 to 1 to its ground (WCAG 2.1, 1.4.3)."""

from __future__ import annotations

from dataclasses import dataclass

from firewright.analysis.status import Standing

PAPER = "#ffffff"
INK = "#1b2430"
QUIET = "#52606d"
HAIRLINE = "#e4e8ed"
OUTLINE = "#cbd3dc"
HEAD = "#24344d"
HEAD_INK = "#ffffff"
HEAD_QUIET = "#d5deea"


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of one standing: what is strong, what it is written on, and its outline."""

    strong: str
    tint: str
    edge: str


TONES: dict[Standing, Tone] = {
    Standing.PERMITTED: Tone("#14603a", "#e5f4ea", "#b4dcc3"),
    Standing.REQUEST: Tone("#7a4a00", "#fdf1da", "#ecd3a1"),
    Standing.DENIED: Tone("#9c1c28", "#fce9ea", "#efc1c5"),
    Standing.CLOSED: Tone("#414d5b", "#eef1f4", "#cfd6de"),
    Standing.UNENFORCED: Tone("#4a4178", "#efedf8", "#d2cdea"),
}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.1, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
