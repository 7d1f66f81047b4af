"""A zone that nobody has filled in: nothing is proved of a policy until every question is answered.

The vendor's file asks (`core: {fill-in: the core nodes}`); a site's file answers (`fill-in: {core: 10.0.1.0/24}`) and never edits the
vendor's.
"""

from collections.abc import Iterator
from pathlib import PurePath

from firewright.audits._audit import Context, error
from firewright.diagnostic import Diagnostic
from firewright.model.policy import Policy


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One error for each question that is open."""
    for zone in policy.questions:
        if zone.members:
            continue  # made of others, which are asked for themselves
        file = PurePath(zone.at.path).name
        way_out = f"in a file of your own: `uses: [{file}]` and `fill-in: {{{zone.name}: [addresses]}}`"
        yield error("unfilled", f"{zone.name} is not filled in: {zone.question}", zone.at, help=way_out)
