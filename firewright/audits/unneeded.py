"""Open and nobody asked for it: an `allow` between zones for which somebody wrote down what is required, and this is not among it.

Judged only where there is a `require` for the zone pair, and not of dated permissions, which somebody asked for.
"""

from collections.abc import Iterator

from firewright.analysis.words import Namer, flow_words
from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic, Note
from firewright.model.decision import Outcome
from firewright.model.packet import Packet
from firewright.model.policy import Ends, Policy, Rule, Verb, Zone
from firewright.space.flow import Flow


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each permission of which a part is required by no rule of a zone pair that has a `require`."""
    required = [rule for rule in context.active(policy) if rule.verb is Verb.REQUIRE]
    pairs = {(one.name, other.name) for rule in required for ends in rule.ends for one, other in _pairs(ends)}
    if not pairs:
        return
    namer, allowed = Namer(policy), context.decided(policy, Outcome.ALLOWED.value)
    for rule in context.active(policy):
        if rule.verb is not Verb.ALLOW or rule.until is not None:
            continue
        if not any((one.name, other.name) in pairs for ends in rule.ends for one, other in _pairs(ends)):
            continue
        packet = context.first(allowed, rule)
        if packet is not None:
            flows = (allowed.flows(packet.family, {packet.family: one}) for one in context.boxes(rule, packet.family))
            yield _unneeded(namer, rule, next(found for found in flows if found), packet)


def _pairs(ends: Ends) -> Iterator[tuple[Zone, Zone]]:
    return ((one, other) for one in ends.sources for other in ends.destinations)


def _unneeded(namer: Namer, rule: Rule, flows: tuple[Flow, ...], packet: Packet) -> Diagnostic:
    lines = flow_words(flows, namer)
    notes = [Note(f"{line.source} -> {line.destination} {line.service}") for line in lines[:4]]
    return note(
        "unneeded", f"{rule.label} opens what nothing requires", rule.at, packet, "require it, or delete it", notes
    )
