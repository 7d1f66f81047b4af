"""Results of every kind, from the bundled profiles, and one made of hostile texts."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import firewright
from firewright.diagnostic import Diagnostic, Note, Report, Severity
from firewright.reports import Findings, Result, Verdict
from firewright.reports import TestRun as Run
from firewright.source import NOWHERE, Source, Span
from firewright.workflows.ask import ask_policies
from firewright.workflows.check import check
from firewright.workflows.compare import compare_policies
from firewright.workflows.explain import explain, with_policies
from firewright.workflows.selection import Wanted
from firewright.workflows.test import run_tests
from tests.reports import running

PROFILES = Path(firewright.__file__).parent / "profiles"
DAY = date(2026, 11, 21)
NASTY = "a\x1b[31mb\x00c\r\nd\u202ee|f`g`<h>&amp;\"i'::j,k%l]]>\ufffe é漢字"
"""Control characters, line ends, bidirectional overrides, and what means something to each of the formats."""


def wanted(*paths: str) -> Wanted:
    """Some policies of the profiles, on a day that does not pass."""
    return Wanted(
        Path.cwd(),
        datetime(2026, 11, 21, tzinfo=ZoneInfo("UTC")),
        tuple(str(PROFILES / path) for path in paths),
        day=DAY,
    )


EDGE = "provider-perimeter/tenant-edge.yaml"
PERIMETER = "provider-perimeter/provider-perimeter.yaml"


@cache
def results() -> dict[str, Result]:
    """Every kind of result, quiet and loud."""
    report = Report()
    found: dict[str, Result | None] = {
        "findings": check(wanted(PERIMETER), Report()),
        "findings-unreadable": check(wanted("nosuch.yaml"), Report()),
        "findings-unfilled": check(wanted("product-platform/product-platform.yaml"), Report()),
        "findings-strict": check(wanted(EDGE), Report(), is_strict=True),
        "answers": ask_policies("internet <-> tenant-a any", wanted(EDGE), report),
        "comparison": compare_policies(str(PROFILES / PERIMETER), str(PROFILES / EDGE), wanted(), report),
        "comparison-equal": compare_policies(str(PROFILES / EDGE), str(PROFILES / EDGE), wanted(), report),
        "explanation-misspelt": explain(("postgrseql",), report),
        "explanation-range": explain(("130-140",), report),
        "explanation-protocol": explain(("icmp/echo-request",), report),
        "tests": run_tests(wanted("provider-perimeter"), report),
        "tests-failed": failed_run(),
        "findings-hostile": hostile_findings(),
        "audit": running.audit(NASTY, hostile_findings()),
        "audit-quiet": running.quiet_audit(),
        "reading": running.reading(NASTY, hostile_findings(), has_rules=True),
        "reading-short": running.reading(NASTY, hostile_findings(), has_rules=False),
    }
    port = explain(("445",), report)
    assert port is not None
    found["explanation"] = with_policies(port, wanted(PERIMETER), report, must_read=True)
    assert not report.has_errors(), report.diagnostics
    kept = {name: one for name, one in found.items() if one is not None}
    assert kept.keys() == found.keys()
    return kept


def hostile_findings() -> Findings:
    """Findings whose every text is hostile, with and without places, on lines long and wide."""
    path = f"dir with space/{NASTY}\udcff.yaml"  # a byte that is no UTF-8, as the command line hands it on
    source = Source(path, f"one\n{NASTY}\n{'漢' * 500}x{'y' * 5000}\n")
    places = [
        Span(path, 1, 1, 3),
        Span(path, 2, 4, 5),
        Span(path, 3, 501, 1),
        Span(path, 3, 1, 9999),
        Span(path, 9, 1),
        NOWHERE,
    ]
    said = tuple(
        Diagnostic("hostile", severity, NASTY, at, (Note(NASTY, at), Note(NASTY)), NASTY, NASTY)
        for at in places
        for severity in Severity
    )
    return Findings(said, {path: source}, pages={"hostile": NASTY})


def failed_run() -> Run:
    """Assertions that hold, that do not, and that were not decided, with hostile texts."""
    source = Source("a.test.yaml", "tests:\n  - {from: a, to: b, service: c, expect: denied}\n")
    at = Span("a.test.yaml", 2, 5)
    verdicts = (
        Verdict("a -> b c", "denied", True, at, "edge"),
        Verdict(NASTY, "denied", False, at, NASTY, "allowed", NASTY, Span("a.yaml", 3, 4), NASTY, NASTY),
        Verdict("a -> b c", "denied", False, at, "edge", "too much work", is_decided=False),
    )
    return Run(verdicts, ("a.test.yaml",), {source.path: source})
