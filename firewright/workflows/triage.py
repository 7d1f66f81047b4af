"""Which findings of an audit fail it: not those that somebody answers for by a suppression, nor those of a baseline.

What is found first (no firewall at all, something that was not seen, a question that was not decided) no one answers away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.model.moment import begins, ends
from firewright.reports import Audit, SetAside
from firewright.source import Source
from firewright.workflows.audit_pages import EVERY
from firewright.workflows.baseline import Baseline, baseline_in, is_known
from firewright.workflows.selection import text_of
from firewright.workflows.suppression import Suppression, inline_suppressions, suppressions_in

NEVER = ("no-firewall", "not-seen", "undecided")
"""Kinds of findings that nothing sets aside."""


ABLE: tuple[str, ...] = tuple(sorted(EVERY.keys() - {*NEVER}))
"""Kinds of findings that can be set aside: those of audits, never what readers say of a text, nor what is said of suppressions."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What people answer for: suppressions, and a baseline, None where there is none."""

    suppressions: tuple[Suppression, ...] = ()
    baseline: Baseline | None = None


def accepted_in(
    folder: Path, files: Iterable[str], baseline: str | None, inside: Iterable[Source], report: Report
) -> Accepted | None:
    """What files of suppressions, a baseline and the comments of what is audited accept; None after saying what is wrong with it."""
    own = Report()
    found: list[Suppression] = []
    for name in files:
        source = text_of(folder, name, own)
        if source is not None:
            found += suppressions_in(source, ABLE, own)
    for source in inside:
        own.know(source)
        found += inline_suppressions(source, ABLE, own)
    known = None
    if baseline is not None:
        source = text_of(folder, baseline, own)
        known = None if source is None else baseline_in(source, own)
    report.sources.update(own.sources)
    report.diagnostics += own.diagnostics
    return None if own.has_errors() else Accepted(tuple(found), known)


def triaged(audit: Audit, accepted: Accepted, day: date) -> Audit:
    """The audit with what is set aside apart, and with what is wrong with suppressions on a day among its findings.

    Findings that an expired suppression is about stay, unless the baseline has them.
    """
    suppressions, baseline = accepted.suppressions, accepted.baseline
    kept: list[Diagnostic] = []
    apart: list[SetAside] = []
    used: set[Suppression] = set()
    for one in audit.findings.diagnostics:
        covering = [this for this in suppressions if this.covers(one)] if one.name in ABLE else []
        used.update(covering)
        alive = next((this for this in covering if begins(day) < ends(this.until)), None)
        if alive is not None:
            apart.append(_suppressed(one, alive))
        elif one.name in ABLE and baseline is not None and is_known(one, baseline):
            apart.append(SetAside(one, "baseline"))
        else:
            kept.append(one)
    kept += _said_of(suppressions, used, day)
    findings = replace(audit.findings, diagnostics=tuple(kept))
    return replace(audit, findings=findings, set_aside=tuple(apart))


def to_baseline(audit: Audit) -> tuple[Diagnostic, ...]:
    """The findings of a triaged audit that a baseline would take."""
    known = tuple(one.finding for one in audit.set_aside if one.how == "baseline")
    return (*(one for one in audit.findings.diagnostics if one.name in ABLE), *known)


def _suppressed(one: Diagnostic, by: Suppression) -> SetAside:
    return SetAside(one, "suppressed", by.owner, by.reason, by.until.isoformat(), by.at, by.is_inside)


def _said_of(suppressions: Iterable[Suppression], used: set[Suppression], day: date) -> Iterable[Diagnostic]:
    for one in suppressions:
        what = f"{one.finding} {one.about or one.id}"
        notes = (Note(f"{harmless(one.owner)} answered for it: {harmless(one.reason)}"),)
        if begins(day) >= ends(one.until):
            message = f"the suppression of {what} ended on {one.until.isoformat()}"
            way_out = "mend what it was about, or have its owner renew it"
            yield Diagnostic("expired-suppression", Severity.WARNING, message, one.at, notes, help=way_out)
        elif one not in used:
            yield Diagnostic(
                "unused-suppression", Severity.NOTE, f"nothing is found of {what}", one.at, notes, help="delete it"
            )
