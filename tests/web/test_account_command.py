"""`firewright account`: accounts from the command line, by whoever may write the database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import insert

from firewright.cli.main import firewright
from firewright.cli.serve import _warn_of_names
from firewright.model.account import Grant, Role
from firewright.store import accounts, log, tokens
from firewright.store.database import Store, open_store, sqlite_url
from firewright.store.tables import ACCOUNTS
from firewright.workflows.passwords import fits


class Done(NamedTuple):
    """What came of a run."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]
PASSWORD = "correct horse battery"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder for state, which is not there yet."""
    return tmp_path / "state"


@pytest.fixture
def run(folder: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, in a folder with policies."""
    monkeypatch.setenv("FIREWRIGHT_STATE_HOME", str(state))

    def called(*words: str, typed: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(typed.encode())))
        with pytest.raises(SystemExit) as end:
            firewright.main(["account", *words])
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return called


def _store(state: Path) -> Store:
    return open_store(sqlite_url(state / "firewright.db"))


def test_an_account_is_made_let_in_and_put_out(run: Run, state: Path) -> None:
    """The whole way of an account, with a row of the log for each act and a password that nobody saw."""
    assert run("list").stdout.startswith("no account")
    assert run("add", "ada", "--role", "admin").returncode == 0
    assert (
        run("add", "tom", "--role", "requester", "--scope", "tenant-a-edge/tenant-a", "--shown", "Tom").returncode == 0
    )
    assert run("password", "tom", typed=f"{PASSWORD}\n").returncode == 0
    secret = run("token", "tom", "--role", "requester", "--scope", "tenant-a-edge", "--days", "2").stdout.strip()
    made = run("link", "ada", "--base-url", "https://firewall.example.net")
    link = made.stdout
    assert "ends the old one, all sessions and all tokens" in made.stderr
    assert link.startswith("https://firewall.example.net/invitation?link=")
    assert run("list").stdout == "ada  invited  admin\ntom  active   requester of tenant-a-edge/tenant-a\n"
    listed = json.loads(run("list", "--format", "json").stdout)
    assert listed["accounts"][1]["grants"] == [{"role": "requester", "scope": "tenant-a-edge/tenant-a"}]
    with _store(state).reading() as c:
        tom, token = accounts.find(c, "tom"), tokens.find(c, secret, datetime.now(UTC))
        assert tom is not None and fits(PASSWORD, tom.password_hash)
        assert token is not None and token.scopes == (Grant(Role.REQUESTER, "tenant-a-edge"),)
    assert run("grant", "tom", "--role", "viewer").returncode == 0
    assert run("revoke", "tom", "--role", "requester", "--scope", "tenant-a-edge/tenant-a").returncode == 0
    assert run("disable", "tom").returncode == 0
    with _store(state).reading() as c:
        tom = accounts.find(c, "tom")
        assert tom is not None and tom.grants == (Grant(Role.VIEWER),) and not tom.is_active
        assert tokens.find(c, secret, datetime.now(UTC)) is None
        rows = log.rows(c)
    acts = [
        "account.add",
        "account.add",
        "account.password",
        "token.add",
        "account.invite",
        *["account.grant"] * 2,
        "account.disable",
    ]
    assert [row.entry.act for row in rows] == acts
    assert {row.entry.way for row in rows} == {"cli"} and all(row.entry.who.startswith("system:") for row in rows)
    assert PASSWORD not in str(rows) and secret not in str(rows)


def test_groups_are_given_and_taken(run: Run, state: Path) -> None:
    """An account is put into groups when it is made or later, with or without the @ of the rules, and each change is a row."""
    assert run("add", "anna", "--role", "approver", "--group", "@perimeter").returncode == 0
    assert run("grant", "anna", "--group", "on-call", "--group", "security").returncode == 0
    assert run("revoke", "anna", "--group", "@security", "--role", "viewer").returncode == 0
    with _store(state).reading() as c:
        anna, rows = accounts.find(c, "anna"), log.rows(c)
    assert anna is not None and anna.groups == ("on-call", "perimeter") and anna.grants == (Grant(Role.APPROVER),)
    assert [row.entry.act for row in rows] == ["account.add", "account.group", "account.grant", "account.group"]
    assert rows[0].entry.details["groups"] == "perimeter" and rows[3].entry.details["groups"] == "on-call perimeter"


def test_names_of_an_older_database_that_are_not_taken_today_are_told(
    run: Run, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who looks like another account is named in the list, when the server starts, on the pages and over the API, until disabled."""
    run("add", "ada", "--role", "admin")
    store = _store(state)
    with store.writing() as c:
        for name in ("\u0430da", "@net"):  # the first letter is Cyrillic
            kept = {"shown": name, "password_hash": "", "grants": (), "groups": (), "is_active": True}
            c.execute(insert(ACCOUNTS).values(key=accounts.key_of(name), name=name, **kept))
    listed = run("list").stdout.splitlines()
    assert len(listed) == 5 and "looks like another one; disable it, and make its holder another account" in listed[4]
    assert "'@net': the account's name means something else here" in listed[3]
    tree = json.loads(run("list", "--format", "json").stdout)["accounts"]
    assert [bool(one["unfit"]) for one in tree] == [True, False, True]
    capsys.readouterr()
    _warn_of_names(store)
    said = capsys.readouterr()
    assert "warning: the account @net" in said.err + said.out and "firewright account list" in said.err + said.out
    assert run("disable", "@net").returncode == 0
    assert len(run("list").stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "@perimeter", "--role", "approver"), "means something else here"),
        (("add", "../x", "--role", "viewer"), "characters that are not taken"),
        (("add", "x", "--role", "viewer", "--group", "a b"), "no name of a group"),
        (("add", "x", "--role", "viewer", "--scope", ""), "no policy here has"),
        (("add",), "add needs the name of an account"),
        (("add", "x"), "name a role"),
        (("add", "x", "--role", "viewer", "--scope", "tenant-a-edg"), "did you mean tenant-a-edge?"),
        (("add", "x", "--role", "viewer", "--scope", "tenant-a-edge/tenant-b"), "did you mean tenant-a?"),
        (("add", "x", "--role", "admin", "--scope", "tenant-a-edge"), "an admin is one of everything"),
        (("add", "ada", "--role", "viewer"), "there is an account 'ada' already"),
        (("disable", "ada"), "ada is the only admin"),
        (("revoke", "ada", "--role", "admin"), "ada is the only admin"),
        (("disable", "nobody"), "there is no account 'nobody'"),
        (("password", "ada"), "a password needs 12 characters"),
        (("token", "ada", "--role", "operator"), "the account has none of these roles"),
    ],
)
def test_what_cannot_be_done_is_said_and_not_done(run: Run, state: Path, words: tuple[str, ...], said: str) -> None:
    """One sentence with a way out, exit code 2, and nothing is changed."""
    run("add", "ada", "--role", "admin")
    done = run(*words)
    assert done.returncode == 2 and said in done.stderr and not done.stdout
    with _store(state).reading() as c:
        assert [one.name for one in accounts.listed(c)] == ["ada"] and log.head(c).number == 1
