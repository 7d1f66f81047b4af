"""SVG: one file without scripts, styles from elsewhere, links or embedded data, equal to the byte for equal scenes."""

from __future__ import annotations

from typing import assert_never
from xml.sax.saxutils import escape

from firewright.drawing.palette import PAPER
from firewright.drawing.renderers.text import plain_text
from firewright.drawing.scene import Area, Disc, Line, Rect, Scene, Shape, Text

FONTS = "Aileron, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
"""Fonts of about the measured width, and whatever the viewer has."""


def svg(scene: Scene) -> str:
    """The picture as SVG. Each text is fitted into its measured width, whatever font the viewer has."""
    width, height = _number(scene.width), _number(scene.height)
    page = Rect(Area(0, 0, scene.width, scene.height), PAPER)
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
            f' role="img" aria-labelledby="title" aria-describedby="desc" font-family="{_quoted(FONTS)}">',
            f'<title id="title">{escape(scene.outline.title)}</title>',
            f'<desc id="desc">{escape(plain_text(scene.outline))}</desc>',
            *map(_shape, (page, *scene.shapes)),
            "</svg>",
            "",
        )
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Rect():
            return _rect(shape)
        case Line(points, colour, thickness):
            places = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
            return (
                f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{_number(thickness)}"'
                ' stroke-linecap="round" stroke-linejoin="round"/>'
            )
        case Disc(x, y, radius, fill):
            return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" fill="{fill}"/>'
        case Text():
            return _text(shape)
        case _:
            assert_never(shape)


def _rect(rect: Rect) -> str:
    area = rect.area
    place = f'x="{_number(area.x)}" y="{_number(area.y)}" width="{_number(area.width)}" height="{_number(area.height)}"'
    round_ = f' rx="{_number(rect.radius)}"' if rect.radius else ""
    edge = f' stroke="{rect.edge}"' if rect.edge else ""
    end = f"><title>{escape(rect.tooltip)}</title></rect>" if rect.tooltip else "/>"
    return f'<rect {place}{round_} fill="{rect.fill}"{edge}{end}'


def _text(text: Text) -> str:
    x, y = _number(text.x), _number(text.y)
    turned = f' transform="rotate(-90 {x} {y})"' if text.is_upright else ""
    bold = ' font-weight="600"' if text.is_bold else ""
    return (
        f'<text x="{x}" y="{y}"{turned} font-size="{_number(text.size)}"{bold} fill="{text.fill}" pointer-events="none"'
        f' textLength="{_number(text.length)}" lengthAdjust="spacingAndGlyphs">{escape(text.words)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def render(scene: Scene) -> bytes:
    """The picture as SVG in UTF-8."""
    return svg(scene).encode()


RENDERER = render
