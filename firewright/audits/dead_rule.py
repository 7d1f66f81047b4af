"""A rule that decides nothing, because stronger rules take all of it: an `allow` wholly under a `deny`, say.

The rule reads as if it opened something, and opens nothing. Partly under a `deny` is normal (that is what `deny` is for).
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, warning
from firewright.diagnostic import Diagnostic, Note
from firewright.model.policy import Policy, Verb

_BANS = (Verb.DENY, Verb.REJECT)


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One warning for each `allow` or `request` that is denied as a whole, or override that overrides nothing."""
    for rule, takers in context.taken(policy):
        if rule.verb not in (*_BANS, Verb.REQUIRE) and takers and all(taker.verb in _BANS for taker in takers):
            notes = [Note(f"{taker.label} takes it", taker.at) for taker in takers[:3]]
            way_out = "delete it, or narrow what denies it"
            yield warning("dead-rule", f"{rule.label} never applies: all of it is denied", rule.at, "", way_out, notes)
    for rule in context.active(policy):
        for name in rule.overrides:
            named = [one for one in policy.rules if one.name == name.value]
            if (context.spoken(rule) & context.spoken(*named)).is_empty():
                yield warning("dead-rule", f"{rule.label} overrides {name.value}, and no packet is of both", name.at)
