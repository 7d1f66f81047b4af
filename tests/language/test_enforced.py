"""What a compiled firewall does with packets in every conntrack state: the decisions that `ask`, which speaks of new flows, leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from firewright.analysis.decide import enforce
from firewright.model.decision import Decision, Outcome
from firewright.model.packet import FAMILIES, ConntrackState, Packet
from firewright.model.policy import Action, Policy
from firewright.space.axis import point
from firewright.space.encode import encode_enforced
from tests.language.world import DAY, INSIDE, OUTSIDE, edge, machine, packet, policy

GROUP = {4: "224.0.0.251", 6: "ff02::fb"}


def enforced(found: Policy, asked: Packet, carried: tuple[str, ...] = (), day: date = DAY) -> Decision:
    """The decision of a policy's only firewall, by the specification; the sets must say the same."""
    (firewall,) = found.firewalls.values()
    decision = enforce(found, firewall, asked, day, carried)
    program = encode_enforced(found, firewall, day)[asked.family]
    step = program.decide(point(asked), dict.fromkeys(carried, True))
    by_sets = program.origin[step]
    assert isinstance(by_sets, Decision)
    assert (by_sets.outcome, program.verdict[step]) == (decision.outcome, decision.action.value)
    return decision


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_19_replies_and_errors_follow_and_nothing_else(family: int) -> None:
    """A packet of an open flow and an ICMP error of one pass without a rule; a related packet of another kind does not."""
    found = edge("from: internet, to: inside, request: any")
    back = packet(INSIDE[family], OUTSIDE[family], "tcp/49152", into="eth1", out="eth0")
    error = packet(
        OUTSIDE[family], INSIDE[family], "icmpv4/3/4" if family == 4 else "icmpv6/2", state=ConntrackState.RELATED
    )
    other = packet(OUTSIDE[family], INSIDE[family], "tcp/40000", state=ConntrackState.RELATED)
    assert enforced(found, replace(back, conntrack_state=ConntrackState.ESTABLISHED)).outcome is Outcome.ESTABLISHED
    assert enforced(found, back).action is Action.DROP
    assert enforced(found, error).outcome is Outcome.RELATED
    assert enforced(found, replace(error, conntrack_state=ConntrackState.NEW)).action is Action.DROP
    assert enforced(found, other).action is Action.DROP


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_19_a_helper_follows_only_a_service_that_names_it(family: int) -> None:
    """What a helper expects passes above port 1023, where a permitted service names that helper; a bare port names none."""
    data = packet(OUTSIDE[family], INSIDE[family], "tcp/40000", state=ConntrackState.RELATED)
    low = packet(OUTSIDE[family], INSIDE[family], "tcp/1023", state=ConntrackState.RELATED)
    named, bare = edge("from: internet, to: inside, allow: ftp"), edge("from: internet, to: inside, allow: tcp/21")
    denied = edge("from: internet, to: inside, deny: ftp")
    assert enforced(named, data, ("ct helper ftp",)).outcome is Outcome.RELATED
    for found, asked, carried in (
        (named, data, ()),
        (named, data, ("ct helper tftp",)),
        (named, low, ("ct helper ftp",)),
        (named, replace(data, conntrack_state=ConntrackState.NEW), ("ct helper ftp",)),
        (bare, data, ("ct helper ftp",)),
        (denied, data, ("ct helper ftp",)),
    ):
        assert enforced(found, asked, carried).action is Action.DROP, (found.rules, asked)


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_19_the_machines_own_refusals_leave_it(family: int) -> None:
    """A reset that the machine sends for what it rejects, which the kernel calls related, passes; one that it forwards does not."""
    found = edge("from: internet, to: inside, reject: https")
    reset = packet(INSIDE[family], OUTSIDE[family], "tcp/49152", into="", out="eth0", state=ConntrackState.RELATED)
    for flags in (0x04, 0x14):
        assert enforced(found, replace(reset, tcp_flags=flags)).outcome is Outcome.RELATED
        assert enforced(found, replace(reset, tcp_flags=flags, in_interface="eth1")).action is Action.DROP
        assert (
            enforced(found, replace(reset, tcp_flags=flags, conntrack_state=ConntrackState.NEW)).action is Action.DROP
        )
    for flags in (0x02, 0x06, 0x10, 0x01):
        assert enforced(found, replace(reset, tcp_flags=flags)).action is Action.DROP


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_24_an_essential_carries_its_hop_limit(family: int) -> None:
    """Neighbour discovery from afar (a hop limit under 255) and group messages from afar are no essentials."""
    found = machine("from: local, to: any, allow: any")
    near = "ip6 hoplimit 255" if family == 6 else "ip ttl 1"
    asked = (
        packet(OUTSIDE[6], INSIDE[6], "icmpv6/135", out="")
        if family == 6
        else packet(OUTSIDE[4], GROUP[4], "protocol/2", out="")
    )
    for state in (ConntrackState.UNTRACKED, ConntrackState.NEW, ConntrackState.INVALID):
        assert enforced(found, replace(asked, conntrack_state=state), (near,)).outcome is Outcome.ESSENTIAL
        assert enforced(found, replace(asked, conntrack_state=state)).action is Action.DROP


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("flags", [0x10, 0x12, 0x00, 0x01, 0x04, 0x06, 0x29])
def test_decision_29_a_segment_of_an_unknown_flow_is_dropped(family: int, flags: int) -> None:
    """At an open port only a SYN alone opens a flow, whatever state conntrack gives the packet; ECN bits do not matter."""
    found = edge("from: internet, to: inside, allow: https")
    asked = packet(OUTSIDE[family], INSIDE[family], "tcp/443")
    for state in (ConntrackState.NEW, ConntrackState.UNTRACKED, ConntrackState.RELATED):
        stray = replace(asked, tcp_flags=flags, conntrack_state=state)
        assert enforced(found, stray).outcome is Outcome.UNBEGUN
        assert enforced(found, replace(stray, tcp_flags=0x02)).outcome is Outcome.ALLOWED
        assert enforced(found, replace(stray, tcp_flags=0xC2)).outcome is Outcome.ALLOWED


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_07_a_spoofed_packet_is_dropped_in_every_state(family: int) -> None:
    """An address at another zone's interface, or a loopback address from outside, is dropped before open flows are asked."""
    found = policy("""
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, inside], interfaces: {internet: eth0, inside: eth1}}}
rules: [{between: [internet, inside], allow: any}]
""")
    loopback = packet("127.0.0.1" if family == 4 else "::1", INSIDE[family], "tcp/443")
    wrong = packet(INSIDE[family], OUTSIDE[family], "tcp/443", into="eth0", out="eth0")
    for state in ConntrackState:
        for asked in (loopback, wrong):
            assert enforced(found, replace(asked, conntrack_state=state)).outcome is Outcome.SPOOFED


@pytest.mark.parametrize("family", FAMILIES)
def test_invalid_packets_are_dropped_and_untracked_ones_are_judged(family: int) -> None:
    """What fits no flow is dropped though a rule allows its port; what conntrack was told to leave alone meets the rules."""
    found = edge("from: internet, to: inside, allow: https")
    asked = packet(OUTSIDE[family], INSIDE[family], "tcp/443")
    assert enforced(found, replace(asked, conntrack_state=ConntrackState.INVALID)).outcome is Outcome.INVALID
    assert enforced(found, replace(asked, conntrack_state=ConntrackState.UNTRACKED)).outcome is Outcome.ALLOWED


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_30_a_link_local_address_is_on_no_leg(family: int) -> None:
    """What claims a link-local source passes no firewall as if it stayed on the leg of the internet: the rules decide it."""
    found = policy("""
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, inside], interfaces: {internet: eth0, inside: eth1}}}
rules: [{from: inside, to: internet, allow: https}]
""")
    forged = packet("169.254.9.9" if family == 4 else "fe80::9", OUTSIDE[family], "udp/9999", into="eth1", out="eth0")
    assert enforced(found, forged).outcome is Outcome.CLOSED
    assert (
        enforced(
            found,
            replace(
                forged, source=forged.destination, destination=forged.source, in_interface="eth0", out_interface="eth1"
            ),
        ).outcome
        is Outcome.CLOSED
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_decision_30_a_zone_on_no_leg_comes_by_the_interfaces_of_the_internet(family: int) -> None:
    """A named machine out there is reached and heard where the internet is, and is spoofed at the inside's interface."""
    found = policy("""
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"], vendor: [203.0.113.9, "2001:db8:f::9"]}
firewalls: {edge: {between: [internet, inside], interfaces: {internet: eth0, inside: eth1}}}
rules: [{from: vendor, to: inside, require: https}]
""")
    asked = packet(OUTSIDE[family], INSIDE[family], "tcp/443")
    assert enforced(found, asked).outcome is Outcome.REQUIRED
    assert enforced(found, replace(asked, in_interface="eth1")).outcome is Outcome.SPOOFED
    assert enforced(found, replace(asked, in_interface="eth7")).outcome is Outcome.SPOOFED
