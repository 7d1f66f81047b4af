"""Detours to a decision that somebody may not make: a token for less, a name that is a group's or the program's own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from firewright.model.account import Actor, Grant, Role, narrowed
from firewright.model.approval_rules import is_among
from firewright.model.request import State
from firewright.store import accounts
from firewright.store.accounts import Account
from firewright.store.errors import UnfitText
from firewright.workflows.requests import acting, glass, in_force, inbox, lapsing
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.refused import Refused
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import APPROVALS, POLICY, World, wish

BOTH = """\
owners: {tenants: [dora, bob], office: [dora, cas]}
approve: {low: {count: 1, of: both}, medium: {count: 1, of: both}, high: {count: 2, of: both}}
"""


def _agree(world: World, scopes: tuple[Grant, ...]) -> State:  # noqa: F811
    """Dora agrees with a token of these scopes."""
    with world.store.writing() as c:
        found = accounts.find(c, "dora")
        assert found is not None
        desk = Desk(c, world.estate, Actor("dora", narrowed(found.grants, scopes), found.groups), world.now)
        return acting.approve(desk, 1, acting.find(desk, 1).digest).state


@pytest.fixture
def asked(world: World) -> World:  # noqa: F811
    """A request between two zones, of both of which dora is an owner; an owner of each is needed."""
    world.write("approvals.yaml", BOTH)
    with world.store.writing() as c:
        accounts.add(c, Account("dora", grants=(Grant(Role.APPROVER, "edge"),)))
    world.ask("eve", destinations=("office",))
    return world


def test_a_token_for_one_zone_does_not_agree_for_the_other(asked: World) -> None:
    """An approval with a token that is narrowed to one zone counts for that zone, now and whenever it is counted again."""
    assert _agree(asked, (Grant(Role.APPROVER, "edge/tenants"),)) is State.SUBMITTED
    with asked.desk("cas") as desk:
        assert in_force.still_lacking(desk, acting.find(desk, 1)) == ("an owner of office",)
        assert lapsing.lapse_lost_roles(desk) == ()
    with pytest.raises(Refused, match="already"):
        _agree(asked, (Grant(Role.APPROVER, "edge/tenants"),))
    assert asked.approve(1, "cas").state is State.APPROVED


def test_whoever_agreed_for_one_zone_may_agree_for_the_other_too(asked: World) -> None:
    """The same person with all of their role adds what the token could not; it is still one person."""
    _agree(asked, (Grant(Role.APPROVER, "edge/tenants"),))
    assert _agree(asked, (Grant(Role.APPROVER, "edge"),)) is State.APPROVED
    found = asked.find(1)
    assert [one.zone for one in found.standing] == ["tenants", "tenants, office"]


@pytest.mark.parametrize(
    "name", ["firewright", "Firewright", "nobody", "@security", "\uff20security", "\uff46irewright"]
)
def test_nobody_is_called_as_those_who_are_no_account(world: World, name: str) -> None:  # noqa: F811
    """No account has a name by which the log means the program, or by which rules of approval mean a group."""
    with world.store.writing() as c, pytest.raises(UnfitText):
        accounts.add(c, Account(name))


def test_a_name_makes_nobody_a_member(world: World) -> None:  # noqa: F811
    """Whoever is called like a group is not in it; a member is."""
    assert not is_among("@security", (), ("@security",))
    assert not is_among("security", (), ("@security",))
    assert not is_among("ann", ("@security",), ("@security",))
    assert is_among("ann", ("security",), ("@security",))


@pytest.mark.parametrize(
    ("source", "is_theirs"),
    [
        ("any", True), ("private", True), ("198.51.0.0/16", True), ("tenants", True), ("198.51.100.7", True),
        ("198.51.7.0/24", False), ("internet", False),
    ],
)  # fmt: skip
def test_nobody_gets_around_an_owner_by_asking_for_more(world: World, source: str, is_theirs: bool) -> None:  # noqa: F811
    """Of what a zone with owners lies in they are asked too, and it waits for them; of what has nothing of theirs they are not."""
    tenants, legs = 'tenants: [198.51.100.0/24, "2001:db8:10::/48"]', "between: [internet, tenants, office]"
    held = f'{tenants}\n  private: [198.51.0.0/16, "2001:db8:10::/48"]'
    text = POLICY.replace(tenants, held).replace(legs, "between: [internet, private, office]")
    world.write("edge.yaml", text)
    world.write("approvals.yaml", BOTH.replace("[dora, bob]", "[bob]"))
    world.ask("eve", sources=(source,), destinations=("office",))
    state = world.approve(1, "cas").state
    assert state is (State.SUBMITTED if is_theirs else State.APPROVED), (
        "cas may decide for all, but for tenants bob does"
    )
    if is_theirs:
        with world.desk("bob") as desk:
            assert in_force.still_lacking(desk, acting.find(desk, 1)) == ("an owner of tenants",)
            assert [one.number for one in inbox.listing(desk, inbox.Filters("waiting")).requests] == [1]
        assert world.approve(1, "bob").state is State.APPROVED


@pytest.mark.parametrize("hours", [0, 5, 24 * 5])
def test_nobody_opens_without_asking_again_and_again(world: World, hours: int) -> None:  # noqa: F811
    """Whoever opened something without asking may not once more until somebody else looked at it; another operator may meanwhile."""
    world.write("approvals.yaml", APPROVALS.replace("[otto]", "[otto, vera]"))
    world.account("vera", grants=(Grant(Role.OPERATOR, "edge"),))
    with world.desk("otto") as desk:
        glass.break_glass(desk, wish(services=("tcp/2222",)))
    world.now += timedelta(hours=hours)
    with world.desk("cas") as desk:
        lapsing.expire_due(desk)
    with world.desk("otto") as desk, pytest.raises(Refused, match="nobody has looked at request 1"):
        glass.break_glass(desk, wish(services=("tcp/3333",)))
    if not hours:
        with world.desk("otto") as desk:
            acting.withdraw(desk, 1)
        with world.desk("otto") as desk, pytest.raises(Refused, match="nobody has looked at request 1"):
            glass.break_glass(desk, wish(services=("tcp/3333",)))
    with world.desk("vera") as desk:
        assert glass.break_glass(desk, wish(services=("tcp/3333",))).state is State.APPROVED
    with world.desk("cas") as desk:
        acting.review(desk, 1, "it was needed")
    with world.desk("otto") as desk:
        assert glass.break_glass(desk, wish(services=("tcp/4444",))).state is State.APPROVED
