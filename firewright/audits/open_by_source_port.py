"""A permission that rests on the sender's port: whoever sends chooses it, so every port is open to whoever knows that.

"Accept all UDP from source port 53" is the known way around name servers that answer late; a longer timeout for unanswered UDP
(`timeouts: {udp-unreplied: 60s}`) does it without opening anything.
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, warning
from firewright.diagnostic import Diagnostic
from firewright.model.policy import Policy, Verb
from firewright.model.transport import EVERY_SELECTOR
from firewright.space.packetset import EVERYTHING


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One warning for each permission of all destination ports from some source ports."""
    for rule in context.active(policy):
        if rule.verb not in (Verb.ALLOW, Verb.REQUIRE):
            continue
        for term in rule.terms:
            if any(one.source_ports != EVERY_SELECTOR and one.selectors == EVERY_SELECTOR for one in term.transports):
                message = f"{rule.label} opens every port to whoever sends from a chosen one"
                way_out = "raise the timeout for unanswered UDP instead, or name the destination ports"
                packet = context.first(EVERYTHING, rule)
                yield warning("open-by-source-port", message, term.at, packet or "", way_out)
