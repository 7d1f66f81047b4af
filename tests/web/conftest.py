"""An application on a folder of its own with real policies, and clients that are logged in to it as somebody with a role."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from firewright.model.account import Grant, Role
from firewright.store import accounts, sessions, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.web.access import SAFE
from firewright.web.app import application, store_of
from firewright.web.settings import Settings
from firewright.workflows import passwords

PROFILE = Path(__file__).parents[2] / "firewright/profiles/provider-perimeter"
BASE = "http://testserver"


class Client(TestClient):
    """A browser that is logged in: its unsafe requests carry the session's token, as pages' forms do; it follows no redirects."""

    def __init__(self, app: FastAPI, csrf: str = "", **more: Any) -> None:
        super().__init__(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=True, **more)
        self.csrf = csrf

    def request(self, method: str, url: Any, **more: Any) -> Any:
        """Send one request."""
        if method.upper() not in SAFE and self.csrf:
            more["headers"] = {"X-CSRF-Token": self.csrf, **(more.get("headers") or {})}
        return super().request(method, url, **more)

    def form_token(self, path: str = "/login") -> str:
        """The token in a page's form, which its cookie now fits to."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found is not None, f"{path} has no form"
        return found[1]


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> PasswordHasher:
    """Passwords are kept by argon2id with the least costs, so that tests do not take minutes; what the real ones are, they ask."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", quick)
    return quick


def with_policies(folder: Path) -> Path:
    """A new folder with the policies of the provider's perimeter."""
    folder.mkdir()
    for path in PROFILE.glob("*.yaml"):
        if path.name != "profile.yaml":
            shutil.copy(path, folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the policies of the provider's perimeter, which is the current one."""
    made = with_policies(tmp_path / "policies")
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def settings(folder: Path, tmp_path: Path) -> Settings:
    """Settings for an application on that folder with a database of its own."""
    state = tmp_path / "state"
    state.mkdir()
    return Settings(folder, "", state, BASE)


@pytest.fixture
def app(settings: Settings) -> Iterator[FastAPI]:
    """The application."""
    made = application(settings)
    yield made
    store_of(made).close()


@pytest.fixture
def store(app: FastAPI) -> Store:
    """Its store."""
    return store_of(app)


@pytest.fixture
def client(app: FastAPI) -> Client:
    """A browser of nobody."""
    return Client(app)


def browser_of(app: FastAPI, name: str, grants: tuple[Grant, ...]) -> Client:
    """A browser with a new session of an account with these roles, which is made where there is none of its name."""
    now = datetime.now(UTC)
    with store_of(app).writing() as c:
        accounts.add(c, Account(name, name.title(), grants=grants))
        secret, session = sessions.start(c, name, now, now + timedelta(hours=1))
    client = Client(app, session.csrf)
    client.cookies.set("firewright-session", secret)
    return client


@pytest.fixture
def client_of(app: FastAPI) -> Callable[..., Client]:
    """A browser of somebody new with a role in a scope (or of an account called `name`, with several grants)."""

    def made(role: Role | str | None, scope: str = "*", *, name: str = "", grants: tuple[Grant, ...] = ()) -> Client:
        held = grants or (() if role is None else (Grant(Role(role), scope),))
        return browser_of(app, name or f"{role or 'none'}-{scope.replace('*', 'all').replace('/', '.')}", held)

    return made


@pytest.fixture
def token_of(store: Store) -> Callable[..., dict[str, str]]:
    """Headers with a token of somebody new with a role in a scope."""

    def made(role: Role | str, scope: str = "*", *, name: str = "") -> dict[str, str]:
        now, grant = datetime.now(UTC), Grant(Role(role), scope)
        called = name or f"program-{role}-{scope.replace('*', 'all').replace('/', '.')}"
        with store.writing() as c:
            accounts.add(c, Account(called, grants=(grant,)))
            secret, _ = tokens.make(c, called, "test", (grant,), now, now + timedelta(hours=1))
        return {"Authorization": f"Bearer {secret}"}

    return made
