"""One's own account: password, sessions, tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from firewright.model.account import Grant
from firewright.store import sessions, tokens
from firewright.store.accounts import grants_text
from firewright.store.attempts import by_account, clear, take
from firewright.web.access import LoggedIn
from firewright.web.identity import Identity, must_be_unchanged
from firewright.web.login import OF_BOTH, begin_session, links_of, too_many
from firewright.web.page import back, page
from firewright.web.problem import Problem
from firewright.web.running import running
from firewright.workflows.accounts import end_token, make_token, put_password
from firewright.workflows.passwords import check_password, fits, hashed
from firewright.workflows.requests.refused import Refused

ROUTER = APIRouter(include_in_schema=False)
DAYS = (7, 30, 90, 365)
"""How long a token may last."""
_LABEL_LIMIT = 100

Short = Annotated[str, Form(max_length=2000)]


@ROUTER.get("/account")
def account(request: Request, _actor: LoggedIn) -> Response:
    """What somebody may, where they are logged in, and their tokens."""
    return _page(request)


@ROUTER.post("/account/password")
def change_password(
    request: Request, _actor: LoggedIn, current: Short = "", password: Short = "", again: Short = ""
) -> Response:
    """A new password: the old one is asked for, and all sessions but a new one end, and all tokens."""
    identity, parts = _identity(request), running(request)
    fields = _wrong(request, identity, current, password, again)
    if fields:
        return _page(request, fields)
    kept = hashed(password)
    with parts.store.writing() as c:
        changed = put_password(c, identity.actor, identity.account, kept, request.state.now)
    response = back(request, "/account", "Your password is changed. All other sessions and all tokens have ended.")
    begin_session(request, response, changed, "password")
    return response


@ROUTER.post("/account/sessions/end")
def end_sessions(request: Request, _actor: LoggedIn) -> Response:
    """Log out everywhere else."""
    identity = _identity(request)
    own = identity.session.id if identity.session else ""
    with running(request).store.writing() as c:
        ended = sessions.end_all(c, identity.account.name, but=own)
    return back(request, "/account", "Nothing else was open." if not ended else "You are logged out everywhere else.")


@ROUTER.post("/account/tokens")
def add_token(
    request: Request, _actor: LoggedIn, label: Short = "", days: Annotated[int, Form()] = 30,
    scope: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """A token for a program, which the page shows this once."""
    identity, now = _identity(request), request.state.now
    fields = {}
    own = dict(zip(grants_text(identity.account.grants), identity.account.grants, strict=True))
    wanted = tuple(own[one] for one in scope or () if one in own)
    if not label.strip() or len(label) > _LABEL_LIMIT or not label.isprintable():
        fields["label"] = "say what it is for, in a few words"
    if not wanted:
        fields["scope"] = "choose what it may do"
    if days not in DAYS:
        fields["days"] = "choose one of these"
    if fields:
        return _page(request, fields, label=label)
    with running(request).store.writing() as c:
        must_be_unchanged(c, identity.account)
        ends = now + timedelta(days=days)
        secret = make_token(c, identity.actor, identity.account.name, label.strip(), wanted, ends, now)
    return _page(request, secret=secret)


@ROUTER.post("/account/tokens/{number}/end")
def drop_token(request: Request, _actor: LoggedIn, number: int) -> Response:
    """The end of one of one's own tokens."""
    identity = _identity(request)
    with running(request).store.writing() as c:
        end_token(c, identity.actor, identity.account.name, number, request.state.now)
    return back(request, "/account", "The token is worth nothing any more.")


def _identity(request: Request) -> Identity:
    found: Identity = request.state.identity
    return found


def _page(request: Request, fields: dict[str, str] | None = None, label: str = "", secret: str = "") -> Response:
    identity, now = _identity(request), request.state.now
    with running(request).store.reading() as c:
        links = links_of(c, identity.account.name)
        open_ = sessions.listed(c, identity.account.name, now)
        made = tuple(one for one in tokens.listed(c, identity.account.name) if one.is_valid(now))
    scopes: tuple[tuple[str, Grant], ...] = tuple(
        zip(grants_text(identity.account.grants), identity.account.grants, strict=True)
    )
    return page(
        request, "account.html", title="Account", status=422 if fields else 200, account=identity.account, fields=fields or {},
        label=label, secret=secret, sessions=open_, links=links, tokens=made, scopes=scopes, days=[(one, f"{one} days") for one in DAYS],
        own=identity.session.id if identity.session else "",
    )  # fmt: skip


def _wrong(request: Request, identity: Identity, current: str, password: str, again: str) -> dict[str, str]:
    """What is wrong with a change of password. Raises Problem (429) for whoever guesses the old one."""
    store, now, key = running(request).store, request.state.now, by_account(identity.account.name, "change")
    with store.writing() as c:
        until = take(c, key, OF_BOTH, now)
    if until:
        raise too_many(until, now)
    if not identity.account.password_hash or identity.account.subject:
        raise Problem(
            409, "no-password", "this account has no password here", "its provider knows it; it is changed there"
        )
    if not fits(current, identity.account.password_hash):
        return {"current": "this is not your password"}
    with store.writing() as c:
        clear(c, key)
    try:
        check_password(password, identity.account.name)
    except Refused as refused:
        return {"password": f"{refused.message}: {refused.help}"}
    return {"again": "this is not the same"} if password != again else {}
