"""What a policy says of all packets at once is what it says of each."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide, enforce
from firewright.model.decision import Decision, Outcome
from firewright.model.packet import Packet
from firewright.model.policy import Policy, Rule
from firewright.space.axis import point
from firewright.space.encode import encode, encode_enforced
from tests.policies import DAY, packets, packets_in_any_state, policies


@settings(max_examples=400, deadline=None)
@given(policies(), st.lists(packets(), min_size=5, max_size=20))
def test_a_program_decides_every_packet_as_the_specification_does(policy: Policy, sample: list[Packet]) -> None:
    """Law: `encode` and `decide`, which share no code, agree on outcome, action and credited rule of every packet."""
    (firewall,) = policy.firewalls.values()
    programs = encode(policy, firewall, DAY)
    for packet in sample:
        program = programs[packet.family]
        origin = program.origin[program.decide(point(packet))]
        expected = decide(policy, firewall, packet, DAY)
        assert isinstance(origin, Decision)
        assert (origin.outcome, origin.action, origin.rule) == (expected.outcome, expected.action, expected.rule), (
            packet
        )


@settings(max_examples=400, deadline=None)
@given(policies(), st.lists(packets_in_any_state(), min_size=5, max_size=20))
def test_an_enforced_program_decides_every_packet_as_the_specification_does(
    policy: Policy, sample: list[tuple[Packet, tuple[str, ...]]]
) -> None:
    """Law: in every conntrack state `encode_enforced` and `enforce`, which share no code, agree on outcome, action and rule."""
    (firewall,) = policy.firewalls.values()
    programs = encode_enforced(policy, firewall, DAY)
    for packet, carried in sample:
        program = programs[packet.family]
        step = program.decide(point(packet), dict.fromkeys(carried, True))
        origin = program.origin[step]
        expected = enforce(policy, firewall, packet, DAY, carried)
        assert isinstance(origin, Decision)
        assert (origin.outcome, program.verdict[step]) == (expected.outcome, expected.action.value), packet
        assert expected.outcome is Outcome.RELATED or origin.rule == expected.rule, packet


@settings(max_examples=150, deadline=None)
@given(policies(), st.lists(packets(), min_size=5, max_size=15), st.randoms(use_true_random=False))
def test_the_order_of_rules_never_changes_what_is_done(policy: Policy, sample: list[Packet], random: object) -> None:
    """Law: shuffling the rules of a policy changes no outcome and no action; only who is credited may change."""
    (firewall,) = policy.firewalls.values()
    shuffled: list[Rule] = list(policy.rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Policy(policy.name, policy.path, policy.zones, {}, {}, policy.firewalls, tuple(shuffled))
    for packet in sample:
        before, after = decide(policy, firewall, packet, DAY), decide(other, firewall, packet, DAY)
        assert (before.outcome, before.action) == (after.outcome, after.action), packet
