"""Time: a thread for each duty, which starts with the server and ends with it; a duty that fails is said and tried again."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from firewright.diagnostic import harmless
from firewright.registry import Registry
from firewright.store.errors import StoreError
from firewright.web.running import Running

LOG = logging.getLogger("firewright.web")


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to do again and again, with the time between; it must be right when several processes do it at once."""

    every: timedelta
    run: Callable[[Running, datetime], None]


DUTIES: Registry[Duty] = Registry("firewright.web.duties", "DUTY")


@contextmanager
def ticking(parts: Running) -> Iterator[None]:
    """All duties are done while this is open; what one is doing when it closes is waited for, some seconds at most."""
    over = Event()
    threads = [Thread(target=_keep, args=(name, duty, parts, over), daemon=True) for name, duty in DUTIES.all()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=5)


def _keep(name: str, duty: Duty, parts: Running, over: Event) -> None:
    while not over.is_set():
        now = datetime.now(UTC)
        try:
            duty.run(parts, now)
        except StoreError as error:
            # the database says itself what is wrong with it; that it is stopped is no fault of ours to be traced
            _say(now, name, harmless(f"{error.message}: {error.help}", 1000))
        except Exception as error:
            _say(now, name, harmless("".join(traceback.format_exception(error)), 8000))
        over.wait(duty.every.total_seconds())


def _say(now: datetime, name: str, fault: str) -> None:
    LOG.error("%s", json.dumps({"at": now.isoformat(timespec="milliseconds"), "duty": name, "fault": fault}))
