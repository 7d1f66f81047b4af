"""The application on PostgreSQL: what is kept there, and what happens when it goes away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from firewright.model.account import Grant, Role
from firewright.store import accounts, log
from firewright.store.accounts import Account
from firewright.web.app import application, store_of
from firewright.web.settings import Settings
from firewright.workflows.passwords import hashed
from tests.store.servers import Server, missing
from tests.web.conftest import Client

WORD = "correct horse battery"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if why := missing():
        pytest.skip(why)
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def app(settings: Settings, server: Server) -> Iterator[FastAPI]:
    """The application on an empty database of it."""
    made = application(replace(settings, database_url=server.database()))
    yield made
    store_of(made).close()


def test_it_works_there_and_leaves_nothing_in_files(app: FastAPI, client: Client, settings: Settings) -> None:
    """Tables are made, a login works and is in the log, a second process on the same database knows the session."""
    with store_of(app).writing() as c:
        accounts.add(c, Account("vera", "Vera", hashed(WORD), (Grant(Role.VIEWER),)))
    form = {"name": "vera", "password": WORD, "csrf": client.form_token()}
    assert client.post("/login", data=form).status_code == 303
    assert client.get("/account").status_code == 200 and client.get("/readyz").json()["checks"]["database"] == "ok"
    with store_of(app).reading() as c:
        assert [row.entry.act for row in log.rows(c)] == ["login"]
    second = application(app.state.running.settings)
    other = Client(second)
    other.cookies.set("firewright-session", client.cookies["firewright-session"])
    assert other.get("/account").status_code == 200
    assert list(settings.state_folder.iterdir()) == []
    store_of(second).close()


def test_a_database_that_goes_away_is_told_and_comes_back(
    app: FastAPI, client_of: object, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """While the server is down, pages say so (503) and the log says where it was; then everybody goes on."""
    caplog.set_level(logging.INFO, "firewright.web")
    viewer = client_of("viewer")  # type: ignore[operator]
    assert viewer.get("/account").status_code == 200
    server.halt()
    try:
        answer = viewer.get("/account")
        assert answer.status_code == 503 and "database" in answer.text and "owner" not in answer.text
        assert str(server.folder) not in answer.text
        assert any(str(server.folder) in record.getMessage() for record in caplog.records)
        assert Client(app).get("/readyz").json()["checks"]["database"] == "not usable"
    finally:
        server.start()
    assert viewer.get("/account").status_code == 200
