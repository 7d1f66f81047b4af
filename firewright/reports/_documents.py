"""A document of ports as it is understood: as text, as Markdown and as a tree; every row counted, its requirements and its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._findings_text import diagnostic_lines, several
from firewright.reports._lines import Lines, cut, pad, visible
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Findings, Look
from firewright.reports._tree import diagnostic_tree, place_tree
from firewright.source import Span

_STATES = ("understood", "bounded", "refused")


@dataclass(frozen=True, slots=True)
class DocumentFlow:
    """What a row asks for: its verb, the zones of both ends, services in words; `possibly` is empty where it equals `surely`."""

    verb: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    surely: str
    possibly: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A row of a document: `state` is understood, bounded or refused, `name`, `why` and `help` say the reason."""

    said: str
    at: Span
    state: str
    flows: tuple[DocumentFlow, ...] = ()
    name: str = ""
    why: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class DocumentEnd:
    """A zone of a document: its addresses as written, or the question that stands for them."""

    name: str
    said: str
    at: Span
    question: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentRemark:
    """Something else that a document says or that is to be said of it, with its lines; of a time-out `seconds` is not 0."""

    name: str
    text: str
    places: tuple[Span, ...]
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """A document of ports as it is understood; `has_rows` is whether those that are wholly understood are shown too."""

    path: str
    title: str
    rows: tuple[DocumentRow, ...]
    ends: tuple[DocumentEnd, ...]
    timeouts: tuple[DocumentRemark, ...]
    notes: tuple[DocumentRemark, ...]
    findings: Findings
    is_ordered: bool = False
    has_rows: bool = True

    @property
    def shown(self) -> tuple[DocumentRow, ...]:
        """The rows that are to be shown."""
        return tuple(row for row in self.rows if self.has_rows or row.state != "understood")

    @property
    def questions(self) -> tuple[DocumentEnd, ...]:
        """The zones whose addresses the document does not say."""
        return tuple(end for end in self.ends if end.question)


@dataclass(frozen=True, slots=True)
class ProposedPolicy:
    """A policy made of something else, proved to mean it; its text is the result itself."""

    path: str
    text: str


def document_text(reading: DocumentReading, look: Look) -> str:
    """The counts, every row with what it asks for or why it does not, questions, time-outs, notes."""
    paint = Paint(look.is_coloured)
    lines = [f"{paint('title', harmless(reading.path))}: {document_counts(reading)}"]
    width = max((len(str(one.at.line)) for one in reading.shown), default=1)
    path = reading.path
    for row in reading.shown:
        if row.at.path != path:
            path = row.at.path
            lines.append(f"  {paint('place', harmless(path))}")
        lines += _row_lines(row, width, look, paint)
    lines += _questions(reading, paint)
    lines += _remarks(reading, paint)
    sources = Lines(reading.findings.sources)
    blocks = ["\n".join(diagnostic_lines(one, sources, look, paint)) for one in reading.findings.diagnostics]
    return "\n\n".join(("\n".join(lines), *blocks)) + "\n"


def document_counts(reading: DocumentReading) -> str:
    """`13 rows = 11 understood + 0 bounded + 2 refused`."""
    found = [row.state for row in reading.rows]
    return f"{several(len(found), 'row')} = {' + '.join(f'{found.count(state):,} {state}' for state in _STATES)}"


def flow_words(one: DocumentFlow) -> str:
    """`require any -> load-balancer tcp/80`; of a bounded one what it is surely and possibly."""
    ends = f"{one.verb} {', '.join(one.sources)} -> {', '.join(one.destinations)}"
    if not one.possibly:
        return f"{ends} {one.surely}"
    return f"{ends} {f'surely {one.surely}, ' if one.surely else ''}possibly {one.possibly}"


def _row_lines(row: DocumentRow, width: int, look: Look, paint: Paint) -> Iterator[str]:
    text = harmless(row.said)
    yield f"  {row.at.line:>{width}}  {cut(text, look.width - width - 4) if look.is_cut else text}"
    indent = " " * (width + 6)
    for one in row.flows:
        yield f"{indent}{harmless(flow_words(one), 2000)}"
    if row.why:
        yield f"{indent}{paint('asked', harmless(_why(row), 1000))}"


def _why(row: DocumentRow) -> str:
    """The state of a row with its reason and way out."""
    name = f"{row.state}, {row.name}: " if row.state != "understood" else ""
    return f"{name}{row.why}{f'; {row.help}' if row.help else ''}"


def _questions(reading: DocumentReading, paint: Paint) -> Iterator[str]:
    if reading.questions:
        yield paint("title", f"{several(len(reading.questions), 'question')} to whoever installs:")
        wide = max(len(harmless(end.name)) for end in reading.questions)
        for end in reading.questions:
            yield f"  {pad(harmless(end.name), wide)}  {harmless(end.question)} (line {end.at.line})"


def _remarks(reading: DocumentReading, paint: Paint) -> Iterator[str]:
    for one in reading.timeouts:
        yield f"time-out {harmless(one.name)}: {one.seconds:,} s  {paint('place', f'line {_lines(one)}')}  {harmless(one.text)}"
    for one in reading.notes:
        yield f"note, {harmless(one.name)}: {harmless(one.text)}  {paint('place', f'line {_lines(one)}')}"


def _lines(one: DocumentRemark) -> str:
    return ", ".join(str(at.line) for at in one.places)


def document_markdown(reading: DocumentReading, look: Look) -> str:
    """The counts, and tables of rows, questions and notes."""
    lines = [f"## {plain(reading.title)}", "", f"{plain(document_counts(reading))}.", ""]
    rows = (
        (
            str(row.at.line),
            plain(row.said),
            "<br>".join(code(flow_words(one)) for one in row.flows),
            plain(_why(row)) if row.why else plain(row.state),
        )
        for row in reading.shown
    )
    lines += [*table(("line", "row", "asks for", "state"), rows), ""]
    if reading.questions:
        asked = ((code(end.name), plain(end.question), str(end.at.line)) for end in reading.questions)
        lines += [*table(("zone", "question", "line"), asked), ""]
    lines += [
        f"- {code(one.name)}: {one.seconds:,} s (line {_lines(one)}: {plain(one.text)})" for one in reading.timeouts
    ]
    lines += [f"- {plain(one.text)} (line {_lines(one)})" for one in reading.notes]
    return "\n".join(lines).rstrip() + "\n"


def document_tree(reading: DocumentReading) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "document",
        "file": reading.path,
        "title": reading.title,
        "counts": {state: sum(row.state == state for row in reading.rows) for state in _STATES},
        "ordered": reading.is_ordered,
        "rows": [_row_tree(row) for row in reading.shown],
        "zones": [
            {
                "name": end.name,
                "said": end.said,
                "question": end.question,
                "addresses": list(end.addresses),
                "at": place_tree(end.at),
            }
            for end in reading.ends
        ],
        "timeouts": [{"kind": one.name, "seconds": one.seconds, **_remark_tree(one)} for one in reading.timeouts],
        "notes": [{"name": one.name, **_remark_tree(one)} for one in reading.notes],
        "diagnostics": [diagnostic_tree(one) for one in reading.findings.diagnostics],
    }


def _remark_tree(one: DocumentRemark) -> dict[str, Any]:
    return {"text": one.text, "places": [place_tree(at) for at in one.places]}


def _row_tree(row: DocumentRow) -> dict[str, Any]:
    return {
        "at": place_tree(row.at),
        "said": row.said,
        "state": row.state,
        "name": row.name,
        "why": row.why,
        "help": row.help,
        "flows": [
            {
                "verb": one.verb,
                "from": list(one.sources),
                "to": list(one.destinations),
                "surely": one.surely,
                "possibly": one.possibly or one.surely,
            }
            for one in row.flows
        ],
    }


def proposed_text(proposed: ProposedPolicy, look: Look) -> str:
    """The policy's text; nothing in it means anything to a terminal."""
    return f"{visible(proposed.text).rstrip()}\n"


def proposed_tree(proposed: ProposedPolicy) -> dict[str, Any]:
    """The same in a mapping."""
    return {"schema_version": SCHEMA_VERSION, "kind": "policy", "file": proposed.path, "text": proposed.text}
