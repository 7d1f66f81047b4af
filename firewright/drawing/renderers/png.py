"""PNG, drawn with the font that comes with Pillow, so that it looks the same on every machine; its description is in the file."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import assert_never

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from firewright.drawing.metrics import plain
from firewright.drawing.palette import PAPER
from firewright.drawing.renderers.text import plain_text
from firewright.drawing.scene import Area, Disc, Line, Rect, Scene, Shape, Text

SCALE = 2
"""Pixels of the file for one of the scene, so that it is sharp on dense screens."""
MOST_PIXELS = 60_000_000
"""Pixels of the largest file that is drawn at this scale; larger scenes are drawn at 1."""
DEEPEST_DESCRIPTION = 1_000_000
"""Characters of the longest description that is put into the file; a decoder may refuse longer ones."""
MISSING = "?"
"""What stands for a character that the font has not; the description in the file has it."""


def render(scene: Scene) -> bytes:
    """The picture as PNG, with its title and its whole outline as text chunks."""
    scale = SCALE if scene.width * scene.height * SCALE * SCALE <= MOST_PIXELS else 1
    image = Image.new("RGB", (round(scene.width * scale), round(scene.height * scale)), PAPER)
    canvas = ImageDraw.Draw(image)
    for shape in scene.shapes:
        _draw(image, canvas, shape, scale)
    chunks = PngInfo()
    chunks.add_itxt("Title", scene.outline.title)
    chunks.add_itxt("Description", plain_text(scene.outline)[:DEEPEST_DESCRIPTION])
    out = BytesIO()
    image.save(out, "PNG", pnginfo=chunks, optimize=True)
    return out.getvalue()


def _draw(image: Image.Image, canvas: ImageDraw.ImageDraw, shape: Shape, scale: int) -> None:
    match shape:
        case Rect(area, fill, edge, radius):
            corners = _corners(area, scale)
            canvas.rounded_rectangle(corners, radius * scale, fill, edge or None, scale if edge else 0)
        case Line(points, colour, thickness):
            places = [(x * scale, y * scale) for x, y in points]
            canvas.line(places, colour, max(1, round(thickness * scale)), joint="curve")
        case Disc(x, y, radius, fill):
            _disc(image, x * scale, y * scale, radius * scale, fill)
        case Text():
            _text(image, canvas, shape, scale)
        case _:
            assert_never(shape)


def _corners(area: Area, scale: int) -> tuple[float, float, float, float]:
    left, top = round(area.x * scale), round(area.y * scale)
    return left, top, max(left, round(area.right * scale) - 1), max(top, round(area.bottom * scale) - 1)


def _disc(image: Image.Image, x: float, y: float, radius: float, fill: str) -> None:
    """A circle with soft edges: drawn four times as large, then shrunk."""
    size = round(radius * 2) + 2
    mask = Image.new("L", (size * 4, size * 4), 0)
    middle, reach = size * 2, radius * 4
    ImageDraw.Draw(mask).ellipse((middle - reach, middle - reach, middle + reach, middle + reach), 255)
    mask = mask.resize((size, size), Image.Resampling.LANCZOS)
    image.paste(fill, (round(x) - size // 2, round(y) - size // 2), mask)


_DASHES = {"–": "-", "—": "-"}
"""The font has a width for these and no shape: it would draw a box."""


def _text(image: Image.Image, canvas: ImageDraw.ImageDraw, text: Text, scale: int) -> None:
    words = "".join(_DASHES.get(character) or plain(character) or MISSING for character in text.words)
    font = _fitting(words, text.size * scale, text.length * scale)
    stroke = 0.018 * text.size * scale if text.is_bold else 0
    if not text.is_upright:
        canvas.text((text.x * scale, text.y * scale), words, text.fill, font, "ls", stroke_width=stroke)
        return
    area = text.area
    ascent = text.y - area.y  # the length: the turned text ends above
    flat = Image.new("L", (max(1, round(ascent * scale)), max(1, round(area.width * scale))), 0)
    baseline = (text.x - area.x) * scale
    ImageDraw.Draw(flat).text((0, baseline), words, 255, font, "ls", stroke_width=stroke)
    turned = flat.transpose(Image.Transpose.ROTATE_90)
    image.paste(text.fill, (round(area.x * scale), round(area.y * scale)), turned)


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow was built without FreeType, so it can draw no text; write SVG instead")
    return font


def _fitting(words: str, size: float, room: float) -> ImageFont.FreeTypeFont:
    """The font in the size, or in the largest that keeps a text in its room: small sizes round each letter to whole pixels."""
    while size > 4 and _font(size).getlength(words) > room + 0.5:
        size -= 0.25
    return _font(size)


RENDERER = render
