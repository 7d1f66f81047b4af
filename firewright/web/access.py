"""Who may ask for what: every route declares the role that it needs, or that it is public, and one that does not never starts.

A role counts here if it is held for anything at all; whether it is held for the policy and the zones that a request is about is
decided where these are known. So a page that a tenant may open shows that tenant's own things only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from firewright.model.account import Actor, Role
from firewright.web.identity import Identity, identify
from firewright.web.problem import Problem, is_program

ROLE_KEY = "x-role"
"""Where a route's OpenAPI names the role: `public`, `account` for anybody logged in, or a role."""
PUBLIC, ACCOUNT = "public", "account"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1); all others need a token against forged forms."""
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"


class Undeclared(RuntimeError):
    """A route that says of nobody whether they may use it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The dependency behind `needs`: yields the actor, or stops the request."""

    role: Role | None
    is_everywhere: bool = False

    async def __call__(self, request: Request) -> Actor:
        """Whoever asks, if they hold the role. Raises Problem: 401, 403; pages send the anonymous to the login."""
        identity = await run_in_threadpool(identify, request)
        if identity is None:
            raise _unknown(request)
        if not holds(identity.actor, self.role, self.is_everywhere):
            wanted = f"{self.role}{' for everything' if self.is_everywhere else ''}"
            raise Problem(403, "not-allowed", f"this needs the role {wanted}", "an admin grants roles")
        await _must_be_meant(request, identity)
        return identity.actor

    @property
    def word(self) -> str:
        """How the route's documentation calls it."""
        return ACCOUNT if self.role is None else str(self.role)


@dataclass(frozen=True, slots=True)
class Public:
    """The dependency behind `public`: yields the actor where somebody is logged in, else nothing; stops nobody."""

    async def __call__(self, request: Request) -> Actor | None:
        """Whoever asks, if they are known. Forms sent by somebody logged in need their token like all others."""
        identity = await run_in_threadpool(identify, request)
        return identity.actor if identity else None

    @property
    def word(self) -> str:
        """How the route's documentation calls it."""
        return PUBLIC


def needs(role: Role | None, *, everywhere: bool = False) -> Any:
    """Declare that a route is for whoever holds a role for anything (for everything, if asked), or for anybody logged in."""
    return Depends(Needs(role, everywhere))


def public() -> Any:
    """Declare that a route is for everybody. It must reveal nothing of policies, and check by itself what it is sent."""
    return Depends(Public())


Anybody = Annotated[Actor | None, public()]
LoggedIn = Annotated[Actor, needs(None)]
Viewer = Annotated[Actor, needs(Role.VIEWER)]
Requester = Annotated[Actor, needs(Role.REQUESTER)]
Approver = Annotated[Actor, needs(Role.APPROVER)]
Operator = Annotated[Actor, needs(Role.OPERATOR)]
Admin = Annotated[Actor, needs(Role.ADMIN, everywhere=True)]


def holds(actor: Actor, role: Role | None, everywhere: bool = False) -> bool:
    """Whether somebody holds a role for anything, or for everything if that is asked."""
    if role is None:
        return True
    return actor.is_everywhere(role) if everywhere else any(_gives(actor, grant.scope, role) for grant in actor.grants)


def _gives(actor: Actor, scope: str, role: Role) -> bool:
    policy, _, zone = scope.partition("/")
    return actor.is_allowed(role, policy, zone)


async def _must_be_meant(request: Request, identity: Identity) -> None:
    """A session's own unsafe requests carry its token: a form on another site cannot. Raises Problem."""
    if request.method in SAFE or identity.session is None:
        return
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and request.headers.get("content-type", "").partition(";")[0] in _FORMS:
        value = (await request.form()).get(CSRF_FIELD, "")
        sent = value if isinstance(value, str) else ""
    if not identity.is_meant(sent):
        way_out = "go back, load the page again and send the form once more"
        raise Problem(403, "forged", "this was not sent from a page of yours, or the page is too old", way_out)


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _unknown(request: Request) -> Problem:
    """People are sent to the login and come back; programs are told how to say who they are."""
    problem = Problem(401, "unknown", "nobody is logged in", "log in, or send a token as `Authorization: Bearer …`")
    if is_program(request):
        problem.headers["WWW-Authenticate"] = 'Bearer realm="firewright"'
    elif request.headers.get("hx-request"):
        problem.headers["HX-Redirect"] = "/login"
    elif request.method in SAFE:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        problem.status, problem.headers["Location"] = 303, f"/login?next={quote(asked, safe='')}"
    return problem


def declare(routes: Iterable[BaseRoute]) -> None:
    """Write into each route's OpenAPI which role it needs. Raises Undeclared for one that says none, or two."""
    for route in routes:
        if not isinstance(route, APIRoute):
            raise Undeclared(f"{getattr(route, 'path', route)!r} is no route that can say who may use it")
        words = [call.word for call in _declared(route)]
        if len(words) != 1:
            said = "says of nobody that they may use it" if not words else f"says more than once who may: {words}"
            raise Undeclared(f"{sorted(route.methods or ())} {route.path} {said}; give it needs(...) or public()")
        route.openapi_extra = {**(route.openapi_extra or {}), ROLE_KEY: words[0]}


def declared(app: FastAPI) -> Iterator[tuple[str, str, Needs | Public]]:
    """Method, path and what is needed, of every route of an application; what the matrix of roles is made from."""
    from fastapi.routing import iter_route_contexts

    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield method, context.path or route.path, _declared(route)[0]


def _declared(route: APIRoute) -> list[Needs | Public]:
    return [one.call for one in route.dependant.dependencies if isinstance(one.call, (Needs, Public))]
