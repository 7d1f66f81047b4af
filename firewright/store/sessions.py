"""Sessions of people who are logged in: the cookie's secret is not kept, only its hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from firewright.store.accounts import key_of
from firewright.store.secrets import fresh, hashed
from firewright.store.tables import ACCOUNTS, SESSIONS


@dataclass(frozen=True, slots=True)
class Session:
    """A session: `id` is the hash of its secret, so that it may be shown; `csrf` follows from the secret and is not kept.

    `csrf` is empty where the session was listed and not found by its secret.
    """

    id: str
    account: str
    created: datetime
    seen: datetime
    expires: datetime
    origin: str = ""
    agent: str = ""
    csrf: str = field(default="", repr=False)


def start(
    c: Connection, account: str, now: datetime, expires: datetime, origin: str = "", agent: str = ""
) -> tuple[str, Session]:
    """A new session of an account that is there, until `expires` at the latest: its secret, for the cookie, and itself.

    `agent` is cut at 200 characters. Raises StoreError at the transaction's end for an account that is not there.
    """
    secret = fresh()
    session = Session(hashed(secret, "session"), account, now, now, expires, origin[:200], agent[:200], _csrf(secret))
    c.execute(
        insert(SESSIONS).values(
            id=session.id,
            account=key_of(account),
            created=now,
            seen=now,
            expires=expires,
            origin=session.origin,
            agent=session.agent,
        )
    )
    return secret, session


def find(c: Connection, secret: str, now: datetime, idle: timedelta | None = None) -> Session | None:
    """The session with a secret, unless it is over, was not used for `idle`, or its account is not active."""
    query = _query().where(SESSIONS.c.id == hashed(secret, "session"), SESSIONS.c.expires > now, ACCOUNTS.c.is_active)
    if idle is not None:
        query = query.where(SESSIONS.c.seen > now - idle)
    row = c.execute(query).first()
    return _built(row, _csrf(secret)) if row else None


def touch(c: Connection, secret: str, now: datetime) -> None:
    """Note that a session is used now."""
    c.execute(update(SESSIONS).where(SESSIONS.c.id == hashed(secret, "session")).values(seen=now))


def listed(c: Connection, account: str, now: datetime) -> tuple[Session, ...]:
    """The sessions of an account that are not over, the last used first."""
    query = _query().where(SESSIONS.c.account == key_of(account), SESSIONS.c.expires > now)
    return tuple(_built(row) for row in c.execute(query.order_by(SESSIONS.c.seen.desc()).limit(1000)))


def end(c: Connection, account: str, id: str) -> bool:
    """End the session with an id, if it is the account's; whether it was."""
    return c.execute(delete(SESSIONS).where(SESSIONS.c.id == id, SESSIONS.c.account == key_of(account))).rowcount == 1


def end_all(c: Connection, account: str, but: str = "") -> int:
    """End all sessions of an account, but for the one with an id; how many."""
    return c.execute(delete(SESSIONS).where(SESSIONS.c.account == key_of(account), SESSIONS.c.id != but)).rowcount


def sweep(c: Connection, now: datetime) -> int:
    """Forget sessions that are over; how many."""
    return c.execute(delete(SESSIONS).where(SESSIONS.c.expires <= now)).rowcount


def _query() -> Any:
    return select(SESSIONS, ACCOUNTS.c.name).join(ACCOUNTS, ACCOUNTS.c.key == SESSIONS.c.account)


def _built(row: Row[Any], csrf: str = "") -> Session:
    return Session(row.id, row.name, row.created, row.seen, row.expires, row.origin, row.agent, csrf)


def _csrf(secret: str) -> str:
    """The token of a session's forms: whoever reads the database cannot make it."""
    return hashed(secret, "csrf")
