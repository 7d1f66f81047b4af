"""A `require` that meets a `deny` or a `reject`: both cannot hold, so one line must give way.

`deny` is stronger, so the traffic would be stopped and the application would not work. Only a dated rule with `overrides:` passes a
named deny. The proof is over all packets, and over every interval between the ends of permissions: an override that ends in spring
leaves the conflict behind it.
"""

from collections.abc import Iterator
from datetime import date

from firewright.analysis.decide import matches
from firewright.analysis.path import intervals
from firewright.audits._audit import Context, error
from firewright.diagnostic import Diagnostic, Note
from firewright.model.decision import Outcome
from firewright.model.moment import iso
from firewright.model.packet import Packet
from firewright.model.policy import Policy, Rule, Verb

_STOPS = (Outcome.DENIED.value, Outcome.REJECTED.value)


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One error for each `require` of which a packet is denied, with that packet and the line that denies it."""
    if not any(rule.verb in (Verb.DENY, Verb.REJECT) for rule in policy.rules):
        return
    said: set[int] = set()
    for start in _days(policy, context):
        then = context if start == context.day else Context(start)
        required = [rule for rule in then.active(policy) if rule.verb is Verb.REQUIRE and id(rule) not in said]
        stopped = then.decided(policy, *_STOPS)
        for rule in required:
            packet = then.first(stopped, rule)
            if packet is not None:
                said.add(id(rule))
                yield _conflict(policy, rule, packet, start, context.day)


def _days(policy: Policy, context: Context) -> tuple[date, ...]:
    """The days to look at: today, and where an override may end, the first day of each later interval."""
    if any(rule.overrides for rule in policy.rules):
        return intervals(policy, context.day)
    return (context.day,)


def _conflict(policy: Policy, rule: Rule, packet: Packet, start: date, today: date) -> Diagnostic:
    blockers = [
        one for one in policy.rules if one.verb in (Verb.DENY, Verb.REJECT) and one.is_on and matches(one, packet)
    ]
    notes = [Note(f"{one.label} stops it", one.at) for one in blockers[:3]]
    when = "" if start == today else f" from {iso(start)} on"
    way_out = "narrow one of the two, or add a dated rule with `overrides:` and the name of the deny"
    return error("require-denied", f"{rule.label}: what is required is denied{when}", rule.at, packet, way_out, notes)
