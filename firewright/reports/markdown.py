"""Markdown for comments, tickets and pages: every result as headings and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from firewright.model.moment import iso
from firewright.model.service_table import ServiceMatrix
from firewright.reports._anomalies import Anomalies, anomalies_markdown
from firewright.reports._answers_text import DOES, overall_words, reason, where, why_words, written
from firewright.reports._audited import WouldCut, would_cut_markdown
from firewright.reports._comparison_text import KINDS, summary_words
from firewright.reports._contrast import Contrasted, contrast_markdown
from firewright.reports._documents import DocumentReading, document_markdown
from firewright.reports._drift import Drift, drift_markdown
from firewright.reports._explanation_text import VISIBLE
from firewright.reports._findings_text import count_words, place, several
from firewright.reports._generations import (
    Generations,
    GenerationsCompared,
    compared_markdown,
    generations_markdown,
)
from firewright.reports._listening import ListingReading, listing_markdown
from firewright.reports._markup import code, plain, table
from firewright.reports._probe import Probed, probe_markdown
from firewright.reports._rehearsal import rehearsal_markdown
from firewright.reports._result import (
    Answers,
    Audit,
    Comparison,
    Explanation,
    Findings,
    Look,
    Reach,
    Reading,
    Rehearsal,
    Renderers,
    TestRun,
)
from firewright.reports._rollout import Rollout, rollout_markdown
from firewright.reports._route import RouteAnswers, route_markdown
from firewright.reports._running_markdown import audit_markdown, reading_markdown
from firewright.reports._service_matrix import matrix_markdown
from firewright.reports._status import Status, status_markdown
from firewright.reports._tests_text import failure_words
from firewright.reports._tidy import Tidied, tidied_markdown

if TYPE_CHECKING:
    from firewright.analysis.ask import Part, Ruling
    from firewright.catalog.row import ServiceRow
    from firewright.catalog.search import Finding


def findings_markdown(findings: Findings, look: Look) -> str:
    """The findings as a table under what was looked at."""
    state = "not checked" if not findings.is_readable else "failed" if findings.fails else "passed"
    lines = [f"## Policy check: {state}", "", f"{count_words(findings).capitalize()}."]
    if findings.subjects:
        lines += ["", *table(("policy", "rules", "firewalls", "day"), (
            (code(one.path), str(one.rules), str(one.firewalls), iso(one.day)) for one in findings.subjects
        ))]  # fmt: skip
    if findings.diagnostics:
        rows = (
            (
                f"**{one.severity}**" if one.severity != "note" else one.severity.value,
                code(one.name),
                code(place(one.at)) if one.at.path else "",
                plain(one.message) + (f"<br>example: {code(one.witness)}" if one.witness else ""),
                plain(one.help),
            )
            for one in findings.diagnostics
        )
        lines += ["", *table(("severity", "finding", "place", "what", "help"), rows)]
    return "\n".join(lines) + "\n"


def answers_markdown(answers: Answers, look: Look) -> str:
    """A heading for each question, a table for each part."""
    lines: list[str] = []
    for answer in answers.answers:
        lines += [f"## {plain(str(answer.question))}", "", f"{code(answer.policy.path)}, {iso(answer.day)}", ""]
        for part in answer.parts:
            lines += _part(part)
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part) -> Iterator[str]:
    yield f"**{plain(overall_words(part))}**: " + "; ".join(code(str(line)) for line in part.lines)
    yield ""
    if part.passing:
        yield from table(("firewall", "does", "place", "rule", "because"), map(_ruling, part.passing))
        yield ""
    yield f"Example: {code(str(part.witness))}"
    yield ""


def _ruling(ruling: Ruling) -> tuple[str, ...]:
    name = plain(ruling.decision.firewall.name)
    rule = code(written(ruling)) if ruling.decision.rule else plain(why_words(ruling))
    because = plain(reason(ruling)) if ruling.decision.rule else ""
    return name, DOES[ruling.decision.outcome], code(where(ruling)), rule, because


def explanation_markdown(explanation: Explanation, look: Look) -> str:
    """A heading for each thing that was asked, a table of its facts, then what policies do."""
    lines: list[str] = []
    for finding in explanation.findings:
        lines += _finding(finding)
    if explanation.flow is not None:
        lines += [answers_markdown(explanation.flow, look)]
    for reach in explanation.reaches:
        lines += _reach(reach)
    return "\n".join(lines).rstrip() + "\n"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"## {plain(finding.transports or finding.query)}"
    yield ""
    if finding.problem:
        yield f"{plain(finding.problem)}; {plain(finding.help)}"
        yield ""
    for row in finding.commonly:
        yield from _row(row)
    if finding.registered:
        registered = (
            (plain(one.name or "reserved"), code(one.words()), plain(one.title)) for one in finding.registered
        )
        yield from table(("registered (IANA)", "transports", "as"), registered)
        yield ""
    for protocol in finding.protocols:
        yield f"- protocol {protocol.low}, {plain(protocol.name)}: {plain(protocol.title)}"
    for kind in finding.icmp:
        number = "" if kind.code is None else f", code {kind.code}"
        yield f"- ICMP of IPv{kind.family}, type {kind.type}{number}: {plain(kind.title)}"
    if finding.protocols or finding.icmp:
        yield ""


def _row(row: ServiceRow) -> Iterator[str]:
    yield f"### Commonly {plain(row.title)}"
    yield ""
    yield plain(row.what)
    yield ""
    facts = (
        ("name", f"{code(row.name)}: {code(row.words())}"),
        ("encrypted", row.encrypted.value),
        ("authenticated", row.authenticated.value),
        ("when open", plain(row.when_open)),
        ("it happened", plain(row.incident)),
        ("visible", plain(VISIBLE[row.visibility])),
        ("advice", plain(row.advice)),
        ("instead", plain(row.instead)),
        ("together with", ", ".join(map(code, row.together))),
        ("source", f"{plain(row.source)}, {row.date}"),
    )
    yield from table(("", ""), (fact for fact in facts if fact[1]))
    yield ""


def _reach(reach: Reach) -> Iterator[str]:
    yield f"### In {plain(reach.policy or reach.path)}"
    yield ""
    if reach.unasked:
        yield f"Not asked: {plain(reach.unasked)}."
    elif reach.uses:
        rows = (
            (
                plain(use.outcome),
                "<br>".join(code(flow) for flow in use.flows),
                code(place(use.at)),
                plain(use.said),
            )
            for use in reach.uses
        )
        yield from table(("outcome", "flows", "place", "because"), rows)
    else:
        yield "No firewall of it decides about this."
    yield ""


def comparison_markdown(comparison: Comparison, look: Look) -> str:
    """A heading for each kind of difference, a table row for each."""
    found = comparison.found
    lines = [f"## {plain(found.before.path)} → {plain(found.after.path)}", "", f"{plain(summary_words(found))}.", ""]
    head = ("flows", "before", "after", "example")
    for kind, says, _ in KINDS:
        changes = getattr(found, kind)
        if changes:
            rows = (
                (
                    "<br>".join(code(str(line)) for line in change.lines),
                    _deciders(change.before),
                    _deciders(change.after),
                    code(str(change.witness)),
                )
                for change in changes
            )
            lines += [f"### {kind.capitalize()}: {says}", "", *table(head, rows), ""]
    if found.promises:
        promises = (
            (plain(word), "<br>".join(code(str(line)) for line in change.lines)) for word, change in found.promises
        )
        lines += ["### Promises", "", *table(("what", "flows"), promises), ""]
    if found.settings:
        lines += ["### Settings", "", *(f"- {plain(one)}" for one in found.settings), ""]
    return "\n".join(lines).rstrip() + "\n"


def _deciders(rulings: tuple[Ruling, ...]) -> str:
    if not rulings:
        return "no firewall"
    cells = (_ruling(ruling) for ruling in rulings)
    return "<br>".join(f"{name} {does} ({at})" for name, does, at, *_ in cells)


def tests_markdown(run: TestRun, look: Look) -> str:
    """How many hold, and a table of those that do not."""
    failed = run.failed
    state = "failed" if failed else "passed"
    lines = [f"## Policy tests: {state}", "", f"{several(len(run.verdicts), 'assertion')}, {len(failed)} wrong."]
    if failed:
        rows = (
            (
                code(place(one.at)),
                plain(failure_words(one)),
                code(place(one.decided_at)) if one.decided_at.path else "",
                code(one.witness) if one.witness else "",
            )
            for one in failed
        )
        lines += ["", *table(("place", "what", "decided by", "example"), rows)]
    return "\n".join(lines) + "\n"


REPORT: Renderers = {
    Findings: findings_markdown,
    Answers: answers_markdown,
    Explanation: explanation_markdown,
    Comparison: comparison_markdown,
    Contrasted: contrast_markdown,
    TestRun: tests_markdown,
    Audit: audit_markdown,
    Reading: reading_markdown,
    RouteAnswers: route_markdown,
    Rehearsal: rehearsal_markdown,
    WouldCut: would_cut_markdown,
    Rollout: rollout_markdown,
    Status: status_markdown,
    Drift: drift_markdown,
    Generations: generations_markdown,
    GenerationsCompared: compared_markdown,
    Probed: probe_markdown,
    Anomalies: anomalies_markdown,
    Tidied: tidied_markdown,
    DocumentReading: document_markdown,
    ListingReading: listing_markdown,
    ServiceMatrix: matrix_markdown,
}
