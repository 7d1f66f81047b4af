"""Laws of every picture: texts keep to their places, are readable, and are harmless whatever people call things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise, product
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from firewright.drawing.metrics import WIDTHS, cut, width, wrap
from firewright.drawing.palette import contrast
from firewright.drawing.pictures import PICTURES, TooLarge
from firewright.drawing.renderers import RENDERERS
from firewright.drawing.renderers.markdown import escaped
from firewright.drawing.scene import Area, Rect, Scene, Text
from firewright.model.policy import Firewall, Policy, Zone
from tests.drawing.build import DAY, perimeter, policy
from tests.policies import policies

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>", "]]><!--", '" onload="x', "&amp;&#x0;", "a\nb\tc\x1b[31m\x00", "\u202eevil\u2066", "W" * 300,
    "日本語のゾーン名", "Büro Süd", "x y " * 60, "](javascript:alert(1))", "| a | b |", "\ud800\ufffe", "👩‍👩‍👧 ünï", "`code` **bold** # h",
    "http://evil.example/a", "َُِ" * 20, "", " ",
)  # fmt: skip
names = st.sampled_from(HOSTILE) | st.text(max_size=40)


@st.composite
def hostile_policies(draw: st.DrawFn) -> Policy:
    """Policies whose every free text is what somebody could have put there."""
    one = draw(policies())
    called = {zone.name: draw(names) for zone in one.named_zones}
    keyed = {
        key: tuple(draw(st.lists(names, min_size=1, max_size=2))) for key in ("about", "owner", "version", "contact")
    }
    labels = {draw(names): (draw(names),) for _ in range(draw(st.integers(0, 3)))}
    rules = tuple(replace(rule, because=draw(names)) for rule in one.rules)
    zones = {zone.name: replace(zone, name=called.get(zone.name, zone.name)) for zone in one.zones.values()}

    def again(given: tuple[Zone, ...]) -> tuple[Zone, ...]:
        return tuple(zones[zone.name] for zone in given)

    rules = tuple(
        replace(
            rule,
            ends=tuple(
                replace(end, sources=again(end.sources), destinations=again(end.destinations)) for end in rule.ends
            ),
        )
        for rule in rules
    )
    walls = {
        name: replace(wall, between=again(wall.between), within=again(wall.within))
        for name, wall in one.firewalls.items()
    }
    return replace(one, name=draw(names), zones=zones, rules=rules, firewalls=walls, metadata=keyed, labels=labels)


def laws(scene: Scene) -> None:
    """What holds for the places and colours of every text."""
    page = Area(0, 0, scene.width, scene.height)
    for text in scene.texts:
        assert text.words.strip() and text.words.isprintable()
        assert text.room.holds(text.area), text
        assert page.holds(text.room), text
        assert contrast(text.fill, text.ground) >= 4.5, text
    for one, other in overlapping(scene.texts):
        raise AssertionError(f"{one} overlaps {other}")
    for shape in scene.shapes:
        assert not isinstance(shape, Rect) or page.holds(shape.area)


def overlapping(texts: tuple[Text, ...]) -> Iterator[tuple[Text, Text]]:
    """Texts of which one covers a part of the other. O(n log n) where few stand on one height."""
    ordered = sorted(((text.area, text) for text in texts), key=lambda pair: pair[0].y)
    for place, (area, one) in enumerate(ordered):
        for below, other in islice(ordered, place + 1, None):
            if below.y >= area.bottom:
                break
            if below.x < area.right and area.meets(below):
                yield one, other


def grounds_hold(scene: Scene) -> None:
    """Under each text lies what it claims as its ground: the last rectangle drawn there has that colour."""
    rects = [(place, shape) for place, shape in enumerate(scene.shapes) if isinstance(shape, Rect)]
    for place, text in enumerate(scene.shapes):
        if isinstance(text, Text):
            under = [rect.fill for spot, rect in rects if spot < place and rect.area.holds(text.area)]
            assert text.words == "?" or (under[-1] if under else "#ffffff") == text.ground, text


def svg_is_harmless(raw: bytes, scene: Scene) -> None:
    """The SVG is well-formed, described, and neither runs nor loads anything."""
    root = ElementTree.fromstring(raw)
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title" and root[0].text == scene.outline.title
    assert root[1].tag == f"{SVG}desc" and root[1].text
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "title", "desc", "rect", "polyline", "circle", "text"}
        for key, value in element.attrib.items():
            assert not key.startswith("on") and "href" not in key and key != "style"
            assert "url(" not in value and "://" not in value


@settings(deadline=None, max_examples=60)
@given(hostile_policies(), st.sampled_from(PICTURES.names()))
def test_texts_keep_to_their_places(one: Policy, picture: str) -> None:
    """Law: no text leaves its room or the page, no two overlap, all are readable; SVG and Markdown are harmless."""
    scene = PICTURES.load(picture)(one, (), DAY)
    laws(scene)
    grounds_hold(scene)
    svg_is_harmless(RENDERERS.load("svg")(scene), scene)
    shown = RENDERERS.load("markdown")(scene).decode()
    assert not re.search(r"(?<!\\)<(?!br>)", shown) and "\x1b" not in shown


@pytest.mark.parametrize(("picture", "format_"), list(product(PICTURES.names(), ("svg", "markdown", "text"))))
def test_equal_policies_have_equal_pictures(picture: str, format_: str) -> None:
    """The same policy gives the same bytes."""
    first, second = (RENDERERS.load(format_)(PICTURES.load(picture)(perimeter(), (), DAY)) for _ in range(2))
    assert first == second


def many(count: int) -> Policy:
    """A policy of so many zones, each open to the next."""
    named = {
        f"zone-{number}-with-a-name": [f"10.{number}.0.0/16", f"2001:db8:{number:x}::/48"] for number in range(count)
    }
    keys = list(named)
    rules = [(one, other, "allow", "https dns") for one, other in pairwise(keys)]
    return policy(named, rules, {"core": (" ".join(["internet", *keys]), "")})


def test_a_hundred_zones_stay_readable() -> None:
    """A matrix of a hundred zones keeps every law, and tells each open cell in its text."""
    scene = PICTURES.load("matrix")(many(100), (), DAY)
    laws(scene)
    cells = [shape for shape in scene.shapes if isinstance(shape, Rect) and shape.tooltip]
    assert len(cells) == 101 * 101
    assert sum(text.words == "3" for text in scene.texts) >= 99
    assert sum("HTTPS 443" in cell.tooltip for cell in cells) == 99


def test_too_much_for_one_picture_is_said() -> None:
    """More zones or pairs than anybody could read are refused, with what to leave out."""
    with pytest.raises(TooLarge, match="129 zones; a matrix shows 128: choose with --between"):
        PICTURES.load("matrix")(many(128), (), DAY)
    with pytest.raises(TooLarge, match="78 pairs of zones"):
        PICTURES.load("status")(many(12), (), DAY)


def test_chosen_zones_only() -> None:
    """Only the zones that are asked for are in a picture."""
    one = many(4)
    chosen = ((one.zones["internet"], one.zones["zone-1-with-a-name"]),)
    status = PICTURES.load("status")(one, chosen, DAY)
    assert [text.words for text in status.texts if " and " in text.words] == ["internet and zone-1-with-a-name"]
    matrix = PICTURES.load("matrix")(one, chosen, DAY)
    assert sum(isinstance(shape, Rect) and bool(shape.tooltip) for shape in matrix.shapes) == 4


def test_widths_are_those_of_the_font() -> None:
    """The table of widths is the font's own."""
    font = ImageFont.load_default(1000)
    assert {character: round(font.getlength(character)) for character in WIDTHS} == WIDTHS


@given(st.text(max_size=200) | st.sampled_from(HOSTILE), st.floats(9, 30), st.floats(40, 400), st.integers(0, 4))
def test_wrapped_lines_fit(words: str, size: float, room: float, most: int) -> None:
    """Law: no line is wider than its room, there are no more than wanted, and without a limit no letter is lost."""
    lines = wrap(words, size, room, most=most)
    assert all(width(line, size) <= room + 0.05 for line in lines)
    assert not most or len(lines) <= most
    assert most or "".join(lines).replace(" ", "") == "".join(words.split())
    assert width(cut(words, size, room), size) <= room + 0.05


@pytest.mark.parametrize(
    "text", ["1. one", "- x", "> y", "# h", "a|b", "<b>", "[x](y)", "*a*", "http://x.example", "a@b.example"]
)
def test_markdown_begins_nothing(text: str) -> None:
    """Each character that would begin a list, quotation, table cell, tag, link or emphasis has a backslash before it."""
    found = escaped(text)
    assert found.replace("\\", "") == text and "\\" in found


@pytest.mark.parametrize(
    "text", ["protocol 50", "80, 8080", "443-444", "internet to tenants: x", "2026-11-21", "tcp/80"]
)
def test_markdown_leaves_plain_text_plain(text: str) -> None:
    """What begins nothing is not escaped."""
    assert escaped(text) == text


def test_the_machine_itself_is_no_gap_in_the_matrix() -> None:
    """From the machine to itself loopback passes, and the matrix says so; so it does of zones with one family only."""
    named = {"six": ["2001:db8::/32"], "four": ["10.0.0.0/8"], "both": ["10.1.0.0/16", "2001:db9::/32"]}
    one = replace(policy(named, [("any", "local", "allow", "ssh")], {}), firewalls={"local": Firewall("local")})
    scene = PICTURES.load("matrix")(one, (), DAY)
    laws(scene)
    shown = [text.words for text in scene.texts]
    assert shown.count("itself") == 1 and shown.count("loopback passes") == 1
    assert {"IPv4 only: four", "IPv6 only: six"} <= set(shown)
    assert "IPv4 only: four" in RENDERERS.load("markdown")(scene).decode()


@pytest.mark.parametrize(
    ("services", "word"), [("tcp udp/1-100", "most"), ("tcp", "65,536 open"), ("any", "everything")]
)
def test_most_means_more_than_half_of_all_ports(services: str, word: str) -> None:
    """The word `most` is for more than half of the ports of TCP and UDP, as the legend says."""
    one = policy({"a": ["10.0.0.0/8"]}, [("internet", "a", "allow", services)], {"f": ("internet a", "")})
    scene = PICTURES.load("matrix")(one, (), DAY)
    assert [text.words for text in scene.texts].count(word) == 1
    assert any("most: more than half of all ports" in text.words for text in scene.texts)
