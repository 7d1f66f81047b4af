"""Writing exceptions may take minutes, and a log that nobody touched is not said to be tampered with for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import sleep

import pytest

from firewright.live import exception_files
from firewright.model.request import State
from firewright.store import chain
from firewright.workflows.requests import lapsing
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.exceptions import settle, tidy
from firewright.workflows.requests.log_check import check_log, sign_head
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import World


@contextmanager
def _locked_and_signed(world: World, state: Path) -> Iterator[None]:  # noqa: F811
    """Somebody holds the folder's lock for longer than clocks may differ, and a head of the log is signed before they let go."""
    is_held = Event()

    def hold() -> None:
        with exception_files.alone(world.folder):
            is_held.set()
            sleep(0.6)
            sign_head(world.store, state, datetime.now(UTC))

    holder = Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    yield
    holder.join()


@pytest.fixture(autouse=True)
def little_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks may differ by less than the files take: a minute and several minutes at work."""
    monkeypatch.setattr(chain, "_SLACK", timedelta(seconds=0.3))


@pytest.mark.parametrize("is_tidied", [False, True])
def test_files_that_take_long_do_not_make_the_log_look_forged(
    world: World,  # noqa: F811
    tmp_path: Path,
    is_tidied: bool,
) -> None:
    """Where a head is signed while files wait to be written or removed, the row about them says when it was written."""
    world.now = datetime.now(UTC)
    number = world.ask(until=(world.now + timedelta(days=20)).date().isoformat()).number
    assert world.approve(number, "bob").state is State.APPROVED
    if is_tidied:
        settle(world.store, world.estate, world.now)
        estate = world.estate
        later = world.now + timedelta(days=30)
        with world.store.writing() as c:
            assert lapsing.expire_due(Desk(c, estate, SYSTEM, later))
    state = tmp_path / "state"
    with _locked_and_signed(world, state):
        if is_tidied:
            assert tidy(world.store, world.estate, SYSTEM, later)
        else:
            assert settle(world.store, world.estate, datetime.now(UTC)).written
    found = check_log(world.store, state)
    assert found.is_intact, found.message
