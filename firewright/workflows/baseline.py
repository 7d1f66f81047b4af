"""A baseline: what an audit found once, in a file, so that from then on only what is new fails."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from firewright.diagnostic import Diagnostic, Report, Severity
from firewright.reports._fingerprint import fingerprint
from firewright.source import Source, Span

KIND = "audit-baseline"
VERSION = "1"
Baseline = Mapping[str, Severity]
"""How much each finding mattered when it was written down, by fingerprint: what matters more now is new."""


def baseline_text(found: Iterable[Diagnostic]) -> str:
    """The file of a baseline, in the order of fingerprints: one line a finding, so that a review reads what is accepted."""
    rows = sorted({fingerprint(one): one for one in found}.items())
    findings = [
        json.dumps({"id": key, "severity": one.severity.value, "name": one.name, "message": one.message})
        for key, one in rows
    ]
    body = ",\n".join(f"    {line}" for line in findings)
    whole = f"[\n{body}\n  ]" if body else "[]"
    return f'{{\n  "schema_version": "{VERSION}",\n  "kind": "{KIND}",\n  "findings": {whole}\n}}\n'


def baseline_in(source: Source, report: Report) -> Baseline | None:
    """What a file of a baseline knows; None after saying in the report that it is none. An empty file is none."""
    try:
        tree = json.loads(source.text)
    except (ValueError, RecursionError):
        tree = None
    rows = tree.get("findings") if isinstance(tree, dict) and tree.get("kind") == KIND else None
    if not isinstance(rows, list) or not isinstance(tree, dict) or tree.get("schema_version") != VERSION:
        _refuse(source, "no baseline of an audit", report)
        return None
    found: dict[str, Severity] = {}
    for row in rows:
        one = row if isinstance(row, dict) else {}
        key, severity = one.get("id"), one.get("severity")
        if not isinstance(key, str) or severity not in list(Severity):
            _refuse(source, "a baseline with a row that is none", report)
            return None
        found[key] = Severity(severity)
    return found


def is_known(one: Diagnostic, baseline: Baseline) -> bool:
    """Whether a baseline has a finding, which did not matter less then."""
    rank = (Severity.NOTE, Severity.WARNING, Severity.ERROR)
    then = baseline.get(fingerprint(one))
    return then is not None and rank.index(one.severity) <= rank.index(then)


def _refuse(source: Source, what: str, report: Report) -> None:
    way_out = "firewright audit … --write-baseline FILE writes one"
    report.error("bad-baseline", f"it is {what}", Span(source.path, 1, 1, 0), way_out)
