"""What the server does by itself: again and again while it runs, whatever fails, and not after its end."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI

from firewright.store import log
from firewright.store.database import open_store
from firewright.web import clock
from firewright.web.app import store_of
from firewright.web.clock import DUTIES, Duty, ticking
from tests.web.conftest import Client

PATIENCE = 20


class _Only:
    """One duty in place of those that lie in the folder."""

    def __init__(self, duty: Duty) -> None:
        self._duty = duty

    def all(self) -> Any:
        """It, with a name."""
        return iter([("only", self._duty)])


def test_a_duty_is_done_again_after_it_failed(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure is one line of the log with the duty's name, the next time comes all the same, and the end ends it."""
    seen: list[datetime] = []
    thrice = Event()

    def run(parts: object, now: datetime) -> None:
        assert parts is app.state.running
        seen.append(now)
        if len(seen) == 1:
            raise RuntimeError("not today\nsecond line")
        if len(seen) == 3:
            thrice.set()

    monkeypatch.setattr(clock, "DUTIES", _Only(Duty(timedelta(milliseconds=1), run)))
    with caplog.at_level(logging.ERROR, clock.LOG.name), ticking(app.state.running):
        assert thrice.wait(PATIENCE)
    done = len(seen)
    assert seen == sorted(seen) and all(one.tzinfo is UTC for one in seen)
    told = [json.loads(record.getMessage()) for record in caplog.records]
    assert [one["duty"] for one in told] == ["only"] and "not today\\nsecond line" in told[0]["fault"]
    assert not Event().wait(0.05) and len(seen) == done


def test_a_database_that_is_stopped_is_told_in_a_sentence(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the database says of itself is one sentence with a way out, without where in the program it was met."""
    done = Event()

    def run(parts: object, now: datetime) -> None:
        if done.is_set():
            return
        try:
            with closing(open_store("postgresql://fw:hidden@127.0.0.1:1/none")) as gone, gone.reading():
                pass
        finally:
            done.set()

    monkeypatch.setattr(clock, "DUTIES", _Only(Duty(timedelta(milliseconds=1), run)))
    with caplog.at_level(logging.ERROR, clock.LOG.name), ticking(app.state.running):
        assert done.wait(PATIENCE)
    (told,) = [json.loads(record.getMessage()) for record in caplog.records]
    assert told["duty"] == "only" and "cannot be reached" in told["fault"] and "check host and port" in told["fault"]
    assert "Traceback" not in told["fault"] and "\\n" not in told["fault"] and "hidden" not in told["fault"]


@pytest.mark.parametrize("name", DUTIES.names())
def test_each_duty_does_nothing_where_nothing_is_due(app: FastAPI, name: str) -> None:
    """On policies without requests each duty runs twice without a fault, and writes no row of the log."""
    for _ in range(2):
        DUTIES.load(name).run(app.state.running, datetime.now(UTC))
    with store_of(app).reading() as c:
        assert log.head(c).number == 0


def test_duties_run_while_the_server_does(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """They begin when the application starts, before anybody asks for a page."""
    begun = Event()
    monkeypatch.setattr(clock, "DUTIES", _Only(Duty(timedelta(hours=1), lambda parts, now: begun.set())))
    with Client(app) as client:
        assert begun.wait(PATIENCE) and client.get("/healthz").status_code == 200
