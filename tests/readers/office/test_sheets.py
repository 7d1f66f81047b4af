"""Spreadsheets: merged cells, dates, formulas, hidden sheets, what is struck through and what is raised."""

from __future__ import annotations

from firewright.readers.port_documents import Grid, Heading
from tests.readers.office import making
from tests.readers.office.reading import page_of, repeated, texts

_HEAD = ("From", "To", "Port")


def test_a_merged_cell_is_in_every_place_that_it_covers() -> None:
    """A cell over two rows says its text in both, and in the second that it is repeated."""
    rows = (_HEAD, ("web", "database", "5432"), ("", "cache", "6379"))
    page = page_of(
        "a.xlsx", making.workbook({"S": making.sheet(rows, '<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')})
    )
    assert texts(page)[0][2] == ["web", "cache", "6379"]
    assert repeated(page) == [(2, 0)]


def test_merged_cells_of_opendocument_are_the_same() -> None:
    """Spans of rows and columns cover what is below and beside, whatever the covered cells hide."""
    span = '<table:table-cell table:number-rows-spanned="2" table:number-columns-spanned="2"><text:p>web</text:p></table:table-cell>'
    covered = "<table:covered-table-cell><text:p>hidden</text:p></table:covered-table-cell>"
    rows = [
        "".join(map(making.open_cell, _HEAD)),
        span + covered + making.open_cell("443"),
        covered * 2 + making.open_cell("80"),
    ]
    page = page_of("a.ods", making.ods_of("".join(f"<table:table-row>{row}</table:table-row>" for row in rows)))
    assert texts(page)[0][1:] == [["web", "web", "443"], ["web", "web", "80"]]
    assert repeated(page) == [(1, 1), (2, 0), (2, 1)]


def test_a_merge_to_the_end_of_the_sheet_adds_no_rows() -> None:
    """A merged cell that covers a million rows says nothing behind the last one."""
    rows = (_HEAD, ("web", "database", "5432"))
    behind = '<mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>'
    assert texts(page_of("a.xlsx", making.workbook({"S": making.sheet(rows, behind)}))) == [
        [list(_HEAD), ["web", "database", "5432"]]
    ]


def _styled(formats: str, cells: str) -> bytes:
    """A workbook with two equal rows of cells, and number formats one a line; styles are 0, 14, and these."""
    codes = "".join(
        f'<numFmt numFmtId="{200 + n}" formatCode="{code}"/>' for n, code in enumerate(formats.splitlines())
    )
    uses = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 200, 201))
    styles = f'<styleSheet xmlns="x"><numFmts>{codes}</numFmts><cellXfs>{uses}</cellXfs></styleSheet>'
    sheet = f'<worksheet xmlns="x"><sheetData><row>{cells}</row><row>{cells}</row></sheetData></worksheet>'
    return making.workbook({"S": sheet}, {"styles": styles})


def test_a_range_that_became_a_date_is_no_number() -> None:
    """A cell that is shown as a date is told as one: its serial number, 46366, would be a port."""
    cells = "".join(f'<c s="{style}"><v>46366</v></c>' for style in (0, 1, 2))
    page = page_of("a.xlsx", _styled("[$-409]d\\-mmm;@", cells))
    assert texts(page)[0] == [["46366", "2026-12-10", "2026-12-10"]] * 2


def test_a_format_of_numbers_is_no_date() -> None:
    """Colours, quoted letters and escaped ones in a format do not make a date of a port."""
    cells = '<c s="2"><v>443</v></c><c s="3"><v>8.0E1</v></c>'
    page = page_of("a.xlsx", _styled("[Red]0&quot;days&quot;\n0\\h", cells))
    assert texts(page)[0] == [["443", "80"]] * 2


def test_a_formula_is_told_by_its_stored_value() -> None:
    """A formula is never computed: its stored value counts, and where there is none the formula itself stands there, with a note."""
    row = '<row r="1"><c r="A1"><f>400+43</f><v>443</v></c><c r="B1"><f>WEBSERVICE("http://x")</f></c></row>'
    page = page_of(
        "a.xlsx",
        making.workbook({"S": f'<worksheet xmlns="x"><sheetData>{row}{row.replace("1", "2")}</sheetData></worksheet>'}),
    )
    assert texts(page)[0][0] == ["443", '=WEBSERVICE("http://x")']
    assert any("formulas" in note for note in page.notes)


def test_a_raised_mark_does_not_become_part_of_a_port() -> None:
    """Of `443` with a raised 1 the mark is kept apart; what is struck through says so; how a text is pronounced is left out."""
    raised = '<si><r><t>443</t></r><r><rPr><vertAlign val="superscript"/></rPr><t>1</t></r></si>'
    struck = "<si><r><rPr><strike/></rPr><t>23</t></r></si>"
    read = "<si><t>port</t><rPh><t>potto</t></rPh></si>"
    sheet = '<worksheet xmlns="x"><sheetData>' + "".join(
        f'<row><c t="s"><v>{number}</v></c><c><v>1</v></c></row>' for number in range(3)
    ) + "</sheetData></worksheet>"  # fmt: skip
    page = page_of(
        "a.xlsx", making.workbook({"S": sheet}, {"sharedStrings": f'<sst xmlns="x">{raised}{struck}{read}</sst>'})
    )
    assert [row[0] for row in texts(page)[0]] == ["443[^1]", "~~23~~", "port"]


def test_hidden_sheets_are_read_and_named() -> None:
    """A sheet that a spreadsheet program hides is read like the others, and a note says so."""
    rows = making.sheet(making.TABLE)
    page = page_of("a.xlsx", making.workbook({"Seen": rows, "Old": rows}, hidden="Old"))
    assert [block.text for block in page.blocks if isinstance(block, Heading)] == ["Seen", "Old"]
    assert any("'Old' is hidden" in note for note in page.notes)


def test_lines_above_a_table_are_headings_and_empty_places_go() -> None:
    """A title in a cell of its own is a heading; empty rows and columns before and in the table are no rows of it."""
    rows = (("", "Inbound"), (), *(("", *row) for row in making.TABLE[:2]), (), ("", *making.TABLE[2]))
    page = page_of("a.xlsx", making.workbook({"S": making.sheet(rows)}))
    assert page.blocks[1] == Heading("Inbound", 2, page.blocks[1].at)
    assert texts(page) == [[list(row) for row in making.TABLE[:3]]]
    grid = page.blocks[2]
    assert isinstance(grid, Grid)
    assert [(row.at.path, row.at.line, row.at.column) for row in grid.rows] == [("a.xlsx[S]", n, 2) for n in (3, 4, 6)]


def test_repeated_rows_of_opendocument_are_as_many_rows() -> None:
    """A row that is stored once for three times is three rows."""
    row = "".join(map(making.open_cell, _HEAD))
    page = page_of("a.ods", making.ods_of(f'<table:table-row table:number-rows-repeated="3">{row}</table:table-row>'))
    assert texts(page) == [[list(_HEAD)] * 3]


def test_comments_of_opendocument_are_no_text() -> None:
    """A remark on a cell is not part of its text, and a date is told as it is stored."""
    remark = "<office:annotation><text:p>ask Ada</text:p></office:annotation>"
    cell = f"<table:table-cell>{remark}<text:p>8<text:s/>0</text:p></table:table-cell>"
    day = '<table:table-cell office:value-type="date" office:date-value="2026-12-10"><text:p>10/12</text:p></table:table-cell>'
    row = f"<table:table-row>{cell}{day}</table:table-row>"
    assert texts(page_of("a.ods", making.ods_of(row * 2))) == [[["8 0", "2026-12-10"]] * 2]
