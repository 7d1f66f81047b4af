"""What this policy requires and another authority on the path does not allow: the request to make there.

A tenant's `require` is worth nothing while the provider's perimeter stops it. Nobody can require what cannot arrive: of the built-in
zones `internet` and `any` only the addresses that are globally reachable (RFC 6890 and its registries) are held against others.
"""

from collections.abc import Hashable, Iterator

from firewright.analysis.ask import identity, parts_of
from firewright.analysis.path import Hop
from firewright.analysis.words import Namer, flow_words
from firewright.audits._audit import Context, error
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Diagnostic, Note
from firewright.model.address import AddressSet
from firewright.model.decision import OPEN_OUTCOMES, Decision
from firewright.model.packet import FAMILIES, Packet
from firewright.model.policy import Policy, Rule, Verb
from firewright.space.box import box
from firewright.space.flow import Flow
from firewright.space.packetset import EVERYTHING, PacketSet

MOST_LINES = 6


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
            yield _request(policy, context, rule, arriving, others, packet)


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


def _request(
    policy: Policy, context: Context, rule: Rule, arriving: PacketSet, others_open: PacketSet, packet: Packet
) -> Diagnostic:
    others = [hop for hop in context.hops(policy) if not hop.is_own]
    namer = Namer(policy)
    found: dict[Hashable, tuple[Hop, Decision, list[Flow]]] = {}
    for flow in context.flows(~others_open, rule):
        for flows, decisions in parts_of([hop.programs[flow.family] for hop in others], flow.family, flow.box):
            hop, decision = next(pair for pair in zip(others, decisions, strict=True) if not pair[1].outcome.is_open)
            found.setdefault(identity(decision), (hop, decision, []))[2].extend(flows)
    notes = [
        Note(f"{line}: {decision.outcome} at {hop.firewall.name} of {hop.policy.name}", decision.at)
        for hop, decision, flows in found.values()
        if not all(arriving.is_empty({flow.family: flow.box}) for flow in flows)
        for line in flow_words(flows, namer)[:MOST_LINES]
    ]
    message = f"{rule.label}: another authority on the path stops some of it"
    return error("needs-request", message, rule.at, packet, "request it there, or require less", notes)
