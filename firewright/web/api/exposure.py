"""The overview over the API: what is open to the internet now, what ends soon, what changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from firewright.web.access import Viewer
from firewright.web.api._answers import (
    After,
    Answer,
    IfNoneMatch,
    Limit,
    PolicyFilter,
    Tree,
    page_of,
    problems,
    reading,
    reckoned,
    sent,
)
from firewright.web.api._route import router
from firewright.web.api._shapes import (
    ChangesBody,
    EndingsBody,
    EndingTold,
    ExposureBody,
    PieceTold,
    PolicyChangeTold,
    trees,
)
from firewright.web.estate import SETTLED, estate_of
from firewright.web.problem import Problem
from firewright.web.routes.overview import endings_of, opened, past_of
from firewright.web.views.history import Former
from firewright.web.views.overview import Opening

ROUTER = router("overview")
ROUTER.dependencies += SETTLED


@ROUTER.get("/exposure", response_model=ExposureBody, responses=reading(), summary="What is open to the internet now")
def exposure(
    request: Request,
    actor: Viewer,
    policy: PolicyFilter = "",
    worldwide: Annotated[bool, Query(description="Only what the whole internet may begin.")] = False,
    after: After = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Every flow that somebody on the internet may begin, exactly, with the line that lets it in."""

    def make() -> Answer:
        found = opened(request, actor)
        rows = [
            (one.policy, opening)
            for one in found
            for opening in one.openings
            if policy in ("", one.policy) and (opening.is_worldwide or not worldwide)
        ]
        unasked = [{"policy": one.policy, "unasked": one.unasked} for one in found if one.unasked]
        return page_of(request, "openings", rows, after, limit, _opening, unasked=unasked)

    return reckoned(request, actor, if_none_match, make)


def _opening(row: tuple[str, Opening]) -> Tree:
    policy, one = row
    return {
        "policy": policy,
        "services": list(one.services),
        "is_worldwide": one.is_worldwide,
        "is_enforced": one.is_enforced,
        "place": one.place,
        "because": one.because,
        "piece": PieceTold.tree(one.piece),
    }


@ROUTER.get("/endings", response_model=EndingsBody, responses=reading(), summary="What ends soon")
def endings(
    request: Request,
    actor: Viewer,
    policy: PolicyFilter = "",
    after: After = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The rules that end within thirty days, or ended and still stand there, the next first."""

    def make() -> Answer:
        found = [one for one in endings_of(estate_of(request), actor) if policy in ("", one.policy)]
        return page_of(request, "endings", found, after, limit, EndingTold.tree)

    return reckoned(request, actor, if_none_match, make)


@ROUTER.get("/changes", response_model=ChangesBody, responses=problems(404), summary="What changed")
def changes(
    request: Request,
    actor: Viewer,
    since: Annotated[
        str, Query(max_length=100, description="The hash of a former state; the one before this if none is named.")
    ] = "",
) -> Response:
    """What opens and what closes between the policies as they were and as they are, in exact flows."""
    past = past_of(request, actor, since)
    if since and (past.since is None or past.since.digest != since):
        raise Problem(404, "no-such-state", "there is no such former state", "`formers` names those that are kept")
    return sent(
        Answer(
            {
                "since": None if past.since is None else _former(past.since),
                "formers": list(map(_former, past.formers)),
                "policies": trees(PolicyChangeTold, past.changes),
            }
        )
    )


def _former(one: Former) -> Tree:
    return {"digest": one.digest, "at": one.at.isoformat(), "seen": one.seen.isoformat()}
