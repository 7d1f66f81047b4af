"""Accounts of others over the API, for admins: made, granted, disabled, let in by a link. No admin sees or sets a password."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from firewright.model.account import EVERYTHING, Grant, Role
from firewright.store import accounts
from firewright.store.accounts import Account
from firewright.web.access import Admin
from firewright.web.api._answers import (
    Answer,
    IfMatch,
    IfNoneMatch,
    Key,
    Limit,
    Tree,
    acted,
    etag_of,
    must_be,
    paged,
    problems,
    reading,
    sent,
    writing,
)
from firewright.web.api._grants import GrantBody, GrantTold, grant_tree, grants_in
from firewright.web.api._route import PREFIX, router
from firewright.web.api._wishes import Sent, Told
from firewright.web.estate import estate_of
from firewright.web.problem import Problem
from firewright.web.routes._seen import part
from firewright.web.running import running, store_of
from firewright.workflows.accounts import add_account, find_account, set_active, set_grants, set_groups
from firewright.workflows.invitations import invite
from firewright.workflows.requests.acting import Desk

ROUTER = router("accounts")
Name = Annotated[str, Path(min_length=1, max_length=100, description="The account's name.", examples=["tom"])]
_MOST_GRANTS = 200


class AccountBody(Sent):
    """A new account."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["tom"])]
    """Which never changes: the log names it."""
    shown: Annotated[str, Field(max_length=100, examples=["Tom Tenant"])] = ""
    """The name that others see."""
    grants: Annotated[list[GrantBody], Field(max_length=_MOST_GRANTS)]
    """What it may."""


class GrantsBody(Sent):
    """What somebody may, all of it."""

    grants: Annotated[list[GrantBody], Field(max_length=_MOST_GRANTS)]


class GroupsBody(Sent):
    """The groups that somebody is in, all of them."""

    groups: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200, examples=[["perimeter"]])
    ]
    """As `approvals.yaml` names them, without the @."""


class ActiveBody(Sent):
    """Whether an account can do anything."""

    is_active: Annotated[bool, Field(examples=[False])]


class AccountTold(Told):
    """An account."""

    name: str
    shown: str
    grants: list[GrantTold]
    groups: list[str]
    is_active: bool
    has_password: bool
    is_of_provider: bool
    """Whether an OpenID Connect provider vouches for it."""
    let_in_by: str
    """Who made the link by which its password was last set, or set it; what it approves of theirs does not count."""
    unfit: str
    """Why no account would be called so today; empty for a name that is fit."""


class AccountsBody(Told):
    """One page of accounts."""

    accounts: list[AccountTold]
    next: str | None


class InvitationTold(Told):
    """A link by which its holder chooses a password, once."""

    link: str | None
    """Shown this once; null where the same was sent again."""


@ROUTER.get("/accounts", response_model=AccountsBody, responses=problems(), summary="All accounts, by name")
def listed(
    request: Request,
    _actor: Admin,
    after: Annotated[str, Query(max_length=100, description="Only those after this one.")] = "",
    limit: Limit = 100,
) -> Response:
    """A page of them."""
    with store_of(request).reading() as c:
        found = accounts.listed(c, after=after, limit=limit + 1)
    page = [_tree(one) for one in found[:limit]]
    return sent(paged(request, "accounts", page, found[limit - 1].name if len(found) > limit else None))


@ROUTER.post(
    "/accounts", status_code=201, response_model=AccountTold, responses=writing(409), summary="Make an account"
)
def add(request: Request, actor: Admin, body: AccountBody, key: Key = None) -> Response:
    """Its holder is let in by a link: POST …/invitation."""
    made = Account(name=body.name, shown=body.shown.strip() or body.name, grants=_grants(request, body.grants))

    def act(desk: Desk) -> Answer:
        return _told(add_account(desk.connection, actor, made, desk.now), 201)

    return acted(request, actor, key, body.model_dump(), act)


@ROUTER.get("/accounts/{name}", response_model=AccountTold, responses=reading(404), summary="One account")
def one(request: Request, _actor: Admin, name: Name, if_none_match: IfNoneMatch = None) -> Response:
    """What it may."""
    with store_of(request).reading() as c:
        return sent(_told(find_account(c, name)), if_none_match)


@ROUTER.put(
    "/accounts/{name}/grants", response_model=AccountTold, responses=writing(404, 409, 412, 428),
    summary="Say what somebody may",
)  # fmt: skip
def grant(
    request: Request, actor: Admin, name: Name, body: GrantsBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """These roles and no others. What they approved and nobody applied yet is void where the role for it is lost."""
    wanted = _grants(request, body.grants)

    def act(desk: Desk) -> Answer:
        must_be(_tag(find_account(desk.connection, name)), if_match)
        return _told(set_grants(desk.connection, actor, name, wanted, desk.now))

    return acted(request, actor, key, body.model_dump(), act)


@ROUTER.put(
    "/accounts/{name}/groups",
    response_model=AccountTold,
    responses=writing(404, 409, 412, 428),
    summary="Say which groups somebody is in",
)
def groups(
    request: Request, actor: Admin, name: Name, body: GroupsBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """These and no others; those of somebody for whom a provider vouches are its own to say."""

    def act(desk: Desk) -> Answer:
        must_be(_tag(find_account(desk.connection, name)), if_match)
        return _told(set_groups(desk.connection, actor, name, body.groups, desk.now))

    return acted(request, actor, key, body.model_dump(), act)


@ROUTER.put(
    "/accounts/{name}/active", response_model=AccountTold, responses=writing(404, 409, 412, 428),
    summary="Let somebody in, or no more",
)  # fmt: skip
def active(
    request: Request, actor: Admin, name: Name, body: ActiveBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Sessions and tokens of an account that is disabled end for good."""

    def act(desk: Desk) -> Answer:
        must_be(_tag(find_account(desk.connection, name)), if_match)
        return _told(set_active(desk.connection, actor, name, body.is_active, desk.now))

    return acted(request, actor, key, body.model_dump(), act)


@ROUTER.post(
    "/accounts/{name}/invitation", status_code=201, response_model=InvitationTold, responses=problems(404, 409),
    summary="Make a link that lets somebody in",
)  # fmt: skip
def invitation(request: Request, actor: Admin, name: Name, key: Key = None) -> Response:
    """By it its holder chooses a password, once, within three days; older ones are void."""

    def act(desk: Desk) -> Answer:
        secret = invite(desk.connection, actor, name, desk.now)
        link = f"{running(request).settings.origin}/invitation?link={secret}"
        return Answer({"link": link}, 201, {}, {"link": None})

    return acted(request, actor, key, None, act, settles=False)


def _grants(request: Request, bodies: list[GrantBody]) -> tuple[Grant, ...]:
    """The grants of a body. Raises Problem (422) for a scope that there is not, and for an admin of less than everything."""
    policies = estate_of(request).policies
    wanted = grants_in(bodies)
    for one in wanted:
        policy, _, zone = one.scope.partition("/")
        is_known = policy in policies and (not zone or zone in policies[policy].zones)
        if one.scope != EVERYTHING and (not is_known or one.scope.endswith("/")):
            message = "there is no such policy, or no such zone in it"
            raise Problem(422, "no-such-scope", message, "write *, a policy, or POLICY/ZONE", {"grants": message})
        if one.role is Role.ADMIN and one.scope != EVERYTHING:
            message = "admins are admins of everything"
            raise Problem(422, "no-such-scope", message, "write * as its scope", {"grants": message})
    return wanted


def _told(account: Account, status: int = 200) -> Answer:
    place = {"Location": f"{PREFIX}/accounts/{part(account.name)}"} if status == 201 else {}
    return Answer(_tree(account), status, {"ETag": _tag(account), **place})


def _tag(account: Account) -> str:
    return etag_of(_tree(account))


def _tree(one: Account) -> Tree:
    return {
        "name": one.name,
        "shown": one.shown,
        "grants": [grant_tree(grant) for grant in one.grants],
        "groups": list(one.groups),
        "is_active": one.is_active,
        "has_password": bool(one.password_hash),
        "is_of_provider": bool(one.subject),
        "let_in_by": one.let_in_by,
        "unfit": accounts.unfit(one),
    }
