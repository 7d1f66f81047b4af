"""A return to a generation opens nothing again that was taken back, unless somebody says why, in the open; and nothing stops a rollback."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firewright.diagnostic import Report
from firewright.model.account import Grant, Role
from firewright.model.request import State
from firewright.readers.policy_yaml.loading import load
from firewright.store import accounts, log, requests, tokens
from firewright.store.accounts import Account
from firewright.workflows.requests.loaded import exceptions_in
from firewright.writers.nftables import WRITER
from tests.cli.test_requests_cli import ASK, Place, place  # noqa: F401 - a fixture
from tests.workflows.steward import Done, needs_host, play

NOT_APPROVED = 5
HOST = """\
policy: edge
zones:
  tenants: [10.7.0.0/24, "fd00:10::/48"]
  admins: [10.0.0.0/24, "fd00:20::/48"]
firewalls: {local: {default: drop}}
rules:
  - {from: admins, to: local, require: ssh, because: managed over it}
"""
APPLY = ("firewright", "apply", "-p", "edge.yaml", "--confirm")


@pytest.fixture
def served(place: Place) -> Place:  # noqa: F811
    """Zoe asks and operates; bob has approved what she asked for: a service of the host itself."""
    needs_host()
    Path("edge.yaml").write_text(HOST)
    with place.store() as opened, opened.writing() as c:
        grants = (Grant(Role.REQUESTER), Grant(Role.OPERATOR))
        now = datetime.now(UTC)
        accounts.add(c, Account("zoe", grants=grants))
        place.tokens["zoe"], _ = tokens.make(c, "zoe", "t", grants, now, now + timedelta(hours=1))
    asked = place.run("zoe", "request", "tenants -> local tcp/8443", *ASK[1:])
    assert asked.exit_code == 0, asked.output
    digest = str(place.tree("bob", "requests", "1")["digest"])
    agreed = place.run("bob", "approve", "1", "--digest", digest)
    assert agreed.exit_code == 0 and Path("exceptions/request-1.yaml").is_file(), agreed.output
    return place


def _play(served: Place, *steps: Any) -> list[Done]:
    environment = {"FIREWRIGHT_STATE_HOME": str(served.state), "FIREWRIGHT_TOKEN": served.tokens["zoe"]}
    return play(("enter", str(served.folder), environment), *steps)[1:]


def _state(served: Place) -> State:
    with served.store() as opened, opened.reading() as c:
        found = requests.find(c, 1)
        assert found is not None
        return found.state


def test_what_was_withdrawn_comes_back_only_for_a_reason(served: Place) -> None:
    """To return to a generation with an exception that was withdrawn ends with 5 and names the flag; with it, it is logged twice."""
    first, withdrawn, second, back, blank, anyway, taken, meta = _play(
        served,
        APPLY,
        ("firewright", "withdraw", "1"),
        APPLY,
        ("firewright", "rollback", "--to", "1"),
        ("firewright", "rollback", "--to", "1", "--anyway", " "),
        ("firewright", "rollback", "--to", "1", "--anyway", "the new one is broken"),
        ("firewright", "rollback"),
        ("read", "state/generations/3/meta"),
    )
    assert (first.code, withdrawn.code, second.code) == (0, 0, 0), (first, withdrawn, second)
    assert "request 1 is implemented" in first.err + first.out
    for one in (back, blank):
        assert one.code == NOT_APPROVED, one
        assert "request 1 is withdrawn" in one.err and "--anyway" in one.err
    assert anyway.code == 0 and "warning" in anyway.err and "request 1 is withdrawn" in anyway.err, anyway
    assert taken.code == 0, "what waits is taken back without anybody's approval"
    assert "although=the new one is broken" in meta.out.splitlines()
    with served.store() as opened, opened.reading() as c:
        row, about = log.rows(c, act="rollback.anyway")
        assert log.rows(c, about="request 1", act="rollback.anyway") == (about,)
    assert row.entry.about == f"host {os.uname().nodename}" and {row.entry.who, about.entry.who} == {"zoe"}
    for one in (back, anyway):
        assert "opens: tenants -> local tcp/8443" in one.err or "opens: 10.7.0.0/24" in one.err, one
    assert row.entry.because == "the new one is broken" and "request 1 is withdrawn" in row.entry.details["unapproved"]


def test_what_stands_comes_back_without_a_word(served: Place) -> None:
    """A generation whose exceptions are approved still is loaded again, and keeps when its text was written."""
    first, second, back, taken, meta = _play(
        served,
        APPLY,
        APPLY,
        ("firewright", "rollback", "--to", "1"),
        ("firewright", "rollback"),
        ("read", "state/generations/3/meta"),
    )
    assert (first.code, second.code, back.code, taken.code) == (0, 0, 0, 0), back
    written = [line for line in meta.out.splitlines() if line.startswith("written=")]
    assert written and "although=" not in meta.out


def test_without_the_database_only_a_reason_helps(served: Place) -> None:
    """Where nobody can tell, it ends with 5; a reason lets it pass, and it is said that the log does not have it."""
    nowhere = {"FIREWRIGHT_DATABASE_URL": "sqlite:////nowhere/at/all.db"}
    first, _, back, anyway = _play(
        served,
        APPLY,
        ("enter", str(served.folder), nowhere),
        ("firewright", "rollback", "--to", "1"),
        ("firewright", "rollback", "--to", "1", "--anyway", "it burns"),
    )
    assert first.code == 0
    assert back.code == NOT_APPROVED and "--anyway" in back.err, back
    assert anyway.code == 0 and "log does not have it" in anyway.err, anyway


def test_from_another_folder_the_database_remembers(served: Place, tmp_path: Path) -> None:
    """Called where no rules are, what the database remembers counts; a host of whom nobody ever decided is asked nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    first, _, back, _, free = _play(
        served,
        APPLY,
        ("enter", str(elsewhere), {}),
        ("firewright", "rollback", "--to", "1"),
        ("enter", str(elsewhere), {"FIREWRIGHT_STATE_HOME": str(own)}),
        ("firewright", "rollback", "--to", "1"),
    )
    assert first.code == 0
    assert back.code == NOT_APPROVED and "approvals.yaml" in back.err, back
    assert free.code == 0, free


def test_what_goes_wrong_after_a_reason_was_given_is_told(served: Place) -> None:
    """A load that the host refuses, though a reason let it pass here, ends with 2 and says why."""
    first, withdrawn, waiting, anyway = _play(
        served,
        APPLY,
        ("firewright", "withdraw", "1"),
        APPLY[:-1],
        ("firewright", "rollback", "--to", "1", "--anyway", "it burns"),
    )
    assert (first.code, withdrawn.code, waiting.code) == (0, 0, 0), waiting
    assert anyway.code == 2 and "error[" in anyway.err and "waits" in anyway.err, anyway


@pytest.mark.parametrize("name", ["own.yaml", "own(1).yaml", "own (exceptions:1).yaml", f"{'o' * 150}.yaml"])
def test_a_file_that_a_comment_does_not_hold_is_an_exception_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """However an exception's file is called, what is compiled with it is known to hold one."""
    monkeypatch.chdir(tmp_path)
    Path("exceptions").mkdir()
    Path("edge.yaml").write_text(HOST)
    rule = "{from: tenants, to: local, allow: tcp/23, because: old, owner: me, until: 2199-12-31}"
    Path("exceptions", name).write_text(f"policy: edge\nrules:\n  - {rule}\n")
    report = Report()
    policy = load("edge.yaml", report)
    assert policy is not None, report.diagnostics
    text = WRITER.emit(policy, policy.firewalls["local"], date(2026, 11, 21), report).text
    assert "tcp dport 23" in text and len(exceptions_in(text)) == 1


def test_what_was_withdrawn_before_the_confirmation_is_told(served: Place) -> None:
    """An exception that was withdrawn between the gate and `confirm` runs: whoever confirms is told so, and what to do."""
    applied, withdrawn, confirmed = _play(
        served,
        ("firewright", "apply", "-p", "edge.yaml"),
        ("firewright", "withdraw", "1"),
        ("firewright", "confirm"),
    )
    assert (applied.code, withdrawn.code, confirmed.code) == (0, 0, 0), (applied, withdrawn, confirmed)
    said = confirmed.err + confirmed.out
    assert "exceptions/request-1.yaml runs, and may not: request 1 is withdrawn; apply again, or roll back" in said
    assert _state(served) is State.WITHDRAWN
