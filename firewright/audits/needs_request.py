"""What this policy requires and another authority on the path does not allow: the request to make there.

A tenant's `require` is worth nothing while the provider's perimeter stops it. Nobody can require what cannot arrive: of the built-in
zones `internet` and `any` only the addresses that are globally reachable (RFC 6890 and its registries) are held against others.
"""

from collections.abc import Hashable, Iterator
from datetime import date

from firewright.analysis.ask import identity, parts_of
from firewright.analysis.path import Hop, day_of, stretches
from firewright.analysis.words import Namer, flow_words
from firewright.audits._audit import Context, error, warning
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Diagnostic, Note
from firewright.model.address import AddressSet, merge
from firewright.model.decision import OPEN_OUTCOMES, Decision
from firewright.model.interval import Ranges
from firewright.model.moment import iso
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Policy, Rule, Verb
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import Box, box
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.space.packetset import EVERYTHING, PacketSet

MOST_LINES = 6
MOST_INTERVALS = 400


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """For each `require` of which another authority stops a packet, now or when a permission ends: the lines that stop it.

    An error; a warning if it is only stopped where the machine itself may stand, and may also stand elsewhere.
    """
    if policy.behind is None:
        return
    said: set[int] = set()
    starts = tuple(stretches(policy, context.when or context.day))
    if len(starts) > MOST_INTERVALS:
        raise Undecided(f"so many ends of permissions ({len(starts):,}) are not followed")
    for number, (start, when) in enumerate(starts):
        then = Context(day_of(when, policy), when=when) if number else context
        others = EVERYTHING
        for hop in then.hops(policy):
            if not hop.is_own:
                others = others & hop.decided(*OPEN_OUTCOMES)
        arriving = _arriving(policy, _standing(policy))
        stopped = arriving - others
        for rule in then.active(policy):
            packet = then.first(stopped, rule) if rule.verb is Verb.REQUIRE and id(rule) not in said else None
            if packet is not None:
                said.add(id(rule))
                elsewhere = _elsewhere(policy, then, rule, others)
                yield _request(policy, then, rule, arriving, others, packet, start, context.day, elsewhere)


def _standing(policy: Policy) -> AddressSet:
    """Where the machine itself may be: nobody says, so anywhere in the networks of those it is behind."""
    return merge(zone.addresses for one in policy.authorities() if one is not policy for zone in one.named_zones)


def _elsewhere(policy: Policy, context: Context, rule: Rule, others: PacketSet) -> str:
    """A zone of another authority in which the machine itself would not be stopped, for a rule about it; or nothing."""
    if not any(zone.is_local for ends in rule.ends for zone in (*ends.sources, *ends.destinations)):
        return ""
    for authority in policy.authorities():
        for zone in authority.named_zones if authority is not policy else ():
            if context.first(_arriving(policy, zone.addresses) - others, rule) is None:
                return zone.name
    return ""


def _arriving(policy: Policy, standing: AddressSet) -> PacketSet:
    """Packets whose ends somebody named, or that are globally reachable; the machine itself is in `standing`."""
    real = globally_reachable()
    for authority in policy.authorities():
        for zone in authority.named_zones:
            if authority is policy or zone.addresses & globally_reachable():
                real |= zone.addresses
    return PacketSet.of({family: _ends(family, real.ranges(family), standing.ranges(family)) for family in FAMILIES})


def _ends(family: Family, real: Ranges, standing: Ranges) -> list[Box | None]:
    between = {"in_interface": ANY_INTERFACE, "out_interface": ANY_INTERFACE}
    return [
        box(family, source=real, destination=real, **between),
        box(family, source=real, destination=standing, out_interface=HOST),
        box(family, source=standing, destination=real, in_interface=HOST),
    ]


def _request(
    policy: Policy,
    context: Context,
    rule: Rule,
    arriving: PacketSet,
    others_open: PacketSet,
    packet: Packet,
    start: date,
    today: date,
    elsewhere: str,
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
    when = "" if start == today else f" from {iso(start)} on"
    if elsewhere:
        message = f"{rule.label}: another authority stops some of it{when}, unless the machine stands in {elsewhere}"
        return warning("needs-request", message, rule.at, packet, "request it there, or require less", notes)
    message = f"{rule.label}: another authority on the path stops some of it{when}"
    return error("needs-request", message, rule.at, packet, "request it there, or require less", notes)
