"""PDF: tables with rules and without, over several pages, wrapped cells, marks of footnotes; no word is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.readers.port_documents import Block, Bullets, Grid, Heading, Paragraph
from tests.readers.office import making
from tests.readers.office.making import drawn, drawn_table, rule
from tests.readers.office.reading import page_of, repeated, texts

pytest.importorskip("pdfplumber")


def _said(block: Block) -> str:
    if isinstance(block, Grid):
        return " ".join(cell.text for row in block.rows for cell in row.cells if not cell.is_repeated)
    if isinstance(block, Bullets):
        return " ".join(item.text for item in block.items)
    return block.text


def test_a_table_goes_on_over_the_end_of_a_page() -> None:
    """Two pages with one table, its head again on the second, give one grid; what is on every page is told once, at the end."""
    first = drawn("Firewall guide, page 1", 40, 20) + drawn_table(making.TABLE[:3], 600)
    second = drawn("Firewall guide, page 2", 40, 20) + drawn_table((making.TABLE[0], *making.TABLE[3:]), 60)
    page = page_of("a.pdf", making.pdf(first, second))
    assert texts(page) == [[list(row) for row in making.TABLE]]
    grid = page.blocks[0]
    assert isinstance(grid, Grid)
    assert [(row.at.path, row.at.line) for row in grid.rows[2:4]] == [("a.pdf[page 1]", 4), ("a.pdf[page 2]", 3)]
    assert [_said(block) for block in page.blocks[1:]] == ["Firewall guide, page 1", "Firewall guide, page 2"]


def test_pages_of_prose_stay_in_their_order() -> None:
    """Lines at the same heights of several pages are not taken for what stands on every page, unless they say the same at an edge."""
    pages = [
        drawn("Handbook", 40, 30) + "".join(drawn(f"{name} line {row}", 40, 60 + 60 * row) for row in range(11))
        for name in "abc"
    ]
    said = [_said(block) for block in page_of("a.pdf", making.pdf(*pages)).blocks]
    assert said == [*(f"{name} line {row}" for name in "abc" for row in range(11)), "Handbook"]


def test_prose_between_two_tables_keeps_them_apart() -> None:
    """A heading between the tables of two pages makes them two tables."""
    second = drawn("Outbound", 40, 30, 18) + drawn_table(making.TABLE, 60)
    page = page_of("a.pdf", making.pdf(drawn_table(making.TABLE, 600), second))
    assert [type(block) for block in page.blocks] == [Grid, Heading, Grid]


def test_a_merged_cell_is_in_every_place_that_it_covers() -> None:
    """A cell without the rule between two rows says its text in both."""
    edges = [rule(35, 100, 235, 100), rule(135, 120, 235, 120), rule(35, 140, 235, 140)]
    edges += [rule(left, 100, left, 140) for left in (35, 135, 235)]
    words = drawn("web", 40, 105) + drawn("80", 140, 105) + drawn("443", 140, 125)
    page = page_of("a.pdf", making.pdf("".join(edges) + words))
    assert texts(page) == [[["web", "80"], ["web", "443"]]]
    assert repeated(page) == [(1, 0)]


def test_a_wrapped_cell_stays_one_cell() -> None:
    """In a table without rules a tight line that begins no row belongs to the row above."""
    content = drawn_table(making.TABLE, 100, rules=False, pitch=30) + drawn("over two lines", 440, 147)
    rows = [list(row) for row in making.TABLE]
    rows[1][4] += "\nover two lines"
    assert texts(page_of("a.pdf", making.pdf(content))) == [rows]


def test_a_shaded_row_is_a_row_like_others() -> None:
    """Rectangles that only colour a head or every second row neither hide nor part rows."""
    shades = "".join(f"0.9 g 35 {800 - top - 20} 500 20 re f 0 g\n" for top in (100, 140))
    content = shades + drawn_table(making.TABLE, 100, rules=False)
    assert texts(page_of("a.pdf", making.pdf(content))) == [[list(row) for row in making.TABLE]]


def test_prose_is_told_by_its_looks() -> None:
    """Larger letters are a heading, bold ones a lower one, a bullet begins an item; lines near each other are one paragraph."""
    content = (
        drawn("Ports", 40, 40, 20) + drawn("Inbound", 40, 80, 10, "F2") + drawn("All of these are", 40, 100)
        + drawn("needed.", 40, 112) + drawn("- tcp 443", 50, 140) + drawn("- tcp 22", 50, 154)
    )  # fmt: skip
    title, inbound, prose, items = page_of("a.pdf", making.pdf(content)).blocks
    assert isinstance(title, Heading)
    assert isinstance(inbound, Heading)
    assert (title.text, title.level, inbound.text, inbound.level) == ("Ports", 1, "Inbound", 2)
    assert isinstance(prose, Paragraph)
    assert prose.text == "All of these are needed."
    assert isinstance(items, Bullets)
    assert [item.text for item in items.items] == ["tcp 443", "tcp 22"]


def test_the_mark_of_a_footnote_is_no_digit_of_a_port() -> None:
    """A small raised figure behind a number stands apart from it."""
    content = drawn("port 443", 40, 100) + drawn("1", 79.5, 97, 6) + drawn("for pages", 90, 100)
    (said,) = page_of("a.pdf", making.pdf(content)).blocks
    assert _said(said) == "port 443[^1] for pages"


_WORD = st.text(st.sampled_from("abcXYZ0189/-&,"), min_size=1, max_size=12)
_PLACED = st.lists(
    st.tuples(_WORD, st.integers(5, 480), st.integers(1, 60)), min_size=1, max_size=14, unique_by=lambda one: one[2]
)


@settings(max_examples=40, deadline=None)
@given(_PLACED, st.booleans())
def test_no_word_is_lost_wherever_it_stands(placed: list[tuple[str, int, int]], has_table: bool) -> None:
    """Words anywhere on a page, over a table or not, are each in some block of it, and no other letters are."""
    content = "".join(drawn(word, left, 12 * row) for word, left, row in placed)
    table = [text for row in making.TABLE for text in row] if has_table else []
    content += drawn_table(making.TABLE, 300) if has_table else ""
    page = page_of("a.pdf", making.pdf(content))
    letters = "".join(map(_said, page.blocks))
    bullets = sum(len(block.items) for block in page.blocks if isinstance(block, Bullets))
    expected = "".join(word for word, _, _ in placed) + "".join(table)
    assert len(_counted(expected)) - len(_counted(letters)) <= bullets
    assert not set(_counted(letters)) - set(_counted(expected))


def _counted(text: str) -> list[tuple[str, int]]:
    """Each letter with its number among the same."""
    kept = [letter for letter in text if letter.isalnum() or letter in "/&,"]
    return [(letter, kept[:place].count(letter)) for place, letter in enumerate(kept)]
