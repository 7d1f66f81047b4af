"""Each case of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from firewright.store.database import Store, open_store, sqlite_url
from tests.store.servers import Server, missing


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for the whole run."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if why := missing():
        pytest.skip(why)
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The URLs of databases that are set up, one of each kind, made when first asked for; others are copies of them."""
    return {"sqlite": sqlite_url(tmp_path_factory.mktemp("models") / "model.db")}


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database."""
    if request.param == "postgresql":
        request.getfixturevalue("server")
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind."""
    if kind == "sqlite":
        yield sqlite_url(tmp_path / "store.db")
        return
    server: Server = request.getfixturevalue("server")
    url = server.database()
    yield url
    server.drop(url)


@pytest.fixture
def empty(url: str) -> Iterator[Store]:
    """A database without tables."""
    with closing(open_store(url)) as store:
        yield store


@pytest.fixture
def ready(kind: str, models: dict[str, str], request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that is set up, and that nobody else uses."""
    if kind == "sqlite":
        yield sqlite_url(copied(models["sqlite"], tmp_path))
        return
    server: Server = request.getfixturevalue("server")
    if kind not in models:
        models[kind] = server.database()
        with closing(open_store(models[kind])) as model:
            model.migrate()
    url = server.database(like=models[kind])
    yield url
    server.drop(url)


def copied(model: str, folder: Path) -> Path:
    """A copy of the model in SQLite, which is made at first."""
    source = Path(model.removeprefix("sqlite:///"))
    if not source.exists():
        with closing(open_store(model)) as store:
            store.migrate()
    return Path(copyfile(source, folder / "ready.db"))


@pytest.fixture
def store(ready: str) -> Iterator[Store]:
    """A database that is set up."""
    with closing(open_store(ready)) as store:
        yield store
