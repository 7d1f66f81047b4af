"""Taking approvals.yaml away takes nobody's say away: the database and the repository remember, and an admin says so or nobody."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firewright.model.account import Grant, Role
from firewright.model.request import State
from firewright.store import accounts, log
from firewright.store.accounts import Account
from firewright.workflows.requests import acting, governing, lapsing
from firewright.workflows.requests.exceptions import settle, standing
from firewright.workflows.requests.refused import Refused
from tests.cli.test_requests_cli import ASK, Place, place  # noqa: F401 - a fixture
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import World

NOT_APPROVED = 5
OWN = """\
policy: edge
rules:
  - {name: own, from: internet, to: tenants, allow: tcp/23, because: evil, owner: me, until: 2199-12-31}
"""


def _git(*words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y.invalid", *words], check=True, capture_output=True
    )


def _write_own() -> None:
    Path("exceptions").mkdir(exist_ok=True)
    Path("exceptions/own.yaml").write_text(OWN)


def test_the_database_remembers_that_there_were_rules(place: Place) -> None:  # noqa: F811
    """Once rules were seen, a plan without them ends with 5 and names the way out, whatever the policy is called by now."""
    assert place.run("ann", "request", *ASK).exit_code == 0
    Path("approvals.yaml").unlink()
    _write_own()
    for name in ("edge", "other"):
        for path in (Path("edge.yaml"), Path("exceptions/own.yaml")):
            path.write_text(path.read_text().replace("policy: edge", f"policy: {name}"))
        done = place.run("otto", "plan", "-p", "edge.yaml")
        assert done.exit_code == NOT_APPROVED and f"--without-rules {name}" in done.output, done.output
    assert place.run("vera", "exceptions", "--check").exit_code == NOT_APPROVED


def test_a_plan_is_enough_to_remember(place: Place) -> None:  # noqa: F811
    """Rules that the gate itself saw once are remembered too."""
    place.approved()
    with place.store() as opened, opened.writing() as c:
        from firewright.store import settings

        settings.forget(c, "rules-seen")
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code != NOT_APPROVED
    Path("approvals.yaml").unlink()
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code == NOT_APPROVED


@pytest.mark.parametrize("below", [".", "sub"])
def test_the_repository_remembers_without_a_database(place: Place, below: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Where there is no database the history of the repository tells that rules were taken away, here or in a folder above."""
    place.database.unlink()
    _write_own()
    _git("init", "-q")
    _git("add", ".")
    _git("commit", "-qm", "as it was")
    if below != ".":
        Path(below).mkdir()
        for name in ("edge.yaml", "exceptions"):
            Path(name).rename(Path(below, name))
    Path("approvals.yaml").unlink()
    _git("add", "--all")
    _git("commit", "-qm", "no rules")
    monkeypatch.chdir(below)
    done = place.run("", "plan", "-p", "edge.yaml")
    assert done.exit_code == NOT_APPROVED and "history" in done.output, done.output
    assert not place.database.exists(), "nothing is made only to ask it"


def test_who_never_had_rules_needs_none(place: Place) -> None:  # noqa: F811
    """Without rules, now and before, exceptions are planned as they are: in a repository, one without a commit, and in none."""
    place.database.unlink()
    Path("approvals.yaml").unlink()
    _write_own()
    assert place.run("", "plan", "-p", "edge.yaml").exit_code != NOT_APPROVED
    _git("init", "-q")
    assert place.run("", "plan", "-p", "edge.yaml").exit_code != NOT_APPROVED
    _git("add", ".")
    _git("commit", "-qm", "as it is")
    assert place.run("", "plan", "-p", "edge.yaml").exit_code != NOT_APPROVED


def test_an_admin_says_that_nobody_is_to_decide(place: Place) -> None:  # noqa: F811
    """Only an admin of the policy lets it be applied without rules, with a reason, in the log; rules that come back end that."""
    assert place.run("ann", "request", *ASK).exit_code == 0
    rules = Path("approvals.yaml").read_text()
    with place.store() as opened, opened.writing() as c:
        accounts.add(c, Account("ada", grants=(Grant(Role.ADMIN),)))
        from datetime import UTC, datetime, timedelta

        from firewright.store import tokens

        now = datetime.now(UTC)
        place.tokens["ada"], _ = tokens.make(c, "ada", "t", (Grant(Role.ADMIN),), now, now + timedelta(hours=1))
    words = ("exceptions", "--without-rules", "edge")
    assert place.run("ada", *words, "--because", "we stop").exit_code == 2, "rules are there"
    Path("approvals.yaml").unlink()
    _write_own()
    assert place.run("otto", *words, "--because", "we stop").exit_code == 2
    assert place.run("ada", *words).exit_code == 2, "no reason"
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code == NOT_APPROVED
    assert place.run("ada", *words, "--because", "we stop").exit_code == 0
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code != NOT_APPROVED
    with place.store() as opened, opened.reading() as c:
        (row,) = log.rows(c, act="exceptions.without-rules")
        assert (row.entry.who, row.entry.about, row.entry.because) == ("ada", "policy edge", "we stop")
    Path("approvals.yaml").write_text(rules)
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code == NOT_APPROVED
    Path("approvals.yaml").unlink()
    assert place.run("otto", "plan", "-p", "edge.yaml").exit_code == NOT_APPROVED, "what was said ended with the rules"


def test_nobody_decides_by_rules_that_are_gone(world: World) -> None:  # noqa: F811
    """While the rules are gone nothing is approved or implemented by laxer ones, and nothing that was approved lapses."""
    world.ask()
    world.ask(services=("tcp/2222",))
    world.approve(1)
    settle(world.store, world.estate, world.now)
    Path("approvals.yaml").unlink()
    with pytest.raises(Refused) as told:
        world.approve(2)
    assert told.value.name == "rules-gone"
    with world.desk("otto") as desk, pytest.raises(Refused):
        acting.implement(desk, 1, {})
    with world.desk("cas") as desk:
        assert lapsing.lapse_lost_roles(desk) == ()
        assert "approvals.yaml" in standing(desk)[0].unapproved
        assert governing.gone(desk.connection, desk.estate, "edge")
    assert world.find(1).state is State.APPROVED


def test_a_database_that_does_not_answer_stops_a_plan_with_5(place: Place) -> None:  # noqa: F811
    """With exceptions and a database that cannot be had, with rules or without, nobody can tell, and nothing is planned."""
    place.approved()
    nowhere = {"FIREWRIGHT_DATABASE_URL": "sqlite:////nowhere/at/all.db"}
    assert place.run("otto", "plan", "-p", "edge.yaml", **nowhere).exit_code == NOT_APPROVED
    Path("approvals.yaml").unlink()
    assert place.run("otto", "plan", "-p", "edge.yaml", **nowhere).exit_code == NOT_APPROVED


@pytest.mark.parametrize("has_database", [True, False])
def test_something_called_git_ends_no_repository(
    place: Place,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    has_database: bool,
) -> None:
    """An empty folder `.git` beside a policy hides no approvals.yaml above it, with and without a database on the machine."""
    assert place.run("ann", "request", *ASK).exit_code == 0
    _write_own()
    Path("net").mkdir()
    Path("edge.yaml").rename("net/edge.yaml")
    Path("exceptions").rename("net/exceptions")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "all")):
        _git(*words)
    Path("net/.git").mkdir()
    if not has_database:
        place.database.unlink()
    monkeypatch.chdir("net")
    done = place.run("otto", "plan", "-p", "edge.yaml")
    assert done.exit_code == NOT_APPROVED and "this is another folder" in done.output, done.output
