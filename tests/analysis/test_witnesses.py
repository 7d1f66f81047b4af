"""Witnesses: packets on both sides of every edge, and what the specification says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from firewright.analysis.decide import enforce
from firewright.analysis.ground import HOST, Ground, NoGround, ground_of, obstacle
from firewright.analysis.witnesses import Witness, carried, witnesses
from firewright.model.address import AddressSet
from firewright.model.packet import FAMILIES, TCP, ConntrackState, Family
from firewright.model.policy import Action, Firewall, Policy, Verb, Zone
from tests.policies import DAY, OTHER, OUTER, TABLE, policies, policy, rule, zones

INTERNET, LOCAL = TABLE["internet"], TABLE["local"]
EDGE = Firewall("edge", (INTERNET, OUTER), (), {"outer": ("eth1",), "internet": ("eth0", "ppp*")})


def of(asked: Policy, firewall: Firewall) -> tuple[Witness, ...]:
    """The witnesses of a firewall on the day of the tests."""
    return witnesses(asked, firewall, DAY, ground_of(asked, firewall)).found


@given(policies())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_expected_is_what_the_specification_says(asked: Policy) -> None:
    """Each witness has the decision that `enforce` gives for the whole policy, can be sent, and comes again in the same place."""
    firewall = next(iter(asked.firewalls.values()))
    found = of(asked, firewall)
    assert found
    for one in found[:: max(1, len(found) // 300)]:
        assert one.decision == enforce(asked, firewall, one.packet, DAY, carried(one))
        assert not obstacle(one.packet)
    assert found == of(asked, firewall)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_edge_of_a_rule_has_a_packet_inside_and_one_outside(family: Family) -> None:
    """Of a rule's addresses and ports the first and the last are let through, and what lies just beside them is not."""
    inner = Zone("inner", AddressSet.of("10.1.1.0/24", "2001:db8:1:1::/64"))
    table = zones(inner)
    firewall = Firewall("edge", (table["internet"], inner))
    asked = policy(table, [firewall], [rule(1, Verb.ALLOW, [(table["internet"], inner)], "tcp/80-90")])
    sent = [
        one for one in of(asked, firewall) if one.packet.family == family and not one.before and not one.is_malformed
    ]
    opened = [one.packet for one in sent if one.decision.rule is not None and one.packet.tcp_flags == 2]
    low, high = inner.addresses.ranges(family)[0]
    assert {low, high} <= {packet.destination for packet in opened}
    assert {80, 90} <= {packet.selector for packet in opened}
    closed = [one.packet for one in sent if one.action is Action.DROP and one.packet.protocol == TCP]
    inside = [packet for packet in closed if low <= packet.destination <= high]
    assert {79, 91} <= {packet.selector for packet in inside}
    beside = {one.packet.destination for one in sent if 80 <= one.packet.selector <= 90 and one.packet.protocol == TCP}
    assert {low - 1, high + 1} <= beside


@pytest.mark.parametrize("family", FAMILIES)
def test_every_state_and_every_way_is_there(family: Family) -> None:
    """Packets go through the firewall, to it and from it, new, established, related, invalid, and over IPv6 untracked."""
    asked = policy(TABLE, [EDGE], [rule(1, Verb.ALLOW, [(INTERNET, OUTER), (OUTER, LOCAL)], "tcp/80", "protocol/51")])
    found = [one for one in of(asked, EDGE) if one.packet.family == family]
    states = {one.packet.conntrack_state for one in found}
    assert states >= set(ConntrackState) - ({ConntrackState.UNTRACKED} if family == 4 else set())
    ways = {(bool(one.packet.in_interface), bool(one.packet.out_interface)) for one in found}
    assert ways == {(True, True), (True, False), (False, True), (False, False)}
    assert {50, 51, 132} <= {one.packet.protocol for one in found}
    assert all(one.inside == 80 for one in found if one.packet.protocol == 51 and _is_forward(one))


def test_spoofed_packets_come_by_each_wrong_interface() -> None:
    """Where interfaces have names, an address of the inner side also comes by each that is not its own."""
    asked = policy(TABLE, [EDGE], [rule(1, Verb.ALLOW, [(OUTER, INTERNET)], "any")])
    ground = ground_of(asked, EDGE)
    assert [one.name for one in ground.interfaces][-1] == "spare0"
    wrong = {
        one.packet.in_interface
        for one in of(asked, EDGE)
        if OUTER.addresses.has(one.packet.family, one.packet.source) and one.decision.outcome == "spoofed"
    }
    assert {one.name for one in ground.interfaces} - {"eth1"} <= wrong


def test_a_packet_that_carries_a_hop_limit_has_a_twin_that_does_not() -> None:
    """What an essential asks of the hop limit is met by one packet, which passes, and missed by one by another."""
    asked = policy(TABLE, [Firewall("local")], [])
    found = of(asked, asked.firewalls["local"])
    limits = {
        (one.hop_limit, one.action) for one in found if one.packet.protocol == 58 and one.packet.selector >> 8 == 135
    }
    assert {(255, Action.ACCEPT), (254, Action.DROP)} <= limits


def test_each_packet_is_sent_once() -> None:
    """No two witnesses are the same packet with the same hop limit, flow and form."""
    asked = policy(TABLE, [EDGE], [rule(1, Verb.ALLOW, [(OUTER, INTERNET)], "tcp/80-90", "udp/53")])
    found = [replace(one, decision=None) for one in of(asked, EDGE)]  # type: ignore[arg-type]
    keys = [(one.packet, one.hop_limit, one.before, one.is_malformed) for one in found]
    assert len(keys) == len(set(keys))


def test_the_ground_has_an_interface_for_each_leg() -> None:
    """Every unicast address is behind exactly one interface, each leg's behind its own, the rest behind the internet's."""
    legs = Firewall("core", (OTHER, OUTER, INTERNET))
    ground = ground_of(policy(TABLE, [legs], []), legs)
    assert [one.zone for one in ground.interfaces] == ["other", "outer", "internet"]
    for family in FAMILIES:
        assert ground.home(family, OTHER.addresses.ranges(family)[0][0]) == "leg0"
        assert ground.home(family, OUTER.addresses.ranges(family)[0][1]) == "leg1"
        assert ground.home(family, OTHER.addresses.ranges(family)[0][1] + (1 << 20)) == "internet0"
        behind = [one.behind.ranges(family) for one in ground.interfaces]
        assert all(not set(one) & set(other) for one in behind for other in behind if one is not other)


def test_a_firewall_with_more_interfaces_than_can_be_made_is_refused() -> None:
    """Beyond the number of interfaces that a testbed has there is an error that says how many."""
    many = Firewall("many", (INTERNET, OUTER), (), {"outer": tuple(f"eth{number}" for number in range(99))})
    with pytest.raises(NoGround, match="100 interfaces"):
        ground_of(policy(TABLE, [many], []), many)


def test_the_host_has_addresses_of_its_own_on_each_interface() -> None:
    """The machine's own addresses differ from interface to interface, and from those of the routers beside it."""
    ground: Ground = ground_of(policy(TABLE, [EDGE], []), EDGE)
    for family in FAMILIES:
        own = [one.own(family) for one in ground.interfaces]
        beside = [one.neighbour(family) for one in ground.interfaces]
        assert len({*own, *beside}) == 2 * len(ground.interfaces)
    assert HOST == ""


def _is_forward(one: Witness) -> bool:
    return (one.packet.in_interface, one.packet.out_interface) == ("eth0", "eth1")
