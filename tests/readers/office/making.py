"""Small documents made byte by byte: a workbook, an OpenDocument spreadsheet, a Word document and a PDF of the same table."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[str]]

TABLE: Rows = (
    ("Source", "Destination", "Protocol", "Port", "Description"),
    ("web", "database", "TCP", "5432", "PostgreSQL"),
    ("any", "web", "TCP", "80 & 443", "pages"),
    ("web", "resolver", "UDP", "53", "names"),
    ("operators", "web", "TCP", "22", "shells"),
)
"""The table that every format says in its way."""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OPEN = "urn:oasis:names:tc:opendocument:xmlns:"


def packed(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def letters(column: int) -> str:
    """The name of a column of a sheet, 1-based, up to ZZ."""
    high, low = divmod(column - 1, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)


def cell_of_sheet(row: int, column: int, text: str) -> str:
    """A cell as spreadsheet programs store it: whole numbers as numbers."""
    place = f"{letters(column)}{row}"
    if text.isdecimal():
        return f'<c r="{place}"><v>{text}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def sheet(rows: Rows, behind: str = "") -> str:
    """A worksheet's part; `behind` stands after its rows."""
    said = "".join(
        f'<row r="{number}">{"".join(cell_of_sheet(number, column, text) for column, text in enumerate(row, 1) if text)}</row>'
        for number, row in enumerate(rows, 1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{said}</sheetData>{behind}</worksheet>'


def workbook(sheets: Mapping[str, str], more: Mapping[str, str] | None = None, hidden: str = "") -> bytes:
    """A workbook of worksheets' parts by their names; `more` parts may be `sharedStrings` and `styles`."""
    tabs, relations = [], []
    parts: dict[str, str | bytes] = {}
    for number, (name, content) in enumerate(sheets.items(), 1):
        state = ' state="hidden"' if name == hidden else ""
        tabs.append(f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"{state}/>')
        relations.append(f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" Target="worksheets/s{number}.xml"/>')
        parts[f"xl/worksheets/s{number}.xml"] = content
    for name, content in (more or {}).items():
        relations.append(f'<Relationship Id="{name}" Type="{_OFFICE}/{name}" Target="/xl/{name}.xml"/>')
        parts[f"xl/{name}.xml"] = content
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{"".join(tabs)}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_RELATIONS}">{"".join(relations)}</Relationships>'
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    return packed(parts)


def xlsx(rows: Rows = TABLE) -> bytes:
    """A workbook with one sheet."""
    return workbook({"Ports": sheet(rows)})


def open_cell(text: str) -> str:
    """A cell as OpenDocument stores it."""
    kind = f'office:value-type="float" office:value="{text}"' if text.isdecimal() else 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(text)}</text:p></table:table-cell>"


def ods_of(table: str, manifest: str = "") -> bytes:
    """An OpenDocument spreadsheet around the rows of one sheet."""
    names = " ".join(f'xmlns:{name}="{_OPEN}{name}:1.0"' for name in ("office", "table", "text", "style"))
    content = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="Ports">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    parts: dict[str, str | bytes] = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": content,
    }
    return packed({**parts, "META-INF/manifest.xml": manifest} if manifest else parts)


def ods(rows: Rows = TABLE) -> bytes:
    """An OpenDocument spreadsheet with one sheet, which goes on empty to its end as those do."""
    said = "".join(f"<table:table-row>{''.join(map(open_cell, row))}</table:table-row>" for row in rows)
    end = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
    return ods_of(said + end)


def word_cell(text: str, settings: str = "") -> str:
    """A table's cell of a Word document."""
    return f"<w:tc><w:tcPr>{settings}</w:tcPr><w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p></w:tc>"


def word_table(rows: Rows) -> str:
    """A table of a Word document."""
    said = ("<w:tr>" + "".join(map(word_cell, row)) + "</w:tr>" for row in rows)
    return f"<w:tbl>{''.join(said)}</w:tbl>"


def docx_of(body: str, more: Mapping[str, str] | None = None) -> bytes:
    """A Word document around the elements of its body; `more` are the other parts in `word/`, by their names."""
    document = f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    others = {
        f"word/{name}.xml": f'<w:{name} xmlns:w="{_WORD}">{text}</w:{name}>' for name, text in (more or {}).items()
    }
    return packed({"word/document.xml": document, **others})


def docx(rows: Rows = TABLE) -> bytes:
    """A Word document with one table."""
    return docx_of(word_table(rows))


def pdf(*contents: str, extra: str = "") -> bytes:
    """A PDF of pages of 600 x 800 points with these content streams, in Helvetica (F1) and its bold (F2)."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", *_FONTS]
    kids = []
    for content in contents:
        stream = zlib.compress(content.encode("latin-1"))
        kids.append(f"{len(objects) + 1} 0 R")
        resources = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] {resources} /Contents {len(objects) + 2} 0 R >>"
        )
        head = f"<< /Length {len(stream)} /Filter /FlateDecode >>"
        objects.append(f"{head}\nstream\n{stream.decode('latin-1')}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R {extra}>>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + end.encode("latin-1")


_FONTS = tuple(
    f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
    for name in ("Helvetica", "Helvetica-Bold")
)


def drawn(text: str, left: float, top: float, size: float = 10, font: str = "F1") -> str:
    """A text at a place, in points from the upper left corner."""
    said = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size} Tf {left} {800 - top - size} Td ({said}) Tj ET\n"


def rule(left: float, top: float, right: float, bottom: float) -> str:
    """A thin line between two places."""
    return f"0.5 w {left} {800 - top} m {right} {800 - bottom} l S\n"


def drawn_table(rows: Rows, top: float = 100, rules: bool = True, pitch: float = 20) -> str:
    """A table in columns of 100 points, with rules around its cells or without any."""
    said = "".join(
        drawn(text, 40 + 100 * column, top + 5 + pitch * row)
        for row, cells in enumerate(rows)
        for column, text in enumerate(cells)
    )
    right, bottom = 35 + 100 * max(map(len, rows)), top + pitch * len(rows)
    if rules:
        said += "".join(rule(35, top + pitch * row, right, top + pitch * row) for row in range(len(rows) + 1))
        said += "".join(
            rule(35 + 100 * column, top, 35 + 100 * column, bottom) for column in range(max(map(len, rows)) + 1)
        )
    return said
