"""Open and nobody asked for it: an `allow` between zones for which somebody wrote down what is required, and this is not among it.

Judged only where there is a `require` for the zone pair, and not of dated permissions, which somebody asked for.
"""

from collections.abc import Iterator
from dataclasses import replace

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic
from firewright.model.decision import Outcome
from firewright.model.policy import Ends, Policy, Rule, Verb, Zone


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each service allowed, of a zone pair that has a `require`, of which a packet is not required."""
    required = [rule for rule in context.active(policy) if rule.verb is Verb.REQUIRE]
    if not required:
        return
    judged = _Judged(required)
    allowed = context.decided(policy, Outcome.ALLOWED.value)
    for rule in context.active(policy):
        if rule.verb is not Verb.ALLOW or rule.until is not None:
            continue
        if not any(judged.has(pair) for ends in rule.ends for pair in _pairs(ends)):
            continue
        for term in rule.terms:
            packet = context.first(allowed, replace(rule, terms=(term,)))
            if packet is not None:
                message = f"{rule.label}: nothing requires {term.word}"
                yield note("unneeded", message, term.at, packet, "require it, or delete it")


class _Judged:
    """The zone pairs that have a `require`, the inner ones too."""

    def __init__(self, required: list[Rule]) -> None:
        self.targets: dict[str, tuple[Zone, dict[str, Zone]]] = {}
        for rule in required:
            for ends in rule.ends:
                for one, other in _pairs(ends):
                    self.targets.setdefault(one.name, (one, {}))[1][other.name] = other
        self.reached: dict[str, list[Zone]] = {}

    def has(self, pair: tuple[Zone, Zone]) -> bool:
        """Whether something is required between zones that share an address with these at both ends."""
        source, target = pair
        reached = self.reached.get(source.name)
        if reached is None:
            near = (others for one, others in self.targets.values() if _meet(source, one))
            reached = list({name: zone for others in near for name, zone in others.items()}.values())
            self.reached[source.name] = reached
        return any(_meet(target, other) for other in reached)


def _meet(one: Zone, other: Zone) -> bool:
    """Whether two zones of a policy share an address: they are disjoint or nested, so the first address of one tells."""
    if one.is_local or other.is_local:
        return one.is_local and other.is_local
    return _begins_in(one, other) or _begins_in(other, one)


def _begins_in(one: Zone, other: Zone) -> bool:
    family = 4 if one.addresses.v4 else 6
    ranges = one.addresses.ranges(family)
    return bool(ranges) and other.addresses.has(family, ranges[0][0])


def _pairs(ends: Ends) -> Iterator[tuple[Zone, Zone]]:
    return ((one, other) for one in ends.sources for other in ends.destinations)
