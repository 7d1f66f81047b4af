"""Exceptions over the API: what is open for a time only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from firewright.reports._requests import standing_tree
from firewright.web.access import Viewer
from firewright.web.api._answers import After, Limit, PolicyFilter, page_of, problems, sent
from firewright.web.api._route import router
from firewright.web.api._wishes import ExceptionsBody
from firewright.web.desk import looking
from firewright.web.views.standing import KINDS, fits, is_of, standing_for, ungoverned

ROUTER = router("exceptions")


@ROUTER.get(
    "/exceptions", response_model=ExceptionsBody, responses=problems(), summary="Exceptions, the first to end first"
)
def listed(
    request: Request,
    actor: Viewer,
    policy: PolicyFilter = "",
    unapproved: Annotated[bool, Query(description="Only those that may not be applied.")] = False,
    kind: Annotated[
        str,
        Query(
            max_length=20,
            pattern=f"^(|{'|'.join(KINDS)})$",
            description="Only those that end `soon`, wait to be confirmed (`review`), may not be applied (`unapproved`), mean more by "
            "now (`grown`), let nothing in (`unused`), or have `ended`.",
            examples=["soon"],
        ),
    ] = "",
    q: Annotated[str, Query(max_length=200, description="Only with these words.", examples=["keys"])] = "",
    after: After = 0,
    limit: Limit = 100,
) -> Response:
    """Those of policies and zones that you see."""
    with looking(request, actor) as desk:
        found = [
            one
            for one in standing_for(desk)
            if policy in ("", one.policy) and fits(one, q, kind) and (not unapproved or is_of(one, "unapproved"))
        ]
        gone = [asdict(one) for one in ungoverned(desk.connection, desk.estate, actor)]
    return sent(page_of(request, "exceptions", found, after, limit, standing_tree, ungoverned=gone))
