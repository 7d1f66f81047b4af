"""Exceptions over the API: what is open for a time only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from firewright.reports._requests import standing_tree
from firewright.web.access import Viewer
from firewright.web.api._answers import paged, problems, sent
from firewright.web.desk import looking
from firewright.workflows.requests.exceptions import standing

ROUTER = APIRouter(prefix="/api/v1", tags=["exceptions"])


class ExceptionsBody(BaseModel):
    """One page of exceptions."""

    exceptions: list[dict[str, Any]]
    next: str | None


@ROUTER.get(
    "/exceptions", response_model=ExceptionsBody, responses=problems(), summary="Exceptions, the first to end first"
)
def listed(
    request: Request,
    actor: Viewer,
    policy: Annotated[str, Query(max_length=100)] = "",
    unapproved: Annotated[bool, Query(description="only those that may not be applied")] = False,
    after: Annotated[int, Query(ge=0, le=10**6)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Those of policies and zones that you see."""
    with looking(request, actor) as desk:
        found = [
            one
            for one in standing(desk)
            if actor.sees(one.policy, one.zones)
            and policy in ("", one.policy)
            and (not unapproved or (one.unapproved and not one.has_ended))
        ]
    page = [standing_tree(one) for one in found[after : after + limit]]
    return sent(paged(request, "exceptions", page, after + limit if len(found) > after + limit else None))
