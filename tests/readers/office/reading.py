"""How the tests of office documents read them, and look at what came of it."""

from __future__ import annotations

from firewright.diagnostic import Report
from firewright.readers.port_documents import Given, Grid, Page, format_of


def page_of(name: str, raw: bytes) -> Page:
    """The page in a document that is read without an error."""
    report = Report()
    given = Given(name, raw)
    found = format_of(given)
    assert found is not None, name
    page = found.read(given, report)
    assert page is not None, report.diagnostics
    assert not report.has_errors()
    return page


def refusal_of(name: str, raw: bytes) -> str:
    """The name of the one error that a document gets which is not read."""
    report = Report()
    given = Given(name, raw)
    found = format_of(given)
    assert found is not None, name
    assert found.read(given, report) is None
    (error,) = report.diagnostics
    assert error.at.path == name
    return error.name


def texts(page: Page) -> list[list[list[str]]]:
    """The texts of each grid's cells, by rows."""
    return [
        [[cell.text for cell in row.cells] for row in block.rows] for block in page.blocks if isinstance(block, Grid)
    ]


def repeated(page: Page) -> list[tuple[int, int]]:
    """The places, row and column from 0, of the cells of the first grid that a merged cell goes on into."""
    grid = next(block for block in page.blocks if isinstance(block, Grid))
    return [(r, c) for r, row in enumerate(grid.rows) for c, cell in enumerate(row.cells) if cell.is_repeated]
