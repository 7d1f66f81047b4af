"""What is said where a question meets zones that nobody has filled in: which ones, and only those that can be."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.diagnostic import Report, harmless
from firewright.model.policy import Policy, Zone
from firewright.space.encode import Unfilled


def open_zones(policy: Policy) -> Iterator[Zone]:
    """The zones of a policy, and of those it is behind, that wait for addresses; a zone of such zones waits for nothing."""
    for one in policy.authorities():
        yield from (zone for zone in one.questions if not zone.members)


def say_unfilled(error: Unfilled, policy: Policy, report: Report) -> None:
    """Put into the report that a policy gives no answer before it is filled in, and what to fill in."""
    names = ", ".join(dict.fromkeys(zone.name for zone in open_zones(policy)))
    report.error("unfilled", harmless(str(error)), policy.at, f"fill in {names}")
