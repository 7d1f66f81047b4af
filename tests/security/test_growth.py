"""What becomes of an exception that means more by now is a decision of the folder: approved again, or told once and applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.model.account import Grant, Role
from firewright.store import log, outbox
from firewright.workflows.requests import acting, gate, growth
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.exceptions import settle, standing
from tests.cli.test_requests_cli import Place, place  # noqa: F401 - a fixture
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import APPROVALS, POLICY, World

TENANTS = "tenants: [198.51.100.0/24,"
TELL = APPROVALS + "growth: tell\n"
NOT_APPROVED = 5


def _grow(world: World, more: str = " 203.0.113.0/24,") -> None:  # noqa: F811
    assert TENANTS in POLICY
    world.write("edge.yaml", POLICY.replace(TENANTS, TENANTS + more))


def _approved(world: World) -> None:  # noqa: F811
    """Ann's wish, approved, with its file in place."""
    world.ask()
    world.approve(1)
    settle(world.store, world.estate, world.now)


def _judged(world: World) -> gate.Judgement:  # noqa: F811
    estate = world.estate
    with world.store.reading() as c:
        return gate.judge(Desk(c, estate, SYSTEM, world.now), estate.policies.values())


def test_a_folder_decides_that_growth_is_only_told(world: World) -> None:  # noqa: F811
    """With `growth: tell` the same growth is a warning with how many addresses and a packet; without it nothing is applied."""
    world.write("approvals.yaml", TELL)
    _approved(world)
    assert _judged(world).said == ()
    _grow(world)
    (said,) = _judged(world).said
    assert (said.name, said.severity) == ("means-more", "warning")
    assert "from 256 IPv4 addresses to " in said.message and "203.0.113." in said.message
    assert "--again 1" in said.help
    for rules in (APPROVALS, APPROVALS + "growth: approve\n"):
        world.write("approvals.yaml", rules)
        (said,) = _judged(world).said
        assert (said.name, said.severity) == ("unapproved", "error") and "203.0.113." in said.message


def test_a_severity_that_rose_is_never_only_told(world: World) -> None:  # noqa: F811
    """Where it is worth more by now it is decided again, whatever the folder says of growth, and nobody is told that it is applied."""
    world.write("approvals.yaml", TELL)
    partner = POLICY.replace("  tenants:", "  partner: [8.0.0.0/7]\n  tenants:").replace(
        "[internet, ", "[internet, partner, "
    )
    world.write("edge.yaml", partner)
    world.account("ann", grants=(Grant(Role.REQUESTER),))
    world.ask(sources=("8.0.0.0/7",), destinations=("office",), services=("rdp",))
    world.approve(1, "cas")
    settle(world.store, world.estate, world.now)
    world.write("edge.yaml", POLICY)
    judged = _judged(world)
    (said,) = judged.said
    assert said.severity == "error" and "its severity is high by now" in said.message
    growth.tell(world.store, judged.grown, world.now)
    with world.store.reading() as c:
        assert not log.rows(c, act="exception.grown")


def test_each_growth_is_told_once(world: World) -> None:  # noqa: F811
    """However often it is planned and looked at, the log and every webhook have it once; what grows further is told anew."""
    world.write("approvals.yaml", TELL)
    with world.store.writing() as c:
        outbox.add_endpoint(c, "https://hooks.example.net/x", "otto", world.now)
    _approved(world)
    for more, count in ((" 203.0.113.0/24,", 1), (" 203.0.113.0/24,", 1), (" 203.0.113.0/24, 10.9.0.0/24,", 2)):
        _grow(world, more)
        for _ in range(2):
            growth.tell(world.store, _judged(world).grown, world.now)
            gate.look(world.store, world.estate, world.now)
        with world.store.reading() as c:
            rows = log.rows(c, act="exception.grown")
        assert [row.entry.about for row in rows] == ["request 1"] * count
    with world.store.writing() as c:
        kinds = [one.kind for one in outbox.due(c, world.now, limit=100)]
    assert kinds.count("exception.grown") == 2


@pytest.mark.parametrize("rules", [APPROVALS, TELL])
def test_the_last_look_is_told_of_the_files_that_it_was_of(world: World, rules: str) -> None:  # noqa: F811
    """The list of exceptions says what was found, `not looked at` where the files changed since, and nothing where it is as agreed."""
    world.write("approvals.yaml", rules)
    _approved(world)

    def listed(name: str = "cas") -> tuple[str | None, str]:
        with world.desk(name) as desk:
            (one,) = standing(desk)
        return one.grown, one.unapproved

    assert listed() == (None, "")
    gate.look(world.store, world.estate, world.now)
    assert listed() == ("", "")
    _grow(world)
    assert listed() == (None, "")
    gate.look(world.store, world.estate, world.now)
    more, unapproved = listed()
    assert more is not None and "203.0.113." in more
    assert unapproved == ("" if rules == TELL else more)
    assert listed("ann")[0] == "it opens more than when request 1 was approved", (
        "how many there are is the zones' owners' to know"
    )
    with world.desk("otto") as desk:
        acting.reopen(desk, 1, "it grew")
    world.approve(1)
    settle(world.store, world.estate, world.now)
    gate.look(world.store, world.estate, world.now)
    assert listed() == ("", "")


def test_nothing_is_reckoned_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Looking again compares no policies where neither files nor what was agreed to changed."""
    _approved(world)
    gate.look(world.store, world.estate, world.now)

    def never(*_: object) -> gate.Judgement:
        raise AssertionError("it was reckoned again")

    monkeypatch.setattr(gate, "judge", never)
    gate.look(world.store, world.estate, world.now)
    _grow(world)
    with pytest.raises(AssertionError):
        gate.look(world.store, world.estate, world.now)


def test_a_plan_goes_on_and_says_it_loudly(place: Place) -> None:  # noqa: F811
    """A real `plan` with `growth: tell` shows the warning with the packet and goes on; `--check` says it and passes, compile too."""
    place.approved()
    policy = Path("edge.yaml")
    policy.write_text(policy.read_text().replace("[10.7.0.0/24,", "[10.7.0.0/24, 10.9.0.0/24,"))
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code == NOT_APPROVED
    Path("approvals.yaml").write_text(TELL)
    done = place.run("otto", "plan", "-p", "edge.yaml")
    assert done.exit_code != NOT_APPROVED and "means-more" in done.output and "10.9.0." in done.output, done.output
    done = place.run("otto", "exceptions", "--check")
    assert done.exit_code == 0 and "means more" in done.output and "10.9.0." in done.output, done.output
    done = place.run("otto", "compile", "-p", "edge.yaml")
    assert "means-more" in done.output and "unapproved" not in done.output
    done = place.run("otto", "exceptions", "--remind")
    assert done.exit_code == 0 and "means more" in done.output, done.output
    with place.store() as opened, opened.reading() as c:
        assert [row.entry.about for row in log.rows(c, act="exception.grown")] == ["request 1"]
