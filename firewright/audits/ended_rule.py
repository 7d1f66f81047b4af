"""A rule whose `until` is past: a permission that opens nothing any more, or a ban that goes on.

A ban never ends by itself (nothing opens because a day passed), so its end is a finding; an ended permission is only litter.
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, note, warning
from firewright.diagnostic import Diagnostic
from firewright.model.moment import begins, ended, ends
from firewright.model.policy import Policy, Verb


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One diagnostic for each rule that ended before the day."""
    for rule in policy.rules:
        if rule.until is None or ends(rule.until) > begins(context.day) or not rule.is_on:
            continue
        if rule.verb in (Verb.DENY, Verb.REJECT):
            message = f"{rule.label} ended {ended(rule.until)} and goes on denying"
            yield warning("ended-rule", message, rule.at, help="delete it to open, or take its `until` away")
        else:
            yield note(
                "ended-rule", f"{rule.label} ended {ended(rule.until)} and opens nothing", rule.at, help="delete it"
            )
