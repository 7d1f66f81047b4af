"""Markdown for comments, tickets and pages: every result as headings and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.reports._answers_text import DOES, overall_words, reason, where, why_words, written
from firewright.reports._comparison_text import KINDS, summary_words
from firewright.reports._explanation_text import VISIBLE
from firewright.reports._findings_text import count_words, place, several
from firewright.reports._result import Answers, Comparison, Explanation, Findings, Look, Reach, Renderers, TestRun
from firewright.reports._tests_text import failure_words

if TYPE_CHECKING:
    from firewright.analysis.ask import Part, Ruling
    from firewright.catalog.row import ServiceRow
    from firewright.catalog.search import Finding

_ACTIVE = re.compile(r"([\\`*_\[\]<>|#~!&])")


def _plain(text: str, limit: int = 2000) -> str:
    """A text that means nothing to Markdown, in one line."""
    return _ACTIVE.sub(r"\\\1", harmless(text, limit))


def _code(text: str) -> str:
    """A text as code, in a cell of a table too: whatever it holds, it stays inside."""
    shown = harmless(text, 2000).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def findings_markdown(findings: Findings, look: Look) -> str:
    """The findings as a table under what was looked at."""
    state = "not checked" if not findings.is_readable else "failed" if findings.fails else "passed"
    lines = [f"## Policy check: {state}", "", f"{count_words(findings).capitalize()}."]
    if findings.subjects:
        lines += ["", *_table(("policy", "rules", "firewalls", "day"), (
            (_code(one.path), str(one.rules), str(one.firewalls), one.day.isoformat()) for one in findings.subjects
        ))]  # fmt: skip
    if findings.diagnostics:
        rows = (
            (
                f"**{one.severity}**" if one.severity != "note" else one.severity.value,
                _code(one.name),
                _code(place(one.at)) if one.at.path else "",
                _plain(one.message) + (f"<br>example: {_code(one.witness)}" if one.witness else ""),
                _plain(one.help),
            )
            for one in findings.diagnostics
        )
        lines += ["", *_table(("severity", "finding", "place", "what", "help"), rows)]
    return "\n".join(lines) + "\n"


def answers_markdown(answers: Answers, look: Look) -> str:
    """A heading for each question, a table for each part."""
    lines: list[str] = []
    for answer in answers.answers:
        lines += [f"## {_plain(str(answer.question))}", "", f"{_code(answer.policy.path)}, {answer.day}", ""]
        for part in answer.parts:
            lines += _part(part)
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part) -> Iterator[str]:
    yield f"**{_plain(overall_words(part))}**: " + "; ".join(_code(str(line)) for line in part.lines)
    yield ""
    if part.passing:
        yield from _table(("firewall", "does", "place", "rule", "because"), map(_ruling, part.passing))
        yield ""
    yield f"Example: {_code(str(part.witness))}"
    yield ""


def _ruling(ruling: Ruling) -> tuple[str, ...]:
    name = _plain(ruling.decision.firewall.name)
    rule = _code(written(ruling)) if ruling.decision.rule else _plain(why_words(ruling))
    because = _plain(reason(ruling)) if ruling.decision.rule else ""
    return name, DOES[ruling.decision.outcome], _code(where(ruling)), rule, because


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
    yield f"## {_plain(finding.transports or finding.query)}"
    yield ""
    if finding.problem:
        yield f"{_plain(finding.problem)}; {_plain(finding.help)}"
        yield ""
    for row in finding.commonly:
        yield from _row(row)
    if finding.registered:
        registered = (
            (_plain(one.name or "reserved"), _code(one.words()), _plain(one.title)) for one in finding.registered
        )
        yield from _table(("registered (IANA)", "transports", "as"), registered)
        yield ""
    for protocol in finding.protocols:
        yield f"- protocol {protocol.low}, {_plain(protocol.name)}: {_plain(protocol.title)}"
    for kind in finding.icmp:
        code = "" if kind.code is None else f", code {kind.code}"
        yield f"- ICMP of IPv{kind.family}, type {kind.type}{code}: {_plain(kind.title)}"
    if finding.protocols or finding.icmp:
        yield ""


def _row(row: ServiceRow) -> Iterator[str]:
    yield f"### Commonly {_plain(row.title)}"
    yield ""
    yield _plain(row.what)
    yield ""
    facts = (
        ("name", f"{_code(row.name)}: {_code(row.words())}"),
        ("encrypted", row.encrypted.value),
        ("authenticated", row.authenticated.value),
        ("when open", _plain(row.when_open)),
        ("it happened", _plain(row.incident)),
        ("visible", _plain(VISIBLE[row.visibility])),
        ("advice", _plain(row.advice)),
        ("instead", _plain(row.instead)),
        ("together with", ", ".join(map(_code, row.together))),
        ("source", f"{_plain(row.source)}, {row.date}"),
    )
    yield from _table(("", ""), (fact for fact in facts if fact[1]))
    yield ""


def _reach(reach: Reach) -> Iterator[str]:
    yield f"### In {_plain(reach.policy or reach.path)}"
    yield ""
    if reach.unasked:
        yield f"Not asked: {_plain(reach.unasked)}."
    elif reach.uses:
        rows = (
            (
                _plain(use.outcome),
                "<br>".join(_code(flow) for flow in use.flows),
                _code(place(use.at)),
                _plain(use.said),
            )
            for use in reach.uses
        )
        yield from _table(("outcome", "flows", "place", "because"), rows)
    else:
        yield "No firewall of it decides about this."
    yield ""


def comparison_markdown(comparison: Comparison, look: Look) -> str:
    """A heading for each kind of difference, a table row for each."""
    found = comparison.found
    lines = [f"## {_plain(found.before.path)} → {_plain(found.after.path)}", "", f"{_plain(summary_words(found))}.", ""]
    head = ("flows", "before", "after", "example")
    for kind, says, _ in KINDS:
        changes = getattr(found, kind)
        if changes:
            rows = (
                (
                    "<br>".join(_code(str(line)) for line in change.lines),
                    _deciders(change.before),
                    _deciders(change.after),
                    _code(str(change.witness)),
                )
                for change in changes
            )
            lines += [f"### {kind.capitalize()}: {says}", "", *_table(head, rows), ""]
    if found.promises:
        promises = (
            (_plain(word), "<br>".join(_code(str(line)) for line in change.lines)) for word, change in found.promises
        )
        lines += ["### Promises", "", *_table(("what", "flows"), promises), ""]
    if found.settings:
        lines += ["### Settings", "", *(f"- {_plain(one)}" for one in found.settings), ""]
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
                _code(place(one.at)),
                _plain(failure_words(one)),
                _code(place(one.decided_at)) if one.decided_at.path else "",
                _code(one.witness) if one.witness else "",
            )
            for one in failed
        )
        lines += ["", *_table(("place", "what", "decided by", "example"), rows)]
    return "\n".join(lines) + "\n"


REPORT: Renderers = {
    Findings: findings_markdown,
    Answers: answers_markdown,
    Explanation: explanation_markdown,
    Comparison: comparison_markdown,
    TestRun: tests_markdown,
}
