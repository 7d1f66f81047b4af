"""Probe a host that waits to be confirmed, from where it is managed: what contradicts its policy takes the load back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from firewright.analysis.observed import Agreement, Judgement
from firewright.diagnostic import Diagnostic, Note, Report, Severity
from firewright.model.service_words import words
from firewright.workflows.prepare import Prepared
from firewright.workflows.probe import Against, Asked, probe_hosts
from firewright.workflows.selection import Wanted

_MOST = 8
"""Contradictions of one host that are named."""


def contradicted(address: str, prepared: Prepared, answers: Mapping[str, str], patience: float, report: Report) -> str:
    """Why what a host answers is not shown to be as its policy says, in a sentence; empty where it is. The rest is in the report.

    A probe that finds nothing out shows nothing. Whoever manages a host as root may probe it. `answers` are those to the
    policy's questions; `patience` is how many seconds are waited for a host that rations its errors.
    """
    policy = prepared.policy
    now = datetime.now(timezone.utc)  # noqa: UP017 - shorter to say
    wanted = Wanted(Path.cwd(), now, (policy.path,), options=answers, day=prepared.day)
    asked = Asked((address,), patience=patience, is_permitted=True)
    probed = probe_hosts(asked, report, against=Against(wanted))
    if probed is None:
        return "it could not be probed"
    if probed.passed:
        return ""
    wrong = [one for one in probed.judged if one.agreement is Agreement.CONTRADICTED]
    if not wrong:
        return "the probe found nothing out, so nothing is shown"
    for one in wrong[:_MOST]:
        notes = (Note(f"the line that decides it: {one.said}", one.at),) if one.said else ()
        report.add(Diagnostic("contradicted", Severity.ERROR, _words(one), one.at, notes))
    return (
        f"a probe contradicts the policy: {_words(wrong[0])}{f' and {len(wrong) - 1} more' if len(wrong) > 1 else ''}"
    )


def _words(one: Judgement) -> str:
    seen = f"{words(one.services, one.family)} of {one.address} is {one.observation.state}"
    return f"{seen}: {one.why or one.expected}"
