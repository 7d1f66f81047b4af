"""Documents out of short texts, for the tests beside it."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.catalog.services import catalog
from firewright.diagnostic import Report
from firewright.model.interval import canonical
from firewright.model.transport import Transport, words
from firewright.readers.port_documents import FORMATS, Document, Given, Page, State, read_page


def page_of(format_: str, text: str | bytes, report: Report | None = None) -> Page | None:
    """The page that a format makes of a text."""
    raw = text.encode() if isinstance(text, str) else text
    return FORMATS.load(format_).read(Given(f"document.{format_}", raw), report or Report())


def document_of(format_: str, text: str | bytes) -> Document:
    """The document that a text is; it has rows."""
    page = page_of(format_, text)
    assert page is not None
    document = read_page(page, catalog(), Report())
    assert document is not None
    assert len(document.entries) == sum(document.count(state) for state in State)
    return document


def spoken(transports: Iterable[Transport]) -> str:
    """Transports in the words of a policy, whatever their source ports."""
    return words(canonical(pair for one in transports for pair in one.services()))


def flows(document: Document) -> list[str]:
    """Each requirement in one line: `require any -> web tcp/443`, with `possibly` behind a bar where it is more."""
    lines = []
    for one in document.requirements:
        more = f" | {spoken(one.possibly)}" if one.is_bounded else ""
        ends = f"{', '.join(one.sources)} -> {', '.join(one.destinations)}"
        lines.append(f"{one.verb.value} {ends} {spoken(one.surely)}{more}".replace("  ", " "))
    return lines


def reasons(document: Document) -> list[tuple[int, str]]:
    """The line and the name of each row that is not wholly understood."""
    return [(one.at.line, one.name) for one in document.entries if one.state is not State.UNDERSTOOD]
