"""Rules of a policy that decide nothing: against taking them out and asking the specification, packet by packet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide, matches
from firewright.analysis.difference import first_disagreement
from firewright.analysis.needless import Needs, Reason
from firewright.analysis.unchanged import first_unlike
from firewright.model.address import AddressSet
from firewright.model.packet import FAMILIES, Packet
from firewright.model.policy import Action, Firewall, Option, Policy, Rule, Verb, Zone
from firewright.space.encode import Unfilled, encode_rules, rule_boxes
from tests.policies import INNER, OTHER, OUTER, TABLE, packets, policies, policy, rule, zones

START = date(2026, 6, 1)
DAYS = (START, date(2027, 1, 1), date(2027, 1, 2))
EDGE = Firewall("edge", (TABLE["internet"], OUTER, INNER), (INNER,))


def left_after(given: Policy) -> Policy:
    """The policy without what needs not be there, one after the other, each judged with those that are left."""
    needs, left = Needs(given), set(range(len(given.rules)))
    for number in reversed(range(len(given.rules))):
        if needs.ended(number, START) or (needs.judged(number, left) and not needs.why_kept(number)):
            left.discard(number)
    return replace(given, rules=tuple(given.rules[number] for number in sorted(left)))


@settings(max_examples=60, deadline=None)
@given(policies(), st.lists(packets(), min_size=20, max_size=20))
def test_every_packet_is_decided_the_same_without_them(before: Policy, asked: list[Packet]) -> None:
    """Law: at its firewall, on every day from the start on, with the same outcome; by the specification, and proved by sets."""
    after = left_after(before)
    (firewall,) = before.firewalls.values()
    for day in DAYS:
        for packet in asked:
            was, now = (decide(one, firewall, packet, day) for one in (before, after))
            assert (was.outcome, was.action) == (now.outcome, now.action)
    assert first_unlike(before, after, START) is None


@settings(max_examples=60, deadline=None)
@given(policies(has_interfaces=False))
def test_no_rule_that_is_left_could_go(drawn: Policy) -> None:
    """Law: without ends and overrides, some packet is decided otherwise by the rules alone if any rule that is left goes."""
    rules = tuple(replace(one, until=None, overrides=()) for one in drawn.rules if one.verb is not Verb.OTHERWISE)
    after = left_after(replace(drawn, rules=rules))
    needs = Needs(after)
    for number in range(len(after.rules)):
        is_empty = not any(rule_boxes(after.rules[number], family) for family in FAMILIES)
        if is_empty or needs.why_kept(number):
            continue  # a rule without a packet is refused by the reader
        rest = replace(after, rules=after.rules[:number] + after.rules[number + 1 :])
        old, new = encode_rules(after, START), encode_rules(rest, START)
        assert any(first_disagreement(old[family].seal(), new[family].seal()) for family in FAMILIES)


def judged(*rules: Rule, number: int = -1) -> tuple[Reason, tuple[int, ...]] | None:
    """Why one of these rules, the last unless another is named, decides nothing, and by which others."""
    needs = Needs(policy(TABLE, [EDGE], rules))
    found = needs.judged(range(len(rules))[number], range(len(rules)))
    return None if found is None else (found.reason, found.by)


WHOLE = rule(1, Verb.ALLOW, [(OUTER, OTHER)], "tcp/1-100")
HALVES = (rule(1, Verb.ALLOW, [(OUTER, OTHER)], "tcp/1-50"), rule(2, Verb.ALLOW, [(OUTER, OTHER)], "tcp/40-100"))
PART = rule(3, Verb.ALLOW, [(INNER, OTHER)], "tcp/30-90")


def test_the_fewest_that_take_a_rule_are_named() -> None:
    """One rule where one takes it, else the union of several and none that could be left out; never a part of it alone."""
    assert judged(WHOLE, *HALVES, PART) == (Reason.REDUNDANT, (0,))
    assert judged(*HALVES, PART) == (Reason.REDUNDANT, (0, 1))
    assert judged(HALVES[0], PART) is None
    assert judged(PART, WHOLE) is None


def test_stronger_rules_take_weaker_ones_and_not_the_other_way() -> None:
    """A ban shadows a permission, a requirement makes a permission redundant; an allowance takes no requirement."""
    ban, asked = replace(WHOLE, verb=Verb.DENY), replace(PART, verb=Verb.REQUEST)
    assert judged(ban, PART) == (Reason.SHADOWED, (0,))
    assert judged(replace(WHOLE, verb=Verb.REQUIRE), PART) == (Reason.REDUNDANT, (0,))
    assert judged(WHOLE, asked) == (Reason.SHADOWED, (0,))
    assert judged(WHOLE, replace(PART, verb=Verb.REQUIRE)) is None
    assert judged(WHOLE, replace(PART, verb=Verb.DENY)) is None


def test_what_is_in_force_for_a_shorter_time_takes_nothing_longer() -> None:
    """An end and an option make a rule no substitute for one without; a ban's end does not, for bans never end."""
    later, sooner = date(2027, 1, 1), date(2026, 12, 1)
    assert judged(replace(WHOLE, until=later), PART) is None
    assert judged(replace(WHOLE, until=sooner), replace(PART, until=later)) is None
    assert judged(replace(WHOLE, until=later), replace(PART, until=sooner)) is not None
    assert judged(replace(WHOLE, verb=Verb.DENY, until=sooner), PART) is not None
    assert judged(replace(WHOLE, when=("web",)), PART) is None
    assert judged(replace(WHOLE, when=("web",)), replace(PART, when=("web", "mail"))) is not None


def test_a_ban_that_may_be_lifted_takes_nothing_there() -> None:
    """Where an exception lifts a ban its packets are decided by others; beside the exception the ban still takes them."""
    ban = replace(WHOLE, verb=Verb.DENY, name="ban")
    lifting = rule(2, Verb.ALLOW, [(INNER, OTHER)], "tcp/80", until=date(2027, 1, 1), overrides=(located("ban"),))
    assert judged(ban, lifting, PART) is None
    assert judged(ban, lifting, rule(3, Verb.ALLOW, [(INNER, OTHER)], "tcp/20")) == (Reason.SHADOWED, (0,))


def located(name: str) -> object:
    """A name as an exception writes it."""
    from firewright.source import Located

    return Located(name)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"log": True}, "it is logged"),
        ({"sessions": 60}, "it says how long sessions live"),
        ({"name": "ban"}, "an exception names it"),
    ],
)
def test_what_does_more_than_decide_stays(more: dict[str, object], why: str) -> None:
    """Rules that log, set sessions or are named by an exception have a reason to stay; so has one that a helper hangs on."""
    lifting = rule(9, Verb.ALLOW, [(INNER, OTHER)], "tcp/80", until=date(2027, 1, 1), overrides=(located("ban"),))
    needs = Needs(policy(TABLE, [EDGE], [WHOLE, replace(PART, **more), lifting]))  # type: ignore[arg-type]
    assert needs.why_kept(1) == why and needs.why_kept(0) == ""
    assert needs.why_kept(2) == "it lifts a ban"
    assert Needs(policy(TABLE, [EDGE], [rule(1, Verb.ALLOW, [(INNER, OTHER)], "ftp")])).why_kept(0)


def test_who_logs_stays_the_same() -> None:
    """A rule that logs and stands later takes nothing: its log would get packets that were another rule's."""
    log = replace(WHOLE, log=True)
    assert judged(log, PART) is not None
    assert judged(PART, log, number=0) is None


def test_an_answer_to_the_rest_that_is_given_anyway_is_redundant() -> None:
    """`otherwise: drop` where every firewall drops; not where another rule rejects there, nor where a firewall rejects."""
    drop = rule(1, Verb.OTHERWISE, [(INNER, OTHER)], default=Action.DROP)
    reject = rule(2, Verb.OTHERWISE, [(OUTER, OTHER)], default=Action.REJECT)
    assert judged(drop) == (Reason.REDUNDANT, ())
    assert judged(reject) is None
    assert judged(drop, reject, number=0) is None
    answering = policy(TABLE, [replace(EDGE, default=Action.REJECT)], [drop])
    assert Needs(answering).judged(0, (0,)) is None


def test_a_ban_and_a_permission_that_meet_are_shown_with_a_packet() -> None:
    """The packet is of both rules; whether the permission holds all of the ban is said; rules that are dead are left out."""
    ban = rule(1, Verb.DENY, [(INNER, OTHER)], "tcp/80-90")
    across = rule(2, Verb.ALLOW, [(OUTER, OTHER)], "tcp/85-95")
    around = rule(3, Verb.ALLOW, [(OUTER, OTHER)], "tcp/1-100")
    needs = Needs(policy(TABLE, [EDGE], [ban, across, around]))
    found, left = needs.meetings((), 10, 10)
    assert [(one.ban, one.permission, one.is_within) for one in found] == [(0, 1, False), (0, 2, True)] and left == 0
    for one in found:
        assert one.packet is not None and matches(ban, one.packet)
        assert matches((across, around)[one.permission - 1], one.packet)
    assert needs.meetings((), 1, 0) == ((replace(found[0], packet=None),), 1)
    assert needs.meetings((0,), 10, 10) == ((), 0)


def test_zones_without_addresses_prove_nothing() -> None:
    """A policy with open questions is refused, not judged as if its zones were empty."""
    asking = zones(Zone("inner", AddressSet(), question="which?"), OTHER)
    with pytest.raises(Unfilled):
        Needs(policy(asking, [], [rule(1, Verb.ALLOW, [(asking["inner"], OTHER)], "tcp/80")]))


def test_a_policy_that_says_something_else_is_found() -> None:
    """A rule taken away, made weaker, narrower, logged or ended is told with a day and a packet, or with the setting."""
    before = policy(TABLE, [EDGE], [WHOLE, replace(WHOLE, verb=Verb.DENY)])
    for other in (
        (WHOLE,),
        (PART, replace(WHOLE, verb=Verb.DENY)),
        (WHOLE, replace(WHOLE, verb=Verb.REJECT)),
        (WHOLE, replace(WHOLE, verb=Verb.DENY, log=True)),
    ):
        found = first_unlike(before, policy(TABLE, [EDGE], other), START)
        assert (found is None) is (other[0] is PART), other
        if found is not None:
            assert found.packet is not None and matches(WHOLE, found.packet) and found.day == START
    ends = policy(TABLE, [EDGE], [replace(WHOLE, until=date(2026, 12, 31))])
    found = first_unlike(policy(TABLE, [EDGE], [WHOLE]), ends, START)
    assert found is not None and found.day == date(2027, 1, 1) and "allowed before" in str(found)
    slower = replace(EDGE, timeouts={"udp-stream": 60})
    assert str(first_unlike(before, policy(TABLE, [slower], before.rules), START)).startswith("firewalls")


def test_options_are_proved_with_either_value() -> None:
    """What only an option brings is not what is always there, although the option is on."""
    option = {"web": Option("web", value=True)}
    always = replace(policy(TABLE, [EDGE], [PART]), options=option)
    now = replace(policy(TABLE, [EDGE], [replace(PART, when=("web",))]), options=option)
    assert first_unlike(always, now, START) is not None
    assert first_unlike(now, replace(now), START) is None
