"""What an approval binds: a text, what it opened when it was given, and who gave it; nobody's word makes more of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from firewright.diagnostic import Report
from firewright.model.account import Grant, Role
from firewright.model.request import Request, State
from firewright.store import log
from firewright.workflows.requests import acting, gate, glass, lapsing
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.exceptions import settle
from firewright.workflows.requests.loaded import holds
from firewright.workflows.requests.refused import Refused
from firewright.workflows.selection import select
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import APPROVALS, POLICY, World, wish

TENANTS = 'tenants: [198.51.100.0/24, "2001:db8:10::/48"]'


def _refused(world: World, **given: str) -> list[str]:  # noqa: F811
    """What the gate says of the estate as it is; `given` are zones by `--set`."""
    estate = world.estate
    report = Report()
    policies = select(replace(estate.wanted, options=given), report)
    assert policies is not None, report.diagnostics
    with world.store.reading() as c:
        found = gate.unapproved(Desk(c, estate, SYSTEM, world.now), policies, report.sources)
    return [one.message for one in found]


def _lapse(world: World) -> list[int]:  # noqa: F811
    with world.desk("cas") as desk:
        return [one.number for one in lapsing.lapse_lost_roles(desk)]


def _approved(world: World, by: tuple[str, ...] = ("bob", "cas", "eve"), **changed: Any) -> Request:  # noqa: F811
    """Ann's wish, approved by whom it takes, with its file in place."""
    number = world.ask(**changed).number
    for name in by:
        if world.find(number).state is State.SUBMITTED:
            world.approve(number, name)
    settle(world.store, world.estate, world.now)
    assert world.find(number).state is State.APPROVED
    assert _refused(world) == []
    return world.find(number)


def _confirm(world: World, number: int) -> Request:  # noqa: F811
    with world.desk("otto") as desk:
        return acting.confirm(desk, number, {"host": "h"})


# --- who gave it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_verified", [False, True])
def test_what_somebody_says_runs_is_asked_as_before(world: World, is_verified: bool) -> None:  # noqa: F811
    """An operator who implements by hand, whatever they give as evidence, freezes nothing: a lost role is still asked."""
    _approved(world)
    with world.desk("otto") as desk:
        acting.implement(desk, 1, {"host": "h", "confirmed": "yes", "is_confirmed": "yes"})
        if is_verified:
            acting.verify(desk, 1, {"probe": "p"})
    assert _refused(world) == []
    world.account("bob", grants=())
    assert "lacks" in _refused(world)[0]
    assert _lapse(world) == [1]
    assert world.find(1).state is State.SUBMITTED
    assert settle(world.store, world.estate, world.now).removed == ("exceptions/request-1.yaml",)


def test_what_runs_stays_and_is_asked_for_again(world: World) -> None:  # noqa: F811
    """A role lost after it was confirmed to run takes nothing down; once, somebody has to say that it is still needed."""
    _approved(world)
    assert _confirm(world, 1).is_confirmed
    world.account("bob", grants=())
    assert _refused(world) == []
    assert _lapse(world) == [1] and _lapse(world) == []
    found = world.find(1)
    assert (found.state, found.review) == (State.IMPLEMENTED, world.now.date().isoformat())
    assert "may no longer decide" in found.approvals[0].voided
    assert _refused(world) == []
    with world.desk("cas") as desk:
        acting.recertify(desk, 1, "still needed")
    assert _lapse(world) == [] and world.find(1).review != found.review
    world.write("approvals.yaml", APPROVALS.replace("medium: {count: 1", "medium: {count: 3"))
    assert _refused(world) == [] and _lapse(world) == [], "stricter rules take nothing down that runs"


def test_what_was_said_by_hand_is_confirmed_later(world: World) -> None:  # noqa: F811
    """What an operator said first and a confirmation saw then stands as what was confirmed at once."""
    _approved(world)
    with world.desk("otto") as desk:
        acting.implement(desk, 1, {})
    assert _confirm(world, 1).state is State.IMPLEMENTED
    world.account("bob", grants=())
    assert _refused(world) == []


@pytest.mark.parametrize("says_so", [False, True])
@pytest.mark.parametrize("why", ["disabled", "role", "rules"])
def test_what_was_opened_without_asking_ends_with_who_may(world: World, why: str, says_so: bool) -> None:  # noqa: F811
    """Opened without asking by whom is disabled, operates or is named no more, it is refused and withdrawn, implemented by hand or not."""
    with world.desk("otto") as desk:
        glass.break_glass(desk, wish(services=("tcp/2222",)))
    settle(world.store, world.estate, world.now)
    assert _refused(world) == []
    if says_so:
        with world.desk("otto") as desk:
            acting.implement(desk, 1, {})
    if why == "rules":
        world.write("approvals.yaml", APPROVALS.replace("[otto]", "[vera]"))
    else:
        world.account("otto", **({"is_active": False} if why == "disabled" else {"grants": (Grant(Role.VIEWER),)}))
    assert "otto" in _refused(world)[0]
    assert _lapse(world) == [1]
    assert world.find(1).state is State.WITHDRAWN
    assert settle(world.store, world.estate, world.now).removed == ("exceptions/request-1.yaml",)


def test_what_was_opened_without_asking_and_runs_ends_by_itself(world: World) -> None:  # noqa: F811
    """Confirmed to run it stays for its hours, whatever becomes of who opened it."""
    with world.desk("otto") as desk:
        glass.break_glass(desk, wish(services=("tcp/2222",)))
    _confirm(world, 1)
    world.account("otto", is_active=False)
    assert _lapse(world) == [] and world.find(1).state is State.IMPLEMENTED


# --- what it opened -------------------------------------------------------------------------------------------------


def _with(world: World, old: str, new: str) -> None:  # noqa: F811
    assert old in POLICY
    world.write("edge.yaml", POLICY.replace(old, new))


def test_a_zone_that_grows_is_not_approved_with_it(world: World) -> None:  # noqa: F811
    """Where the same text opens more by a zone that grew, the gate says so with a packet; where it opens less it does not."""
    _approved(world)
    _with(world, TENANTS, 'tenants: [198.51.100.0/24, 203.0.113.0/24, "2001:db8:10::/48"]')
    (said,) = _refused(world)
    assert "opens more than when request 1 was approved" in said and "203.0.113." in said
    _with(world, TENANTS, 'tenants: [198.51.100.0/25, "2001:db8:10::/48"]')
    assert _refused(world) == [], "what the zone lost is internet by now, which was agreed to as whatever is nobody's"
    _with(world, TENANTS, 'tenants: [198.51.100.0/24, "2001:db8:10::/47"]')
    assert "2001:db8:11:" in _refused(world)[0], "IPv6 is asked alike"


def test_a_service_that_grows_is_not_approved_with_it(world: World) -> None:  # noqa: F811
    """Where a service of the policy's own has more ports by now, an exception that names it is refused."""
    _approved(world, services=("portal",), destinations=("office",))
    _with(world, "portal: tcp/8443", "portal: [tcp/8443, tcp/22]")
    assert "opens more" in _refused(world)[0] and "-> " in _refused(world)[0]


def test_what_the_policy_itself_permits_no_more_is_seen(world: World) -> None:  # noqa: F811
    """What was permitted by another rule when it was approved, and hangs on the exception alone by now, was not agreed to."""
    ban = "  - {name: no-smb"
    permitted = POLICY.replace(ban, f"  - {{from: tenants, to: office, allow: tcp/2223, because: all may}}\n{ban}")
    world.write("edge.yaml", permitted)
    _approved(world, destinations=("office",), services=("tcp/2222-2224",))
    world.write("edge.yaml", POLICY)
    assert "opens more" in _refused(world)[0] and ":2223" in _refused(world)[0]
    world.write("edge.yaml", permitted)
    assert _refused(world) == []


def test_zones_that_are_given_at_apply_are_asked(world: World) -> None:  # noqa: F811
    """What `--set` makes of a zone is what counts, and not what the folder says."""
    _with(world, TENANTS, "tenants: {fill-in: whose}")
    world.write(
        "edge.yaml", Path("edge.yaml").read_text() + 'fill-in: {tenants: [198.51.100.0/24, "2001:db8:10::/48"]}\n'
    )
    _approved(world)
    assert _refused(world, tenants="198.51.100.0/24,2001:db8:10::/48") == []
    assert "opens more" in _refused(world, tenants="198.51.100.0/24,203.0.113.0/24")[0]


def test_a_severity_that_rose_is_named(world: World) -> None:  # noqa: F811
    """The same packets may be worth more: of a partner's zone that is gone by now whoever is on the internet has the addresses."""
    partner = POLICY.replace("  tenants:", "  partner: [8.0.0.0/7]\n  tenants:").replace(
        "[internet, ", "[internet, partner, "
    )
    world.write("edge.yaml", partner)
    world.account("ann", grants=(Grant(Role.REQUESTER),))
    approved = _approved(world, ("cas",), sources=("8.0.0.0/7",), destinations=("office",), services=("rdp",))
    assert approved.severity == "low"
    world.write("edge.yaml", POLICY)
    (said,) = _refused(world)
    assert "its severity is high by now" in said and "approved as low" in said


def test_what_means_more_is_decided_again(world: World) -> None:  # noqa: F811
    """Its author, who decides or who operates has it decided again; its file goes until it is approved as it is by now."""
    _approved(world)
    _confirm(world, 1)
    _with(world, TENANTS, 'tenants: [198.51.100.0/24, 203.0.113.0/24, "2001:db8:10::/48"]')
    with world.desk("vera") as desk, pytest.raises(Refused):
        acting.reopen(desk, 1, "it grew")
    with world.desk("otto") as desk, pytest.raises(Refused):
        acting.reopen(desk, 1, " ")
    with world.desk("otto") as desk:
        found = acting.reopen(desk, 1, "it grew")
    assert (found.state, found.is_confirmed, found.standing) == (State.SUBMITTED, False, ())
    with world.desk("otto") as desk, pytest.raises(Refused):
        acting.reopen(desk, 1, "once more")
    assert settle(world.store, world.estate, world.now).removed == ("exceptions/request-1.yaml",)
    assert world.approve(1).state is State.APPROVED
    settle(world.store, world.estate, world.now)
    assert _refused(world) == []
    with world.store.reading() as c:
        assert [row.entry.because for row in log.rows(c, act="request.lapse")] == ["it grew"]


def test_who_agreed_to_less_did_not_agree_to_this(world: World) -> None:  # noqa: F811
    """Of two who have to agree the first agreed to what it opened then: where it opens more by now their approval is void."""
    rules = APPROVALS.replace("medium: {count: 1", "medium: {count: 2")
    world.write("approvals.yaml", rules)
    world.ask()
    assert world.approve(1, "bob").state is State.SUBMITTED
    _with(world, TENANTS, 'tenants: [198.51.100.0/24, 203.0.113.0/24, "2001:db8:10::/48"]')
    found = world.approve(1, "cas")
    assert found.state is State.SUBMITTED
    assert [(one.account, bool(one.voided)) for one in found.approvals] == [("bob", True), ("cas", False)]
    assert world.approve(1, "bob").state is State.APPROVED


# --- what runs ------------------------------------------------------------------------------------------------------


def test_a_file_called_alike_is_another_policys(world: World) -> None:  # noqa: F811
    """What a host holds is a request's only by its file, its policy's name and place, and if it was written since its last edit."""
    request = _approved(world)
    file, made = "exceptions/request-1.yaml", str(int(world.now.timestamp()) + 60)
    facts = {"policy": "edge", "path": "edge.yaml", "made": made}
    early = str(int((world.now - timedelta(days=1)).timestamp()))
    cases = {
        True: [facts, {**facts, "path": str(Path("edge.yaml").resolve())}, {**facts, "made": early, "written": made}],
        False: [
            {**facts, "policy": "other"}, {**facts, "path": "sub/edge.yaml"}, {**facts, "made": early},
            {**facts, "written": early}, {**facts, "made": ""}, {},
        ],
    }  # fmt: skip
    with world.store.reading() as c:
        desk = Desk(c, world.estate, SYSTEM, world.now)
        for is_held, all_facts in cases.items():
            for one in all_facts:
                assert holds(desk, request, file, one) is is_held, one
        assert not holds(desk, request, "exceptions/request-2.yaml", facts)


def test_the_day_counts(world: World) -> None:  # noqa: F811
    """An exception that has ended is not asked for; it opens nothing."""
    _approved(world, until="2026-11-22")
    world.account("bob", grants=())
    assert _refused(world)
    world.now += timedelta(days=3)
    assert _refused(world) == []
    assert world.now.date() > date(2026, 11, 22)
