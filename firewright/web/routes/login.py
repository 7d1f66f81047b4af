"""Logging in by password or by a provider, by a link that somebody was given, and logging out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from firewright.store import accounts
from firewright.store.account_names import fit_name
from firewright.store.attempts import by_origin, take
from firewright.store.errors import UnfitText
from firewright.web.access import Anybody, LoggedIn
from firewright.web.cookies import drop_cookie, read_cookie, set_cookie
from firewright.web.identity import origin_of
from firewright.web.login import (
    OF_ORIGIN,
    begin_form,
    begin_session,
    end_session,
    give_form,
    links_warning,
    log_in,
    must_fit,
    self_actor,
    too_many,
)
from firewright.web.oidc import CALLBACK, Provider, next_of
from firewright.web.page import back, page, safe_path
from firewright.web.problem import Problem
from firewright.web.running import running
from firewright.workflows.accounts import vouched
from firewright.workflows.invitations import Invitation, accept, invitation
from firewright.workflows.passwords import check_password, hashed
from firewright.workflows.requests.refused import Refused

ROUTER = APIRouter(include_in_schema=False)
PROVIDER = "provider"
"""The cookie with the secret of a login by a provider that has begun."""
_PROVIDER_SECONDS = 600
_LONGEST = 2000

Short = Annotated[str, Form()]
"""A field of a form: what is too long is told by the form itself, where what was typed stays."""
Asked = Annotated[str, Query(max_length=_LONGEST)]


@ROUTER.get("/login")
def login(request: Request, actor: Anybody, next: Asked = "/") -> Response:
    """The form; whoever is logged in already goes on."""
    if actor is not None:
        return RedirectResponse(safe_path(next), 303)
    return _form(request, safe_path(next))


@ROUTER.post("/login")
def try_login(
    request: Request, _actor: Anybody, name: Short = "", password: Short = "", next: Short = "/", csrf: Short = ""
) -> Response:
    """A try: on to where somebody wanted to go, or the form again with one sentence."""
    must_fit(request, csrf)
    try:
        account = log_in(request, name.strip(), password)
    except Problem as problem:
        return _form(request, safe_path(next), name, problem)
    return _let_in(request, safe_path(next), account, "password")


@ROUTER.post("/logout")
def logout(request: Request, _actor: LoggedIn) -> Response:
    """The end of the session."""
    response = back(request, "/login", "You are logged out.")
    end_session(request, response)
    return response


@ROUTER.get("/login/oidc")
def begin_provider(request: Request, _actor: Anybody, next: Asked = "/") -> Response:
    """Off to the provider. A link and no form, for where forms may lead is bounded to this site (CSP 3, form-action)."""
    url, secret = _provider(request).begin(safe_path(next), request.state.now)
    response = RedirectResponse(url, 303)
    set_cookie(response, running(request).settings, PROVIDER, secret, seconds=_PROVIDER_SECONDS)
    return response


@ROUTER.get(CALLBACK)
def finish_provider(request: Request, _actor: Anybody) -> Response:
    """Back from the provider: in, if it vouches for somebody who may have an account."""
    parts = running(request)
    provider, secret = _provider(request), read_cookie(request, parts.settings, PROVIDER)
    person = provider.finish(secret, request.query_params, request.state.now)
    own = provider.settings
    grants = own.grants_of(person.groups) if own.grants else None
    with parts.store.writing() as c:
        known = accounts.of_subject(c, person.subject)
        actor = self_actor(request, known or accounts.Account(name=person.name))
        account = vouched(
            c,
            actor,
            person.subject,
            person.name,
            person.shown,
            person.groups,
            grants,
            own.makes_accounts,
            request.state.now,
        )
    if not account.is_active:
        raise Problem(403, "disabled", "this account is disabled", "ask an admin")
    response = _let_in(request, safe_path(next_of(secret)), account, own.issuer)
    drop_cookie(response, parts.settings, PROVIDER)
    return response


@ROUTER.get("/invitation")
def invited(request: Request, _actor: Anybody, link: Asked = "") -> Response:
    """The form of somebody who was given a link: to choose a password, and for the first account a name."""
    return _invited(request, link, _invitation(request, link))


@ROUTER.post("/invitation")
def take_invitation(
    request: Request,
    _actor: Anybody,
    link: Short = "",
    name: Short = "",
    password: Short = "",
    again: Short = "",
    csrf: Short = "",
) -> Response:
    """The password is chosen: in, and the link is worth nothing more."""
    must_fit(request, csrf)
    found = _invitation(request, link)
    named = name.strip() if found.is_first else found.account
    fields = {}
    try:
        if found.is_first:
            fit_name(named)
    except UnfitText as error:
        fields["name"] = f"{error.message}: {error.help}"
    if password != again:
        fields["again"] = "this is not the same"
    try:
        check_password(password, named)
    except Refused as refused:
        fields["password"] = f"{refused.message}: {refused.help}"
    if fields:
        return _invited(request, link, found, named, fields)
    kept, parts = hashed(password), running(request)
    with parts.store.writing() as c:
        nobody = self_actor(request, accounts.Account(name=named))
        warning = links_warning(c, named, request.state.now)  # of those before, for this one is whoever follows it
        account = accept(c, link, nobody, named, kept, request.state.now)
    return _let_in(
        request, "/", account, "invitation", f"Your password is set, and you are logged in. {warning}".strip()
    )


def _let_in(request: Request, path: str, account: accounts.Account, by: str, said: str = "") -> Response:
    """On to a page with a new session; it says first what somebody has to know about their own account."""
    if not said:
        with running(request).store.reading() as c:
            said = links_warning(c, account.name, request.state.now)
    response = back(request, path, said)
    begin_session(request, response, account, by)
    return response


def _form(request: Request, next: str, name: str = "", problem: Problem | None = None) -> Response:
    token, parts = begin_form(request), running(request)
    with parts.store.reading() as c:
        is_empty = accounts.is_empty(c)
    label = parts.settings.oidc.label if parts.settings.oidc else ""
    values = {"next": next, "name": name, "problem": problem, "token": token, "label": label, "is_empty": is_empty}
    response = page(request, "login.html", title="Log in", status=problem.status if problem else 200, **values)
    if problem:
        response.headers.update(problem.headers)
    return give_form(request, response, token)


def _invited(
    request: Request, link: str, found: Invitation, name: str = "", fields: dict[str, str] | None = None
) -> Response:
    token = begin_form(request)
    values = {"link": link, "invitation": found, "name": name, "fields": fields or {}, "token": token}
    response = page(request, "invitation.html", title="Choose a password", status=422 if fields else 200, **values)
    return give_form(request, response, token)


def _invitation(request: Request, link: str) -> Invitation:
    """What a link is for. Raises Problem (429) for whoever tries too many, Refused (404) for one that is none."""
    parts, now, place = running(request), request.state.now, by_origin(origin_of(request), "invitation")
    with parts.store.reading() as c:
        try:
            return invitation(c, link, now)
        except Refused as refused:
            unknown = refused
    with parts.store.writing() as c:
        until = take(c, place, OF_ORIGIN, now)
    raise too_many(until, now) if until else unknown


def _provider(request: Request) -> Provider:
    provider = running(request).provider
    if provider is None:
        raise Problem(404, "no-provider", "no provider is set up here", "log in with a password")
    return provider
