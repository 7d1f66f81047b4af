"""Exceptions over the API: what is open for a time only."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from firewright.reports._requests import standing_tree
from firewright.web.access import Viewer
from firewright.web.api._answers import After, Limit, PolicyFilter, page_of, problems, sent
from firewright.web.api._route import router
from firewright.web.api._wishes import ExceptionsBody
from firewright.web.desk import looking
from firewright.workflows.requests.exceptions import standing

ROUTER = router("exceptions")


@ROUTER.get(
    "/exceptions", response_model=ExceptionsBody, responses=problems(), summary="Exceptions, the first to end first"
)
def listed(
    request: Request,
    actor: Viewer,
    policy: PolicyFilter = "",
    unapproved: Annotated[bool, Query(description="Only those that may not be applied.")] = False,
    after: After = 0,
    limit: Limit = 100,
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
    return sent(page_of(request, "exceptions", found, after, limit, standing_tree))
