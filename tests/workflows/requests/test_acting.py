"""What is done to requests: who may, what it changes, and what it must never change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from firewright.model.account import Actor, Grant, Role
from firewright.model.request import State
from firewright.reports import Look
from firewright.reports._requests import request_text, request_tree
from firewright.store import log, outbox, requests
from firewright.workflows.requests import acting, exceptions, glass, in_force, inbox, lapsing
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.refused import Refused
from tests.workflows.requests.world import APPROVALS, POLICY, World, wish

BOTH = "approve: {low: {count: 2}, medium: {count: 2, of: either}}\n"


def _tick(world: World) -> None:
    with world.store.writing() as c:
        desk = Desk(c, world.estate, SYSTEM, world.now)
        lapsing.expire_due(desk)
        lapsing.lapse_lost_roles(desk)


def _settle(world: World) -> exceptions.Settled:
    return exceptions.settle(world.store, world.estate, world.now)


def test_rules_that_cannot_be_read_let_nobody_decide(world: World) -> None:
    """A fault in approvals.yaml stops decisions and applying; it neither makes every approver an owner, nor voids what was decided."""
    approved, waiting = world.ask().number, world.ask(services=("ssh",)).number
    world.approve(approved)
    world.write("approvals.yaml", "owners: {tenants: [bob]\n")
    for name in ("bob", "cas", "eve"):
        with pytest.raises(Refused) as refused:
            world.approve(waiting, name)
        assert refused.value.status == 403
    _tick(world)
    with world.desk("otto") as desk:
        assert "can be read" in in_force.standing_reason(desk, acting.find(desk, approved))
        with pytest.raises(Refused, match="can be read"):
            acting.implement(desk, approved, {})
    assert world.find(approved).state is State.APPROVED and world.find(approved).standing
    with world.desk("otto") as desk, pytest.raises(Refused):
        glass.break_glass(desk, wish())
    world.write("approvals.yaml", APPROVALS)
    assert world.approve(waiting).state is State.APPROVED


def test_a_policy_that_is_broken_for_a_moment_voids_nothing(world: World) -> None:
    """What was approved waits until its policy can be read; nothing lapses, and no end comes early for want of a clock."""
    number = world.ask(until="2026-11-21").number
    world.approve(number)
    world.write("edge.yaml", POLICY.replace("rules:", "rulez:").replace("zones:", "zonez:"))
    world.now += timedelta(hours=6)
    _tick(world)
    assert world.find(number).state is State.APPROVED and world.find(number).standing
    world.write("edge.yaml", POLICY)
    _tick(world)
    assert world.find(number).state is State.EXPIRED


def test_zones_that_are_gone_take_approvals_with_them(world: World) -> None:
    """Where a policy has no such zone any more, what was approved for it is to be decided again."""
    number = world.ask("eve", sources=("office",)).number
    world.approve(number, "cas")
    world.write("edge.yaml", POLICY.replace("office", "bureau"))
    _tick(world)
    assert world.find(number).state is State.SUBMITTED and not world.find(number).standing


def test_stricter_rules_ask_again_and_looser_ones_do_not_block(world: World) -> None:
    """Rules that ask for more send what was approved back; under rules that ask for less those who agreed can finish it."""
    number = world.ask().number
    world.approve(number)
    world.write("approvals.yaml", BOTH)
    _tick(world)
    assert world.find(number).state is State.SUBMITTED and world.find(number).standing
    with pytest.raises(Refused) as refused:
        world.approve(number)
    assert refused.value.name == "approved-already"
    world.write("approvals.yaml", APPROVALS)
    again = world.approve(number)
    assert again.state is State.APPROVED and [one.account for one in again.approvals] == ["bob"]


def test_an_approval_more_than_enough_may_go(world: World) -> None:
    """Where one of three loses the role and two are enough, it stays approved, without that one, and the log says both."""
    world.write("approvals.yaml", "approve: {medium: {count: 3, of: either}}\n")
    number = world.ask().number
    for name in ("bob", "cas", "eve"):
        world.approve(number, name)
    world.write("approvals.yaml", BOTH)
    world.account("bob", grants=())
    _tick(world)
    found = world.find(number)
    assert found.state is State.APPROVED and [one.account for one in found.standing] == ["cas", "eve"]
    with world.store.reading() as c:
        assert [row.entry.act for row in log.rows(c, about=f"request {number}")][-2:] == [
            "request.lapse",
            "request.approve",
        ]


def test_a_role_lost_before_apply_voids(world: World) -> None:
    """Who may no longer decide, or not come in, takes their approval along, at the latest when it would be applied."""
    number = world.ask().number
    world.approve(number)
    world.account("bob", is_active=False)
    with world.desk("otto") as desk, pytest.raises(Refused) as refused:
        acting.implement(desk, number, {})
    assert refused.value.name == "not-approved"
    _tick(world)
    assert world.find(number).state is State.SUBMITTED
    assert "may no longer decide" in world.find(number).approvals[0].voided


def test_nobody_decides_about_their_own(world: World) -> None:
    """The author is refused every decision, with all roles, in all groups, whatever the rules say."""
    world.account("eve", grants=tuple(Grant(role) for role in Role), groups=("net",))
    number = world.ask("eve").number
    digest = world.find(number).digest
    with world.desk("eve") as desk:
        acts: tuple[Callable[[], object], ...] = (
            lambda: acting.approve(desk, number, digest),
            lambda: acting.decline(desk, number, "no"),
            lambda: acting.answer(desk, number, wish(), "less"),
            lambda: acting.recertify(desk, number, "still"),
            lambda: acting.review(desk, number, "seen"),
        )
        for act in acts:
            with pytest.raises(Refused) as refused:
                act()
            assert refused.value.status == 403


def test_an_edit_voids_and_removes(world: World) -> None:
    """Whatever was approved is void after an edit, and the file of the old text goes, whoever still has it open."""
    number = world.ask().number
    world.approve(number)
    assert _settle(world).written == (f"exceptions/request-{number}.yaml",)
    old = world.find(number)
    with world.desk("ann") as desk:
        acting.edit(desk, number, wish(services=("tcp/11371", "ssh")))
    found = world.find(number)
    assert found.state is State.SUBMITTED and not found.standing and found.approvals[0].voided
    assert _settle(world).removed == (old.path,)
    assert not (world.folder / old.path).exists()
    with pytest.raises(Refused) as refused:
        world.approve(number, "bob", old.digest)
    assert refused.value.status == 412
    assert world.approve(number).state is State.APPROVED


def test_a_stale_page_changes_nothing(world: World) -> None:
    """Every act that names the version that was looked at is refused where it is another now."""
    number = world.ask().number
    looked = world.find(number).version
    with world.desk("ann") as desk:
        acting.edit(desk, number, wish(ticket="T-1"), looked)
    for name, act in (("ann", acting.withdraw), ("bob", acting.decline)):
        with world.desk(name) as desk, pytest.raises(Refused) as refused:
            act(desk, number, "why", looked)
        assert refused.value.status == 412


def test_a_file_that_would_be_written_otherwise_is_not_approved(world: World) -> None:
    """What is checked is what is approved: a text that was kept before the policy moved is to be saved anew."""
    request = world.ask()
    with world.store.writing() as c:
        found = requests.find(c, request.number)
        assert found is not None
        changed = replace(found, text=found.text + "# more\n", version=found.version + 1)
        assert requests.put(c, changed, found.version)
    with pytest.raises(Refused) as refused:
        world.approve(request.number)
    assert refused.value.name == "edited"


def test_an_answer_is_less_and_keeps_its_reason(world: World) -> None:
    """Less can be proposed and nothing else; what it is for and whose it is stay the author's words."""
    number = world.ask(ticket="T-7", services=("tcp/11371", "portal")).number
    for more in (
        {"sources": ("tenants", "office")},
        {"until": "2026-12-25", "services": ("portal",)},
        {"services": ("tcp/11371", "ssh")},
    ):
        with world.desk("bob") as desk, pytest.raises(Refused) as refused:
            acting.answer(desk, number, wish(**more), "no")
        assert refused.value.name == "not-narrower"
    with world.desk("bob") as desk:
        proposed = wish(services=("portal",), because="one is enough", owner="bob", ticket="")
        answered = acting.answer(desk, number, proposed, "one is enough")
    assert answered.said == "one is enough" and answered.state is State.SUBMITTED
    with world.desk("ann") as desk:
        taken = acting.accept_answer(desk, number)
    assert taken.wish == wish(services=("portal",), ticket="T-7")
    assert taken.answer is None and world.approve(number).state is State.APPROVED


def test_a_narrower_source_is_less(world: World) -> None:
    """One address in the place of a whole zone is less; what lies outside of it is not."""
    number = world.ask().number
    for sources, is_less in ((("198.51.100.7", "2001:db8:10::7"), True), (("192.0.2.7",), False)):
        with world.desk("cas") as desk:
            if is_less:
                assert acting.answer(desk, number, wish(sources=sources), "one will do").answer
            else:
                with pytest.raises(Refused) as refused:
                    acting.answer(desk, number, wish(sources=sources), "others")
                assert refused.value.name == "not-narrower"
    with world.desk("ann") as desk:
        assert acting.accept_answer(desk, number).wish.sources == ("198.51.100.7", "2001:db8:10::7")


def test_break_glass_is_short_loud_and_looked_at(world: World) -> None:
    """It opens at once, at most as long as the rules say, cannot be made longer, and somebody else looks at it after its end too."""
    world.write("approvals.yaml", APPROVALS.replace("[otto]", "[otto, vera]"))
    world.account("vera", grants=(Grant(Role.OPERATOR, "edge"),))
    with world.desk("vera") as desk:
        for seconds in (0, 4 * 3600 + 1):
            with pytest.raises(Refused):
                glass.break_glass(desk, wish(services=("tcp/99",)), seconds)
    with world.desk("otto") as desk:
        request = glass.break_glass(desk, wish(until="2027-10-01"))
    with world.desk("vera") as desk:
        short = glass.break_glass(desk, wish(services=("ssh",)), 600)
    assert request.wish.until == "2026-11-21T22:30" and short.wish.until == "2026-11-21T18:40"
    assert request.state is State.APPROVED and request.review == "2026-11-23"
    with world.desk("otto") as desk:
        with pytest.raises(Refused, match="is not changed"):
            acting.edit(desk, request.number, wish())
        with pytest.raises(Refused, match="asked for themselves"):
            acting.review(desk, request.number, "x")
    with world.desk("ann") as desk, pytest.raises(Refused):
        glass.break_glass(desk, wish())
    world.now += timedelta(hours=5)
    _tick(world)
    assert world.find(request.number).state is State.EXPIRED
    with world.desk("bob") as desk:
        assert {one.number for one in inbox.listing(desk, inbox.Filters("waiting")).requests} == {
            request.number,
            short.number,
        }
        seen = acting.review(desk, request.number, "it was needed")
        assert inbox.waiting(desk) == 1
    assert seen.is_reviewed and seen.state is State.EXPIRED and not seen.review
    with world.store.reading() as c:
        assert [row.entry.act for row in log.rows(c, about=f"request {request.number}")] == [
            "request.break-glass", "request.expire", "request.review"]  # fmt: skip


def test_what_is_to_be_confirmed_waits_in_the_inbox(world: World) -> None:
    """An exception whose day of review has come waits for those who decide, and is gone from there when one has."""
    number = world.ask(until="2027-10-01").number
    world.approve(number)
    with world.desk("otto") as desk:
        acting.implement(desk, number, {"host": "h"})
    world.now += timedelta(days=61)
    with world.desk("bob") as desk:
        assert [one.number for one in inbox.listing(desk, inbox.Filters("waiting")).requests] == [number]
        again = acting.recertify(desk, number, "the migration goes on")
        assert again.review > world.now.date().isoformat() and not inbox.waiting(desk)
    with world.desk("vera") as desk:
        assert not inbox.waiting(desk)


def test_what_is_permitted_or_banned_is_no_request(world: World) -> None:
    """What is open already is said with its line, what is banned with its reason, its alternative, and the ban's name."""
    with pytest.raises(Refused, match=r"no change is necessary: edge\.yaml:8:"):
        world.ask(services=("tcp/1688",))
    with pytest.raises(Refused, match="over a VPN only") as refused:
        world.ask("eve", sources=("internet",), destinations=("tenants",), services=("smb",))
    assert "no-smb" in refused.value.help and refused.value.status == 409
    high = world.ask("eve", sources=("internet",), destinations=("tenants",), services=("smb",), overrides=("no-smb",))
    assert high.severity == "high"
    assert world.approve(high.number, "bob").state is State.SUBMITTED
    assert world.approve(high.number, "cas").state is State.APPROVED


def test_a_tenant_knows_nothing_of_others(world: World) -> None:
    """Requests of zones that somebody has no role for are not there for them, and cannot be told from none."""
    world.account("bob", grants=(Grant(Role.APPROVER, "edge/office"),))
    mine, other = world.ask().number, world.ask("eve", sources=("office",)).number
    with world.desk("bob") as desk:
        assert acting.find(desk, other).number == other
        for number in (mine, 4711):
            with pytest.raises(Refused) as refused:
                acting.approve(desk, number, "0" * 64)
            assert refused.value.status == 404 and refused.value.message == f"there is no request {number}"
    with world.desk("ann") as desk:
        assert [one.number for one in inbox.listing(desk, inbox.Filters()).requests] == [mine]


def test_every_act_tells_those_who_want_to_know(world: World) -> None:
    """Each change queues one event in the same transaction; one that fails queues none."""
    with world.store.writing() as c:
        outbox.add_endpoint(c, "http://127.0.0.1:9/hook", "otto", world.now)
    number = world.ask().number
    with pytest.raises(ZeroDivisionError), world.desk("bob") as desk:
        acting.approve(desk, number, acting.find(desk, number).digest)
        raise ZeroDivisionError
    assert world.find(number).state is State.SUBMITTED
    world.approve(number)
    with world.store.writing() as c:
        assert [one.kind for one in outbox.due(c, world.now)] == ["request.submit", "request.approve"]
        assert [row.entry.act for row in log.rows(c, about=f"request {number}")] == [
            "request.submit",
            "request.approve",
        ]


def test_the_system_may_nothing_by_itself(world: World) -> None:
    """What time does has no role, so that nobody who pretends to be it may decide."""
    number = world.ask().number
    with world.store.writing() as c, pytest.raises(Refused):
        acting.approve(Desk(c, world.estate, SYSTEM, world.now), number, "0" * 64)
    assert Actor("firewright") == SYSTEM


def test_an_edit_tells_what_it_changed(world: World) -> None:
    """Each edit is shown with every field that changed, as it was and as it is, to its author and to who sees the policy whole."""
    number = world.ask().number
    with world.desk("ann") as desk:
        acting.edit(desk, number, wish(services=("tcp/11371", "ssh"), until="2026-12-25"))
    with world.desk("ann") as desk:
        acting.edit(desk, number, wish(services=("tcp/11371", "ssh"), until="2026-12-25"))
        acting.edit(desk, number, wish(services=("ssh",), until="2026-12-25", ticket="T-1"))
    with world.desk("ann") as desk:
        first, second = inbox.whole(desk, number).edits
    assert (first.revision, first.changes) == (
        2, (("services", "tcp/11371", "tcp/11371, ssh"), ("until", "2026-12-24", "2026-12-25")))  # fmt: skip
    assert second.changes == (("services", "tcp/11371, ssh", "ssh"), ("ticket", "", "T-1"))
    with world.desk("vera") as desk:
        shown = inbox.whole(desk, number)
        assert shown.edits == (first, second)
    with world.desk("bob") as desk:
        assert inbox.whole(desk, number).edits == (), "of one zone, he is not told which others were named once"
    text, tree = request_text(shown, Look()), request_tree(shown)
    assert "until       2026-12-24 -> 2026-12-25" in text and "ticket      (none) -> T-1" in text
    assert tree["edits"][0]["changes"][1] == {"field": "until", "was": "2026-12-24", "now": "2026-12-25"}
