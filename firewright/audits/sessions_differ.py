"""Rules over the same flows that ask for sessions of different length: the longest holds, and somebody should know."""

from collections.abc import Iterator
from itertools import combinations

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic, Note
from firewright.model.policy import Policy, Verb


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each pair of permissions that share a packet and not a length."""
    timed = [rule for rule in context.active(policy) if rule.sessions and rule.verb in (Verb.ALLOW, Verb.REQUIRE)]
    for one, other in combinations(timed, 2):
        if one.sessions == other.sessions:
            continue
        packet = (context.spoken(one) & context.spoken(other)).witness()
        if packet is not None:
            longest = max(one.sessions or 0, other.sessions or 0)
            notes = [Note(f"{other.label}: {other.sessions} s", other.at)]
            message = (
                f"{one.label}: sessions of {one.sessions} s here and {other.sessions} s elsewhere; {longest} s holds"
            )
            yield note("sessions-differ", message, one.at, packet, "give both the same length", notes)
