"""What a policy requires and the firewalls of others stop whole: it would be written, loaded, proved, and still not work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from firewright.analysis.running import Running, openings
from firewright.analysis.validate import real
from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.model.address import LOOPBACK, AddressSet
from firewright.model.packet import FAMILIES, ConntrackState, Family
from firewright.model.policy import Firewall, Policy, Rule, Verb
from firewright.space.axis import HOST
from firewright.space.box import Box, box, meet_box
from firewright.space.encode import encode_enforced, rule_boxes
from firewright.space.packetset import PacketSet
from firewright.workflows.foreign import foreign
from firewright.workflows.live import Seen


def blocked(seen: Seen, policy: Policy, firewall: Firewall, day: date) -> Iterator[Diagnostic]:
    """The rules that require something of the machine itself of which, in a family, tables of others let nothing through.

    Judged for the worse for nobody: a rule is blocked only where no reading of what is not understood lets a packet of it pass.
    Raises Undecided, Unfilled.
    """
    rulesets = tuple(one.ruleset for one in foreign(seen) if one.ruleset is not None)
    if not rulesets:
        return
    passing = Running(rulesets).possibly
    permitted = PacketSet.decided(encode_enforced(policy, firewall, day), "accept")
    own = seen.machine.own_addresses - LOOPBACK
    for rule in policy.rules:
        if rule.verb is not Verb.REQUIRE or not rule.is_active(day):
            continue
        for family in FAMILIES:
            packets = PacketSet.of({family: list(_begun(rule, family, own))}) & permitted
            example = packets.witness()
            if example is not None and (packets & passing).is_empty():
                message = f"tables of others stop everything that {harmless(rule.label)} requires over IPv{family}"
                way_out = "a packet must pass every table: change theirs, or do not require it here; --force goes on"
                yield Diagnostic(
                    "neighbour-stops", Severity.ERROR, message, rule.at, witness=str(example), help=way_out
                )


def _begun(rule: Rule, family: Family, own: AddressSet) -> Iterator[Box]:
    """The packets with which flows of a rule begin that end or begin at the machine itself."""
    new = int(ConntrackState.NEW)
    ends = (
        box(family, out_interface=HOST, destination=own.ranges(family), conntrack_state=((new, new),)),
        box(family, in_interface=HOST, source=own.ranges(family), conntrack_state=((new, new),)),
    )
    for one in rule_boxes(rule, family):
        for end in ends:
            met = None if end is None else meet_box(one, end, family)
            met = None if met is None else meet_box(met, real(family), family)
            if met is not None:
                yield from openings(family, met)
