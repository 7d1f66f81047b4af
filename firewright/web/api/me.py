"""Who you are to the API, and what you may."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from firewright.web.access import LoggedIn
from firewright.web.api._answers import Answer, problems, sent

ROUTER = APIRouter(prefix="/api/v1", tags=["me"])


class GrantBody(BaseModel):
    """A role within a scope: `*`, a policy, or POLICY/ZONE."""

    role: str
    scope: str


class MeBody(BaseModel):
    """An account, and what it may by what it sent."""

    account: str
    name: str
    groups: list[str]
    grants: list[GrantBody]


@ROUTER.get("/me", response_model=MeBody, responses=problems(), summary="Who you are")
def me(actor: LoggedIn) -> Response:
    """Your account and the grants that your token or session has."""
    grants = [{"role": grant.role.value, "scope": grant.scope} for grant in actor.grants]
    return sent(Answer({"account": actor.account, "name": actor.name, "groups": list(actor.groups), "grants": grants}))
