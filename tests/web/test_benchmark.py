"""The benchmark of the web application measures what it says: a small estate, a short load, no errors, every page of the mix."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.web import estate, people
from benchmarks.web.load import READS, run
from benchmarks.web.server import Server
from firewright.store.database import open_store, sqlite_url
from firewright.web.settings import DATABASE_FILE


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, list[dict[str, object]]]]:
    """A server of a policy of few rules with people who are logged in."""
    policies, state = tmp_path / "policies", tmp_path / "state"
    policies.mkdir()
    state.mkdir(mode=0o700)
    estate.write(policies, rules=60)
    store = open_store(sqlite_url(state / DATABASE_FILE))
    store.migrate()
    known = [
        {**asdict(one), "role": one.grants[0].role.value, "zone": one.grants[0].scope.partition("/")[2]}
        for one in people.fill(store, policies)
    ]
    store.close()
    for one in known:
        one["seen"] = people.numbers_of(str(one["zone"]))
    server = Server(policies, state, "")
    try:
        yield server, json.loads(json.dumps(known))
    finally:
        server.stop()


def test_a_load_meets_every_page_without_an_error(served: tuple[Server, list[dict[str, object]]]) -> None:
    """Each page of the mix answers whoever looks, and readers, writers and deciders get no error; memory and time are counted."""
    server, everybody = served
    first = asyncio.run(run(everybody, server.url, "first", 0))
    assert [name for name, _, _, _ in first] == [name for _, name, _ in READS]
    assert {status for _, _, status, _ in first} == {200}
    found = asyncio.run(run(everybody, server.url, "mixed", 2))
    assert len(found) >= 100 and all(200 <= status < 400 for _, _, status, _ in found)
    assert server.cpu() > 0 and server.memory() > 10
