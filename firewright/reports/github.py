"""GitHub's workflow commands, which a pipeline shows beside the lines of a change: findings, assertions, differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.reports._comparison_text import KINDS
from firewright.reports._contrast import SORTS, Contrasted
from firewright.reports._lines import visible
from firewright.reports._result import Audit, Comparison, Findings, Look, Renderers, TestRun
from firewright.reports._tests_text import failure_words
from firewright.source import NOWHERE, Span

if TYPE_CHECKING:
    from firewright.analysis.compare import Change

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def findings_github(findings: Findings, look: Look) -> str:
    """A command for each finding."""
    return "".join(_of_diagnostic(one, look) for one in findings.diagnostics)


def tests_github(run: TestRun, look: Look) -> str:
    """An error for each assertion that does not hold."""
    said = []
    for one in run.failed:
        example = f"\nexample: {one.witness}" if one.witness else ""
        said.append(_command("error", one.at, "assertion", failure_words(one) + example, look))
    return "".join(said)


def comparison_github(comparison: Comparison, look: Look) -> str:
    """A warning for each difference, at the line that decides it afterwards, or before where nothing does any more.

    What only people notice (required, on request) is a notice.
    """
    said = []
    for kind, says, _ in KINDS:
        said += [_of_change("warning", kind, says, change, look) for change in getattr(comparison.found, kind)]
    said += [_of_change("notice", "promises", word, change, look) for word, change in comparison.found.promises]
    said += [_command("warning", NOWHERE, "settings", harmless(one), look) for one in comparison.found.settings]
    return "".join(said)


def contrast_github(found: Contrasted, look: Look) -> str:
    """A warning for each difference, at the rule that decides it in the second, or in the first where that has no line."""
    said = []
    for sort, perhaps, says, _ in SORTS:
        for one in (one for one in found.changes if one.sort == sort):
            at = next((side.at for side in (one.after, one.before) if side.at.line), NOWHERE)
            flows = "; ".join(harmless(str(flow), 500) for flow in one.flows)
            title = sort if one.is_certain else perhaps
            said.append(_command("warning", at, title, f"{says}: {flows}\nexample: {one.example}", look))
    said += [_command("warning", NOWHERE, "not compared", harmless(one, 500), look) for one in found.uncompared]
    return "".join(said)


def _of_change(level: str, kind: str, says: str, change: Change, look: Look) -> str:
    places = [ruling.at for ruling in (*change.after, *change.before) if ruling.at.path]
    text = "; ".join(harmless(str(line), 500) for line in change.lines)
    return _command(level, places[0] if places else NOWHERE, kind, f"{says}: {text}\nexample: {change.witness}", look)


def _of_diagnostic(one: Diagnostic, look: Look) -> str:
    parts = [harmless(one.message, 2000)]
    parts += [f"note: {harmless(note.text)}" + (f" ({note.at})" if note.at.path else "") for note in one.notes]
    if one.witness:
        parts.append(f"example: {harmless(one.witness)}")
    if one.help:
        parts.append(f"help: {harmless(one.help, 2000)}")
    return _command(_LEVELS[one.severity], one.at, one.name, "\n".join(parts), look)


def _command(level: str, at: Span, title: str, message: str, look: Look) -> str:
    properties = [f"title={_property(title)}"]
    if at.path:
        properties.insert(0, f"file={_property(look.in_repository(at.path))}")
    if at.path and at.line:
        end = at.column + max(at.width, 1) - 1
        properties[1:1] = [f"line={at.line}", f"col={at.column}", f"endColumn={end}"]
    return f"::{level} {','.join(properties)}::{_escaped(visible(message))}\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(harmless(text)).replace(":", "%3A").replace(",", "%2C")


REPORT: Renderers = {
    Findings: findings_github,
    TestRun: tests_github,
    Comparison: comparison_github,
    Contrasted: contrast_github,
    Audit: lambda audit, look: findings_github(audit.findings, look),
}
