"""Pictures over the API: the port status as it is published, and the path map, as files and in words."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from firewright.drawing.pictures.paths import Wall
from firewright.web.access import Viewer
from firewright.web.api._answers import Answer, IfNoneMatch, PolicyName, Responses, reading, reckoned
from firewright.web.api._route import router
from firewright.web.api._shapes import PathsBody
from firewright.web.estate import SETTLED, estate_of, memo
from firewright.web.problem import Problem
from firewright.web.routes._seen import sight_of
from firewright.web.routes.status_picture import picture_file
from firewright.web.views import pictures as view
from firewright.web.views.sight import Sight

ROUTER = router("pictures")
ROUTER.dependencies += SETTLED
Ending = Annotated[
    Literal["svg", "png", "md", "txt", "html"], Path(description="As what it is to be had.", examples=["svg"])
]
ZoneWord = Annotated[str, Field(max_length=200)]
_FILES: Responses = {
    200: {
        "description": "The picture",
        "content": {
            "image/svg+xml": {"schema": {"type": "string"}},
            "image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}},
            "text/markdown": {"schema": {"type": "string"}},
            "text/plain": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
        },
    }
}


@ROUTER.get(
    "/policies/{policy}/status.{ending}", response_class=Response, responses={**_FILES, **reading(404)},
    summary="The port status as it is published",
)  # fmt: skip
def status(
    request: Request, actor: Viewer, policy: PolicyName, ending: Ending,
    zone: Annotated[list[ZoneWord] | None, Query(max_length=200, description="Only between these zones.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """What is open, to be asked for, and denied, port by port, with version, owner, who agreed, and when it was reviewed."""
    sight, chosen = sight_of(request, actor, policy), tuple(zone or ())
    key = ("status picture of", sight.policy.name, chosen, actor.grants)

    def make() -> Response:
        try:
            scene = memo(request, key, lambda estate: view.status_scene(sight, chosen, estate.day_of))
        except view.NoPicture as error:
            raise Problem(422, "no-picture", str(error), error.help) from None
        return picture_file(scene, f"{policy}-ports", ending, save=False)

    return reckoned(request, actor, if_none_match, make)


@ROUTER.get(
    "/policies/{policy}/paths", response_model=PathsBody, responses=reading(404), summary="The firewalls on its paths"
)
def paths(request: Request, actor: Viewer, policy: PolicyName, if_none_match: IfNoneMatch = None) -> Response:
    """Each with the zones on its legs that you see, and what it does of itself; the outermost first."""
    sight = sight_of(request, actor, policy)

    def make() -> Answer:
        walls = [
            {
                "policy": wall.authority,
                "firewall": wall.name,
                "is_own": wall.is_own,
                "outer": [leg.name for leg in wall.outer],
                "inner": [leg.name for leg in wall.inner],
                "manners": list(wall.manners),
            }
            for wall in _walls(request, sight)
        ]
        return Answer({"policy": sight.policy.name, "walls": walls})

    return reckoned(request, actor, if_none_match, make)


@ROUTER.get(
    "/policies/{policy}/paths.{ending}", response_class=Response, responses={**_FILES, **reading(404)},
    summary="The path map",
)  # fmt: skip
def path_map(
    request: Request, actor: Viewer, policy: PolicyName, ending: Ending, if_none_match: IfNoneMatch = None
) -> Response:
    """The zones and the firewalls between them, as a picture or in words."""
    sight = sight_of(request, actor, policy)

    def make() -> Response:
        scene = view.path_scene(sight.policy, _walls(request, sight), estate_of(request).day_of)
        return picture_file(scene, f"{policy}-paths", ending, save=False)

    return reckoned(request, actor, if_none_match, make)


def _walls(request: Request, sight: Sight) -> tuple[Wall, ...]:
    """The firewalls with the legs that somebody may see. Raises Problem (422)."""
    policy = sight.policy
    try:
        found = memo(request, ("walls", policy.name), lambda estate: view.path_walls(policy, estate.day_of))
    except view.NoPicture as error:
        raise Problem(422, "no-picture", str(error), error.help) from None
    return view.seen_walls(found, sight.actor)
