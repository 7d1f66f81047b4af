"""Subjects of any kind side by side: what differs is exact and has its rules, what does not is proved."""

from __future__ import annotations

import random

import pytest

from firewright.analysis.contrast import Scope, Sort, contrast
from firewright.analysis.subject import Subject
from firewright.model.packet import FAMILIES, ConntrackState, Packet
from firewright.space.axis import point
from tests.workflows.subjects import LISTED, POLICY, SAVED, SAVED_SIX, subject

LIMITED = LISTED.replace("tcp dport 80 accept", "tcp dport 80 limit rate 5/second accept")


def decided(of: Subject, packet: Packet) -> str:
    """The word of a subject for a packet, by its programs alone."""
    program = of.programs[packet.family]
    return str(program.verdict[program.decide(point(packet))])


def test_two_dumps_of_iptables_equal_one_table_of_nft() -> None:
    """The rules of both families in other words and another order are equivalent, in every state."""
    for scope in Scope:
        found = contrast(subject(SAVED + SAVED_SIX), subject(LISTED), scope)
        assert found.is_equivalent
        assert found.families == FAMILIES


def test_a_family_that_one_side_does_not_describe_is_not_called_equal() -> None:
    """A dump of IPv4 alone says nothing of IPv6: asked about both, it is not equivalent to anything; about IPv4 it is."""
    both, four = (contrast(subject(SAVED), subject(LISTED), families=families) for families in ((4, 6), (4,)))
    assert both.changes == () and both.uncompared == ((6, "rules"),)
    assert not both.is_equivalent
    assert four.is_equivalent
    assert not contrast(subject(SAVED), subject(LISTED), families=(6,)).is_equivalent


def test_what_opens_and_closes_has_flows_an_example_and_both_rules() -> None:
    """A port more and a port less are one change each, with the rule that lets it and the chain's policy that does not."""
    after = subject(LISTED.replace("dport 80 ", "dport 8080 "))
    found = contrast(subject(SAVED + SAVED_SIX), after)
    assert [(one.sort, list(map(str, one.lines))) for one in found.changes] == [
        (Sort.OPENS, ["any -> local tcp/8080"]),
        (Sort.CLOSES, ["any -> local tcp/80"]),
    ]
    opens, closes = found.changes
    assert opens.after.place.words == "tcp dport 8080 accept"
    assert opens.before.place.at.line == 3
    assert closes.before.place.at.line in (8, 17)
    for one in found.changes:
        assert one.is_certain
        assert (decided(found.before, one.example), decided(found.after, one.example)) == (
            one.before.word,
            one.after.word,
        )


def test_a_pair_of_rules_is_told_by_itself_where_that_is_asked() -> None:
    """Flows that several rules close together are one change, and one for each pair of rules if asked."""
    before = subject(LISTED)
    after = subject(LISTED.replace("    tcp dport 443 accept\n    tcp dport 80 accept\n", ""))
    (whole,) = contrast(before, after).changes
    assert whole.pairs == 2
    pairs = contrast(before, after, by_rule=True).changes
    assert [one.before.place.words for one in pairs] == ["tcp dport 443 accept", "tcp dport 80 accept"]
    assert {flow for one in pairs for flow in one.flows} <= set(whole.flows)


def test_what_hangs_on_a_condition_is_told_as_such() -> None:
    """A rate limit closes nothing for certain and may close: the change names the rule, and nothing is called equivalent."""
    found = contrast(subject(LISTED), subject(LIMITED))
    (one,) = found.changes
    assert (one.sort, one.is_certain) == (Sort.CLOSES, False)
    assert [line.text for line in one.after.unknown] == ["tcp dport 80 limit rate 5/second accept"]
    assert one.before.unknown == ()
    assert not found.is_equivalent


def test_the_same_rule_is_read_alike_wherever_it_stands() -> None:
    """A limit that both have in the same words is no difference, in another place too; another limit is."""
    moved = LIMITED.replace("    tcp dport 443 accept\n", "").replace(
        "    ip saddr", "    tcp dport 443 accept\n    ip saddr"
    )
    found = contrast(subject(LIMITED), subject(moved))
    assert found.is_equivalent
    assert len(found.alike) == 1
    other = contrast(subject(LIMITED), subject(LIMITED.replace("rate 5/", "rate 6/")))
    assert {(one.sort, one.is_certain) for one in other.changes} == {(Sort.OPENS, False), (Sort.CLOSES, False)}


def test_a_rule_that_is_shadowed_by_a_limit_is_sure_again() -> None:
    """Where what a limit lets is let by a later rule as well, no reading differs."""
    twice = LISTED.replace("tcp dport 80 accept", "tcp dport 80 limit rate 5/second accept\n    tcp dport 80 accept")
    assert contrast(subject(LISTED), subject(twice)).is_equivalent


def test_a_refusal_is_told_from_silence() -> None:
    """Drop made reject answers; the other way it hides; neither opens."""
    rejects = LISTED.replace(
        "  chain forward {",
        "  chain more { type filter hook input priority 5; tcp dport 443 reject; }\n  chain forward {",
    )
    drops = rejects.replace("443 reject", "443 drop")
    assert {one.sort for one in contrast(subject(drops), subject(rejects)).changes} == {Sort.ANSWERS}
    assert {one.sort for one in contrast(subject(rejects), subject(drops)).changes} == {Sort.HIDES}


def test_states_are_compared_where_they_are_asked() -> None:
    """Rules that differ in known flows only are equivalent for new ones, and differ in all states."""
    after = subject(LISTED.replace("established,related", "established"))
    assert contrast(subject(LISTED), after).is_equivalent
    found = contrast(subject(LISTED), after, Scope.ALL)
    assert {one.sort for one in found.changes} == {Sort.CLOSES}
    assert all(one.example.conntrack_state is ConntrackState.RELATED for one in found.changes)


def test_a_policy_differs_from_a_ruleset_by_what_it_lacks() -> None:
    """Against a ruleset that guards only what is forwarded, the policy's own port is told in the policy's zones."""
    forward = """table inet fw {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ip daddr 192.0.2.0/24 tcp dport { 25, 80, 443, 465, 587 } accept
    ip6 daddr 2001:db8::/48 tcp dport { 25, 80, 443, 465, 993 } accept
  }
}
"""
    found = contrast(subject(POLICY, "edge.yaml"), subject(forward))
    told = {(one.sort, str(line)) for one in found.changes for line in one.lines}
    assert (Sort.OPENS, "internet -> tenants tcp/993 (IPv6 only)") in told
    assert (Sort.CLOSES, "internet -> tenants tcp/587 (IPv6 only)") in told
    assert not any("tenants tcp/465" in line for _, line in told)


@pytest.mark.parametrize("seed", range(12))
def test_every_packet_is_in_the_change_that_its_decisions_ask_for(seed: int) -> None:
    """Of random rulesets, each packet of a sample is in exactly the sort of change that the two programs' words say, or in none."""
    chance = random.Random(seed)
    before, after = (subject(_random_rules(chance)) for _ in range(2))
    found = contrast(before, after)
    asked = {("accept", "drop"): Sort.CLOSES, ("accept", "reject"): Sort.CLOSES, ("drop", "accept"): Sort.OPENS,
             ("reject", "accept"): Sort.OPENS, ("drop", "reject"): Sort.ANSWERS, ("reject", "drop"): Sort.HIDES}  # fmt: skip
    four, six = (0x0A000001, 0x0A010001, 0x0B000001), tuple(top << 112 for top in (0xFD00, 0xFD01, 0x2001))
    for _ in range(150):
        family, addresses = chance.choice(((4, four), (6, six)))
        packet = Packet(
            family,
            chance.choice(addresses),
            chance.choice(addresses),
            6,
            chance.randrange(1, 125),
            49152,
            in_interface="e0",
        )
        words = decided(before, packet), decided(after, packet)
        holding = [
            one.sort for one in found.changes for flow in one.flows if flow.family == family and _holds(flow, packet)
        ]
        assert holding == ([asked[words]] if words[0] != words[1] else []), packet


def _random_rules(chance: random.Random) -> str:
    rules = []
    for _ in range(8):
        family, prefixes = chance.choice((("ip", ("10.0.0.0/8", "10.1.0.0/16")), ("ip6", ("fd00::/8", "fd01::/16"))))
        end, low, word = (
            chance.choice(("saddr", "daddr")),
            chance.randrange(1, 80),
            chance.choice(("accept", "drop", "reject")),
        )
        rules.append(f"{family} {end} {chance.choice(prefixes)} tcp dport {low}-{low + chance.randrange(40)} {word}")
    body = "\n    ".join(rules)
    return f"table inet t {{\n  chain c {{\n    type filter hook input priority 0; policy drop;\n    {body}\n  }}\n}}\n"


def _holds(flow: object, packet: Packet) -> bool:
    axes = flow.axes  # type: ignore[attr-defined]
    return all(any(low <= at <= high for low, high in ranges) for at, ranges in zip(point(packet), axes, strict=True))
