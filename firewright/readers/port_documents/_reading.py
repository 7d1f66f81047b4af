"""A page becomes a document: blocks in their order, each under its headings."""

from __future__ import annotations

from pathlib import PurePath

from firewright.catalog.services import Catalog
from firewright.diagnostic import Report
from firewright.readers.port_documents._containing import containing
from firewright.readers.port_documents._context import Context, Outline
from firewright.readers.port_documents._document import Document, DocumentNote, DocumentZone, Entry
from firewright.readers.port_documents._ends import Zones
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._lists import Lists
from firewright.readers.port_documents._page import Grid, Heading, Page, Paragraph
from firewright.readers.port_documents._prose import Prose
from firewright.readers.port_documents._tables import Tables
from firewright.source import Span


def read_page(page: Page, catalog: Catalog, report: Report) -> Document | None:
    """What the tables, lists and sentences of a page say of ports; None, and an error, where nothing is about ports.

    Each row of a table, each item of a list about ports and each sentence with a port is one entry. O(size of the page).
    """
    lexicon, zones, notes = Lexicon(catalog), Zones(page.path), list[DocumentNote]()
    tables, lists, prose = Tables(lexicon, zones, notes), Lists(lexicon, zones, notes), Prose(lexicon)
    outline = Outline(Context(title=PurePath(page.path).stem, at=Span(page.path, 1, 1)))
    entries: list[Entry] = []
    title, above = "", list[Paragraph]()
    for block in page.blocks:
        if isinstance(block, Heading):
            title = title or block.text
            outline.enter(block)
            above = []
        elif isinstance(block, Paragraph):
            entries += prose.entries(block, outline.context)
            above.append(block)
        else:
            context = prose.with_ends(outline.context, above)
            entries += tables.entries(block, context) if isinstance(block, Grid) else lists.entries(block, context)
            above = []
    if not entries:
        report.error(
            "no-rows", "no table, list or sentence about ports", Span(page.path, 1, 1), "is this the right document?"
        )
        return None
    at = (Span(page.path, 1, 1),)
    notes += [DocumentNote("encoding", text, at) for text in page.notes]
    notes += containing(entries, zones)
    return Document(
        page.path,
        title or PurePath(page.path).stem,
        tuple(entries),
        _used(zones, entries),
        tuple(prose.timeouts),
        tuple(notes),
        tables.has_actions,
    )


def _used(zones: Zones, entries: list[Entry]) -> dict[str, DocumentZone]:
    """The zones that requirements speak of, in the order in which the document names them first."""
    used = {name for entry in entries for one in entry.requirements for name in (*one.sources, *one.destinations)}
    return {name: zone for name, zone in zones.known.items() if name in used}
