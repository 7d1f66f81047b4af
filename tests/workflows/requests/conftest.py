"""An estate in a folder that is the current one, with a store of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from shutil import copyfile

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
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """What makes a database that is set up, a new one at each call, of each kind."""
    if request.param == "sqlite":
        model = tmp_path / "model.db"
        _set_up(sqlite_url(model))
        numbers = count()
        return lambda: sqlite_url(Path(copyfile(model, tmp_path / f"store{next(numbers)}.db")))
    server: Server = request.getfixturevalue("server")
    like = server.database()
    _set_up(like)
    return lambda: server.database(like=like)


def _set_up(url: str) -> None:
    with closing(open_store(url)) as store:
        store.migrate()


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
