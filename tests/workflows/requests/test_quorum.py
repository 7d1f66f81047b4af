"""Who may decide and whether enough have, against a reading that tries everything."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.model.account import Actor, Grant, Role
from firewright.model.approval_rules import ApprovalRules, Of, Quorum, Weight
from firewright.model.request import Approval
from firewright.workflows.requests.deciding import able_now
from firewright.workflows.requests.quorum import Matter, lacking, may_decide, standing

ZONES = ("a", "b", "c")
NAMES = ("ann", "bob", "cas", "dan")
GRANTS = st.lists(
    st.builds(Grant, st.sampled_from(list(Role)), st.sampled_from(["*", "p", "q", "p/a", "p/b", "p/c", "q/a", "pp"])),
    max_size=3,
)
PEOPLE = st.fixed_dictionaries(
    {
        name: st.builds(Actor, st.just(name), GRANTS.map(tuple), st.sets(st.sampled_from(["net", "sec"])).map(tuple))
        for name in NAMES
    }
)
NAMED = st.lists(st.sampled_from([*NAMES, "@net", "@sec"]), max_size=2).map(tuple)
RULES = st.builds(
    ApprovalRules,
    owners=st.dictionaries(st.sampled_from(ZONES), NAMED, max_size=3),
    quorums=st.builds(Quorum, st.integers(1, 3), st.sampled_from(list(Of)), NAMED).map(
        lambda one: dict.fromkeys(Weight, one)
    ),
    is_broken=st.sampled_from([False, False, False, True]),
)
SIDE = st.sets(st.sampled_from(ZONES), min_size=1, max_size=2).map(lambda found: tuple(sorted(found)))
MATTERS = st.builds(Matter, st.just("p"), SIDE, SIDE, st.sampled_from(list(Weight)), st.sampled_from(NAMES))
AT = datetime(2026, 11, 21, tzinfo=UTC)
SAID = ("a, b, c", "a, b, c", "a, b", "c", "")
"""For which zones people agreed."""
APPROVALS = st.lists(
    st.builds(Approval, st.sampled_from([*NAMES, "gone"]), st.sampled_from(SAID), st.just("d"), st.just(AT), st.just(""),
              st.sampled_from(["", "", "void"])), max_size=5,
)  # fmt: skip


def _named(person: Actor, words: tuple[str, ...]) -> bool:
    return person.account in words or any("@" + group in words for group in person.groups)


def _answers(rules: ApprovalRules, person: Actor, zone: str) -> bool:
    is_approver = any(one.role == "approver" and one.scope in ("*", "p", f"p/{zone}") for one in person.grants)
    return is_approver and (not rules.owners.get(zone) or _named(person, rules.owners[zone]))


def _enough(rules: ApprovalRules, matter: Matter, agreed: dict[str, set[str]], people: dict[str, Actor]) -> bool:
    """Whether some people who agreed are enough, by the words of the rules."""
    quorum = rules.quorums[matter.severity]
    valid = [people[name] for name in sorted(agreed) if name in people and _counts(rules, matter, people[name])]
    if rules.is_broken or len(valid) < quorum.count:
        return False
    if not all(any(_named(person, (word,)) for person in valid) for word in quorum.also):
        return False
    sides = [
        all(any(_answers(rules, one, zone) and zone in agreed[one.account] for one in valid) for zone in side)
        for side in (matter.sources, matter.destinations)
    ]
    return any(sides) if quorum.of is Of.EITHER else all(sides)


def _counts(rules: ApprovalRules, matter: Matter, person: Actor) -> bool:
    if rules.is_broken or person.account == matter.author:
        return False
    if any(_answers(rules, person, zone) for zone in (*matter.sources, *matter.destinations)):
        return True
    approves = any(
        one.role == "approver" and (one.scope in ("*", "p") or one.scope.startswith("p/")) for one in person.grants
    )
    return approves and any(_named(person, (word,)) for word in rules.quorums[matter.severity].also)


@settings(max_examples=250, deadline=None)
@given(RULES, MATTERS, PEOPLE, APPROVALS)
def test_enough_is_enough(
    rules: ApprovalRules, matter: Matter, people: dict[str, Actor], approvals: list[Approval]
) -> None:
    """Nothing is lacking exactly where the people who agreed, and may still decide, are enough by the words of the rules."""
    agreed: dict[str, set[str]] = {}
    for one in approvals:
        if not one.voided:
            agreed.setdefault(one.account, set()).update(one.zone.split(", "))
    missing = lacking(rules, matter, approvals, people)
    assert (not missing) == _enough(rules, matter, agreed, people), (missing, agreed)
    assert {one.account for one in standing(rules, matter, approvals, people)} == {
        name for name in agreed if name in people and _counts(rules, matter, people[name])
    }


@settings(max_examples=100, deadline=None)
@given(RULES, MATTERS, PEOPLE, APPROVALS)
def test_the_author_never_counts(
    rules: ApprovalRules, matter: Matter, people: dict[str, Actor], approvals: list[Approval]
) -> None:
    """Taking all that the author agreed to away changes nothing; and they may never decide, with whatever roles."""
    others = [one for one in approvals if one.account != matter.author]
    assert lacking(rules, matter, approvals, people) == lacking(rules, matter, others, people)
    assert not may_decide(rules, people[matter.author], matter)


@settings(max_examples=100, deadline=None)
@given(RULES, MATTERS, PEOPLE, APPROVALS, st.sampled_from(NAMES), st.sampled_from(SAID))
def test_one_more_never_hurts(
    rules: ApprovalRules, matter: Matter, people: dict[str, Actor], approvals: list[Approval], name: str, said: str
) -> None:
    """Where enough have agreed, one more who agrees leaves it so; and twice the same person is once."""
    more = [*approvals, Approval(name, said, "d", AT)]
    if not lacking(rules, matter, approvals, people):
        assert not lacking(rules, matter, more, people)
    assert lacking(rules, matter, [*more, *more], people) == lacking(rules, matter, more, people)


@settings(max_examples=100, deadline=None)
@given(RULES, MATTERS, PEOPLE)
def test_who_may_decide_takes_a_role(rules: ApprovalRules, matter: Matter, people: dict[str, Actor]) -> None:
    """Whoever may decide is an approver of something of the policy; names and groups alone give nothing."""
    for person in people.values():
        if may_decide(rules, person, matter):
            assert person.touches(Role.APPROVER, "p")


@given(RULES, MATTERS, PEOPLE)
@settings(max_examples=300, deadline=None)
def test_who_can_decide_now_is_who_could_be_enough(
    rules: ApprovalRules, matter: Matter, people: dict[str, Actor]
) -> None:
    """Nothing is lacking if all agreed exactly where some people could be enough; so many are told as count for something."""
    able, stuck = able_now(rules, matter, people.values())
    could = {name: {zone for zone in ZONES if _answers(rules, one, zone)} for name, one in people.items()}
    assert (not stuck) == _enough(rules, matter, could, people)
    assert able == sum(not rules.is_broken and _counts(rules, matter, one) for one in people.values())


def test_two_of_whom_one_let_the_other_in_are_one_who_can() -> None:
    """A chain of people who let one another in is counted so that as many as may be are told apart, and nobody twice."""
    every = (Grant(Role.APPROVER),)
    chain = [Actor("a", every), *(Actor(name, every, let_in_by=by) for by, name in ("ab", "bc"))]
    rules = ApprovalRules(quorums=dict.fromkeys(Weight, Quorum(2)))
    matter = Matter("p", ("x",), ("y",), Weight.LOW, "z")
    assert able_now(rules, matter, chain) == (2, ()), "a and c"
    assert able_now(rules, matter, chain[:2]) == (1, ("1 more",))
    owner = ApprovalRules(owners={"x": ("a",), "y": ("a",)}, quorums=dict.fromkeys(Weight, Quorum(1, also=("a",))))
    assert able_now(owner, matter, chain[:2])[1] == (), "a alone is enough, though b may be the one who counts"
    assert able_now(rules, matter, [Actor("d", every, let_in_by="d")])[0] == 1, "whoever chose their own password"
