"""The path map: each firewall on the way with the zones on its legs, as a picture, in words, and with links to the flows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.drawing.pictures.paths import Wall
from firewright.web.access import Viewer
from firewright.web.estate import SETTLED, estate_of, memo
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.problem import Problem
from firewright.web.routes._seen import chosen_policy, policies_seen, sight_of
from firewright.web.routes.status_picture import picture_file
from firewright.web.views import pictures as view
from firewright.web.views.sight import Sight
from firewright.workflows.requests.estate import Estate

ROUTER = APIRouter(dependencies=SETTLED)
NAV = Nav(40, "Paths", "/paths")


@ROUTER.get("/paths")
def paths(request: Request, actor: Viewer, policy: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The map of one policy."""
    sight = chosen_policy(request, actor, policy)
    names = tuple(one.name for one in policies_seen(estate_of(request), actor))
    walls: tuple[Wall, ...] = ()
    scene, problem, help_ = None, "", ""
    if sight is not None:
        try:
            walls = _walls(request, sight)
            scene = view.path_scene(sight.policy, walls, estate_of(request).day_of)
        except view.NoPicture as error:
            problem, help_ = str(error), error.help
    return page(
        request, "paths.html", title="Paths", names=names, policy=sight.policy.name if sight else "", walls=walls,
        scene=scene, problem=problem, help=help_,
    )  # fmt: skip


def _walls(request: Request, sight: Sight) -> tuple[Wall, ...]:
    """The firewalls with the legs that somebody may see. Raises view.NoPicture."""
    return view.seen_walls(memo(request, *dear(sight.policy.name), ahead=True), sight.actor)


def dear(name: str) -> tuple[Hashable, Callable[[Estate], tuple[Wall, ...]]]:
    """What takes long to reckon here of a policy, under its key."""
    return ("walls", name), partial(_path_walls, name)


def _path_walls(name: str, estate: Estate) -> tuple[Wall, ...]:
    return view.path_walls(estate.policies[name], estate.day_of)


@ROUTER.get("/paths/{policy}/map.{ending}")
def file(request: Request, actor: Viewer, policy: str, ending: str, save: Annotated[bool, Query()] = False) -> Response:
    """The map as a file."""
    sight = sight_of(request, actor, policy)
    try:
        scene = view.path_scene(sight.policy, _walls(request, sight), estate_of(request).day_of)
    except view.NoPicture as error:
        raise Problem(422, "no-picture", str(error), error.help) from None
    return picture_file(scene, f"{policy}-paths", ending, save)
