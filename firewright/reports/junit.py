"""JUnit's XML, which pipelines show as tests: findings, assertions, and the differences between two policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from firewright.diagnostic import Severity, harmless
from firewright.reports._comparison_text import KINDS
from firewright.reports._contrast import SORTS, Contrasted
from firewright.reports._findings_text import diagnostic_lines, place
from firewright.reports._lines import Lines, visible
from firewright.reports._paint import Paint
from firewright.reports._rehearsal import scene_words
from firewright.reports._result import Audit, Comparison, Findings, Look, Rehearsal, Renderers, TestRun
from firewright.reports._tests_text import failure_words
from firewright.reports._triage import aside_words


@dataclass(frozen=True, slots=True)
class _Case:
    """One test: its group and name; its failure in a sentence and in full, or two empty texts."""

    group: str
    name: str
    failure: str = ""
    full: str = ""


def findings_junit(findings: Findings, look: Look) -> str:
    """A test for each policy, failed by its findings; notes fail only where they are findings."""
    lines, paint = Lines(findings.sources), Paint(is_coloured=False)
    cases = []
    for one in findings.diagnostics:
        if findings.is_strict or one.severity is not Severity.NOTE:
            full = "\n".join(diagnostic_lines(one, lines, Look(), paint))
            cases.append(
                _Case(one.at.path or "firewright", f"{one.name} at {place(one.at) or 'no place'}", one.message, full)
            )
    failed = {case.group for case in cases}
    passed = [_Case(one.path, f"{one.name} passes") for one in findings.subjects if one.path not in failed]
    return _document("firewright check", [*cases, *passed])


def audit_junit(audit: Audit, look: Look) -> str:
    """A test for each kind of finding that was looked for, which fails by its findings; what is set aside is in the test that passes.

    A kind that was not found is a test too, and so is whether everything was seen.
    """
    findings, lines, paint = audit.findings, Lines(audit.findings.sources), Paint(is_coloured=False)
    group = audit.subject or "firewright"
    cases = [_Case(group, "everything was seen", "" if audit.is_whole else "not everything was seen", audit.firewall)]
    failing = [one for one in findings.diagnostics if findings.is_strict or one.severity is not Severity.NOTE]
    for one in failing:
        full = "\n".join(diagnostic_lines(one, lines, Look(), paint))
        cases.append(_Case(group, f"{one.name}: {one.message}", one.message or one.name, full))
    found = {one.name for one in failing}
    cases += [_Case(group, f"{name}: nothing found") for name in sorted(findings.pages) if name not in found]
    cases += [_Case(group, f"{one.finding.name}: {one.finding.message}: {aside_words(one)}") for one in audit.set_aside]
    return _document("firewright audit", cases)


def tests_junit(run: TestRun, look: Look) -> str:
    """A test for each assertion."""
    cases = []
    for one in run.verdicts:
        failure = "" if one.holds else failure_words(one)
        by = f"\nby {place(one.decided_at)} {one.said}" if one.decided_at.path else ""
        example = f"\nexample {one.witness}" if one.witness else ""
        full = f"{place(one.at)}: {failure}{by}{example}" if failure else ""
        cases.append(_Case(one.at.path, f"{one.label} is {one.expected} (line {one.at.line})", failure, full))
    return _document("firewright test", cases)


def comparison_junit(comparison: Comparison, look: Look) -> str:
    """A test for each kind of difference: it fails where there are some."""
    found = comparison.found
    cases = []
    group = f"{found.before.path} -> {found.after.path}"
    for kind, says, _ in KINDS:
        flows = [f"{line}; example: {change.witness}" for change in getattr(found, kind) for line in change.lines]
        cases.append(_Case(group, f"nothing {kind}", f"{says}: {len(flows)}" if flows else "", "\n".join(flows)))
    settings = "\n".join(found.settings)
    cases.append(_Case(group, "the same settings", "settings differ" if settings else "", settings))
    return _document("firewright compare", cases)


def contrast_junit(found: Contrasted, look: Look) -> str:
    """A test for each sort of difference, and one for what was not compared: it fails where there is some."""
    cases = []
    group = f"{found.before} -> {found.after}"
    for sort, _, says, _ in SORTS:
        changes = [one for one in found.changes if one.sort == sort]
        flows = [f"{'; '.join(map(str, one.flows))}; example: {one.example}" for one in changes]
        cases.append(_Case(group, f"nothing {sort}", f"{says}: {len(flows)}" if flows else "", "\n".join(flows)))
    missing = "\n".join(found.uncompared)
    cases.append(_Case(group, "all is compared", "not all is compared" if missing else "", missing))
    return _document("firewright compare", cases)


def rehearsal_junit(rehearsal: Rehearsal, look: Look) -> str:
    """A test for each way through each firewall, and one for each scene; each difference fails its own."""
    cases = []
    for one in rehearsal.rehearsed:
        group = f"{one.policy}: {one.firewall}"
        cases += [] if one.sent else [_Case(group, "packets are sent", "nothing was sent", "nothing was sent")]
        for way in one.ways:
            failure = f"{way.sent - way.agreed} of {way.sent} packets" if way.agreed < way.sent else ""
            cases.append(_Case(group, f"{way.source} -> {way.destination}, {way.sent} packets", failure, failure))
        for this in one.differing:
            failure = f"should be {this.expected}, and is {this.found}"
            cases.append(_Case(group, this.packet, failure, f"{place(this.at)} {this.said}".strip() or failure))
        for scene in one.scenes:
            failure = "" if scene.holds else scene_words(scene)
            cases.append(_Case(group, scene.name, failure, failure))
    return _document("firewright rehearse", cases)


def _document(name: str, cases: list[_Case]) -> str:
    groups: dict[str, list[_Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    body = "\n".join(line for group, held in groups.items() for line in _suite(group, held))
    head = f"<testsuites name={_attribute(name)} {_counts(cases)}>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{body}\n</testsuites>\n'


def _suite(group: str, cases: list[_Case]) -> Iterator[str]:
    yield f"  <testsuite name={_attribute(group)} {_counts(cases)}>"
    for case in cases:
        head = f"    <testcase classname={_attribute(case.group)} name={_attribute(case.name)}"
        if not case.failure:
            yield f"{head}/>"
            continue
        yield f"{head}>"
        yield f"      <failure message={_attribute(case.failure)}>{_text(case.full)}</failure>"
        yield "    </testcase>"
    yield "  </testsuite>"


def _counts(cases: Iterable[_Case]) -> str:
    held = list(cases)
    return f'tests="{len(held)}" failures="{sum(bool(case.failure) for case in held)}" errors="0"'


def _text(text: str) -> str:
    return escape(visible(text))


def _attribute(text: str) -> str:
    return quoteattr(harmless(text, 2000))


REPORT: Renderers = {
    Findings: findings_junit,
    TestRun: tests_junit,
    Comparison: comparison_junit,
    Contrasted: contrast_junit,
    Rehearsal: rehearsal_junit,
    Audit: audit_junit,
}
