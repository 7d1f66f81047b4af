"""Answers that were given once: a request that is sent again under the same key gets the same answer, and is not done again.

`find`, the act and `keep` belong into one transaction of `Store.writing()`: then either the act and its answer are kept, or neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from firewright.store.tables import IDEMPOTENCY

KEPT = timedelta(hours=24)
"""For how long an answer is remembered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and the hash of the request that it answers: under one key another request is a mistake."""

    request: str
    status: int
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def find(c: Connection, account: str, key: str, now: datetime) -> Answer | None:
    """What an account was answered under a key within `KEPT`."""
    here = (IDEMPOTENCY.c.account == account, IDEMPOTENCY.c.key == key, IDEMPOTENCY.c.at > now - KEPT)
    row = c.execute(select(IDEMPOTENCY).where(*here)).first()
    return Answer(row.request, row.status, row.body, row.headers) if row else None


def keep(c: Connection, account: str, key: str, answer: Answer, now: datetime) -> None:
    """Remember an answer; one that is older than `KEPT` makes room. StoreError at a key that is in use.

    Raises UnfitText for an account or key beyond 600 bytes, and for a body beyond 4 MB.
    """
    old = (IDEMPOTENCY.c.account == account, IDEMPOTENCY.c.key == key, IDEMPOTENCY.c.at <= now - KEPT)
    c.execute(delete(IDEMPOTENCY).where(*old))
    values = {"request": answer.request, "status": answer.status, "body": answer.body, "headers": answer.headers}
    c.execute(insert(IDEMPOTENCY).values(account=account, key=key, at=now, **values))


def sweep(c: Connection, now: datetime) -> int:
    """Forget answers older than `KEPT`; how many."""
    return c.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.at <= now - KEPT)).rowcount
