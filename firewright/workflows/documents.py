"""A document of ports in any format: read, shown, and taken as a subject beside policies and rulesets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePath

from firewright.analysis.subject import Kind, Subject
from firewright.catalog.services import catalog
from firewright.diagnostic import Report, harmless
from firewright.live.confined import read_confined
from firewright.model.interval import Range, Ranges, canonical
from firewright.model.policy import Policy
from firewright.model.transport import EVERY_SELECTOR, Transport, words
from firewright.readers.policy_yaml import load
from firewright.readers.port_documents import (
    FORMATS,
    Document,
    Entry,
    Format,
    Given,
    MissingExtra,
    Page,
    State,
    format_of,
    read_page,
)
from firewright.reports import Findings
from firewright.reports._documents import (
    DocumentEnd,
    DocumentFlow,
    DocumentReading,
    DocumentRemark,
    DocumentRow,
    ProposedPolicy,
)
from firewright.source import Source, UnreadableSource, read_bytes
from firewright.space.encode import Unfilled
from firewright.space.ruleset import Line
from firewright.workflows.document_policy import Written, written
from firewright.workflows.selection import Saying, Wanted, silent
from firewright.workflows.subject import policy_subject
from firewright.workflows.unfilled import say_unfilled

_PLAIN = (".txt", ".text")
"""Endings of documents that rulesets and listings have too: what is in the file tells."""
_NO_DOCUMENT = re.compile(
    r"\A\s*\{|\A#!"
    r"|^[ \t]*(?:table\s+(?:(?:ip6?|inet|arp|bridge|netdev)\s+)?[\w.$-]+\s*\{|chain\s+[\w.$-]+\s*\{|define\s+[\w.]+\s*="
    r"|(?:add|create|insert|flush|delete)\s+(?:table|chain|rule|ruleset|set|map|element)\b|include\s+[\"'])"
    r"|^(?:\*(?:filter|nat|mangle|raw|security)[ \t\r]*$|-A \S+ (?:-|! )|-P [A-Z]+ [A-Z]|:[A-Z]+ (?:ACCEPT|DROP|-))"
    r"|^(?:Netid\s|State\s+Recv|Active Internet|(?:tcp|udp)6?\s+(?:LISTEN|UNCONN|[0-9]+\s+[0-9]+\s+\S+:))",
    re.MULTILINE,
)
"""How lines of rulesets and of listings of sockets begin."""
_TABLE = re.compile(r"^[^\n]*\|[^\n]*\n[ \t]*\|?[ \t]*:?-+:?[ \t]*\|[ \t|:-]*$", re.MULTILINE)
"""The first two lines of a table of Markdown."""
_LOOKED_AT = 256 * 1024
"""Bytes from which the kind of a file is told."""


def is_document(given: Source | str, folder: Path | None = None) -> bool:
    """Whether a file is a document of ports: by its name's ending, where that tells nothing by how the text begins.

    A text without an ending is one if it is HTML or has a table of Markdown. What cannot be opened is none.
    """
    path = given.path if isinstance(given, Source) else given
    suffix = PurePath(path).suffix.lower()
    if suffix and suffix not in _PLAIN:
        return any(suffix in one.suffixes for _, one in FORMATS.all())
    try:
        raw = (
            given.text[:_LOOKED_AT].encode()
            if isinstance(given, Source)
            else read_bytes(_in(folder, given))[:_LOOKED_AT]
        )
    except UnreadableSource:
        return False
    text = raw.decode("utf-8", "replace")
    if _NO_DOCUMENT.search(text):
        return False
    return bool(suffix) or _format(Given(path, raw)) is not None


def _in(folder: Path | None, path: str) -> str | Path:
    return path if folder is None else folder / path


def _format(given: Given) -> Format | None:
    """The format of a file; a text that nothing names is Markdown if it has a table of it."""
    found = format_of(given)
    if (
        found is None
        and not PurePath(given.path).suffix
        and _TABLE.search(given.raw[:_LOOKED_AT].decode("utf-8", "replace"))
    ):
        return FORMATS.load("md")
    return found


def document_in(
    given: Source | str, report: Report, saying: Saying = silent, folder: Path | None = None
) -> Document | None:
    """The document in a file or a piped text, or None after saying in the report why it cannot be read.

    A path is looked up in `folder`, else where the program runs. O(size of the file).
    """
    if isinstance(given, Source):
        taken = Given(given.path, given.text.encode())
    else:
        try:
            taken = Given(given, read_bytes(_in(folder, given)))
        except UnreadableSource as error:
            report.error("unreadable", harmless(str(error)))
            return None
    kind = _format(taken)
    if kind is None:
        known = ", ".join(one.title for _, one in FORMATS.all())
        report.error(
            "unreadable", f"{harmless(taken.path)} is in no format of documents", help=f"these are read: {known}"
        )
        return None
    saying(f"reading {kind.title}")
    page = _page(kind, taken, report)
    if page is None:
        return None
    saying("asking what its rows mean")
    return read_page(page, catalog(), report)


def _page(kind: Format, given: Given, report: Report) -> Page | None:
    if kind.is_confined:
        return read_confined(given, report)
    try:
        return kind.read(given, report)
    except MissingExtra as error:
        report.error("unreadable", str(error), help="pip install 'firewright[documents]'")
        return None


def read_document(
    given: Source | str, report: Report, has_rows: bool, saying: Saying = silent
) -> DocumentReading | None:
    """A document as it is understood, for people; or None after saying in the report why there is none."""
    document = document_in(given, report, saying)
    if document is None:
        return None
    return DocumentReading(
        document.path,
        document.title,
        tuple(_row(entry) for entry in document.entries),
        tuple(
            DocumentEnd(
                zone.name, zone.said, zone.at, zone.question, zone.addresses.prefixes() if zone.addresses else ()
            )
            for zone in document.zones.values()
        ),
        tuple(DocumentRemark(one.kind, one.said, (one.at,), one.seconds) for one in document.timeouts),
        tuple(DocumentRemark(one.name, one.text, one.places) for one in document.notes),
        Findings(tuple(report.sorted()), report.sources),
        document.is_ordered,
        has_rows,
    )


def _row(entry: Entry) -> DocumentRow:
    flows = tuple(
        DocumentFlow(
            one.verb.value,
            one.sources,
            one.destinations,
            _services(one.surely),
            _services(one.possibly) if one.is_bounded else "",
        )
        for one in entry.requirements
    )
    return DocumentRow(entry.said, entry.at, entry.state.value, flows, entry.name, entry.why, entry.help)


def _services(transports: Iterable[Transport]) -> str:
    """Transports in the words of a policy, with their source ports where not every one is meant; empty for none."""
    by_source: dict[Ranges, list[Range]] = {}
    for one in transports:
        by_source.setdefault(one.source_ports, []).extend(one.services())
    said = []
    for source, services in by_source.items():
        ports = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in source)
        said.append(words(canonical(services)) + ("" if source == EVERY_SELECTOR else f" from port {ports}"))
    return "; ".join(said)


def policy_text_of(given: Source | str, report: Report, saying: Saying = silent) -> ProposedPolicy | None:
    """A document as the text of a policy that means exactly its understood rows; None after saying why there is none."""
    document = document_in(given, report, saying)
    if document is None:
        return None
    saying("proving that the policy means the rows")
    text = written(document, report)
    return None if text is None else ProposedPolicy(document.path, text.text)


def document_subject(given: Source | str, wanted: Wanted, report: Report, saying: Saying = silent) -> Subject | None:
    """A document as a subject: what its rows surely mean, with the wanted options' answers to its questions.

    Its deciding lines are rows of the document; rows that are bounded or refused are `lines` that are not understood.
    """
    document = document_in(given, report, saying, wanted.folder)
    text = None if document is None else written(document, report)
    if document is None or text is None:
        return None
    own = Report()
    policy = load(Source(document.path, text.text), own, settings=wanted.options, with_exceptions=False)
    if policy is None:
        for said in own.diagnostics:
            report.add(replace(said, at=said.at._replace(line=0, column=0, width=0)))
        return None
    placed = _placed(policy, text)
    try:
        subject = policy_subject(placed, wanted)
    except Unfilled as error:
        say_unfilled(error, placed, report)
        return None
    lines = tuple(_line(number, entry) for number, entry in enumerate(document.entries, 1))
    return replace(subject, kind=Kind.DOCUMENT, name=document.title, path=document.path, lines=lines)


def _placed(policy: Policy, text: Written) -> Policy:
    """The policy with its rules at the rows that they are of, in the document's own words."""
    rules = tuple(
        replace(rule, at=entry.at, because=harmless(entry.said, 200))
        for rule, entry in zip(policy.rules, text.rows, strict=True)
    )
    return replace(policy, rules=rules)


def _line(number: int, entry: Entry) -> Line:
    unknown = (entry.why,) if entry.state is State.BOUNDED else ()
    refused = entry.why if entry.state is State.REFUSED else ""
    return Line("document", "row", number, harmless(entry.said, 240), at=entry.at, unknown=unknown, refused=refused)
