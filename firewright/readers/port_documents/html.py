"""HTML pages: tables with merged cells, lists, headings and prose, as a browser would show them."""

from __future__ import annotations

import re
from bisect import bisect_right

from firewright.diagnostic import Report
from firewright.readers.port_documents._decoding import text_of
from firewright.readers.port_documents._format import Format, Given
from firewright.readers.port_documents._html_blocks import HtmlBlocks
from firewright.readers.port_documents._page import Page
from firewright.readers.port_documents._tags import tokens
from firewright.source import Span

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9_-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_-]{1,40})""")


def _read(given: Given, report: Report) -> Page | None:
    head = given.raw[:4096]
    declared = _CHARSET.search(head) or _XML.search(head)
    decoded = text_of(given, report, declared[1].decode("ascii") if declared else "")
    if decoded is None:
        return None
    source, notes = decoded
    starts = [0, *(found.end() for found in re.finditer("\n", source.text))]

    def place(offset: int) -> Span:
        line = bisect_right(starts, offset)
        return Span(given.path, line, offset - starts[line - 1] + 1)

    blocks = HtmlBlocks(place)
    for token in tokens(source.text):
        blocks.take(token)
    return Page(given.path, blocks.finish(), (*notes, *blocks.notes))


FORMAT = Format("HTML", (".html", ".htm", ".xhtml"), _read, (b"<!doctype html", b"<html", b"<?xml"))
