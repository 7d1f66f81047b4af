"""An estate in a folder that is the current one, with a store of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from firewright.store.database import Store, open_store, sqlite_url
from tests.store.servers import Server, missing
from tests.workflows.requests.world import World


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server of these tests' own."""
    if why := missing():
        pytest.skip(why)
    started = Server()
    yield started
    started.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "store.db")
    server: Server = request.getfixturevalue("server")
    return server.database()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database that is set up."""
    with closing(open_store(sqlite_url(tmp_path / "store.db"))) as store:
        store.migrate()
        yield store


@pytest.fixture
def world(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> World:
    """The estate, in the current folder."""
    folder = tmp_path / "policies"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return World(Path(), store)
