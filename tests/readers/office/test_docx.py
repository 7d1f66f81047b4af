"""Word documents: merged cells, lists, headings, notes, changes, text boxes, tables within tables."""

from __future__ import annotations

from firewright.readers.port_documents import Bullets, Grid, Heading, Paragraph
from tests.readers.office import making
from tests.readers.office.making import word_cell
from tests.readers.office.reading import page_of, repeated, texts


def _run(text: str, look: str = "") -> str:
    return f"<w:r><w:rPr>{look}</w:rPr><w:t>{text}</w:t></w:r>"


def _paragraph(runs: str, settings: str = "") -> str:
    return f"<w:p><w:pPr>{settings}</w:pPr>{runs}</w:p>"


def test_merged_cells_are_in_every_place_that_they_cover() -> None:
    """A cell over two columns and one over two rows say their text in both places; a missing first cell is empty."""
    rows = (
        word_cell("From") + word_cell("To") + word_cell("Port"),
        word_cell("web", '<w:vMerge w:val="restart"/>') + word_cell("all", '<w:gridSpan w:val="2"/>'),
        word_cell("", "<w:vMerge/>") + word_cell("database") + word_cell("5432"),
        "<w:trPr><w:gridBefore w:val='1'/></w:trPr>" + word_cell("cache") + word_cell("6379"),
    )
    page = page_of("a.docx", making.docx_of(f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"))
    assert texts(page)[0][1:] == [["web", "all", "all"], ["web", "database", "5432"], ["", "cache", "6379"]]
    assert repeated(page) == [(1, 2), (2, 0)]


def test_headings_lists_and_captions_are_told_by_their_styles() -> None:
    """A style based on a heading is one; a numbered paragraph is an item with its depth; a caption belongs to the table behind it."""
    styles = (
        '<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Own"><w:basedOn w:val="H"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="C"><w:name w:val="caption"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Loop"><w:basedOn w:val="Loop"/></w:style>'
    )
    body = (
        _paragraph(_run("Ports"), '<w:pStyle w:val="Own"/>')
        + _paragraph(_run("prose"), '<w:pStyle w:val="Loop"/>')
        + _paragraph(_run("tcp 22"), '<w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr>')
        + _paragraph(_run("Table 1"), '<w:pStyle w:val="C"/>')
        + making.word_table(making.TABLE)
    )
    heading, prose, bullets, grid = page_of("a.docx", making.docx_of(body, {"styles": styles})).blocks
    assert isinstance(heading, Heading)
    assert (heading.text, heading.level) == ("Ports", 2)
    assert isinstance(prose, Paragraph)
    assert isinstance(bullets, Bullets)
    assert [(item.text, item.depth) for item in bullets.items] == [("tcp 22", 1)]
    assert isinstance(grid, Grid)
    assert grid.caption == "Table 1"
    assert [block.at.line for block in (heading, prose, bullets, grid)] == [1, 2, 3, 5]


def test_a_paragraph_says_what_people_see() -> None:
    """Deletions, field codes and hidden text are not there; insertions, links and results of fields are; notes are marked."""
    body = (
        "<w:p>" + _run("443") + _run("1", '<w:vertAlign w:val="superscript"/>') + "<w:del>" + _run("0") + "</w:del>"
        + "<w:ins>" + _run(" and ") + "</w:ins><w:hyperlink>" + _run("80") + "</w:hyperlink>"
        + "<w:r><w:instrText>PAGE</w:instrText></w:r>" + _run("99", "<w:vanish/>") + _run("23", "<w:strike/>")
        + '<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    )  # fmt: skip
    note = '<w:footnote w:id="2"><w:p>' + _run("only inside") + "</w:p></w:footnote>"
    page = page_of("a.docx", making.docx_of(body, {"footnotes": note}))
    said, footnote = page.blocks
    assert isinstance(said, Paragraph)
    assert said.text == "443[^1] and 80~~23~~[^2]"
    assert isinstance(footnote, Paragraph)
    assert footnote.text == "[^2]: only inside"
    assert page.notes == ("hidden text is left out", "it has tracked changes: it is read as if they were accepted")


def test_nothing_within_a_cell_is_lost() -> None:
    """A table in a cell and a text box that hangs on a paragraph are blocks behind it, each once."""
    inner = making.word_table((("a", "1"), ("b", "2")))
    box = "<w:txbxContent>" + _paragraph(_run("boxed")) + "</w:txbxContent>"
    both = f"<AlternateContent><Choice>{box}</Choice><Fallback>{box}</Fallback></AlternateContent>"
    cell = f"<w:tc><w:p>{_run('outer')}<w:r>{both}</w:r></w:p>{inner}</w:tc>"
    page = page_of("a.docx", making.docx_of(f"<w:tbl><w:tr>{cell}{word_cell('x')}</w:tr></w:tbl>"))
    assert texts(page) == [[["outer", "x"]], [["a", "1"], ["b", "2"]]]
    assert [block.text for block in page.blocks if isinstance(block, Paragraph)] == ["boxed"]


def test_the_head_is_what_the_document_repeats_on_every_page() -> None:
    """Rows that are marked as a table's head are counted, a row that was deleted is not there."""
    rows = (
        "<w:trPr><w:tblHeader/></w:trPr>" + word_cell("To") + word_cell("Port"),
        "<w:trPr><w:del/></w:trPr>" + word_cell("old") + word_cell("23"),
        word_cell("web") + word_cell("443"),
    )
    (grid,) = page_of(
        "a.docx", making.docx_of(f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>")
    ).blocks
    assert isinstance(grid, Grid)
    assert grid.heads == 1
    assert [row.cells[0].text for row in grid.rows] == ["To", "web"]
