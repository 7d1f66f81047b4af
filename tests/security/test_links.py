"""What an admin's link to an account of somebody else can do: nothing silently, and nothing to those whom a provider knows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from firewright.model.account import Actor, Grant, Role
from firewright.store import accounts, log, outbox, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.store.tables import OUTBOX
from firewright.web.app import store_of
from firewright.workflows import passwords
from firewright.workflows.accounts import put_password
from firewright.workflows.invitations import accept, invite
from firewright.workflows.requests.refused import Refused
from tests.web.conftest import Client, app, client_of, folder, quick_hashes, settings, store  # noqa: F401 - fixtures

OLD, NEW, OTHER = "correct horse battery", "another staple and horse", "third paddock of horses"


@pytest.fixture
def bob(store: Store) -> Store:  # noqa: F811
    """A store with bob, who has a password and a token, olga, whom a provider knows, and somebody who is told of events."""
    kept, now = passwords.hashed(OLD), datetime.now(UTC)
    role = (Grant(Role.APPROVER),)
    with store.writing() as c:
        accounts.add(c, Account("bob", "Bob", kept, role))
        accounts.add(c, Account("olga", "Olga", grants=role, subject="https://idp.example#1"))
        tokens.make(c, "bob", "nightly", role, now, now + timedelta(days=9))
        outbox.add_endpoint(c, "https://hooks.example.net/", "eve", now)
    return store


def _log_in(client: Client, name: str, password: str) -> Any:
    return client.post("/login", data={"name": name, "password": password, "csrf": client.form_token()})


def _link(admin: Client, name: str) -> str:
    text = admin.post(f"/admin/accounts/{name}/invitation").text
    found: str = text.split("/invitation?link=")[1].split("<")[0]
    return found


def _follow(client: Client, link: str, password: str) -> Any:
    token = client.form_token(f"/invitation?link={link}")
    return client.post("/invitation", data={"link": link, "password": password, "again": password, "csrf": token})


def test_a_reset_by_a_link_is_told_to_everybody_and_ends_what_was_there(
    bob: Store,
    app: FastAPI,  # noqa: F811
    client_of: Any,  # noqa: F811
) -> None:
    """The log names whose link it was and not bob; an event is queued; his sessions and tokens end; he is told at each login."""
    old, ada, taker = Client(app), client_of("admin", name="ada"), Client(app)
    assert _log_in(old, "bob", OLD).status_code == 303
    assert _follow(taker, _link(ada, "bob"), NEW).status_code == 303
    assert old.get("/account").status_code == 303, "his session goes on"
    with bob.reading() as c:
        assert not any(one.is_valid(datetime.now(UTC)) for one in tokens.listed(c, "bob")), "his token goes on"
        (row,) = log.rows(c, act="account.password")
        body = json.loads(c.execute(select(OUTBOX.c.body).where(OUTBOX.c.kind == "account.password")).scalar_one())
    assert (row.entry.who, row.entry.because) == ("nobody", "by a link that ada made")
    assert row.entry.details == {"link of": "ada", "reset": "yes", "sessions ended": "1", "tokens ended": "1"}
    assert body == {"account": "bob", "act": "account.password", "let_in_by": "ada", "was_reset": True}
    for _ in range(2):  # the first to log in may be whoever followed the link
        browser = Client(app)
        assert _log_in(browser, "bob", NEW).status_code == 303
        assert "by a link that ada made. Tell another admin" in browser.get("/").text
    assert "Set by a link that ada made" in browser.get("/account").text
    eve, browser = client_of("admin", name="eve"), Client(app)
    assert _follow(browser, _link(eve, "bob"), OTHER).status_code == 303
    assert "by a link that ada made. Tell another admin" in browser.get("/").text


def test_a_first_password_by_a_link_is_no_alarm(app: FastAPI, store: Store, client_of: Any) -> None:  # noqa: F811
    """Somebody new who follows their link is told of nothing, then and at the next login."""
    with store.writing() as c:
        accounts.add(c, Account("guest", grants=(Grant(Role.VIEWER),)))
    browser = Client(app)
    assert _follow(browser, _link(client_of("admin", name="ada"), "guest"), NEW).status_code == 303
    assert "Tell another admin" not in browser.get("/").text
    again = Client(app)
    assert _log_in(again, "guest", NEW).status_code == 303 and "Tell another admin" not in again.get("/").text


def test_nobody_gets_into_the_account_of_whom_a_provider_knows(bob: Store, app: FastAPI, client_of: Any) -> None:  # noqa: F811
    """No link is made for it, on the page, over the API and on the command line; an older one and a password open nothing."""
    ada = client_of("admin", name="ada")
    assert ada.post("/admin/accounts/olga/invitation").status_code == 409
    assert ada.post("/api/v1/accounts/olga/invitation").json()["type"].endswith("of-provider")
    with bob.writing() as c:
        accounts.add(c, Account("late"))
        link = invite(c, Actor("ada"), "late", datetime.now(UTC))
        accounts.put(c, Account("late", subject="https://idp.example#2"))
        with pytest.raises(Refused, match="provider"):
            accept(c, link, Actor("late"), "late", "hash", datetime.now(UTC))
        olga = accounts.find(c, "olga")
        assert olga is not None
        with pytest.raises(Refused, match="provider"):
            put_password(c, Actor("system:root"), olga, "hash", datetime.now(UTC))
        accounts.put(c, Account("olga", password_hash=passwords.hashed(OLD), subject=olga.subject))
    assert _log_in(Client(app), "olga", OLD).status_code == 401


@pytest.mark.parametrize("way", ["link", "own", "machine"])
def test_any_new_password_ends_sessions_and_tokens(bob: Store, app: FastAPI, client_of: Any, way: str) -> None:  # noqa: F811
    """However a password is changed, whoever had a session or a token of before is out; whoever changed their own stays in."""
    browser, elsewhere = Client(app), Client(app)
    assert _log_in(browser, "bob", OLD).status_code == _log_in(elsewhere, "bob", OLD).status_code == 303
    if way == "link":
        _follow(Client(app), _link(client_of("admin", name="ada"), "bob"), NEW)
    elif way == "own":
        said = browser.get("/account").text
        assert "all your tokens end" in said
        token = said.split('name="csrf" value="')[1].split('"')[0]
        fields = {"current": OLD, "password": NEW, "again": NEW, "csrf": token}
        assert browser.post("/account/password", data=fields).status_code == 303
    else:
        with store_of(app).writing() as c:
            found = accounts.find(c, "bob")
            assert found is not None
            put_password(c, Actor("system:root"), found, passwords.hashed(NEW), datetime.now(UTC))
    assert elsewhere.get("/account").status_code == 303
    assert browser.get("/account").status_code == (200 if way == "own" else 303)
    with bob.reading() as c:
        assert not any(one.is_valid(datetime.now(UTC)) for one in tokens.listed(c, "bob"))


def test_whoever_was_let_in_cannot_make_that_unsaid(bob: Store) -> None:
    """A change by whoever has the account now keeps by whom it was let in; another's link, or the machine, replaces them."""
    now = datetime.now(UTC)
    with bob.writing() as c:
        accept(c, invite(c, Actor("ada"), "bob", now), Actor("bob"), "bob", "hash", now)
        for who, expected in (("bob", "ada"), ("system:root", "system:root")):
            found = accounts.find(c, "bob")
            assert found is not None and found.let_in_by == "ada" and found.actor().let_in_by == "ada"
            put_password(c, Actor(who), found, "other", now)
            found = accounts.find(c, "bob")
            assert found is not None and found.let_in_by == expected
        accept(c, invite(c, Actor("eve"), "bob", now), Actor("bob"), "bob", "hash", now)
        found = accounts.find(c, "bob")
        assert found is not None and found.let_in_by == "eve"


@pytest.mark.parametrize("how", ["disabled", "role"])
def test_who_is_put_out_comes_back_by_no_link_of_before(
    bob: Store,
    app: FastAPI,  # noqa: F811
    client_of: Any,  # noqa: F811
    how: str,
) -> None:
    """A link of an admin who is disabled, or is no admin any more, opens nothing; another's does."""
    link = _link(client_of("admin", name="ada"), "bob")
    with bob.writing() as c:
        ada = accounts.find(c, "ada")
        assert ada is not None
        accounts.put(c, replace(ada, is_active=False) if how == "disabled" else replace(ada, grants=()))
        with pytest.raises(Refused, match="used, is over"):
            accept(c, link, Actor("bob"), "bob", "hash", datetime.now(UTC))
    assert Client(app).get(f"/invitation?link={link}").status_code == 404
    assert _follow(Client(app), _link(client_of("admin", name="eve"), "bob"), NEW).status_code == 303
    with bob.writing() as c:
        by_machine = invite(c, Actor("system:some one"), "bob", datetime.now(UTC))
        assert accept(c, by_machine, Actor("bob"), "bob", "hash", datetime.now(UTC)).let_in_by == "system:some one"
