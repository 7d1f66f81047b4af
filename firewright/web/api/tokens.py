"""Tokens of one's own over the API: for programs, each with some of one's roles, and an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import Response
from pydantic import Field

from firewright.diagnostic import harmless
from firewright.store import tokens
from firewright.store.tokens import Token
from firewright.web.access import LoggedIn
from firewright.web.api._answers import Answer, Key, Tree, acted, problems, sent, writing
from firewright.web.api._grants import GrantBody, GrantTold, grant_tree, grants_in
from firewright.web.api._route import PREFIX, router
from firewright.web.api._wishes import Sent, Told
from firewright.web.identity import must_be_unchanged
from firewright.web.problem import Problem
from firewright.web.running import store_of
from firewright.workflows.accounts import end_token, make_token
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.refused import Refused

ROUTER = router("tokens")
LONGEST = 365
"""Days that a token lasts at most."""


class TokenBody(Sent):
    """What a token is for."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["nightly report"])]
    """What it is for, in a few words."""
    scopes: Annotated[list[GrantBody], Field(min_length=1, max_length=50)]
    """What it may do: roles of yours, or narrower ones."""
    days: Annotated[int, Field(ge=1, le=LONGEST, examples=[30])] = 30
    """How long it lasts."""


class TokenTold(Told):
    """A token, without its secret."""

    number: int
    name: str
    scopes: list[GrantTold]
    made: datetime
    expires: datetime | None
    used: datetime | None
    is_valid: bool


class NewTokenTold(TokenTold):
    """A token that was just made."""

    secret: str | None
    """Shown this once, to be sent as `Authorization: Bearer …`; null where the same was sent again."""


class TokensBody(Told):
    """Your tokens."""

    tokens: list[TokenTold]


@ROUTER.get("/tokens", response_model=TokensBody, responses=problems(), summary="Your tokens")
def listed(request: Request, actor: LoggedIn) -> Response:
    """The newest first; those that are over too."""
    with store_of(request).reading() as c:
        found = tokens.listed(c, actor.account)
    return sent(Answer({"tokens": [_tree(one, request.state.now) for one in found]}))


@ROUTER.post("/tokens", status_code=201, response_model=NewTokenTold, responses=writing(409), summary="Make a token")
def make(request: Request, actor: LoggedIn, body: TokenBody, key: Key = None) -> Response:
    """One that may do no more than what it was asked with may; one that a token makes ends with that token at the latest."""
    wanted, name = grants_in(body.scopes), body.name.strip()
    if not name or not name.isprintable():
        message = "say what it is for, in a few words"
        raise Problem(422, "no-name", message, "as in `nightly report`", {"name": message})
    for one in wanted:
        if not any(_holds(mine.scope, one.scope) for mine in actor.grants if mine.role is one.role):
            way_out = "GET /api/v1/me says what you are"
            raise Refused("no-scope", f"you are no {one.role} of {harmless(one.scope)}", way_out, 422)

    def act(desk: Desk) -> Answer:
        must_be_unchanged(desk.connection, request.state.identity.account)
        ends = _end(request, desk, body.days)
        secret = make_token(desk.connection, actor, actor.account, name, wanted, ends, desk.now)
        made = tokens.find(desk.connection, secret, desk.now)
        assert made is not None  # noqa: S101 - it was made in this transaction
        tree = _tree(made, desk.now)
        place = {"Location": f"{PREFIX}/tokens/{made.number}"}
        return Answer({**tree, "secret": secret}, 201, place, {**tree, "secret": None})

    return acted(request, actor, key, body.model_dump(), act, settles=False)


@ROUTER.delete(
    "/tokens/{number}", status_code=204, response_class=Response, responses=problems(404), summary="End a token"
)
def end(request: Request, actor: LoggedIn, number: Annotated[int, Path(ge=1, le=2**31 - 1, examples=[3])]) -> Response:
    """It is worth nothing any more."""
    with store_of(request).writing() as c:
        end_token(c, actor, actor.account, number, request.state.now)
    return Response(status_code=204)


def _end(request: Request, desk: Desk, days: int) -> datetime:
    """When a token is over that is made now: whoever got hold of one for a day is not to have one for a year.

    Raises Problem (401) where the one that asks was ended meanwhile.
    """
    ends: datetime = desk.now + timedelta(days=days)
    _, _, secret = request.headers.get("authorization", "").partition(" ")
    own = tokens.find(desk.connection, secret.strip(), desk.now) if secret else None
    if secret and own is None:
        raise Problem(401, "bad-token", "this token is not known, or over", "make a new one on the page of the account")
    return min(ends, own.expires) if own is not None and own.expires is not None else ends


def _holds(held: str, wanted: str) -> bool:
    """Whether one scope is all of another."""
    return held in ("*", wanted) or wanted.startswith(f"{held}/")


def _tree(one: Token, now: datetime) -> Tree:
    return {
        "number": one.number,
        "name": one.name,
        "scopes": [grant_tree(grant) for grant in one.scopes],
        "made": one.made.isoformat(),
        "expires": one.expires.isoformat() if one.expires else None,
        "used": one.used.isoformat() if one.used else None,
        "is_valid": one.is_valid(now),
    }
