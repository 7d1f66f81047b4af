"""What was decided is held against the log: a request that was changed in the database alone is found, by number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from firewright.model.request import Request, State
from firewright.store import log, requests
from firewright.store.chain import Tampering, Verdict
from firewright.store.tables import APPROVALS, OPENINGS, REQUESTS, REVISIONS, WORDS, ZONES
from firewright.workflows.requests import acting, glass
from firewright.workflows.requests.log_check import check_log
from tests.cli.test_requests_cli import Place, place  # noqa: F401 - a fixture
from tests.store.made import request as blank
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import World, wish


def _check(world: World, tmp_path: Path, *, tells_which: bool = True) -> Verdict:  # noqa: F811
    return check_log(world.store, tmp_path / "state", tells_which=tells_which)


def _sql(world: World, statement: str, **values: object) -> None:  # noqa: F811
    with world.store.writing() as c:
        c.execute(text(statement), values)


def _approved(world: World) -> Request:  # noqa: F811
    found = world.approve(world.ask().number)
    assert found.state is State.APPROVED
    return found


def test_requests_that_nobody_touched_are_as_their_rows_say(world: World, tmp_path: Path) -> None:  # noqa: F811
    """Drafts, edits, approvals, what is decided again, withdrawn, opened without asking: every way that acts go is held to be whole."""
    _approved(world)
    world.ask(is_draft=True, services=("tcp/12000",))
    third = world.ask(services=("tcp/12001",)).number
    world.approve(third)
    with world.desk("ann") as desk:
        acting.edit(desk, third, wish(services=("tcp/12002",)))
    world.approve(third)
    with world.desk("bob") as desk:
        acting.reopen(desk, third, "it means more")
    world.approve(third)
    with world.desk("ann") as desk:
        acting.withdraw(desk, third)
    with world.desk("otto") as desk:
        glass.break_glass(desk, wish(services=("tcp/12003",), owner="otto"))
    found = _check(world, tmp_path)
    assert found.is_intact and "every request is as its rows say" in found.message and not found.note, found


def test_what_an_operator_says_is_no_fact(world: World, tmp_path: Path) -> None:  # noqa: F811
    """Evidence that is called like a fact of the log changes none: the rows go on telling how the request really is."""
    number = _approved(world).number
    with world.desk("otto") as desk:
        acting.implement(desk, number, {"state": "withdrawn", "digest": "0" * 64, "severity": "low", "said": "by hand"})
    assert _check(world, tmp_path).is_intact
    with world.store.reading() as c:
        details = log.rows(c, about=f"request {number}")[-1].entry.details
    assert details["state"] == "implemented" and details["said"] == "by hand"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE requests SET state = 'approved' WHERE number = 1", "its state is approved, and row 3 says withdrawn"),
        ("UPDATE requests SET text = text || '# more' WHERE number = 1", "its text is not the one of row 3"),
        ("UPDATE requests SET severity = 'high' WHERE number = 1", "its severity is high, and row 3 says"),
        ("UPDATE requests SET author = 'eve' WHERE number = 1", "its author is eve, and its rows begin with ann"),
        ("UPDATE requests SET is_break_glass = (1 = 1) WHERE number = 1", "opened without asking"),
        ("UPDATE request_approvals SET account = 'cas' WHERE number = 1", "no row says that cas agrees to it"),
    ],
)
def test_a_decision_changed_in_the_database_is_told(
    world: World,  # noqa: F811
    tmp_path: Path,
    statement: str,
    said: str,
) -> None:
    """Whoever changes a withdrawn request in the database, so that its file would come back, is found out."""
    _approved(world)
    with world.desk("ann") as desk:
        acting.withdraw(desk, 1)
    _sql(world, statement)
    found = _check(world, tmp_path)
    assert found.kind is Tampering.REQUEST and not found.is_intact
    assert found.message.startswith("request 1 was changed outside of the log: ") and said in found.message
    assert (found.first, found.last) == (3, 3)


def test_an_approval_of_before_an_edit_does_not_count_again(world: World, tmp_path: Path) -> None:  # noqa: F811
    """An edit to the same text, and a second look, void what was agreed to before; its row does not vouch for it any more."""
    _approved(world)
    with world.desk("bob") as desk:
        acting.reopen(desk, 1, "it means more")
    assert _check(world, tmp_path).is_intact
    _sql(world, "UPDATE request_approvals SET voided = '' WHERE number = 1")
    found = _check(world, tmp_path)
    assert found.kind is Tampering.REQUEST and "no row says that bob agrees to it" in found.message


def test_requests_without_rows_and_rows_without_requests_are_told(world: World, tmp_path: Path) -> None:  # noqa: F811
    """A request that was put into the database behind the log, and one that was taken out of it, are named."""
    world.ask()
    with world.store.writing() as c:
        requests.add(c, blank(state=State.APPROVED))
    found = _check(world, tmp_path)
    assert found.message == "request 2 was changed outside of the log: no row tells of it" and found.first == 0
    for number in (1, 2):
        for table in (ZONES, REVISIONS, APPROVALS, OPENINGS, WORDS, REQUESTS):
            _sql(world, f"DELETE FROM {table.name} WHERE number = {number}")
    found = _check(world, tmp_path)
    assert found.message == "request 1 was changed outside of the log: rows tell of it, and it is not there"


def test_what_rows_of_older_versions_lack_is_noted(world: World, tmp_path: Path) -> None:  # noqa: F811
    """A row without facts is no proof of anything: it is said that the log does not tell, and the log is whole."""
    asked = world.ask()
    with world.store.writing() as c:
        log.append(c, log.Entry("ann", "request.submit", "request 1", "", "web", "", {"state": "submitted"}, world.now))
    found = _check(world, tmp_path)
    assert asked.state is State.SUBMITTED and found.is_intact
    assert "not told by the log" in found.note and "text, severity of request 1" in found.note
    assert "request 1" not in _check(world, tmp_path, tells_which=False).note


def test_whoever_sees_a_part_is_not_told_which(world: World, tmp_path: Path) -> None:  # noqa: F811
    """Requests that somebody may not know of are not named to them; that something was changed is."""
    _approved(world)
    _sql(world, "UPDATE requests SET state = 'verified' WHERE number = 1")
    found = _check(world, tmp_path, tells_which=False)
    assert found.kind is Tampering.REQUEST and found.first == 0
    assert "1 request was changed outside of the log" in found.message and "verified" not in found.message


def test_many_are_told_by_number(world: World, tmp_path: Path) -> None:  # noqa: F811
    """Of more requests than anybody reads the numbers are told all the same."""
    for number in range(12):
        world.ask(services=(f"tcp/{12000 + number}",))
    _sql(world, "UPDATE requests SET state = 'approved'")
    message = _check(world, tmp_path).message
    assert message.count("changed outside of the log") == 10 and message.endswith("; and so were 11, 12")


def test_the_command_tells_it_and_ends_with_1(place: Place) -> None:  # noqa: F811
    """`log verify` names the request, in words and as JSON; the file would otherwise be back with the next settling."""
    place.approved()
    assert place.run("ann", "withdraw", "1").exit_code == 0
    assert place.run("ann", "log", "verify").exit_code == 0
    with place.store() as opened, opened.writing() as c:
        c.execute(text("UPDATE requests SET state = 'approved' WHERE number = 1"))
    done = place.run("ann", "log", "verify")
    assert done.exit_code == 1 and "(request): request 1 was changed outside of the log" in done.stdout, done.output
    tree = json.loads(place.run("ann", "log", "verify", "--format", "json").stdout)
    assert tree["tampering"] == "request" and not tree["is_intact"]
