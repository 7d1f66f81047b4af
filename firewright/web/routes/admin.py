"""Accounts of others, for admins: made, granted, disabled, let in by a link. No admin ever sees or sets a password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from firewright.model.account import EVERYTHING, Grant, Role
from firewright.store import accounts, tokens
from firewright.store.account_names import fit_name, fit_shown
from firewright.store.accounts import Account, grants_of, grants_text
from firewright.store.errors import UnfitText
from firewright.web.access import Admin
from firewright.web.estate import estate_of
from firewright.web.page import back, page
from firewright.web.problem import Problem
from firewright.web.running import running
from firewright.workflows.accounts import add_account, find_account, set_active, set_grants, set_groups
from firewright.workflows.invitations import invite

ROUTER = APIRouter(prefix="/admin/accounts", include_in_schema=False)
_PAGE = 100
_MOST_GRANTS = 200

Short = Annotated[str, Form()]
"""A field of a form: what is too long is told by the form itself, where what was typed stays."""


@ROUTER.get("")
def listed(request: Request, _actor: Admin, after: Annotated[str, Query(max_length=600)] = "") -> Response:
    """All accounts, a page at a time, and the form for another."""
    return _list(request, after)


@ROUTER.post("")
def add(
    request: Request, actor: Admin, name: Short = "", shown: Short = "", role: Short = "", scope: Short = ""
) -> Response:
    """A new account with one role; the page shows the link by which its holder chooses a password."""
    name, fields = name.strip(), {}
    for key, text, fits in (("name", name, fit_name), ("shown", shown.strip(), fit_shown)):
        try:
            fits(text)
        except UnfitText as error:
            fields[key] = f"{error.message}: {error.help}"
    grant = _grant(request, role, scope, fields)
    if fields or grant is None:
        return _list(request, fields=fields, filled={"name": name, "shown": shown, "role": role, "scope": scope})
    made = Account(name=name, shown=shown.strip() or name, grants=(grant,))
    with running(request).store.writing() as c:
        add_account(c, actor, made, request.state.now)
        secret = invite(c, actor, made.name, request.state.now)
    return _one(request, made.name, secret)


@ROUTER.get("/{name}")
def one(request: Request, _actor: Admin, name: str) -> Response:
    """One account: its roles, its groups, its tokens."""
    return _one(request, name)


@ROUTER.post("/{name}/grants")
def grant(request: Request, actor: Admin, name: str, role: Short = "", scope: Short = "") -> Response:
    """One role more."""
    fields: dict[str, str] = {}
    wanted = _grant(request, role, scope, fields)
    if wanted is None:
        return _one(request, name, fields=fields)
    with running(request).store.writing() as c:
        held = find_account(c, name).grants
        if len(held) >= _MOST_GRANTS:
            raise Problem(409, "too-many-roles", f"an account has at most {_MOST_GRANTS} roles", "grant a wider scope")
        set_grants(c, actor, name, {*held, wanted}, request.state.now)
    return back(request, _path(name), "The role is granted.")


@ROUTER.post("/{name}/grants/drop")
def drop(request: Request, actor: Admin, name: str, grant: Short = "") -> Response:
    """One role less. What it approved and nobody applied yet is void with it."""
    with running(request).store.writing() as c:
        held = find_account(c, name).grants
        set_grants(c, actor, name, set(held) - set(grants_of((grant,))), request.state.now)
    return back(request, _path(name), "The role is taken away.")


@ROUTER.post("/{name}/groups")
def groups(request: Request, actor: Admin, name: str, groups: Short = "") -> Response:
    """The groups that it is in, all of them: rules of approval name them with @."""
    wanted = [one.removeprefix("@") for one in groups.replace(",", " ").split()]
    try:
        with running(request).store.writing() as c:
            set_groups(c, actor, name, wanted, request.state.now)
    except UnfitText as error:
        return _one(request, name, fields={"groups": f"{error.message}: {error.help}"}, filled=groups)
    return back(request, _path(name), "The groups are changed.")


@ROUTER.post("/{name}/active")
def active(request: Request, actor: Admin, name: str, is_active: Annotated[bool, Form()]) -> Response:
    """Let somebody in again, or no more."""
    with running(request).store.writing() as c:
        set_active(c, actor, name, is_active, request.state.now)
    said = "The account is enabled." if is_active else "The account is disabled: its sessions and tokens have ended."
    return back(request, _path(name), said)


@ROUTER.post("/{name}/invitation")
def invite_again(request: Request, actor: Admin, name: str) -> Response:
    """A new link by which its holder chooses a password; older ones are void."""
    with running(request).store.writing() as c:
        secret = invite(c, actor, name, request.state.now)
    return _one(request, name, secret)


def _path(name: str) -> str:
    from urllib.parse import quote

    return f"/admin/accounts/{quote(name, safe='')}"


def _grant(request: Request, role: str, scope: str, fields: dict[str, str]) -> Grant | None:
    """The grant of a form, or None after saying in `fields` what is wrong with it."""
    if role not in set(Role):
        fields["role"] = "choose a role"
    scope = scope.strip()
    if not scope:  # nothing is not everything
        fields["scope"] = "say what the role is for: * is everything"
    elif scope not in _scopes(request):
        fields["scope"] = "write *, a policy's name, or POLICY/ZONE"
    elif role == Role.ADMIN and scope != EVERYTHING:
        fields["scope"] = "admins are admins of everything: write *"
    return None if fields else Grant(Role(role), scope)


def _scopes(request: Request) -> tuple[str, ...]:
    """All that can be granted: everything, each policy, each of its zones."""
    policies = estate_of(request).policies.values()
    zones = (f"{policy.name}/{zone}" for policy in policies for zone in policy.zones)
    return (EVERYTHING, *sorted(policy.name for policy in policies), *sorted(zones))


def _list(
    request: Request, after: str = "", fields: dict[str, str] | None = None, filled: dict[str, str] | None = None
) -> Response:
    with running(request).store.reading() as c:
        found = accounts.listed(c, after=after, limit=_PAGE + 1)
    more = found[_PAGE - 1].name if len(found) > _PAGE else ""
    return page(
        request, "accounts.html", title="Accounts", status=422 if fields else 200, accounts=found[:_PAGE], more=more,
        fields=fields or {}, filled=filled or {}, roles=tuple(Role), scopes=_scopes(request), path_of=_path, unfit=accounts.unfit,
    )  # fmt: skip


def _one(
    request: Request, name: str, secret: str = "", fields: dict[str, str] | None = None, filled: str | None = None
) -> Response:
    """The page of one account; `filled` is what was written as its groups, where that is not taken."""
    parts, now = running(request), request.state.now
    with parts.store.reading() as c:
        found = find_account(c, name)
        made = tuple(token for token in tokens.listed(c, found.name) if token.is_valid(now))
    link = f"{parts.settings.origin}/invitation?link={secret}" if secret else ""
    return page(
        request, "account_of.html", title=found.shown or found.name, status=422 if fields else 200, account=found, link=link,
        fields=fields or {}, roles=tuple(Role), scopes=_scopes(request), tokens=made, grants=grants_text(found.grants),
        here=_path(found.name), groups=", ".join(found.groups) if filled is None else filled,
        unfit=accounts.unfit(found),
    )  # fmt: skip
