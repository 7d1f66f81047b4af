"""What is decided before the rules: strange addresses, redirects, open flows, essentials, and packets that open no flow."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from firewright.model.address import LOOPBACK, UNICAST, AddressSet, merge
from firewright.model.conntrack_helper import DATA_PORTS, HELPERS
from firewright.model.essential import ESSENTIALS, ICMP_ERRORS, LINK_LOCAL, REDIRECTS
from firewright.model.interval import Ranges, complement
from firewright.model.packet import Family
from firewright.model.policy import Firewall, Policy, ZoneKind
from firewright.model.transport import EVERY_SELECTOR
from firewright.syntax.nftables import (
    Counter,
    Field,
    Flags,
    Hook,
    Match,
    Named,
    Opening,
    Resetting,
    Rule,
    Statement,
    comment,
)
from firewright.writers.nftables.leaf import ACCEPT, DROP
from firewright.writers.nftables.passage import inside
from firewright.writers.nftables.service import service_matches

_TOP = {4: 2**32 - 1, 6: 2**128 - 1}


def source_field(family: Family) -> Field:
    """The source address of a family."""
    return Field.SOURCE4 if family == 4 else Field.SOURCE6


def destination_field(family: Family) -> Field:
    """The destination address of a family."""
    return Field.DESTINATION4 if family == 4 else Field.DESTINATION6


def loopback(family: Family) -> Iterator[Rule]:
    """A loopback address that comes from or goes to anywhere else is dropped in every state."""
    for field in (source_field(family), destination_field(family)):
        yield Rule((Match(field, LOOPBACK.ranges(family)), Counter(), DROP), "a loopback address from or to elsewhere")


def territories(policy: Policy, firewall: Firewall) -> list[tuple[AddressSet, tuple[str, ...]]]:
    """The addresses that come by some interfaces only, with these: a zone's own, less those of the zones inside that have some."""
    given = [
        zone
        for zone in policy.zones.values()
        if zone.kind in (ZoneKind.NAMED, ZoneKind.INTERNET) and zone.name in firewall.interfaces
    ]
    found = []
    for zone in given:
        held = zone.addresses
        if zone.kind is ZoneKind.INTERNET:  # its interfaces are those of whatever is on no other leg, named or not
            others = [
                one.addresses for one in (*firewall.between, *firewall.within, *given) if one.kind is ZoneKind.NAMED
            ]
            held = UNICAST - merge(others)
        inner = [one.addresses for one in inside(zone, given)]
        found.append((held - merge(inner) - LINK_LOCAL, firewall.interfaces[zone.name]))
    return found


def spoofed(policy: Policy, firewall: Firewall, hook: Hook, family: Family) -> Iterator[Rule]:
    """Addresses at interfaces that they do not come by are dropped in every state, at whichever end they are."""
    homes = territories(policy, firewall)
    patterns = sorted(
        {name for _, names in homes for name in names}, key=lambda name: (name.endswith("*"), -len(name), name)
    )
    if not patterns:
        return
    sides = []
    if hook is not Hook.OUTPUT:
        sides.append((Field.IN_INTERFACE, source_field(family)))
    if hook is not Hook.INPUT:
        sides.append((Field.OUT_INTERFACE, destination_field(family)))
    everyone = merge(own for own, _ in homes)
    for interface, address in sides:
        for pattern in patterns:
            at_home = merge(own for own, names in homes if any(_has(name, pattern) for name in names))
            wrong = (UNICAST - LINK_LOCAL - at_home).ranges(family)
            if wrong:
                place = comment(f"spoofed: not an address of {pattern}")
                yield Rule(
                    (*_at(interface, pattern, patterns), *_outside(address, wrong, family), Counter(), DROP), place
                )
        strange = everyone.ranges(family)
        if strange and "*" not in patterns:
            said = "spoofed: an address of another interface"
            elsewhere = Named(interface, tuple(patterns), is_negated=True)
            yield Rule((elsewhere, *_outside(address, strange, family), Counter(), DROP), said)


def _at(field: Field, pattern: str, patterns: list[str]) -> Iterator[Statement]:
    """The interfaces that a pattern fits, and no narrower one of these."""
    narrower = tuple(one for one in patterns if one != pattern and _has(pattern, one))
    if pattern != "*":
        yield Named(field, (pattern,))
    if narrower:
        yield Named(field, narrower, is_negated=True)


def _has(name: str, pattern: str) -> bool:
    """Whether every interface that the pattern fits has the name, which may be the beginning of one."""
    if pattern.endswith("*"):
        return name.endswith("*") and pattern[:-1].startswith(name[:-1])
    return fnmatchcase(pattern, name)


def _outside(field: Field, wrong: Ranges, family: Family) -> tuple[Statement, ...]:
    """The wrong addresses, by the shorter of the two ways to say them."""
    right = complement(wrong, _TOP[family])
    if not right:
        return ()
    return (Match(field, right, is_negated=True),) if len(right) < len(wrong) else (Match(field, wrong),)


def redirects(family: Family) -> Iterator[Rule]:
    """Redirects to the host are dropped in every state."""
    protocol, selectors = REDIRECTS[family]
    for matches in service_matches(_axis(protocol, selectors), None):
        yield Rule((*matches, Counter(), DROP), "redirects are always dropped")


def essentials(hook: Hook, family: Family) -> Iterator[Rule]:
    """What the machine cannot do without passes in every state."""
    for row in ESSENTIALS:
        if family not in row.families or row.is_inbound is not (hook is Hook.INPUT):
            continue
        ends = [
            Match(field, addresses.ranges(family))
            for field, addresses in ((source_field(family), row.source), (destination_field(family), row.destination))
            if addresses.ranges(family) != ((0, _TOP[family]),)
        ]
        limit = Field.HOP_LIMIT if family == 6 else Field.TTL
        near = (Match(limit, ((row.hop_limit, row.hop_limit),)),) if row.hop_limit else ()
        ports = None if row.source_ports == EVERY_SELECTOR else row.source_ports
        for matches in service_matches(_axis(row.protocol, row.selectors), ports):
            yield Rule((*matches, *near, *ends, Counter(), ACCEPT), comment(f"essential: {row.name}"))


def established() -> Rule:
    """Packets of an open flow pass."""
    return Rule((Flags(("established",)), Counter(), ACCEPT), "open flows")


def errors(hook: Hook, family: Family) -> Iterator[Rule]:
    """ICMP errors of an open flow pass, and the resets by which the machine itself refuses one."""
    protocol, selectors = ICMP_ERRORS[family]
    for matches in service_matches(_axis(protocol, selectors), None):
        yield Rule((Flags(("related",)), *matches, Counter(), ACCEPT), "errors of open flows")
    if hook is Hook.OUTPUT:
        yield Rule((Flags(("related",)), Resetting(), Counter(), ACCEPT), "refusals of the machine itself")


def data(helper: str) -> tuple[Statement, ...]:
    """The matches of the connections that a helper expects."""
    protocol = HELPERS[helper].data_protocol
    (ports,) = service_matches(_axis(protocol, DATA_PORTS), None)
    return (Flags(("related",)), Named(Field.HELPER, (helper,)), *ports)


def invalid() -> Rule:
    """What fits no flow is dropped."""
    return Rule((Flags(("invalid",)), Counter(), DROP), "invalid: it fits no flow")


def unfit() -> Iterator[Rule]:
    """What fits no flow, and TCP segments of flows that nobody opened, are dropped."""
    yield invalid()
    yield Rule((Opening(is_negated=True), Counter(), DROP), "a segment of a flow that nobody opened")


def _axis(protocol: int, selectors: Ranges) -> Ranges:
    return tuple((protocol << 16 | low, protocol << 16 | high) for low, high in selectors)
