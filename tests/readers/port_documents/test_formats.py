"""Each format gives the same page for the same table, keeps ragged rows ragged, and refuses what is not of it."""

from __future__ import annotations

import pytest

from firewright.diagnostic import Report
from firewright.readers.port_documents import Bullets, Given, Grid, Heading, Page, Paragraph, format_of
from tests.readers.port_documents.documents import document_of, flows, page_of

ROWS = [
    ["Source", "Destination", "Protocol", "Port", "Description"],
    ["any", "web", "TCP", "80 & 443", "pages"],
    ["web", "db", "TCP", "5432", "the | bar"],
    ["admin", "web", "SSH", "22", "by hand"],
]
MARKDOWN = "\n".join(
    ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (ROWS[0], ["---"] * 5, *ROWS[1:])]
)
HTML = "<table>" + "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in ROWS) + "</table>"
CSV = "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS)
SEMICOLONS = "\r\n".join(";".join(row) for row in ROWS)
TABS = "sep=\t\n" + "\n".join("\t".join(row) for row in ROWS)
SAME = ["require any -> web tcp/80, tcp/443", "require web -> db tcp/5432", "require admin -> web tcp/22"]


def grid_of(page: Page | None) -> Grid:
    """The only table of a page."""
    assert page is not None
    (grid,) = (block for block in page.blocks if isinstance(block, Grid))
    return grid


def texts(grid: Grid) -> list[list[str]]:
    """The texts of a table."""
    return [[cell.text for cell in row.cells] for row in grid.rows]


@pytest.mark.parametrize(
    ("format_", "text"), [("md", MARKDOWN), ("html", HTML), ("csv", CSV), ("csv", SEMICOLONS), ("csv", TABS)]
)
def test_the_same_table_reads_alike_in_every_format(format_: str, text: str) -> None:
    """A table has the same cells and means the same flows, whatever it is written in."""
    assert texts(grid_of(page_of(format_, text))) == ROWS
    assert flows(document_of(format_, text)) == SAME


def test_a_ragged_row_of_markdown_stays_ragged() -> None:
    """Cells beyond the head are kept, missing ones are not made up, and each row has its own line."""
    grid = grid_of(page_of("md", "# t\n\n|a|b|\n|---|---|\n|1|\n|1|2|3|\n"))
    assert texts(grid) == [["a", "b"], ["1"], ["1", "2", "3"]]
    assert [row.at.line for row in grid.rows] == [3, 5, 6]


def test_markdown_inside_a_cell_is_read_as_people_see_it() -> None:
    """Links, code, emphasis, breaks, lists and references to footnotes leave the text that a reader sees."""
    line = "| [web](https://example.org) **x** | `80` | a<br>b | <ul><li>c</li><li>d &amp; e</li></ul> | 443<sup>1</sup> | \\* |"
    grid = grid_of(page_of("md", f"|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n{line}\n"))
    assert texts(grid)[1] == ["web x", "80", "a\nb", "c\nd & e", "443[^1]", "*"]


def test_markdown_has_headings_lists_prose_and_html_with_their_lines() -> None:
    """Each block has its line in the file, behind front matter too, and HTML in it is read by its own rules."""
    text = "---\ntitle: x\n---\n# One {#one}\n\ntext\n\n- a\n- b\n  - c\n\n<table><tr><td>x</td></tr></table>\n"
    page = page_of("md", text)
    assert page is not None
    heading, paragraph, bullets, grid = page.blocks
    assert isinstance(heading, Heading) and (heading.text, heading.level, heading.at.line) == ("One", 1, 4)
    assert isinstance(paragraph, Paragraph) and (paragraph.text, paragraph.at.line) == ("text", 6)
    assert isinstance(bullets, Bullets)
    assert [(one.text, one.depth, one.at.line) for one in bullets.items] == [("a", 0, 8), ("b", 0, 9), ("c", 1, 10)]
    assert isinstance(grid, Grid) and grid.at.line == 12


def test_merged_cells_of_html_are_in_every_place_that_they_cover() -> None:
    """A cell over two rows or columns is read in each of them, and marked as repeated where it does not begin."""
    text = "<table><tr><th>a<th>b<th>c<tr><td rowspan=2>1<td colspan=2>2<tr><td>3<td>4</table>"
    grid = grid_of(page_of("html", text))
    assert texts(grid) == [["a", "b", "c"], ["1", "2", "2"], ["1", "3", "4"]]
    assert [[cell.is_repeated for cell in row.cells] for row in grid.rows[1:]] == [
        [False, False, True],
        [True, False, False],
    ]
    assert grid.heads == 1


def test_what_a_browser_does_not_show_is_not_read() -> None:
    """Scripts, styles and comments are no text; entities are what they stand for; a small figure is a footnote, no digit."""
    text = "<style>td{}</style><script>'<table>'</script><!-- <td>80 --><table><tr><td>80<sup>2</sup><td>a&nbsp;&lt;b&#62;</table>"
    assert texts(grid_of(page_of("html", text))) == [["80[^2]", "a <b>"]]


def test_a_table_that_holds_tables_is_layout() -> None:
    """The inner table is a table, the outer one's own text is prose, and nothing of either is lost."""
    page = page_of("html", "<table><tr><td>before<table><tr><td>80</td></tr></table>after</td></tr></table>")
    assert page is not None
    assert [type(block) for block in page.blocks] == [Grid, Paragraph]
    assert texts(grid_of(page)) == [["80"]]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_unicode_encoding_with_its_mark_is_read(codec: str) -> None:
    """A byte-order mark tells the encoding, and is no part of the text."""
    assert texts(grid_of(page_of("csv", CSV.encode(codec)))) == ROWS


def test_what_is_not_utf_8_is_read_as_windows_1252_and_said() -> None:
    """An old spreadsheet's text is read with a note; a page's declared encoding is believed; other bytes are refused."""
    page = page_of("csv", "Ziel;Port\nTür;tcp/22\n".encode("cp1252"))
    assert page is not None and page.notes == ("it is not UTF-8, and is read as Windows-1252",)
    assert texts(grid_of(page))[1] == ["Tür", "tcp/22"]
    declared = '<meta charset="shift_jis"><table><tr><td>港</table>'.encode("shift_jis")
    assert texts(grid_of(page_of("html", declared))) == [["港"]]
    report = Report()
    assert page_of("md", b"|a|\n|-|\n|\x81\x8d|\n", report) is None
    assert [one.name for one in report.diagnostics] == ["unreadable"] and report.diagnostics[0].at.line == 3


def test_bytes_that_are_no_text_are_refused() -> None:
    """A control character, as any program or picture has, is an error with its line."""
    report = Report()
    assert page_of("csv", b"a,b\n1,\x002\n", report) is None
    assert [(one.name, one.at.line) for one in report.diagnostics] == [("control-character", 2)]


def test_line_ends_of_every_system_count_as_lines() -> None:
    """Carriage returns, alone or before a line feed, end a line like a line feed."""
    for end in ("\n", "\r\n", "\r"):
        grid = grid_of(page_of("md", end.join(["# t", "", "|a|b|", "|-|-|", "|1|2|"])))
        assert [row.at.line for row in grid.rows] == [3, 5]


@pytest.mark.parametrize("text", ['"a,b\n1,2\n', 'a,b\n"1"x,2\n'])
def test_a_truncated_csv_is_an_error(text: str) -> None:
    """A quote that is never closed, or closed inside a cell, is an error with its line: rows behind it would be lost."""
    report = Report()
    assert page_of("csv", text, report) is None
    assert [one.name for one in report.diagnostics] == ["unreadable"]


def test_truncated_html_keeps_what_there_is() -> None:
    """What is not closed at the end is closed there; a tag that never ends takes nothing before it away."""
    assert texts(grid_of(page_of("html", "<table><tr><td>1<td>2<tr><td>3"))) == [["1", "2"], ["3"]]
    assert texts(grid_of(page_of("html", "<table><tr><td>1</td></tr></table><a href='x"))) == [["1"]]


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("csv", "a,b\n" * 50_001),
        ("csv", ",".join("a" * 300)),
        ("csv", "a" * 10_001),
        ("md", "x" * (1024 * 1024 + 1)),
        ("md", "|a" * 300 + "|\n" + "|-" * 300 + "|\n"),
        ("txt", "x\n\n" * 20_001),
    ],
)
def test_more_than_is_read_is_an_error(format_: str, text: str) -> None:
    """A document beyond the bounds is refused whole, never read in part."""
    report = Report()
    assert page_of(format_, text, report) is None
    assert [one.name for one in report.diagnostics] == ["too-large"]


def test_html_beyond_its_bounds_says_so() -> None:
    """Cells that claim thousands of rows and columns, and tables in tables, stay within bounds, and what is left out is said."""
    page = page_of("html", "<table>" + "<tr><td rowspan=60000 colspan=60000>x" * 500 + "</table>")
    assert page is not None
    assert all(len(row.cells) <= 256 for row in grid_of(page).rows)
    deep = page_of("html", "<table><tr><td>" * 100)
    assert deep is not None and any("nested deeper" in note for note in deep.notes)


@pytest.mark.parametrize(
    ("path", "raw", "title"),
    [
        ("x.md", b"", "Markdown"),
        ("x.HTM", b"", "HTML"),
        ("x.tsv", b"", "CSV"),
        ("-", b"\xef\xbb\xbf <!DOCTYPE HTML>", "HTML"),
        ("x", b"<html>", "HTML"),
    ],
)
def test_a_format_is_known_by_name_or_first_bytes(path: str, raw: bytes, title: str) -> None:
    """The ending of a file's name decides, whatever its case; without one the first bytes do."""
    found = format_of(Given(path, raw))
    assert found is not None and found.title == title
