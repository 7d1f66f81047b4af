"""Check the selected policies: the language, then every audit over every packet."""

from __future__ import annotations

import sys
from dataclasses import replace

from firewright.audits._audit import AUDITS, Context
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.model.policy import Firewall, Policy
from firewright.reports import Findings, Subject
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.lock import read_lock
from firewright.workflows.selection import Saying, Wanted, select, select_firewalls, silent
from firewright.workflows.unfilled import open_zones


def check(wanted: Wanted, report: Report, is_strict: bool = False, saying: Saying = silent) -> Findings:
    """Everything that is wrong with the selected policies, or worth a look; not readable where something is malformed."""
    policies = select(wanted, report, saying)
    if policies is None:
        return Findings(tuple(report.sorted()), report.sources, is_strict=is_strict, is_readable=False)
    names = (
        set(AUDITS.names()) if not any(one.questions for policy in policies for one in policy.authorities()) else set()
    )
    for policy in policies:
        lock = read_lock(policy, wanted.folder, report)
        if report.has_errors():
            return Findings(tuple(report.sorted()), report.sources, is_strict=is_strict, is_readable=False)
        names &= _audit(policy, Context(wanted.day_of(policy), lock, wanted.day_of), report, saying)
    subjects = tuple(subject_of(policy, wanted) for policy in policies)
    return Findings(
        tuple(report.sorted()), report.sources, subjects, tuple(sorted(names)), _pages(), is_strict, is_readable=True
    )


def sound_firewalls(
    wanted: Wanted, report: Report, names: tuple[str, ...], saying: Saying = silent
) -> tuple[tuple[Policy, Firewall], ...] | None:
    """The firewalls of these names in the selected policies, of which no policy has what `check` calls an error; or None.

    What stands against it is in the report. Zones that nobody filled in are left to whoever needs them.
    """
    pairs = select_firewalls(wanted, report, names, saying)
    for policy in {id(policy): policy for policy, _ in pairs or ()}.values():
        found = Report()
        lock = read_lock(policy, wanted.folder, report)
        _audit(policy, Context(wanted.day_of(policy), lock, wanted.day_of), found, saying)
        for one in found.sorted():
            if one.severity is Severity.ERROR and one.name != "unfilled":
                report.add(one)
    return None if report.has_errors() else pairs


def subject_of(policy: Policy, wanted: Wanted) -> Subject:
    """What is said of a policy that was looked at."""
    return Subject(policy.name, policy.path, wanted.day_of(policy), len(policy.rules), len(policy.firewalls))


def _audit(policy: Policy, context: Context, report: Report, saying: Saying) -> set[str]:
    """Run every audit over a policy; the names of those that came to an end."""
    done = set()
    is_unfilled = False
    for name, audit in AUDITS.all():
        saying(f"{policy.name}: {name}")
        try:
            for said in audit(policy, context):
                report.add(_without_place(said) if policy.path == "-" and name == "catalog-lock" else said)
            done.add(name)
        except Unfilled:
            is_unfilled = True
        except Undecided as error:
            message = f"{policy.name}: {name} was not decided: {harmless(str(error))}"
            way_out = "nothing is taken for granted: split the policy, or narrow the rules that overlap most"
            report.add(Diagnostic("undecided", Severity.WARNING, message, policy.at, help=way_out))
    if is_unfilled and not policy.questions:
        report.add(_unfilled_outside(policy))
    return done


def _without_place(said: Diagnostic) -> Diagnostic:
    """What is piped in has no place for a lock file beside it."""
    return replace(said, help="save it as a file to lock it")


def _unfilled_outside(policy: Policy) -> Diagnostic:
    """The policy is whole, but an authority it is behind has open questions."""
    notes = tuple(Note(f"{zone.name} is not filled in: {zone.question}", zone.at) for zone in open_zones(policy))
    message = f"{policy.name} is behind a policy that is not filled in, so nothing is proved of its paths"
    return Diagnostic("unfilled", Severity.ERROR, message, policy.at, notes, help="fill in the outer policy first")


def _pages() -> dict[str, str]:
    """What each audit is about: its module's docstring."""
    return {name: (sys.modules[audit.__module__].__doc__ or "").strip() for name, audit in AUDITS.all()}
