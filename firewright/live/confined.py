"""Documents that foreign libraries unpack, read in a child process of limited time, memory and output.

The child is told the document in JSON and answers in JSON, so that whatever happens in it, nothing of it runs here.
"""

from __future__ import annotations

import base64
import json
import signal
import sys
from pathlib import Path
from typing import Any

import firewright
from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.live import _child
from firewright.readers.port_documents import (
    Block,
    Bullets,
    Cell,
    Given,
    Grid,
    Heading,
    Item,
    Page,
    Paragraph,
    Row,
)
from firewright.source import SIZE_LIMIT, Span

SECONDS = 60
"""The time that reading one document may take, on the clock and on a processor."""
MEMORY_LIMIT = 1024 * 1024 * 1024
"""Bytes of address space of the child."""
_MAIN = "from firewright.live._confined_child import main; main()"
_WAY_OUT = "save only the tables of ports, or save them as CSV"


def read_confined(given: Given, report: Report) -> Page | None:
    """The page in a document, read in a process of its own; None after an error in the report, whatever is in the document.

    The child finds the format by itself, has no more than SECONDS and MEMORY_LIMIT, and imports nothing from the current folder.
    """
    at = Span(given.path, 1, 1)
    if len(given.raw) > SIZE_LIMIT:
        report.error("too-large", f"longer than {SIZE_LIMIT // 2**20} MiB, the most that is read", at, _WAY_OUT)
        return None
    told = {"path": given.path, "bytes": base64.b64encode(given.raw).decode("ascii")}
    # -P: what lies in the current folder is often as foreign as the document
    words = [sys.executable, "-P", "-c", _MAIN, str(SECONDS), str(MEMORY_LIMIT)]
    package = {"PYTHONPATH": str(Path(firewright.__file__).parent.parent)}
    try:
        finished = _child.run(words, json.dumps(told), SECONDS * 1.5, environment=package)
    except _child.Unfinished:
        report.error("too-large", f"it takes longer than {SECONDS} s to read", at, _WAY_OUT)
        return None
    except OSError as error:
        report.error("unreadable", f"no process can be started to read it: {error.strerror or 'unknown reason'}", at)
        return None
    if finished.code:
        report.error(*_ending(finished.code), at, _WAY_OUT)
        return None
    return _answer(finished.out, given, report)


def _ending(code: int) -> tuple[str, str]:
    """The name and the words of how a child ended that did not answer."""
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return "too-large", f"it takes longer than {SECONDS} s to read, or more memory than there is"
    if -code == signal.SIGXFSZ:
        return "too-large", "more comes out of it than is read"
    how = f"with signal {-code}" if code < 0 else f"with exit code {code}"
    return "unreadable", f"reading it ended {how}: it is damaged, or needs more than {MEMORY_LIMIT // 2**20} MiB"


def _answer(text: str, given: Given, report: Report) -> Page | None:
    try:
        answer = json.loads(text)
        said = [_diagnostic(one) for one in answer["diagnostics"]]
        page = _page(given.path, answer["page"]) if answer["page"] is not None else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        report.error("unreadable", "reading it gave no answer that can be understood", Span(given.path, 1, 1), _WAY_OUT)
        return None
    for one in said:
        report.add(one)
    if page is None and not said:
        report.error("unreadable", "reading it gave nothing", Span(given.path, 1, 1), _WAY_OUT)
    return page


def told_page(page: Page | None, report: Report) -> str:
    """The answer of the child, as text: the page, and the diagnostics."""
    diagnostics = [(one.name, str(one.severity), one.message, one.at, one.help) for one in report.diagnostics]
    blocks = None if page is None else {"blocks": [_told(one) for one in page.blocks], "notes": page.notes}
    return json.dumps({"page": blocks, "diagnostics": diagnostics})


def _told(block: Block) -> tuple[object, ...]:
    if isinstance(block, Grid):
        return "grid", block.at, block.heads, block.caption, [(row.at, row.cells) for row in block.rows]
    if isinstance(block, Bullets):
        return "bullets", block.at, block.items
    if isinstance(block, Heading):
        return "heading", block.at, block.text, block.level
    return "paragraph", block.at, block.text


def _diagnostic(told: Any) -> Diagnostic:
    name, severity, message, at, help_ = told
    return Diagnostic(str(name), Severity(severity), harmless(str(message)), _span(at), help=harmless(str(help_)))


def _page(path: str, told: Any) -> Page:
    return Page(path, tuple(map(_block, told["blocks"])), tuple(harmless(str(note)) for note in told["notes"]))


def _block(told: Any) -> Block:
    kind, at, *rest = told
    if kind == "grid":
        heads, caption, rows = rest
        return Grid(tuple(map(_row, rows)), _span(at), int(heads), str(caption))
    if kind == "bullets":
        return Bullets(tuple(Item(str(text), _span(place), int(depth)) for text, place, depth in rest[0]), _span(at))
    if kind == "heading":
        return Heading(str(rest[0]), int(rest[1]), _span(at))
    return Paragraph(str(rest[0]), _span(at))


def _row(told: Any) -> Row:
    at, cells = told
    return Row(tuple(Cell(str(text), _span(place), bool(again)) for text, place, again in cells), _span(at))


def _span(told: Any) -> Span:
    path, line, column, width = told
    return Span(str(path), int(line), int(column), int(width))
