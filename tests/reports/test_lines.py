"""Excerpts: the place is always shown, the carets stand under it, and nothing is wider than there is room."""

from __future__ import annotations

from unicodedata import combining

from hypothesis import given
from hypothesis import strategies as st

from firewright.reports._lines import Lines, columns, cut, excerpt, folded, pad, shown, table
from firewright.source import Source, Span

TEXTS = st.text(
    st.one_of(st.sampled_from("ab \t漢\u0301\x1b\u202e"), st.characters(exclude_characters="\n")), max_size=300
)


@given(TEXTS, st.integers(1, 310), st.integers(1, 310), st.integers(20, 120))
def test_carets_stand_under_the_place(line: str, column: int, width: int, room: int) -> None:
    """What stands over the carets is the place's own text, in as many columns as there are carets, if it fits at all."""
    text, carets = excerpt(line, Span("p", 1, column, width), room)
    assert set(carets.strip()) == {"^"}
    start = min(column - 1, len(line))
    end = start + width
    while 0 < start < len(line) and combining(line[start]):
        start -= 1
    marked = "".join(map(shown, line[start:end]))
    before = len(carets) - len(carets.lstrip())
    under = _from_column(text + " " * 400, before)
    if marked.strip() and 0 < columns(marked) <= room // 2:
        assert under.startswith(marked.rstrip())
        assert carets.count("^") == max(columns(marked), 1)
    assert text.isprintable()


@given(TEXTS, st.integers(1, 310), st.integers(1, 9), st.integers(20, 120))
def test_an_excerpt_is_no_wider_than_its_room(line: str, column: int, width: int, room: int) -> None:
    """At most one character more than the room on each side, and the two signs that something is left out."""
    text, carets = excerpt(line, Span("p", 1, column, width), room)
    assert columns(text) <= room + 2 * 10 + 2
    assert columns(carets) <= room + 2 * 10 + 2


def _from_column(text: str, column: int) -> str:
    """The text from a column of the terminal on."""
    used = 0
    for place, one in enumerate(text):
        if used >= column and columns(one):
            return text[place:]
        used += columns(one)
    return ""


@given(TEXTS, st.integers(1, 80))
def test_a_cut_fits_and_a_short_text_stays(text: str, width: int) -> None:
    """What fits stays as it is; what does not ends in an ellipsis and fits."""
    found = cut(text, width)
    assert columns(found) <= width
    assert found == text or found.endswith("…")
    assert (found == text) == (columns(text) <= width)


@given(TEXTS, st.integers(0, 80), st.integers(1, 80))
def test_what_is_folded_is_whole(text: str, first: int, rest: int) -> None:
    """Rows together are the text, and a row is wider than its room only where it is one word."""
    rows = folded(text, first, rest)
    assert " ".join(rows if rows[0] else rows[1:] or [""]).split() == text.split()
    for number, row in enumerate(rows):
        assert columns(row) <= (rest if number else first) or " " not in row.strip(" ")


def test_wide_characters_count_twice() -> None:
    """Columns are those of a terminal: two for a wide character, none for a combining one."""
    assert columns("漢字a\u0301") == 5
    assert columns(pad("漢", 4)) == 4
    assert table([("漢", "b", "c"), ("a", "", "d")]) == ["漢  b  c", "a      d"]


def test_lines_are_those_of_the_source() -> None:
    """A place without a source, or behind its end, has an empty line."""
    lines = Lines({"p": Source("p", "one\r\ntwo")})
    assert lines.at(Span("p", 1, 1)) == "one"
    assert lines.at(Span("p", 2, 1)) == "two"
    assert lines.at(Span("p", 3, 1)) == lines.at(Span("q", 1, 1)) == lines.at(Span("p", 0, 0)) == ""


def test_a_long_line_is_cut_around_the_place() -> None:
    """Of a line of ten thousand characters the place is shown with what is around it."""
    line = "a" * 5000 + "HERE" + "b" * 5000
    text, carets = excerpt(line, Span("p", 1, 5001, 4), 60)
    assert "aaaHEREbbb" in text
    assert text.startswith("…") and text.endswith("…")
    assert text[carets.index("^") :].startswith("HERE")
