"""What is done to an account while somebody proves that they know its password counts: nothing of before is written back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from firewright.model.account import Actor, Grant, Role
from firewright.store import accounts, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.web import login
from firewright.web.api import tokens as api_tokens
from firewright.web.routes import account as account_page
from firewright.workflows import passwords
from firewright.workflows.accounts import put_password, set_active, set_grants
from firewright.workflows.requests.refused import Refused
from tests.web.conftest import Client, app, browser_of, folder, quick_hashes, settings, store  # noqa: F401 - fixtures

OLD, NEW = "correct horse battery", "another staple and horse"
ADA = Actor("ada")


@pytest.fixture
def bob(store: Store) -> Account:  # noqa: F811
    """Bob, who has a password and decides."""
    found = Account("bob", "Bob", passwords.hashed(OLD), (Grant(Role.APPROVER),))
    with store.writing() as c:
        accounts.add(c, found)
    return found


def test_a_new_password_writes_back_no_role(bob: Account, store: Store) -> None:  # noqa: F811
    """Roles that were taken away since the account was read stay away."""
    with store.writing() as c:
        set_grants(c, ADA, "bob", (), datetime.now(UTC))
        assert put_password(c, Actor("bob"), bob, "hash", datetime.now(UTC)).grants == ()


@pytest.mark.parametrize("how", ["disabled", "reset"])
def test_who_was_put_out_meanwhile_changes_no_password(bob: Account, store: Store, how: str) -> None:  # noqa: F811
    """Who was disabled, or whose password was set by somebody else, since they typed the old one changes nothing."""
    with store.writing() as c:
        if how == "disabled":
            set_active(c, ADA, "bob", False, datetime.now(UTC))
        else:
            put_password(c, ADA, bob, "by ada", datetime.now(UTC))
        before = accounts.find(c, "bob")
        with pytest.raises(Refused, match="a moment ago"):
            put_password(c, Actor("bob"), bob, "hash", datetime.now(UTC))
        assert accounts.find(c, "bob") == before != bob


@pytest.mark.parametrize("how", ["disabled", "reset"])
def test_a_login_under_way_does_not_outlive_what_ends_all_sessions(
    bob: Account,
    store: Store,  # noqa: F811
    app: FastAPI,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    """Where the account is disabled, or gets another password, while the old one is looked at, there is no session of the old one."""
    fits = passwords.fits

    def slowly(*given: Any) -> bool:
        is_right = fits(*given)
        with store.writing() as c:
            if how == "disabled":
                set_active(c, ADA, "bob", False, datetime.now(UTC))
            else:
                put_password(c, ADA, bob, passwords.hashed(NEW), datetime.now(UTC))
        return is_right

    browser = Client(app)
    fields = {"name": "bob", "password": OLD, "csrf": browser.form_token()}
    with monkeypatch.context() as patch:
        patch.setattr(login, "fits", slowly)
        assert browser.post("/login", data=fields).status_code == 401
    if how == "disabled":
        with store.writing() as c:
            set_active(c, ADA, "bob", True, datetime.now(UTC))
    assert browser.get("/account").status_code == 303


def test_a_password_kept_in_an_older_way_lets_its_holder_in(
    bob: Account,
    store: Store,  # noqa: F811
    app: FastAPI,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the password is kept anew at a login, the login goes on."""
    monkeypatch.setattr(login, "is_outdated", lambda kept: True)
    browser = Client(app)
    fields = {"name": "bob", "password": OLD, "csrf": browser.form_token()}
    assert browser.post("/login", data=fields).status_code == 303
    assert browser.get("/account").status_code == 200
    with store.reading() as c:
        found = accounts.find(c, "bob")
    assert found is not None and found != bob and replace(found, password_hash=bob.password_hash) == bob


@pytest.mark.parametrize("way", ["page", "session", "token"])
def test_a_token_that_is_being_made_does_not_outlive_what_ends_all_tokens(
    bob: Account,
    store: Store,  # noqa: F811
    app: FastAPI,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """Where the password is set by somebody else while a token is being made, by the old session or token, there is no token."""
    browser, module = browser_of(app, "bob", ()), account_page if way == "page" else api_tokens
    with store.writing() as c:
        secret, _ = tokens.make(c, "bob", "own", bob.grants, datetime.now(UTC), datetime.now(UTC) + timedelta(days=1))
    name = "grants_text" if way == "page" else "grants_in"
    first = getattr(module, name)

    def slowly(*given: Any) -> Any:
        monkeypatch.setattr(module, name, first)
        with store.writing() as c:
            put_password(c, ADA, bob, passwords.hashed(NEW), datetime.now(UTC))
        return first(*given)

    monkeypatch.setattr(module, name, slowly)
    if way == "page":
        done = browser.post(
            "/account/tokens",
            data={"label": "mine", "scope": str(*accounts.grants_text(bob.grants)), "csrf": browser.csrf},
        )
    else:
        headers = {"Authorization": f"Bearer {secret}"} if way == "token" else {}
        asked = {"name": "mine", "scopes": [{"role": "approver", "scope": "*"}], "days": 30}
        who = Client(app) if way == "token" else browser
        done = who.post("/api/v1/tokens", json=asked, headers=headers)
    assert done.status_code == 401, done.text
    with store.reading() as c:
        assert not any(one.is_valid(datetime.now(UTC)) for one in tokens.listed(c, "bob"))
