"""Logging in and out: tries are bounded by account and by origin, a session's cookie is new at each login and ends with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import Response

from firewright.model.account import Actor, Way
from firewright.store import accounts, attempts, log, sessions
from firewright.store.account_names import NOBODY
from firewright.store.accounts import Account
from firewright.store.attempts import Limit, by_account, by_both, by_origin
from firewright.store.errors import DamagedRow, UnfitText
from firewright.web.cookies import drop_cookie, read_cookie, set_cookie
from firewright.web.identity import SESSION, Identity, actor_of, must_be_unchanged, origin_of
from firewright.web.problem import Problem
from firewright.web.running import running
from firewright.workflows.accounts import LinkFollowed, links_followed
from firewright.workflows.passwords import fits, hashed, is_outdated

if TYPE_CHECKING:
    from sqlalchemy import Connection

BEGIN = "begin"
"""The cookie that a form of somebody who is not logged in yet must fit to."""
OF_BOTH = Limit(10, timedelta(minutes=15))
_WARNED = timedelta(days=30)
"""How long somebody is told that their password was set by a link."""
_MOST_TOLD = 3
OF_ACCOUNT = Limit(100, timedelta(minutes=15))
OF_ORIGIN = Limit(50, timedelta(minutes=15))
"""How often a login may fail for one name from one address (a /64 of IPv6), for one name from anywhere, and from one address.

Whoever wants to keep somebody else out has to try from ten places at once, and from each anew.
"""


def log_in(request: Request, name: str, password: str) -> Account:
    """The account of this name and password. Raises Problem: 401 whichever of the two is wrong, 429 after too many tries.

    An unknown name takes as long as a known one and is locked like one: nobody learns who has an account.
    """
    store, now = running(request).store, request.state.now
    origin = origin_of(request)
    by_name, by_place, here = by_account(name), by_origin(origin), by_both(name, origin)
    with store.writing() as c:  # counted before it is tried, so that many at once count as many
        until = (
            attempts.blocked_until(c, by_place, OF_ORIGIN, now)
            or attempts.blocked_until(c, by_name, OF_ACCOUNT, now)
            or attempts.take(c, here, OF_BOTH, now)
            or attempts.take(c, by_name, OF_ACCOUNT, now)
        )
        account = None if until else _named(c, name)
    if until:
        raise too_many(until, now)
    # whom a provider knows logs in there: a password beside it would be a second way in, which it cannot close
    is_right = fits(password, account.password_hash if account and not account.subject else "")
    if account is None or not is_right or not account.is_active:
        with store.writing() as c:
            attempts.take(c, by_place, OF_ORIGIN, now)
            if account is not None:  # what was typed is no name otherwise, but may be a password
                _tell(c, request, NOBODY, "login.fail", account.name)
        raise Problem(401, "wrong-login", "the name or the password is wrong", "after ten tries it has to wait a while")
    renewed = hashed(password) if is_outdated(account.password_hash) else ""
    with store.writing() as c:
        attempts.clear(c, by_name)
        attempts.clear(c, here)
        current = accounts.find(c, account.name)
        if renewed and current is not None and current.password_hash == account.password_hash:
            account = replace(current, password_hash=renewed)
            accounts.put(c, account)
    return account


def begin_session(request: Request, response: Response, account: Account, by: str) -> None:
    """Let somebody in: a new session and its cookie; the one that the browser had before ends. `by` says what proved it.

    Raises Problem: 401 where the account was disabled, or its password changed, while that was proved: all its sessions have ended.
    """
    parts, now = running(request), request.state.now
    agent = request.headers.get("user-agent", "")
    with parts.store.writing() as c:
        sessions.sweep(c, now)
        attempts.sweep(c, now - OF_ORIGIN.window)
        must_be_unchanged(c, account)
        _forget(request, c)
        secret, _ = sessions.start(c, account.name, now, now + parts.settings.absolute, origin_of(request), agent)
        _tell(c, request, account.name, "login", account.name, {"by": by})
    set_cookie(response, parts.settings, SESSION, secret)
    drop_cookie(response, parts.settings, BEGIN)


def end_session(request: Request, response: Response) -> None:
    """Let somebody out: the session is forgotten here, not only in the browser."""
    parts = running(request)
    identity: Identity | None = getattr(request.state, "identity", None)
    with parts.store.writing() as c:
        _forget(request, c)
        if identity is not None:
            _tell(c, request, identity.account.name, "logout", identity.account.name)
    drop_cookie(response, parts.settings, SESSION)
    request.state.identity = None


def begin_form(request: Request) -> str:
    """The token of a form for somebody who is not logged in: the one that their browser has, or a new one."""
    return read_cookie(request, running(request).settings, BEGIN) or token_urlsafe(32)


def must_fit(request: Request, sent: str) -> None:
    """Make sure that a form of somebody not logged in came from a page that we gave this browser. Raises Problem (403)."""
    kept = read_cookie(request, running(request).settings, BEGIN)
    if not kept or not compare_digest(kept.encode(), sent.encode(errors="surrogatepass")):
        way_out = "load the page again and send it once more; the browser has to take cookies of this site"
        raise Problem(403, "forged", "this form was not sent from its page, or the page is too old", way_out)


def give_form(request: Request, response: Response, token: str) -> Response:
    """The page with a form, with the cookie that it fits to."""
    set_cookie(response, running(request).settings, BEGIN, token)
    return response


def too_many(until: datetime, now: datetime) -> Problem:
    """That there were too many tries, and when there may be more."""
    seconds = int((until - now).total_seconds()) + 1
    problem = Problem(429, "too-many-tries", "there were too many tries", f"wait for {-(-seconds // 60)} minutes")
    problem.headers["Retry-After"] = str(seconds)
    return problem


def links_warning(c: Connection, name: str, now: datetime) -> str:
    """What to tell an account's holder at each login for a while where a link has replaced a password of theirs; else nothing.

    It is said again and again, for the first to log in may be whoever followed the link.
    """
    found = [one for one in links_of(c, name) if now - one.at < _WARNED]
    if not any(one.was_reset for one in found):
        return ""
    told = (f"on {one.at:%Y-%m-%d at %H:%M} UTC by a link that {one.maker} made" for one in found[:_MOST_TOLD])
    return f"Your password was set {', and '.join(told)}. Tell another admin at once if that was not you."


def links_of(c: Connection, name: str) -> tuple[LinkFollowed, ...]:
    """The links by which an account's password was set; none where the log is damaged, which keeps nobody out."""
    with suppress(DamagedRow):
        return links_followed(c, name)
    return ()


def self_actor(request: Request, account: Account) -> Actor:
    """Somebody who proved who they are in this very request."""
    return actor_of(request, account, account.grants, Way.WEB)


def _named(c: Connection, name: str) -> Account | None:
    try:
        return accounts.find(c, name)
    except UnfitText:  # what no account can be called, none is
        return None


def _forget(request: Request, c: Connection) -> None:
    secret = read_cookie(request, running(request).settings, SESSION)
    session = sessions.find(c, secret, request.state.now) if secret else None
    if session is not None:
        sessions.end(c, session.account, session.id)


def _tell(
    c: Connection, request: Request, who: str, act: str, account: str, details: Mapping[str, str] | None = None
) -> None:
    about, way = f"account {account}", Way.WEB.value
    log.append(c, log.Entry(who, act, about, origin_of(request), way, "", details or {}, request.state.now))
