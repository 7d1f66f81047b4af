"""Tokens for programs: shown once, kept as a hash, each with the grants that it is narrowed to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from firewright.model.account import Grant
from firewright.store.accounts import grants_of, grants_text, key_of
from firewright.store.secrets import fresh, hashed
from firewright.store.tables import ACCOUNTS, TOKENS

MOST = 2**31 - 1
"""The largest number that a token can have: PostgreSQL's integer."""
PREFIX = "fw_"
"""By what people and scanners for leaked secrets know a token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an account: what it is for, its grants at most, its end (None: none), when it was last used; not its secret."""

    number: int
    account: str
    name: str
    scopes: tuple[Grant, ...]
    made: datetime
    expires: datetime | None = None
    used: datetime | None = None
    ended: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.ended is None and (self.expires is None or now < self.expires)


def make(
    c: Connection, account: str, name: str, scopes: Collection[Grant], now: datetime, expires: datetime | None = None
) -> tuple[str, Token]:
    """A new token of an account that is there: its secret, which nobody sees again, and itself.

    What it may do is the account's grants narrowed to `scopes` (`model.account.narrowed`). Raises UnfitText.
    """
    secret = fresh(PREFIX)
    number = (c.execute(select(func.max(TOKENS.c.number))).scalar() or 0) + 1
    token = Token(number, account, name, tuple(scopes), now, expires)
    c.execute(
        insert(TOKENS).values(
            number=number,
            hash=hashed(secret, "token"),
            account=key_of(account),
            name=name,
            scopes=grants_text(token.scopes),
            made=now,
            expires=expires,
        )
    )
    return secret, token


def find(c: Connection, secret: str, now: datetime) -> Token | None:
    """The token with a secret, unless it was ended, is over, or its account is not active."""
    valid = (TOKENS.c.ended.is_(None), or_(TOKENS.c.expires.is_(None), TOKENS.c.expires > now), ACCOUNTS.c.is_active)
    row = c.execute(_query().where(TOKENS.c.hash == hashed(secret, "token"), *valid)).first()
    return _built(row) if row else None


def touch(c: Connection, number: int, now: datetime) -> None:
    """Note that a token is used now."""
    c.execute(update(TOKENS).where(TOKENS.c.number == number).values(used=now))


def listed(c: Connection, account: str) -> tuple[Token, ...]:
    """All tokens of an account, those that are over too, the newest first."""
    query = _query().where(TOKENS.c.account == key_of(account)).order_by(TOKENS.c.number.desc())
    return tuple(_built(row) for row in c.execute(query.limit(1000)))


def end(c: Connection, account: str, number: int, now: datetime) -> bool:
    """End a token, if it is the account's and not ended yet; whether it was."""
    if not 0 < number <= MOST:
        return False
    here = (TOKENS.c.number == number, TOKENS.c.account == key_of(account), TOKENS.c.ended.is_(None))
    return c.execute(update(TOKENS).where(*here).values(ended=now)).rowcount == 1


def end_all(c: Connection, account: str, now: datetime) -> int:
    """End all tokens of an account; how many."""
    here = (TOKENS.c.account == key_of(account), TOKENS.c.ended.is_(None))
    return c.execute(update(TOKENS).where(*here).values(ended=now)).rowcount


def _query() -> Any:
    return select(TOKENS, ACCOUNTS.c.name.label("holder")).join(ACCOUNTS, ACCOUNTS.c.key == TOKENS.c.account)


def _built(row: Row[Any]) -> Token:
    scopes = grants_of(row.scopes)
    return Token(row.number, row.holder, row.name, scopes, row.made, row.expires, row.used, row.ended)
