"""Who asks in small pieces asks for the sum: the pieces of one author, or one owner, are decided about like the whole."""

from __future__ import annotations

from typing import Any

import pytest

from firewright.model.account import Grant, Role
from firewright.model.request import State
from firewright.workflows.requests import acting, in_force, inbox, lapsing
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import World

QUARTERS = ("20.0.0.0/10", "20.64.0.0/10", "20.128.0.0/10", "20.192.0.0/10")


@pytest.fixture
def asking(world: World) -> World:  # noqa: F811
    """Ann may ask for everything."""
    world.account("ann", grants=(Grant(Role.REQUESTER),))
    world.account("eve", grants=(Grant(Role.REQUESTER), Grant(Role.APPROVER)))
    return world


def _severities(world: World, *wishes: dict[str, Any], who: str = "ann") -> list[str]:  # noqa: F811
    return [world.ask(who, **one).severity for one in wishes]


def _from(source: str, **more: Any) -> dict[str, Any]:
    return {"sources": (source,), "destinations": ("office",), "services": ("rdp",), **more}


def test_many_sources_are_the_internet(asking: World) -> None:
    """A service that is asked for from one part of the internet after another is high when the parts are the internet together."""
    found = _severities(asking, *map(_from, QUARTERS))
    assert found == ["low", "low", "low", "high"]
    with asking.desk("cas") as desk:
        shown = inbox.whole(desk, 4)
        assert shown.checked is not None
        assert shown.checked.severity == "high"
        assert any("together with requests 1, 2, 3" in one for one in shown.checked.why_severe)
        assert any("2 people" in one for one in shown.checked.deciders), "the quorum of the sum is told"
        assert len(in_force.still_lacking(desk, acting.find(desk, 4))) > 0
    assert asking.approve(4, "cas").state is State.SUBMITTED, "one is not enough for the sum"


def test_ipv6_is_summed_alike(asking: World) -> None:
    """Parts of IPv6 that are the internet together are seen as those of IPv4 are."""
    parts = ("2a00:8000::/33", "2a01::/33")
    assert _severities(asking, *map(_from, parts)) == ["low", "high"]


@pytest.mark.parametrize("destination", ["local", "office"])
def test_a_request_alone_is_no_sum(asking: World, destination: str) -> None:
    """Where nobody asked before, the severity is the check's own, and no other request is spoken of; for a machine itself too."""
    made = asking.ask("ann", sources=("tenants",), destinations=(destination,), services=("tcp/8443",))
    with asking.desk("cas") as desk:
        shown = inbox.whole(desk, made.number).checked
        assert shown is not None and made.severity == shown.severity == "low"
        assert not any("together with" in one for one in shown.why_severe)


def test_what_is_for_others_is_no_part(asking: World) -> None:
    """What others ask for, goes elsewhere, is another service, or was withdrawn adds nothing."""
    _severities(asking, *map(_from, QUARTERS[:3]))
    assert _severities(asking, _from(QUARTERS[3], owner="eve"), who="eve") == ["low"]
    assert _severities(asking, _from(QUARTERS[3], destinations=("tenants",))) == ["low"]
    assert _severities(asking, _from(QUARTERS[3], services=("tcp/2222",))) == ["low"]
    for number in (1, 2, 3):
        with asking.desk("ann") as desk:
            acting.withdraw(desk, number)
    assert _severities(asking, _from(QUARTERS[3])) == ["low"]


def test_an_owner_is_one_in_whatever_case(asking: World) -> None:
    """Several people who ask for the same owner ask for one sum."""
    _severities(asking, *(_from(one, owner="Shop Team") for one in QUARTERS[:3]))
    assert _severities(asking, _from(QUARTERS[3], owner="shop team"), who="eve") == ["high"]


def test_many_ports_one_by_one_are_many_ports(asking: World) -> None:
    """Ranges between the same ends that are many ports together are decided about like one."""
    parts = [{"services": (f"tcp/{first}-{first + 511}",), "destinations": ("office",)} for first in (40000, 40512)]
    found = _severities(asking, *parts)
    assert found == ["low", "medium"]


def test_what_stands_is_a_part(asking: World) -> None:
    """What was approved, and what runs, counts as what is asked for does."""
    _severities(asking, *map(_from, QUARTERS[:3]))
    for number in (1, 2):
        assert asking.approve(number, "cas").state is State.APPROVED
    with asking.desk("otto") as desk:
        acting.implement(desk, 1, {})
    assert _severities(asking, _from(QUARTERS[3])) == ["high"]


def test_pieces_that_were_approved_stay_so(asking: World) -> None:
    """What was approved when it was little is not made void by what is asked for later."""
    _severities(asking, *map(_from, QUARTERS[:3]))
    for number in (1, 2, 3):
        asking.approve(number, "cas")
    _severities(asking, _from(QUARTERS[3]))
    with asking.desk("cas") as desk:
        assert lapsing.lapse_lost_roles(desk) == ()
        assert all(in_force.standing_reason(desk, acting.find(desk, number)) == "" for number in (1, 2, 3))
