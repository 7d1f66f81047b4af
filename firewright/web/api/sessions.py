"""Where one is logged in with a browser, over the API: to see, and to end.

Logging in and out, links and passwords are not here: they are a browser's, and no token is to change what opens an account.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import Request
from fastapi.responses import Response

from firewright.store import sessions
from firewright.store.sessions import Session
from firewright.web.access import LoggedIn
from firewright.web.api._answers import Answer, Tree, problems, sent
from firewright.web.api._route import router
from firewright.web.api._wishes import Told
from firewright.web.identity import Identity
from firewright.web.running import store_of

ROUTER = router("sessions")


class SessionTold(Told):
    """A browser that is logged in."""

    created: datetime
    seen: datetime
    """When it was last used, to the minute."""
    expires: datetime
    origin: str
    """The address that it logged in from."""
    agent: str
    """What it calls itself."""
    is_own: bool
    """Whether it is the one that asks."""


class SessionsBody(Told):
    """Your sessions."""

    sessions: list[SessionTold]


@ROUTER.get("/sessions", response_model=SessionsBody, responses=problems(), summary="Where you are logged in")
def listed(request: Request, actor: LoggedIn) -> Response:
    """The last used first."""
    with store_of(request).reading() as c:
        found = sessions.listed(c, actor.account, request.state.now)
    return sent(Answer({"sessions": [_tree(one, _own(request)) for one in found]}))


@ROUTER.delete(
    "/sessions", status_code=204, response_class=Response, responses=problems(), summary="Log out everywhere else"
)
def end(request: Request, actor: LoggedIn) -> Response:
    """Every session ends but the one that asks; asked with a token, every one."""
    with store_of(request).writing() as c:
        sessions.end_all(c, actor.account, but=_own(request))
    return Response(status_code=204)


def _own(request: Request) -> str:
    identity: Identity = request.state.identity
    return identity.session.id if identity.session else ""


def _tree(one: Session, own: str) -> Tree:
    return {
        "created": one.created.isoformat(),
        "seen": one.seen.isoformat(),
        "expires": one.expires.isoformat(),
        "origin": one.origin,
        "agent": one.agent,
        "is_own": one.id == own,
    }
