"""How things were at an instant: what a policy left open, what a host said of itself. A new one is kept only where it differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from firewright.store.tables import SNAPSHOTS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Something of a kind (`open`, `host`), by name: first like this at `at`, last at `seen`; `digest` tells it from others.

    `body` is text of the caller's, JSON mostly, of at most 4 MB.
    """

    kind: str
    name: str
    digest: str
    body: str = field(repr=False)
    at: datetime
    seen: datetime


def put(c: Connection, kind: str, name: str, digest: str, body: str, now: datetime) -> bool:
    """Keep how something is now; whether it differs from the last. Where it does not, only when it was seen is kept.

    Raises UnfitText.
    """
    here = (SNAPSHOTS.c.kind == kind, SNAPSHOTS.c.name == name)
    last = c.execute(
        select(SNAPSHOTS.c.number, SNAPSHOTS.c.digest).where(*here).order_by(SNAPSHOTS.c.number.desc()).limit(1)
    ).first()
    if last is not None and last.digest == digest:
        c.execute(update(SNAPSHOTS).where(*here, SNAPSHOTS.c.number == last.number).values(seen=now))
        return False
    number = (last.number if last else 0) + 1
    c.execute(insert(SNAPSHOTS).values(kind=kind, name=name, number=number, digest=digest, body=body, at=now, seen=now))
    return True


def latest(c: Connection, kind: str, name: str, before: datetime | None = None) -> Snapshot | None:
    """How something was last (seen), or how it was at an instant: the last that began no later."""
    found = history(c, kind, name, limit=1, before=before)
    return found[0] if found else None


def history(
    c: Connection, kind: str, name: str, *, limit: int = 100, before: datetime | None = None
) -> tuple[Snapshot, ...]:
    """How something was, the last first, at most `limit`; those that began no later than `before`."""
    query = select(SNAPSHOTS).where(SNAPSHOTS.c.kind == kind, SNAPSHOTS.c.name == name)
    if before is not None:
        query = query.where(SNAPSHOTS.c.at <= before)
    return tuple(_built(row) for row in c.execute(query.order_by(SNAPSHOTS.c.number.desc()).limit(limit)))


def listed(c: Connection, kind: str, *, after: str = "", limit: int = 1000) -> tuple[Snapshot, ...]:
    """The last of everything of a kind, by name, at most `limit` of those after a name."""
    last = (
        select(SNAPSHOTS.c.name, func.max(SNAPSHOTS.c.number).label("number"))
        .where(SNAPSHOTS.c.kind == kind, SNAPSHOTS.c.name > after)
        .group_by(SNAPSHOTS.c.name)
        .order_by(SNAPSHOTS.c.name)
        .limit(limit)
        .subquery()
    )
    same = (SNAPSHOTS.c.kind == kind) & (SNAPSHOTS.c.name == last.c.name) & (SNAPSHOTS.c.number == last.c.number)
    return tuple(_built(row) for row in c.execute(select(SNAPSHOTS).join(last, same).order_by(SNAPSHOTS.c.name)))


def prune(c: Connection, kind: str, name: str, keep: int) -> int:
    """Forget all but the last `keep` of something; how many."""
    here = (SNAPSHOTS.c.kind == kind, SNAPSHOTS.c.name == name)
    last = c.execute(select(func.max(SNAPSHOTS.c.number)).where(*here)).scalar() or 0
    return c.execute(delete(SNAPSHOTS).where(*here, SNAPSHOTS.c.number <= last - max(keep, 1))).rowcount


def _built(row: Row[Any]) -> Snapshot:
    return Snapshot(row.kind, row.name, row.digest, row.body, row.at, row.seen)
