"""Results about machines as they run, each text in them hostile."""

from __future__ import annotations

from firewright.reports import Audit, Exposure, Findings, Mark, Passage, Reading, ReadRule, SetAside
from firewright.source import Span


def audit(nasty: str, findings: Findings) -> Audit:
    """An audit with something in every state."""
    states = ("reachable", "possibly", "undecided", "unseen", "own", "hidden")
    exposures = tuple(
        Exposure(
            nasty, nasty, (nasty, nasty), nasty, families, state, (nasty,), (nasty,), (nasty,), state == "reachable"
        )
        for state in states
        for families in ((4,), (4, 6))
    )
    passages = (Passage(nasty, (nasty,) * 20, (nasty,)), Passage(nasty, ()), Passage(nasty, (), (), nasty))
    first = findings.diagnostics[0]
    apart = tuple(
        SetAside(first, how, nasty, nasty, nasty, Span(nasty, 3, 1), is_inside=is_inside)
        for how, is_inside in (("suppressed", True), ("suppressed", False), ("baseline", False))
    )
    marks = (Mark(nasty, nasty, nasty, (first.name,), (nasty,)), Mark(nasty, nasty, nasty, (), ()))
    return Audit(nasty, nasty, exposures, passages, findings, is_whole=False, set_aside=apart, marks=marks)


def quiet_audit() -> Audit:
    """An audit that finds nothing at all."""
    return Audit("this machine", "2 rules", (), (), Findings((), {}))


def reading(nasty: str, findings: Findings, *, has_rules: bool) -> Reading:
    """A ruleset with rules in every state."""
    rules = tuple(
        ReadRule(nasty, nasty, number, nasty, nasty, state, nasty, Span(nasty, number, 1))
        for number, state in enumerate(("understood", "bounded", "refused"), 1)
    )
    return Reading(nasty, rules, (Passage(nasty, (nasty,), (nasty,)),), (nasty,), findings, has_rules)
