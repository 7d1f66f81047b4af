"""Open and nobody asked for it: an `allow` between zones for which somebody wrote down what is required, and this is not among it.

Judged only where there is a `require` for the zone pair, and not of dated permissions, which somebody asked for.
"""

from collections.abc import Iterator
from dataclasses import replace

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic
from firewright.model.decision import Outcome
from firewright.model.policy import Ends, Policy, Verb, Zone


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each service allowed, of a zone pair that has a `require`, of which a packet is not required."""
    required = [rule for rule in context.active(policy) if rule.verb is Verb.REQUIRE]
    pairs = {(one, other) for rule in required for ends in rule.ends for one, other in _pairs(ends)}
    if not pairs:
        return
    known: dict[tuple[Zone, Zone], bool] = {}
    allowed = context.decided(policy, Outcome.ALLOWED.value)
    for rule in context.active(policy):
        if rule.verb is not Verb.ALLOW or rule.until is not None:
            continue
        if not any(_is_judged(pair, pairs, known) for ends in rule.ends for pair in _pairs(ends)):
            continue
        for term in rule.terms:
            packet = context.first(allowed, replace(rule, terms=(term,)))
            if packet is not None:
                message = f"{rule.label}: nothing requires {term.word}"
                yield note("unneeded", message, term.at, packet, "require it, or delete it")


def _is_judged(pair: tuple[Zone, Zone], required: set[tuple[Zone, Zone]], known: dict[tuple[Zone, Zone], bool]) -> bool:
    """Whether something is required between zones that share an address with these at both ends."""
    if pair not in known:
        known[pair] = any(_meet(pair[0], one) and _meet(pair[1], other) for one, other in required)
    return known[pair]


def _meet(one: Zone, other: Zone) -> bool:
    return one == other or (one.is_local == other.is_local and bool(one.addresses & other.addresses))


def _pairs(ends: Ends) -> Iterator[tuple[Zone, Zone]]:
    return ((one, other) for one in ends.sources for other in ends.destinations)
