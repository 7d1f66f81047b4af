"""A policy that nobody has looked through for a year: what `reviewed` says is that long past.

Standards ask for more (PCI DSS 4.0.1, 1.2.7: every six months); a year is what no published list should be older than. A policy
that says no day is not judged.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic
from firewright.model.moment import begins
from firewright.model.policy import Policy

LONGEST = timedelta(days=365)
"""How long ago somebody must have looked through it."""


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note where the day of the last review is more than a year before the day that is asked about."""
    today = begins(context.day).date()
    for text in policy.metadata.get("reviewed", ()):
        with suppress(ValueError):
            reviewed = date.fromisoformat(text)
            if today - reviewed > LONGEST:
                days = (today - reviewed).days
                way_out = "look through it with those who agreed, and write the day"
                yield note(
                    "overdue-review",
                    f"{policy.name} was last reviewed {days} days ago, on {text}",
                    policy.at,
                    help=way_out,
                )
