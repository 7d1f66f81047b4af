"""Webhooks: where events are sent, and those that still have to be. They are queued in the transaction of the act that they tell of.

Whoever sends takes what is due (`due`), which lends it for a while, sends it outside of any transaction, and says how it went
(`sent`, `failed`). A sender that dies lets go of it when the loan is over, so each event arrives at least once; receivers know one
that comes twice by its number.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from firewright.diagnostic import harmless
from firewright.store import settings
from firewright.store.secrets import fresh
from firewright.store.tables import ENDPOINTS, OUTBOX

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
_LAST = "last webhook"
"""The setting with the last number of an endpoint: none is used again, for the log names them."""
TRIES = 15
"""After so many failures (two days and a half) an event is given up."""


class Fate(StrEnum):
    """What becomes of an event on its way to one endpoint."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent: of these kinds and policies (empty: all). Its secret is not part of it; `secret_of` has it."""

    number: int
    url: str
    owner: str
    events: tuple[str, ...]
    policies: tuple[str, ...]
    is_active: bool
    made: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to an endpoint; `tries` counts those that failed, `said` is why the last did."""

    number: int
    endpoint: int
    kind: str
    body: str = field(repr=False)
    made: datetime
    due: datetime | None
    tries: int
    fate: Fate
    said: str


def add_endpoint(
    c: Connection, url: str, owner: str, now: datetime, events: Collection[str] = (), policies: Collection[str] = ()
) -> tuple[str, Endpoint]:
    """A new endpoint: the secret that its events are signed with, to be shown once, and itself. Raises UnfitText."""
    number = int(settings.get(c, _LAST, "0")) + 1
    settings.put(c, _LAST, str(number))
    endpoint = Endpoint(number, url, owner, tuple(events), tuple(policies), True, now)
    secret = fresh("fwhs_")
    values = {"owner": owner, "events": endpoint.events, "policies": endpoint.policies, "is_active": True, "made": now}
    c.execute(insert(ENDPOINTS).values(number=number, url=url, secret=secret, **values))
    return secret, endpoint


def endpoints(c: Connection, *, active: bool = False) -> tuple[Endpoint, ...]:
    """All endpoints, or those that are active, by number; without their secrets."""
    query = select(*(column for column in ENDPOINTS.c if column.name != "secret")).order_by(ENDPOINTS.c.number)
    return tuple(
        Endpoint(row.number, row.url, row.owner, row.events, row.policies, row.is_active, row.made)
        for row in c.execute(query.where(ENDPOINTS.c.is_active) if active else query)
    )


def find_endpoint(c: Connection, number: int) -> Endpoint | None:
    """The endpoint with a number."""
    return next((one for one in endpoints(c) if one.number == number), None)


def secret_of(c: Connection, number: int) -> str:
    """The secret that an endpoint's events are signed with; for whoever signs, and nobody else. Empty where there is none."""
    return c.execute(select(ENDPOINTS.c.secret).where(ENDPOINTS.c.number == number)).scalar() or ""


def put_endpoint(c: Connection, endpoint: Endpoint) -> bool:
    """Keep an endpoint as it is now, with the secret that it has; whether it is there."""
    values = {
        "url": endpoint.url,
        "events": endpoint.events,
        "policies": endpoint.policies,
        "is_active": endpoint.is_active,
    }
    return c.execute(update(ENDPOINTS).where(ENDPOINTS.c.number == endpoint.number).values(**values)).rowcount == 1


def remove_endpoint(c: Connection, number: int) -> bool:
    """Forget an endpoint, its secret, and what was on its way there; whether it was there."""
    c.execute(delete(OUTBOX).where(OUTBOX.c.endpoint == number))
    return c.execute(delete(ENDPOINTS).where(ENDPOINTS.c.number == number)).rowcount == 1


def queue(c: Connection, kind: str, body: str, now: datetime, policy: str = "") -> int:
    """Put an event on its way to each active endpoint that asks for its kind and policy; to how many. Raises UnfitText."""
    wanted = [
        one.number
        for one in endpoints(c, active=True)
        if (not one.events or kind in one.events) and (not one.policies or policy in one.policies)
    ]
    last = c.execute(select(func.max(OUTBOX.c.number))).scalar() or 0
    event = {"kind": kind, "body": body, "made": now, "due": now, "tries": 0, "state": Fate.WAITING.value, "said": ""}
    if wanted:
        rows = [{"number": last + nth, "endpoint": number, **event} for nth, number in enumerate(wanted, 1)]
        c.execute(insert(OUTBOX), rows)
    return len(wanted)


def due(
    c: Connection, now: datetime, *, limit: int = 20, loan: timedelta = timedelta(minutes=2)
) -> tuple[Delivery, ...]:
    """Events that are to be sent now, oldest first, lent to whoever asks: until the loan is over nobody else gets them.

    Those of endpoints that are not active wait. `c` comes from `Store.writing()`.
    """
    active = select(ENDPOINTS.c.number).where(ENDPOINTS.c.is_active)
    here = (OUTBOX.c.state == Fate.WAITING.value, OUTBOX.c.due <= now, OUTBOX.c.endpoint.in_(active))
    query = select(OUTBOX).where(*here).order_by(OUTBOX.c.due, OUTBOX.c.number).limit(limit)
    rows = c.execute(query.with_for_update(skip_locked=True)).all()
    if rows:
        c.execute(update(OUTBOX).where(OUTBOX.c.number.in_([row.number for row in rows])).values(due=now + loan))
    return tuple(_built(row) for row in rows)


def sent(c: Connection, number: int) -> None:
    """Note that an event arrived."""
    c.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(state=Fate.SENT.value, due=None, said=""))


def failed(c: Connection, number: int, now: datetime, said: str) -> Fate | None:
    """Note that an event did not arrive, and why: it is due again after a wait that doubles, or given up after `TRIES`.

    What becomes of it; None where there is no such event any more.
    """
    tries = c.execute(select(OUTBOX.c.tries).where(OUTBOX.c.number == number)).scalar()
    if tries is None:
        return None
    tries += 1
    fate = Fate.WAITING if tries < TRIES else Fate.GIVEN_UP
    wait = min(FIRST_WAIT * 2 ** min(tries - 1, 20), LONGEST_WAIT)
    values = {"tries": tries, "state": fate.value, "due": now + wait if fate is Fate.WAITING else None}
    c.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(said=harmless(said, 300), **values))
    return fate


def deliveries(c: Connection, endpoint: int, *, before: int = 0, limit: int = 100) -> tuple[Delivery, ...]:
    """What was and is on its way to an endpoint, the newest first, at most `limit` of those with a number below `before`."""
    query = select(OUTBOX).where(OUTBOX.c.endpoint == endpoint).order_by(OUTBOX.c.number.desc()).limit(limit)
    return tuple(_built(row) for row in c.execute(query.where(OUTBOX.c.number < before) if before else query))


def again(c: Connection, number: int, now: datetime) -> bool:
    """Put an event that was sent or given up on its way once more; whether it is there."""
    values = {"state": Fate.WAITING.value, "due": now, "tries": 0}
    return c.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(**values)).rowcount == 1


def sweep(c: Connection, before: datetime) -> int:
    """Forget events made before an instant that are on their way no more, but for the last one of all; how many."""
    last = c.execute(select(func.max(OUTBOX.c.number))).scalar() or 0
    over = (OUTBOX.c.made < before, OUTBOX.c.state != Fate.WAITING.value, OUTBOX.c.number < last)
    return c.execute(delete(OUTBOX).where(*over)).rowcount


def _built(row: Row[Any]) -> Delivery:
    fate = Fate(row.state)
    return Delivery(row.number, row.endpoint, row.kind, row.body, row.made, row.due, row.tries, fate, row.said)
