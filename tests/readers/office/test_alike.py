"""The same table reads alike from every format."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest

from firewright.catalog.services import catalog
from firewright.diagnostic import Report
from firewright.readers.port_documents import FORMATS, Document, read_page
from tests.readers.office import making
from tests.readers.office.reading import page_of, texts


def _markdown() -> bytes:
    head, *rows = ["| " + " | ".join(row) + " |" for row in making.TABLE]
    return "\n".join([head, "|---" * 5 + "|", *rows, ""]).encode()


def _html() -> bytes:
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in making.TABLE)
    return f"<!doctype html><table>{rows}</table>".encode()


def _csv() -> bytes:
    return "".join(",".join(row) + "\r\n" for row in making.TABLE).encode()


MADE: dict[str, Callable[[], bytes]] = {
    "ports.md": _markdown,
    "ports.html": _html,
    "ports.csv": _csv,
    "ports.xlsx": making.xlsx,
    "ports.ods": making.ods,
    "ports.docx": making.docx,
    "ports.pdf": lambda: making.pdf(making.drawn_table(making.TABLE)),
    "bare.pdf": lambda: making.pdf(making.drawn_table(making.TABLE, rules=False)),
}
"""The same table in each format; in PDF with rules and without."""


def _document(name: str) -> Document:
    if name.endswith(".pdf"):
        pytest.importorskip("pdfplumber")
    report = Report()
    document = read_page(page_of(name, MADE[name]()), catalog(), report)
    assert document is not None
    return document


@pytest.mark.parametrize("name", MADE)
def test_the_cells_are_those_of_the_table(name: str) -> None:
    """Every format gives one grid with exactly the table's cells."""
    if name.endswith(".pdf"):
        pytest.importorskip("pdfplumber")
    assert texts(page_of(name, MADE[name]())) == [[list(row) for row in making.TABLE]]


@pytest.mark.parametrize("name", MADE)
def test_the_rows_mean_the_same(name: str) -> None:
    """Every format gives the same requirements: four rows, all understood."""
    said = [
        [(one.verb, one.sources, one.destinations, one.surely) for one in entry.requirements]
        for entry in _document(name).entries
    ]
    expected = [
        [(one.verb, one.sources, one.destinations, one.surely) for one in entry.requirements]
        for entry in _document("ports.md").entries
    ]
    assert len(said) == 4
    assert all(said)
    assert said == expected


def test_every_format_is_among_these() -> None:
    """Each format of the registry but plain text, which has no tables, is compared."""
    endings = {name.partition(".")[2] for name in MADE}
    assert endings == {name for name, _ in FORMATS.all()} - {"txt"}


def test_a_document_is_known_by_its_first_bytes() -> None:
    """Without an ending of its name, an archive with a workbook or a Word document in it and a PDF are read as what they are."""
    pytest.importorskip("pdfplumber")
    for made in (making.xlsx(), making.docx(), making.pdf(making.drawn_table(making.TABLE))):
        assert texts(page_of("ports", made)) == [[list(row) for row in making.TABLE]]
