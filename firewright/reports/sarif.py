"""SARIF 2.1.0 (OASIS, 2020-03-27), which code hosts show beside the lines: findings and assertions that do not hold.

Columns are counted in Unicode code points. A fingerprint is made of the rule, the file, the text of the line and how many
times the same stands before it, so that it outlives lines that are put in above.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from firewright import __version__
from firewright.diagnostic import Diagnostic, Note, Severity, harmless
from firewright.reports._lines import Lines
from firewright.reports._result import Audit, Findings, Look, Renderers, TestRun
from firewright.reports._tests_text import failure_words
from firewright.reports._triage import aside_words
from firewright.source import Source, Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FAILED_ASSERTION = "assertion"
_ASSERTION_PAGE = "What somebody said must hold of a policy does not hold, or was not decided."


def findings_sarif(findings: Findings, look: Look) -> str:
    """The findings of `check`."""
    return _log(findings.diagnostics, findings.sources, findings.pages, findings.is_readable, look)


def audit_sarif(audit: Audit, look: Look) -> str:
    """The findings of `audit`; those that are set aside are there as suppressed, with who answers for them and why."""
    findings = audit.findings
    said = (*findings.diagnostics, *(one.finding for one in audit.set_aside))
    log = json.loads(_log(said, findings.sources, findings.pages, audit.is_whole and findings.is_readable, look))
    results = log["runs"][0]["results"]
    for one, result in zip(audit.set_aside, results[len(findings.diagnostics) :], strict=True):
        kind = "inSource" if one.is_inside else "external"
        suppression: dict[str, Any] = {"kind": kind, "justification": harmless(aside_words(one), 2000)}
        if one.at.path:
            suppression["location"] = _location(one.at, look)
        result["suppressions"] = [suppression]
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        tags = [f"{mark.standard} {mark.number}" for mark in audit.marks if rule["id"] in mark.looks_for]
        if tags:
            rule["properties"] = {"tags": [harmless(tag, 100) for tag in tags]}
    return json.dumps(log, indent=2) + "\n"


def tests_sarif(run: TestRun, look: Look) -> str:
    """The assertions that do not hold."""
    said = tuple(
        Diagnostic(
            FAILED_ASSERTION,
            Severity.ERROR,
            failure_words(one),
            one.at,
            (Note(one.said or one.found, one.decided_at),) if one.decided_at.path else (),
            one.witness,
        )
        for one in run.failed
    )
    return _log(said, run.sources, {FAILED_ASSERTION: _ASSERTION_PAGE}, is_readable=True, look=look)


def _log(
    said: tuple[Diagnostic, ...], sources: Mapping[str, Source], pages: Mapping[str, str], is_readable: bool, look: Look
) -> str:
    names = sorted({one.name for one in said} | set(pages))
    lines = Lines(sources)
    seen: Counter[str] = Counter()
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "firewright",
                        "semanticVersion": __version__,
                        "rules": [_rule(name, pages.get(name, "")) for name in names],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": is_readable}],
                "results": [_result(one, names.index(one.name), lines, seen, look) for one in said],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(name: str, page: str) -> dict[str, Any]:
    text = " ".join(page.split()) or f"The policy's text is not what the language says: {name.replace('-', ' ')}."
    short = text.partition(". ")[0].rstrip(".")
    return {
        "id": name,
        "shortDescription": {"text": f"{short}."},
        "fullDescription": {"text": text},
        "help": {"text": page.strip() or text},
    }


def _result(one: Diagnostic, index: int, lines: Lines, seen: Counter[str], look: Look) -> dict[str, Any]:
    text = harmless(one.message, 2000)
    if one.witness:
        text += f"; example: {harmless(one.witness)}"
    if one.help:
        text += f"; help: {harmless(one.help, 2000)}"
    result: dict[str, Any] = {
        "ruleId": one.name,
        "ruleIndex": index,
        "level": one.severity.value,
        "message": {"text": text},
    }
    if one.at.path:
        result["locations"] = [_location(one.at, look)]
    related = [_location(note.at, look, note.text) for note in one.notes if note.at.path]
    if related:
        result["relatedLocations"] = [{"id": number, **location} for number, location in enumerate(related)]
    base = f"{one.name}\0{look.in_repository(one.at.path)}\0{lines.at(one.at).strip() or one.message}"
    seen[base] += 1
    result["partialFingerprints"] = {
        "line/v1": sha256(f"{base}\0{seen[base]}".encode(errors="surrogateescape")).hexdigest()[:32]
    }
    return result


def _location(at: Span, look: Look, text: str = "") -> dict[str, Any]:
    path = "stdin" if at.path == "-" else look.in_repository(at.path)
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(path, errors="surrogateescape")}}
    if at.line:
        start = max(at.column, 1)
        physical["region"] = {"startLine": at.line, "startColumn": start, "endColumn": start + max(at.width, 1)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if text:
        location["message"] = {"text": harmless(text, 2000)}
    return location


REPORT: Renderers = {
    Findings: findings_sarif,
    TestRun: tests_sarif,
    Audit: audit_sarif,
}
