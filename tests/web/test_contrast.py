"""The colours of pages: enough contrast in both schemes (WCAG 2.1 AA), reckoned from the sheet itself, and no broken rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firewright.drawing.palette import TONES, contrast

SHEET = (Path(__file__).parents[2] / "firewright/web/static/firewright.css").read_text(encoding="utf-8")
TEXT, SHAPE = 4.5, 3.0
TONE_NAMES = ("permitted", "request", "denied", "closed", "unenforced")
WRITTEN = (
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("paper", "ground", "sunken")),
    *((tone, ground) for tone in TONE_NAMES for ground in (f"{tone}-tint", "paper")),
    *((ink, f"{tone}-tint") for ink in ("ink", "quiet", "link") for tone in TONE_NAMES),
    ("head-ink", "head"), ("head-quiet", "head"), ("accent-ink", "accent"), ("ink", "accent-tint"), ("denied", "ground"),
)  # fmt: skip
SEEN = (
    ("control", "paper"),
    ("control", "ground"),
    ("accent", "paper"),
    ("focus", "paper"),
    ("focus", "ground"),
    ("denied", "paper"),
)


def _colours(is_dark: bool) -> dict[str, str]:
    """The properties of a scheme: the light ones, and over them the dark ones."""
    blocks = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    assert len(blocks) == 2
    found: dict[str, str] = {}
    for block in blocks[: 2 if is_dark else 1]:
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    return found


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read(is_dark: bool) -> None:
    """Each colour that texts have stands out from each ground that they stand on."""
    colours = _colours(is_dark)
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in WRITTEN}
    assert {pair: round(value, 2) for pair, value in weak.items() if value < TEXT} == {}


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_every_field_and_focus_can_be_seen(is_dark: bool) -> None:
    """The outlines of fields and of what has the focus stand out from their grounds (1.4.11)."""
    colours = _colours(is_dark)
    assert [pair for pair in SEEN if contrast(colours[pair[0]], colours[pair[1]]) < SHAPE] == []


def test_light_tones_are_those_of_the_pictures() -> None:
    """What is green on a picture is the same green on a page."""
    colours = _colours(is_dark=False)
    for standing, tone in TONES.items():
        name = standing.name.lower()
        assert (colours[name], colours[f"{name}-tint"], colours[f"{name}-edge"]) == (tone.strong, tone.tint, tone.edge)


def test_every_colour_that_is_used_is_defined() -> None:
    """No rule asks for a property that the sheet does not set."""
    used = set(re.findall(r"var\(--([\w-]+)", SHEET))
    defined = set(re.findall(r"--([\w-]+):", SHEET))
    assert used <= defined


def test_the_sheet_is_whole() -> None:
    """Its braces are balanced, and it loads nothing from elsewhere."""
    assert SHEET.count("{") == SHEET.count("}") and "url(" not in SHEET and "@import" not in SHEET
