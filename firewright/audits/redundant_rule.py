"""A rule of which every packet is decided the same without it: a duplicate, or part of a wider rule.

Harmless, and a place where a later edit will surprise somebody.
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic, Note
from firewright.model.policy import Policy, Verb

_BANS = (Verb.DENY, Verb.REJECT)


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each rule whose packets other rules take with the same effect."""
    for rule, takers in context.taken(policy):
        if takers and (rule.verb in _BANS or not all(taker.verb in _BANS for taker in takers)):
            notes = [
                Note(f"{taker.label} takes {'it' if len(takers) == 1 else 'part of it'}", taker.at)
                for taker in takers[:3]
            ]
            yield note(
                "redundant-rule",
                f"{rule.label} adds nothing to other rules",
                rule.at,
                "",
                "delete it if that is meant",
                notes,
            )
