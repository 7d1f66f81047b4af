"""The pictures of the bundled provider's perimeter, kept beside their test; and PNG, which is looked at by decoding it."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

import firewright
from firewright.diagnostic import Report
from firewright.drawing.metrics import plain
from firewright.drawing.palette import TONES, contrast
from firewright.drawing.pictures import PICTURES
from firewright.drawing.renderers import RENDERERS, png
from firewright.drawing.renderers.text import plain_text
from firewright.drawing.scene import Rect, Scene
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from tests.drawing.build import DAY, perimeter, policy
from tests.drawing.test_scene import laws

EXPECTED = Path(__file__).parent / "expected"
PROFILES = Path(firewright.__file__).parent / "profiles" / "provider-perimeter"


def bundled(name: str = "provider-perimeter") -> Policy:
    """The bundled perimeter, or the policy beside it."""
    report = Report()
    one = load(PROFILES / f"{name}.yaml", report)
    assert one is not None, report.diagnostics
    return one


def chosen(one: Policy, picture: str) -> tuple[tuple[object, ...], ...]:
    """What the provider publishes: the internet and the tenants; in the matrix every zone."""
    zones = one.zones["internet"], one.zones["tenants"]
    return (zones, zones[1:]) if picture == "status" else ()


@pytest.mark.parametrize("picture", PICTURES.names())
@pytest.mark.parametrize(("format_", "ending"), [("svg", "svg"), ("markdown", "md")])
def test_the_published_picture(picture: str, format_: str, ending: str) -> None:
    """The picture of the provider's page is, to the byte, the file that is kept (FIREWRIGHT_UPDATE=1 keeps a new one)."""
    one = bundled()
    scene = PICTURES.load(picture)(one, chosen(one, picture), DAY)  # type: ignore[arg-type]
    laws(scene)
    found, kept = RENDERERS.load(format_)(scene), EXPECTED / f"provider-perimeter-{picture}.{ending}"
    if os.environ.get("FIREWRIGHT_UPDATE"):
        kept.write_bytes(found)
    assert found.decode() == kept.read_text(encoding="utf-8")


def scene_of(picture: str) -> Scene:
    """A picture of the perimeter."""
    return PICTURES.load(picture)(perimeter(), (), DAY)


@pytest.mark.parametrize("picture", PICTURES.names())
def test_png_is_the_scene(picture: str) -> None:
    """A PNG has the scene's size at its scale, carries the whole text, and has a tint wherever the scene has one."""
    scene = scene_of(picture)
    raw = RENDERERS.load("png")(scene)
    with Image.open(BytesIO(raw)) as image:
        image.load()
        assert image.format == "PNG" and image.mode == "RGB"
        assert image.size == (round(scene.width * png.SCALE), round(scene.height * png.SCALE))
        assert image.info["Title"] == scene.outline.title
        assert image.info["Description"] == plain_text(scene.outline)
        tints = {tone.tint for tone in TONES.values()}
        corners = [
            shape
            for shape in scene.shapes
            if isinstance(shape, Rect) and shape.fill in tints and shape.area.height > 40
        ]
        assert corners
        for shape in corners:
            x, y = (shape.area.right - 5) * png.SCALE, (shape.area.bottom - 5) * png.SCALE
            assert image.getpixel((round(x), round(y))) == tuple(bytes.fromhex(shape.fill[1:]))


def test_png_has_ink_in_every_text() -> None:
    """Each text of a scene leaves dark marks in its own area, and none beside the page's edge."""
    scene = scene_of("status")
    with Image.open(BytesIO(RENDERERS.load("png")(scene))) as image:
        for text in scene.texts:
            area = text.area
            box = (area.x, area.y, area.right, area.bottom)
            left, top, right, bottom = (round(side * png.SCALE) for side in box)
            shades = image.crop((left, top, right, bottom)).convert("L").histogram()
            used = [shade for shade, count in enumerate(shades) if count]
            assert used[-1] - used[0] > 60, text
        edge = image.crop((0, 0, image.width, 40 * png.SCALE)).convert("L").getextrema()
        assert edge == (255, 255)


def test_no_character_is_drawn_as_a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every character that the PNG writes has a shape of its own in the font: 80–90 is not 80▯90."""
    written: set[str] = set()
    text = ImageDraw.ImageDraw.text

    def noting(
        canvas: ImageDraw.ImageDraw, place: tuple[float, float], words: str, *more: object, **named: object
    ) -> None:
        written.update(words)
        text(canvas, place, words, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noting)
    one = policy(
        {"a": ["10.0.0.0/8"]}, [("internet", "a", "allow", "tcp/20000-20050 https")], {"f": ("internet a", "")}
    )
    for picture in PICTURES.names():
        RENDERERS.load("png")(PICTURES.load(picture)(one, (), DAY))
    font = ImageFont.load_default(40)
    box = bytes(font.getmask("\u0378"))
    assert written >= set("2000-H")
    assert [character for character in written if bytes(font.getmask(character)) == box] == []


def test_a_large_png_is_drawn_at_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene beyond the limit is drawn without the scale, so that the file stays in bounds."""
    scene = scene_of("matrix")
    monkeypatch.setattr(png, "MOST_PIXELS", 1000)
    with Image.open(BytesIO(png.render(scene))) as image:
        assert image.size == (round(scene.width), round(scene.height))


def test_png_says_what_its_font_cannot() -> None:
    """Letters that the font has not become plain ones or a question mark; the description keeps them."""
    scene = PICTURES.load("matrix")(perimeter(), (), DAY)
    strange = type(scene.outline)("Büro 日本", scene.outline.blocks)
    with Image.open(BytesIO(png.render(Scene(scene.width, scene.height, scene.shapes, strange)))) as image:
        assert image.info["Title"] == "Büro 日本"
    assert [plain(letter) for letter in "é日–"] == ["e", "", "–"]


@pytest.mark.parametrize("standing", list(TONES))
def test_tones_are_readable(standing: str) -> None:
    """What is written in a standing's colour, on its tint or on paper, has the contrast that WCAG asks for."""
    tone = TONES[standing]  # type: ignore[index]
    assert contrast(tone.strong, tone.tint) >= 4.5
    assert contrast(tone.strong, "#ffffff") >= 4.5
