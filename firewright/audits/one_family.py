"""A zone that is described in one family only: in the other nothing of it can be opened, so it stays closed.

That is safe, and often not what was meant: the machines may well have IPv6 addresses that nobody wrote down.
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic
from firewright.model.packet import FAMILIES
from firewright.model.policy import Policy


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each zone without addresses in one family."""
    for zone in policy.named_zones:
        missing = [family for family in FAMILIES if not zone.addresses.ranges(family)]
        if zone.is_filled and len(missing) == 1:
            message = f"IPv{missing[0]} of {zone.name} is not described, so it is closed"
            yield note("one-family", message, zone.at, help=f"add its IPv{missing[0]} prefixes, if it has any")
