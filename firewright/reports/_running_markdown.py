"""Machines as they run, as Markdown: headings and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firewright.diagnostic import Diagnostic
from firewright.reports._anomalies import few
from firewright.reports._findings_text import count_words
from firewright.reports._markup import code, plain, table
from firewright.reports._result import Audit, Exposure, Look, Passage, Reading
from firewright.reports._running_text import counts, families_words, sources_words
from firewright.reports._triage import triage_markdown


def audit_markdown(audit: Audit, look: Look) -> str:
    """What is reachable as a table, then the findings."""
    lines = [f"## {plain(audit.subject)}", "", f"{plain(audit.firewall)}.", ""]
    if audit.exposures:
        rows = (
            (plain(sources_words(one)), families_words(one.families), code(one.service), plain(one.name),
             plain(", ".join(one.programs)), plain(one.address), counts_cell(one), "<br>".join(map(code, one.by)))
            for one in audit.exposures
        )  # fmt: skip
        lines += [
            *table(("who", "families", "service", "commonly", "program", "address", "public addresses", "by"), rows),
            "",
        ]
    for passage in audit.passages:
        lines += _passage(passage)
    state = "failed" if audit.findings.fails or not audit.is_whole else "passed"
    lines += [f"**{state}**: {count_words(audit.findings)}.", ""]
    shown, left = few(audit.findings.diagnostics, look)
    rest = [line for words in left for line in ("", f"{words.capitalize()}.")]
    return "\n".join([*lines, *_findings(shown), *rest, *triage_markdown(audit)]).rstrip() + "\n"


def counts_cell(one: Exposure) -> str:
    """How many public addresses reach something, in each family."""
    return "<br>".join(
        f"IPv{family}: {count:.3g}" if count >= 2**48 else f"IPv{family}: {count:,}" for family, count in one.counts
    )


def _passage(passage: Passage) -> Iterator[str]:
    yield f"### {plain(passage.title.capitalize())}"
    yield ""
    if passage.undecided:
        yield f"Not decided: {plain(passage.undecided)}"
    elif not passage.lines and not passage.possible:
        yield "Nothing new."
    yield from (f"- {code(line)}" for line in passage.lines)
    yield from (f"- possibly {code(line)}" for line in passage.possible)
    yield ""


def _findings(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    rows = [(f"**{one.severity}**", code(one.name), plain(one.message), plain(one.help)) for one in diagnostics]
    if rows:
        yield from table(("severity", "finding", "what", "help"), rows)


def reading_markdown(reading: Reading, look: object) -> str:
    """The counts, what passes each hook, then the rules as a table."""
    lines = [f"## {plain(reading.path)}", "", f"{plain(counts(reading))}.", ""]
    for passage in reading.passages:
        lines += _passage(passage)
    shown = [one for one in reading.rules if reading.has_rules or one.state != "understood"]
    if shown:
        rows = (
            (plain(f"{one.table} {one.chain}"), str(one.number), code(one.text), one.state, plain(one.why))
            for one in shown
        )
        lines += [*table(("chain", "number", "rule", "state", "why"), rows), ""]
    lines += [f"- changes addresses: {code(line)}" for line in reading.translations]
    return "\n".join([*lines, "", *_findings(reading.findings.diagnostics)]).rstrip() + "\n"
