"""Who asks: by the cookie of a session, or by a token that a program sends. Found once for each request, for pages and log alike."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING

from fastapi import Request

from firewright.model.account import Actor, Grant, Way, narrowed_actor
from firewright.store import accounts, sessions, tokens
from firewright.store.accounts import Account
from firewright.store.errors import StoreError
from firewright.store.sessions import Session
from firewright.web.cookies import read_cookie
from firewright.web.problem import Problem, is_program
from firewright.web.running import Running, running

if TYPE_CHECKING:
    from sqlalchemy import Connection

SESSION = "session"
"""The cookie that a session is known by."""
_NOTED = timedelta(minutes=1)
"""How old the note of when somebody was last here may be: one write a minute, not one a request."""
_SECRET_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who they are: by a session, or where there is none by a token."""

    actor: Actor
    account: Account
    session: Session | None

    @property
    def csrf(self) -> str:
        """The session's token against forged forms; nothing for whoever sent a token, which no browser sends by itself."""
        return self.session.csrf if self.session else ""

    def is_meant(self, sent: str) -> bool:
        """Whether an unsafe request was sent on purpose: by a program, or by a page of this session."""
        return self.session is None or compare_digest(sent.encode(), self.session.csrf.encode())


def identify(request: Request) -> Identity | None:
    """Whoever asks, or None. Raises Problem (401) for a token that is no good: nobody is taken for anonymous by mistake."""
    if not hasattr(request.state, "identity"):
        parts = running(request)
        header = request.headers.get("authorization", "")
        if header and is_program(request):
            request.state.identity = _by_token(request, parts, header)
        else:
            request.state.identity = _by_session(request, parts)
    found: Identity | None = request.state.identity
    return found


def actor_of(request: Request, account: Account, grants: tuple[Grant, ...], way: Way) -> Actor:
    """Somebody as they act in this request."""
    return replace(account.actor(way, origin_of(request)), grants=grants)


def must_be_unchanged(c: Connection, account: Account) -> None:
    """Raises Problem (401) where an account was disabled, or got another password, since it was read: what it had open has ended."""
    current = accounts.find(c, account.name)
    if current is None or not current.is_active or current.password_hash != account.password_hash:
        raise Problem(401, "changed-meanwhile", "this account was changed a moment ago", "log in again")


def origin_of(request: Request) -> str:
    """The address that a request comes from, as the server or the proxy that it trusts says."""
    return request.client.host if request.client else ""


def _by_session(request: Request, parts: Running) -> Identity | None:
    secret = read_cookie(request, parts.settings, SESSION)
    if not secret or len(secret) > _SECRET_LIMIT:
        return None
    now: datetime = request.state.now
    with parts.store.reading() as c:
        session = sessions.find(c, secret, now, parts.settings.idle)
        account = accounts.find(c, session.account) if session else None
    if session is None or account is None:
        return None
    if now - session.seen > _NOTED:
        with suppress(StoreError), parts.store.writing() as c:  # a note that is lost is no reason to keep somebody out
            sessions.touch(c, secret, now)
    return Identity(actor_of(request, account, account.grants, Way.WEB), account, session)


def _by_token(request: Request, parts: Running, header: str) -> Identity:
    kind, _, secret = header.partition(" ")
    now: datetime = request.state.now
    token = account = None
    if kind.lower() == "bearer" and 0 < len(secret) <= _SECRET_LIMIT:
        with parts.store.reading() as c:
            token = tokens.find(c, secret.strip(), now)
            account = accounts.find(c, token.account) if token else None
    if token is None or account is None:
        problem = Problem(
            401, "bad-token", "this token is not known, or over", "make a new one on the page of the account"
        )
        problem.headers["WWW-Authenticate"] = 'Bearer realm="firewright", error="invalid_token"'
        raise problem
    if token.used is None or now - token.used > _NOTED:
        with suppress(StoreError), parts.store.writing() as c:
            tokens.touch(c, token.number, now)
    whole = actor_of(request, account, account.grants, Way.API)
    return Identity(narrowed_actor(whole, token.scopes), account, None)
