"""What this policy requires and another authority on the path does not allow: the request to make there.

A tenant's `require` is worth nothing while the provider's perimeter stops it. Nobody can require what cannot arrive: of the built-in
zones `internet` and `any` only the addresses that are globally reachable (RFC 6890 and its registries) are held against others.
"""

from collections.abc import Iterator

from firewright.analysis.decide import decide
from firewright.audits._audit import Context, error
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Diagnostic, Note
from firewright.model.address import AddressSet
from firewright.model.decision import OPEN_OUTCOMES
from firewright.model.packet import FAMILIES, Packet
from firewright.model.policy import Policy, Rule, Verb
from firewright.space.box import box
from firewright.space.packetset import EVERYTHING, PacketSet


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One error for each `require` of which a packet is stopped by another authority, with the line that stops it."""
    if policy.behind is None:
        return
    others = EVERYTHING
    for hop in context.hops(policy):
        if not hop.is_own:
            others = others & hop.decided(*OPEN_OUTCOMES)
    arriving = _arriving(policy)
    stopped = arriving - others
    for rule in context.active(policy):
        packet = context.first(stopped, rule) if rule.verb is Verb.REQUIRE else None
        if packet is not None:
            yield _request(policy, context, rule, packet)


def _arriving(policy: Policy) -> PacketSet:
    """Packets whose ends somebody named, or that are globally reachable."""
    reachable = globally_reachable()
    real = reachable
    for authority in policy.authorities():
        for zone in authority.named_zones:
            if authority is policy or zone.addresses & reachable:
                real |= zone.addresses
    return _between(real)


def _between(real: AddressSet) -> PacketSet:
    boxes = {family: [box(family, source=real.ranges(family), destination=real.ranges(family))] for family in FAMILIES}
    return PacketSet.of(boxes)


def _request(policy: Policy, context: Context, rule: Rule, packet: Packet) -> Diagnostic:
    notes = []
    for hop in context.hops(policy):
        if not hop.is_own:
            decision = decide(hop.policy, hop.firewall, packet, context.day)
            if not decision.outcome.is_open:
                said = decision.rule.label if decision.rule else "no rule allows it"
                notes.append(Note(f"{hop.policy.name}, {hop.firewall.name}: {decision.outcome} ({said})", decision.at))
    way_out = "request it there, or require less"
    return error(
        "needs-request", f"{rule.label}: another authority on the path stops it", rule.at, packet, way_out, notes
    )
