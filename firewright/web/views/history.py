"""What the policies were before: texts that are kept when they change, so that what changed can be told in flows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from firewright.store import snapshots
from firewright.web.views.changes import body_of, is_complete
from firewright.workflows.requests.estate import Estate

KIND, NAME = "policies", "estate"
MOST = 30
"""Former states that are kept and can be compared with."""


@dataclass(frozen=True, slots=True)
class Former:
    """The policies as they were from an instant on; `digest` names them."""

    digest: str
    at: datetime
    seen: datetime
    body: str


def remember(c: Connection, estate: Estate, now: datetime) -> bool:
    """Keep how the policies are, if that is new and they can be read; whether something was kept."""
    body = body_of(estate)
    if not body:
        return False
    is_new = snapshots.put(c, KIND, NAME, estate.digest, body, now)
    if is_new:
        snapshots.prune(c, KIND, NAME, MOST)
    return is_new


def is_remembered(c: Connection, estate: Estate) -> bool:
    """Whether the last state that is kept is this one."""
    last = snapshots.latest(c, KIND, NAME)
    return last is not None and last.digest == estate.digest


def formers(c: Connection, estate: Estate) -> tuple[Former, ...]:
    """The states before this one that can be compared with it, the last first."""
    found = snapshots.history(c, KIND, NAME, limit=MOST)
    return tuple(Former(one.digest, one.at, one.seen, one.body) for one in found if _fits(one, estate))


def _fits(one: snapshots.Snapshot, estate: Estate) -> bool:
    return one.digest != estate.digest and is_complete(one.body)
