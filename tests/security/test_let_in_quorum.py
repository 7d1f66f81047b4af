"""Whoever let somebody in by a link may be that somebody: for the rules of approval the two are one person."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest

from firewright.model.account import Actor, Grant, Role
from firewright.model.approval_rules import ApprovalRules, Of, Quorum, Weight
from firewright.model.request import Approval, State
from firewright.workflows.requests import acting, in_force
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.deciding import able_now
from firewright.workflows.requests.quorum import Matter, apart, lacking
from firewright.workflows.requests.refused import Refused
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import World

BOTH = """\
owners: {tenants: [bob], office: [cas]}
approve: {low: {count: 1, of: both}, medium: {count: 1, of: both}, high: {count: 2, of: both}}
"""


def _agree(world: World, name: str) -> State:  # noqa: F811
    """Somebody agrees as the account says who they are now."""
    with world.desk(name) as desk:
        from firewright.store import accounts

        found = accounts.find(desk.connection, name)
        assert found is not None
        own = Desk(desk.connection, desk.estate, found.actor(), desk.now)
        return acting.approve(own, 1, acting.find(own, 1).digest).state


def test_whom_the_author_let_in_does_not_agree(world: World) -> None:  # noqa: F811
    """Bob's password was last set by a link of ann's: he does not decide about what she asks for, and does once another let him in."""
    world.ask("ann")
    world.account("bob", let_in_by="ann")
    with pytest.raises(Refused, match="ann"):
        _agree(world, "bob")
    world.account("bob", let_in_by="cas")
    assert _agree(world, "bob") is State.APPROVED


def test_an_approval_of_somebody_since_let_in_by_its_author_is_void(world: World) -> None:  # noqa: F811
    """What bob agreed to counts no more after a link of the author's has set his password: nobody knows who asks then."""
    world.ask("ann")
    assert _agree(world, "bob") is State.APPROVED
    world.account("bob", let_in_by="ann")
    with world.desk("cas") as desk:
        assert in_force.standing_reason(desk, acting.find(desk, 1))


@pytest.mark.parametrize("let_in", [("bob", "cas"), ("cas", "bob")])
def test_two_of_whom_one_let_the_other_in_are_one(world: World, let_in: tuple[str, str]) -> None:  # noqa: F811
    """Owners of both ends have to agree: where one of the two let the other in, in whichever order they agree, one is lacking."""
    world.write("approvals.yaml", BOTH)
    world.ask("eve", destinations=("office",))
    world.account("bob", grants=(Grant(Role.APPROVER),))
    world.account(let_in[0], let_in_by=let_in[1])
    assert _agree(world, "bob") is State.SUBMITTED
    assert _agree(world, "cas") is State.SUBMITTED
    world.account(let_in[0], let_in_by="")
    with world.desk("cas") as desk:
        assert in_force.still_lacking(desk, acting.find(desk, 1)) == ()


@pytest.mark.parametrize("order", list(permutations(("bob", "cas", "eve"))))
@pytest.mark.parametrize("count", [2, 3])
def test_the_order_in_which_people_agree_does_not_count(order: tuple[str, ...], count: int) -> None:
    """Cas let bob and eve in: the three are two people whoever agrees first, and one who agrees more makes them no fewer."""
    rules = ApprovalRules(quorums=dict.fromkeys(Weight, Quorum(count, Of.EITHER, ())))
    grants = (Grant(Role.APPROVER),)
    people = {name: Actor(name, grants, let_in_by="" if name == "cas" else "cas") for name in order}
    matter = Matter("edge", ("tenants",), ("office",), Weight.LOW, "ann")
    at = datetime(2026, 11, 21, tzinfo=UTC)
    agreed = [Approval(name, "tenants, office", "d", at) for name in order]
    assert (lacking(rules, matter, agreed, people) == ()) is (count == 2)
    assert able_now(rules, matter, people.values())[0] == 2
    without_cas = [one for one in agreed if one.account != "cas"]
    assert lacking(rules, matter, without_cas, people) == lacking(rules, matter, agreed, people)


def test_of_two_who_are_one_whoever_is_enough_counts() -> None:
    """Cas, who answers for both ends, is enough, also after bob, whom cas let in and who answers for one, has agreed."""
    rules = ApprovalRules(owners={"office": ("cas",)}, quorums=dict.fromkeys(Weight, Quorum(1, Of.BOTH, ())))
    grants = (Grant(Role.APPROVER),)
    people = {"bob": Actor("bob", grants, let_in_by="cas"), "cas": Actor("cas", grants)}
    matter = Matter("edge", ("tenants",), ("office",), Weight.LOW, "ann")
    at = datetime(2026, 11, 21, tzinfo=UTC)
    agreed = [Approval("bob", "tenants", "d", at), Approval("cas", "tenants, office", "d", at)]
    for given in (agreed, agreed[::-1], agreed[1:]):
        assert lacking(rules, matter, given, people) == ()
    assert lacking(rules, matter, agreed[:1], people) == ("an owner of office",)


def test_many_who_let_others_in_are_not_tried_in_every_choice() -> None:
    """Forty who each let one in are forty people, found at once."""
    pairs = [(Actor(f"a{n}"), Actor(f"b{n}", let_in_by=f"a{n}")) for n in range(40)]
    found = apart(one for pair in pairs for one in pair)
    assert [len(one) for one in found] == [40, 40]
