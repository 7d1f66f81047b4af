"""Comparing two policies: every packet that is treated otherwise is in the difference, and no other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.compare import Change, compare
from firewright.analysis.decide import decide
from firewright.model.packet import Packet
from firewright.model.policy import Action, Firewall, Policy, Verb
from firewright.space.axis import point
from firewright.space.box import has_point
from tests.policies import DAY, OTHER, OUTER, TABLE, packets, policies, policy, rule


def is_in(changes: tuple[Change, ...], packet: Packet) -> bool:
    """Whether a change is about a packet."""
    place = point(packet)
    return any(
        has_point(flow.box, place) for change in changes for flow in change.flows if flow.family == packet.family
    )


@settings(max_examples=100, deadline=None)
@given(policies(has_interfaces=False), policies(has_interfaces=False), st.lists(packets(), min_size=5, max_size=15))
def test_the_difference_is_exact(before: Policy, after: Policy, sample: list[Packet]) -> None:
    """Law: a packet is among what opens, closes, answers or hides exactly if the specification says so of both policies."""
    found = compare(before, after, DAY)
    for packet in sample:
        packet = replace(packet, in_interface=packet.in_interface and "x", out_interface=packet.out_interface and "y")
        was, now = (decide(one, next(iter(one.firewalls.values())), packet, DAY) for one in (before, after))
        was_open, now_open = was.outcome.is_open, now.outcome.is_open
        assert is_in(found.opens, packet) == (now_open and not was_open)
        assert is_in(found.closes, packet) == (was_open and not now_open)
        was_answered, now_answered = (one.action is Action.REJECT for one in (was, now))
        assert is_in(found.answers, packet) == (now_answered and not was_answered and not was_open)
        assert is_in(found.hides, packet) == (was_answered and not now_answered and not now_open)


@settings(max_examples=60, deadline=None)
@given(policies(), st.randoms(use_true_random=False))
def test_a_policy_is_equivalent_to_itself_in_any_order(one: Policy, random: object) -> None:
    """Law: shuffling the rules of a policy is proved to change nothing."""
    rules = list(one.rules)
    random.shuffle(rules)  # type: ignore[attr-defined]
    assert compare(one, replace(one, rules=tuple(rules)), DAY).is_equivalent


@settings(max_examples=60, deadline=None)
@given(policies(has_interfaces=False), policies(has_interfaces=False))
def test_the_examples_of_a_change_are_decided_as_told(before: Policy, after: Policy) -> None:
    """Law: the packet shown for a change is decided before and after as the change says."""
    found = compare(before, after, DAY)
    walls = [next(iter(one.firewalls.values())) for one in (before, after)]
    for change in (*found.opens, *found.closes, *found.answers, *found.hides):
        assert decide(before, walls[0], change.witness, DAY).outcome is change.before[0].decision.outcome
        assert decide(after, walls[1], change.witness, DAY).outcome is change.after[0].decision.outcome


def test_a_firewalls_settings_are_compared_too() -> None:
    """Interfaces, timeouts and what is opened are differences though no address tells them apart."""
    wall = Firewall("edge", (OUTER, OTHER), timeouts={"tcp-established": 14400}, interfaces={"outer": ("eth0",)})
    other = replace(wall, timeouts={"tcp-established": 60}, interfaces={})
    found = compare(policy(TABLE, [wall], []), policy(TABLE, [other], []), DAY)
    assert found.settings == (
        "edge: timeout tcp-established was 14400 s, is 60 s",
        "edge: interfaces of outer were eth0, are any",
    )
    assert not found.is_equivalent


def test_a_promise_is_no_opening() -> None:
    """What becomes required or may now be asked for changes nothing for packets, and is told apart."""
    wall = Firewall("edge", (OUTER, OTHER))
    before = policy(TABLE, [wall], [rule(1, Verb.ALLOW, [(OUTER, OTHER)], "tcp/80")])
    after = policy(
        TABLE,
        [wall],
        [rule(1, Verb.REQUIRE, [(OUTER, OTHER)], "tcp/80"), rule(2, Verb.REQUEST, [(OUTER, OTHER)], "tcp/81")],
    )
    found = compare(before, after, DAY)
    assert found.is_equivalent
    assert sorted({word for word, _ in found.promises}) == ["on request now", "required now"]


def test_sessions_and_logging_are_compared_too() -> None:
    """A rule whose sessions live longer, or that is logged now, makes two policies differ though it lets the same through."""
    wall = Firewall("edge", (OUTER, OTHER))
    before, after = (
        policy(TABLE, [wall], [rule(1, Verb.ALLOW, [(OUTER, OTHER)], "tcp/80", **more)])
        for more in ({"sessions": 3600}, {"sessions": 14400, "log": True})
    )
    assert compare(before, after, DAY).settings == (
        "allow: tcp/80: sessions of 3600 s: no more",
        "allow: tcp/80: logged: now",
        "allow: tcp/80: sessions of 14400 s: now",
    )
    assert compare(after, after, DAY).is_equivalent
