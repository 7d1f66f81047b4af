"""What one firewall does with one packet: the policy language's meaning, said as plainly as it can be.

This is the specification. It knows nothing of packet sets, boxes or lists, so that `space/encode.py`, which says the same of all
packets at once, is checked against it and not against itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from fnmatch import fnmatchcase

from firewright.model.address import BROADCAST, LOOPBACK, MULTICAST, UNICAST
from firewright.model.conntrack_helper import DATA_PORTS, HELPERS
from firewright.model.decision import Decision, Outcome
from firewright.model.essential import ESSENTIALS, ICMP_ERRORS, LINK_LOCAL, REDIRECTS
from firewright.model.interval import has
from firewright.model.packet import FLAG_MASK, PORTED, RESET_MASK, RST, SYN, TCP, ConntrackState, Packet
from firewright.model.policy import Action, Firewall, Policy, Rule, Term, Verb, Zone, ZoneKind

STRENGTH = (Verb.DENY, Verb.REJECT, Verb.REQUIRE, Verb.ALLOW, Verb.REQUEST)
"""The verbs, the strongest first; among equals the first in the file is credited."""

_SAYS = {
    Verb.DENY: (Outcome.DENIED, Action.DROP),
    Verb.REJECT: (Outcome.REJECTED, Action.REJECT),
    Verb.REQUIRE: (Outcome.REQUIRED, Action.ACCEPT),
    Verb.ALLOW: (Outcome.ALLOWED, Action.ACCEPT),
    Verb.REQUEST: (Outcome.REQUESTED, Action.DROP),
}


def decide(policy: Policy, firewall: Firewall, packet: Packet, day: date) -> Decision:
    """The decision of a firewall on a packet on a day; an end without interface name is the machine itself. O(rules)."""
    from_host, to_host = not packet.in_interface, not packet.out_interface
    if from_host and to_host:
        return Decision(Outcome.LOOPBACK, Action.ACCEPT, firewall, at=firewall.at)
    if firewall.is_host and not from_host and not to_host:
        return Decision(Outcome.UNENFORCED, Action.ACCEPT, firewall, at=firewall.at)
    if _is_forged(policy, firewall, packet):
        return Decision(Outcome.SPOOFED, Action.DROP, firewall, at=firewall.at)
    if not from_host and not to_host and not passes(firewall, packet):
        return Decision(Outcome.UNENFORCED, Action.ACCEPT, firewall, at=firewall.at)
    if _is_redirect(packet):
        return Decision(Outcome.DENIED, Action.DROP, firewall, reason="redirects are always dropped", at=firewall.at)
    if is_essential(packet):
        return Decision(Outcome.ESSENTIAL, Action.ACCEPT, firewall, at=firewall.at)
    return _by_rules(policy, firewall, packet, day)


def enforce(policy: Policy, firewall: Firewall, packet: Packet, day: date, carried: Collection[str] = ()) -> Decision:
    """What the firewall does with a packet in whatever state, replies and strays too: what a ruleset must do.

    `carried` is what the packet has beside its header's axes, in nft's words: `ip6 hoplimit 255`, `ip ttl 1`, `ct helper ftp`.
    """
    from_host, to_host = not packet.in_interface, not packet.out_interface
    state = packet.conntrack_state
    if from_host and to_host:
        return Decision(Outcome.LOOPBACK, Action.ACCEPT, firewall, at=firewall.at)
    if firewall.is_host and not from_host and not to_host:
        return Decision(Outcome.UNENFORCED, Action.ACCEPT, firewall, at=firewall.at)
    if _is_forged(policy, firewall, packet):
        return Decision(Outcome.SPOOFED, Action.DROP, firewall, at=firewall.at)
    if _is_redirect(packet):
        return Decision(Outcome.DENIED, Action.DROP, firewall, reason="redirects are always dropped", at=firewall.at)
    if state is ConntrackState.ESTABLISHED:
        return Decision(Outcome.ESTABLISHED, Action.ACCEPT, firewall, at=firewall.at)
    if not from_host and not to_host and not (passes(firewall, packet) or _is_on_every_link(packet)):
        return Decision(Outcome.UNENFORCED, Action.ACCEPT, firewall, at=firewall.at)
    if is_essential(packet, carried):
        return Decision(Outcome.ESSENTIAL, Action.ACCEPT, firewall, at=firewall.at)
    if state is ConntrackState.RELATED and _follows(policy, firewall, packet, day, carried):
        return Decision(Outcome.RELATED, Action.ACCEPT, firewall, at=firewall.at)
    if state is ConntrackState.INVALID:
        return Decision(Outcome.INVALID, Action.DROP, firewall, at=firewall.at)
    if packet.protocol == TCP and packet.tcp_flags & FLAG_MASK != SYN:
        return Decision(Outcome.UNBEGUN, Action.DROP, firewall, at=firewall.at)
    return _by_rules(policy, firewall, packet, day)


def _is_forged(policy: Policy, firewall: Firewall, packet: Packet) -> bool:
    """Whether a packet comes from or goes to where its addresses cannot be; nothing of the machine's own loopback is asked."""
    ends = (packet.source, packet.destination)
    return any(LOOPBACK.has(packet.family, end) for end in ends) or is_spoofed(policy, firewall, packet)


def _is_on_every_link(packet: Packet) -> bool:
    """Whether an end tells nothing of the leg that it is on: a link-local address, which nobody should forward (RFC 3927, 2.7)."""
    return any(LINK_LOCAL.has(packet.family, end) for end in (packet.source, packet.destination))


def _is_redirect(packet: Packet) -> bool:
    protocol, selectors = REDIRECTS[packet.family]
    return not packet.out_interface and packet.protocol == protocol and has(selectors, packet.selector)


def _follows(policy: Policy, firewall: Firewall, packet: Packet, day: date, carried: Collection[str]) -> bool:
    """Whether a related packet is an error of its flow, the machine's own refusal, or a connection that a service agreed on."""
    protocol, selectors = ICMP_ERRORS[packet.family]
    if packet.protocol == protocol and has(selectors, packet.selector):
        return True
    if not packet.in_interface and packet.protocol == TCP and packet.tcp_flags & RESET_MASK == RST:
        return True
    return any(
        f"ct helper {name}" in carried
        and packet.protocol == HELPERS[name].data_protocol
        and has(DATA_PORTS, packet.selector)
        for rule in policy.rules
        if rule.is_active(day) and rule.opens(firewall)
        for term in rule.terms
        for name in term.helpers
    )


def _by_rules(policy: Policy, firewall: Firewall, packet: Packet, day: date) -> Decision:
    hits = [rule for rule in policy.rules if rule.is_active(day) and matches(rule, packet)]
    passed = {name.value for rule in hits for name in rule.overrides}
    for verb in STRENGTH:
        for rule in hits:
            if rule.verb is verb and not (rule.name in passed and verb in (Verb.DENY, Verb.REJECT)):
                outcome, action = _SAYS[verb]
                if verb is Verb.ALLOW and firewall.opens == "required":
                    outcome, action = Outcome.UNOPENED, firewall.default
                return Decision(outcome, action, firewall, rule, at=rule.at)
    for default in (Action.DROP, Action.REJECT):
        for rule in hits:
            if rule.verb is Verb.OTHERWISE and rule.default is default:
                return Decision(Outcome.CLOSED, default, firewall, rule, at=rule.at)
    return Decision(Outcome.CLOSED, firewall.default, firewall, at=firewall.at)


def matches(rule: Rule, packet: Packet) -> bool:
    """Whether a rule speaks of a packet."""
    return any(
        any(_is_source(zone, packet) for zone in ends.sources)
        and any(_is_destination(zone, packet) for zone in ends.destinations)
        for ends in rule.ends
    ) and (not rule.terms or any(has_service(term, packet) for term in rule.terms))


def has_service(term: Term, packet: Packet) -> bool:
    """Whether a packet is of one of a term's transports."""
    return term.is_any or any(
        packet.family in transport.families
        and packet.protocol == transport.protocol
        and has(transport.selectors, packet.selector)
        and (packet.protocol not in PORTED or has(transport.source_ports, packet.source_port))
        for transport in term.transports
    )


def _is_source(zone: Zone, packet: Packet) -> bool:
    return is_end(zone, packet.in_interface, packet.family, packet.source)


def _is_destination(zone: Zone, packet: Packet) -> bool:
    return is_end(zone, packet.out_interface, packet.family, packet.destination)


def is_end(zone: Zone, name: str, family: int, address: int) -> bool:
    """Whether one end of a packet lies in a zone: the hook decides what is local, the address decides the rest."""
    if zone.kind is ZoneKind.LOCAL:
        return not name
    if zone.kind is ZoneKind.MULTICAST:
        return MULTICAST.has(family, address)
    if zone.kind is ZoneKind.BROADCAST:
        return BROADCAST.has(family, address)
    return bool(name) and zone.addresses.has(family, address)


def is_essential(packet: Packet, carried: Collection[str] | None = None) -> bool:
    """Whether a packet is on the printed list of what a machine cannot do without; None carries whatever is asked for."""
    return any(
        packet.family in row.families
        and (carried is None or not row.hop_limit or row.condition(packet.family) in carried)
        and (not packet.out_interface if row.is_inbound else not packet.in_interface)
        and packet.protocol == row.protocol
        and has(row.selectors, packet.selector)
        and (packet.protocol not in PORTED or has(row.source_ports, packet.source_port))
        and row.source.has(packet.family, packet.source)
        and row.destination.has(packet.family, packet.destination)
        for row in ESSENTIALS
    )


def passes(firewall: Firewall, packet: Packet) -> bool:
    """Whether a packet between two other machines passes a firewall: its ends lie on different legs, or in one `within` zone."""
    if firewall.is_host:
        return False
    family, ends = packet.family, (packet.source, packet.destination)
    if any(all(zone.addresses.has(family, end) for end in ends) for zone in firewall.within):
        return True
    if not all(UNICAST.has(family, end) for end in ends):
        return True
    here, there = (_leg(firewall, family, end) for end in ends)
    return here is not None and there is not None and here is not there


def _leg(firewall: Firewall, family: int, address: int) -> Zone | None:
    """The leg that an address is on: the innermost that holds it, else the one that has the internet, else none."""
    holding = [zone for zone in _named_legs(firewall) if zone.addresses.has(family, address)]
    for zone in holding:
        if not any(other is not zone and other.addresses <= zone.addresses for other in holding):
            return zone
    return next((zone for zone in firewall.between if zone.kind is ZoneKind.INTERNET), None)


def _named_legs(firewall: Firewall) -> Iterator[Zone]:
    return (zone for zone in firewall.between if zone.kind is not ZoneKind.INTERNET)


def is_spoofed(policy: Policy, firewall: Firewall, packet: Packet) -> bool:
    """Whether an end of a packet is at an interface that its addresses do not come by.

    An address comes by the interfaces of its innermost zone that has some; one whose zones have none, by those given to
    nobody. Link-local addresses are at home on every link.
    """
    ends = ((packet.in_interface, packet.source), (packet.out_interface, packet.destination))
    return any(
        name
        and not LINK_LOCAL.has(packet.family, address)
        and not _fits(policy, firewall, name, packet.family, address)
        for name, address in ends
    )


def _is_home(zone: Zone, policy: Policy, firewall: Firewall, family: int, address: int) -> bool:
    """Whether a zone's interfaces are an address's: the internet's are those of machines on no other leg, in no zone with some."""
    if zone.kind is not ZoneKind.INTERNET:
        return zone.addresses.has(family, address)
    given = [one for one in policy.zones.values() if one.name in firewall.interfaces]
    others = (one for one in (*firewall.between, *firewall.within, *given) if one.kind is not ZoneKind.INTERNET)
    return UNICAST.has(family, address) and not any(one.addresses.has(family, address) for one in others)


def _fits(policy: Policy, firewall: Firewall, name: str, family: int, address: int) -> bool:
    given = [
        zone
        for zone in policy.zones.values()
        if zone.name in firewall.interfaces and _is_home(zone, policy, firewall, family, address)
    ]
    if not given:
        taken = any(fnmatchcase(name, pattern) for patterns in firewall.interfaces.values() for pattern in patterns)
        return not taken or not UNICAST.has(family, address)
    innermost = [
        zone for zone in given if not any(other is not zone and other.addresses <= zone.addresses for other in given)
    ]
    return all(any(fnmatchcase(name, pattern) for pattern in firewall.interfaces[zone.name]) for zone in innermost)
