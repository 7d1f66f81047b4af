"""A policy narrowed to what differs says of the difference what the whole says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.analysis import compare as comparing
from firewright.analysis.compare import Comparison, compare
from firewright.analysis.narrowing import boxes_of, narrowed, narrowed_beside, narrowed_between
from firewright.model.address import UNICAST, AddressSet
from firewright.model.policy import Policy
from firewright.space.box import EVERY_BOX
from firewright.space.packetset import PacketSet
from tests.policies import DAY, policies


def told(found: Comparison) -> object:
    """A comparison as what it says: flows, words, witnesses' decisions and the lines that decide."""
    kinds = (found.opens, found.closes, found.answers, found.hides, tuple(one for _, one in found.promises))
    return [
        sorted(
            (
                repr(one.flows),
                repr(one.lines),
                [(r.decision.verdict, r.at, r.policy.name) for r in (*one.before, *one.after)],
            )
            for one in changes
        )
        for changes in kinds
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies(has_interfaces=False), policies(has_interfaces=False), st.data())
def test_a_difference_is_that_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, one: Policy, other: Policy, data: st.DataObject
) -> None:
    """Law: where one policy has some rules of another one more, or less, the difference is the same, looked for whole or narrowed."""
    fitting = [rule for rule in other.rules if not rule.overrides]
    more = data.draw(st.lists(st.sampled_from(fitting), max_size=2)) if fitting else []
    less = data.draw(st.sets(st.integers(0, max(0, len(one.rules) - 1)), max_size=2))
    kept = tuple(rule for number, rule in enumerate(one.rules) if number not in less)
    after = replace(one, rules=(*kept, *more))
    narrow = told(compare(one, after, DAY))
    with monkeypatch.context() as patch:
        patch.setattr(comparing, "narrowed_between", lambda a, b, day: (a, b, {4: EVERY_BOX, 6: EVERY_BOX}))
        assert told(compare(one, after, DAY)) == narrow


@settings(max_examples=40, deadline=None)
@given(policies(has_interfaces=False), st.randoms(use_true_random=False))
def test_nothing_is_left_where_nothing_differs(one: Policy, random: object) -> None:
    """Of two policies with the same rules, in whatever order, no rule has a say in what differs."""
    rules = list(one.rules)
    random.shuffle(rules)  # type: ignore[attr-defined]
    before, after, _ = narrowed_between(one, replace(one, rules=tuple(rules)), DAY)
    assert before.rules == after.rules == ()


@settings(max_examples=80, deadline=None)
@given(policies(has_interfaces=False), st.data())
def test_rules_are_found_by_their_zones_as_by_a_look_at_each(one: Policy, data: st.DataObject) -> None:
    """Whether a list of rules is asked about for the first time or was remembered, the same rules are kept, in their order."""
    zones = [zone.addresses for zone in one.named_zones] or [UNICAST]
    some = st.one_of(st.sampled_from(zones), st.just(AddressSet.of("192.0.2.0/24", "2001:db8::/64")), st.none())
    source, destination = data.draw(some), data.draw(some)
    first = narrowed(one, source, destination)
    for _ in range(4):
        again = narrowed(one, source, destination)
        assert [id(rule) for rule in again.rules] == [id(rule) for rule in first.rules]


@settings(max_examples=80, deadline=None)
@given(policies(has_interfaces=False), st.data())
def test_what_rules_open_is_seen_beside_few(policy: Policy, data: st.DataObject) -> None:
    """What opens by some rules is the same where only the rules at their ends are beside them, and lies in the boxes of these rules."""
    own = tuple(data.draw(st.lists(st.sampled_from(policy.rules), min_size=1, max_size=2, unique_by=id)))
    base = replace(policy, rules=tuple(rule for rule in policy.rules if not any(rule is one for one in own)))
    small = narrowed_beside(base, own)
    few = compare(small, replace(small, rules=(*small.rules, *own)), DAY)
    assert told(few)[0] == told(compare(base, policy, DAY))[0]  # type: ignore[index]
    boxes = PacketSet.of({family: [one] for family, one in boxes_of(own).items()})
    opened = PacketSet.of({4: [f.box for c in few.opens for f in c.flows if f.family == 4],
                           6: [f.box for c in few.opens for f in c.flows if f.family == 6]})  # fmt: skip
    assert opened <= boxes
