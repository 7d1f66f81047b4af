"""Questions over the API: may this reach that, and by which line."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from firewright.web.access import Viewer
from firewright.web.api._answers import Answer, IfNoneMatch, PolicyFilter, reading, reckoned
from firewright.web.api._route import router
from firewright.web.api._shapes import AnswersBody
from firewright.web.estate import estate_of
from firewright.web.problem import Problem
from firewright.web.views import asking as view

ROUTER = router("questions")


@ROUTER.get("/ask", response_model=AnswersBody, responses=reading(), summary="May this reach that?")
def ask(
    request: Request,
    actor: Viewer,
    source: Annotated[
        str, Query(alias="from", min_length=1, max_length=view.LONGEST, description="Zones or addresses.", examples=["internet"])
    ],
    destination: Annotated[
        str, Query(alias="to", min_length=1, max_length=view.LONGEST, description="Zones or addresses.", examples=["tenants"])
    ],
    services: Annotated[
        str, Query(max_length=view.LONGEST, description="Services, as https or tcp/8443; empty: all.", examples=["ssh"])
    ] = "",
    policy: PolicyFilter = "",
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """The exact answer of every policy that knows both ends: each part of it with its lines and one packet."""

    def make() -> Answer:
        found = view.ask_estate(view.Asked(source, destination, services, policy), estate_of(request), actor)
        if not found.told:
            trouble = found.problems[0] if found.problems else view.Problem("no policy knows what is asked about")
            raise Problem(422, "bad-question", trouble.message, trouble.help)
        return Answer(AnswersBody.tree(found))

    return reckoned(request, actor, if_none_match, make)
