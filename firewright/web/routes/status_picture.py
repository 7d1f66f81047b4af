"""The port status as it is published, one picture for each connectivity type; to look at, and as files to publish."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.drawing.scene import Scene
from firewright.drawing.selection import Directions
from firewright.web.access import Viewer
from firewright.web.estate import SETTLED, estate_of, memo
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.problem import Problem
from firewright.web.routes._seen import address, attachment, part, policies_seen, shown, sight_of
from firewright.web.views import pictures as view
from firewright.web.views.sight import Sight

ROUTER = APIRouter(dependencies=SETTLED)
NAV = Nav(25, "Port status", "/status")
_Names = Annotated[list[str] | None, Query(max_length=200)]


@ROUTER.get("/status")
def listing(request: Request, actor: Viewer) -> Response:
    """The policies that somebody sees, under their connectivity types."""
    found = view.by_connectivity(map(view.published, policies_seen(estate_of(request), actor)))
    return page(request, "status_list.html", title="Port status", groups=found)


@ROUTER.get("/status/{policy}")
def picture(request: Request, actor: Viewer, policy: str, zone: _Names = None) -> Response:
    """The picture of one policy, or of some of its zones, with everything that it says in words."""
    sight = sight_of(request, actor, policy)
    chosen = tuple(zone or ())
    scene, problem, help_ = None, "", ""
    try:
        scene = _drawn(request, sight, chosen)
    except view.NoPicture as error:
        problem, help_ = str(error), error.help
    files = {ending: _file(policy, ending, chosen) for ending in view.FORMATS}
    return page(
        request, "status.html", title=f"Port status: {policy}", said=view.published(sight.policy), scene=scene,
        problem=problem, help=help_, files=files, pairs=view.pair_names(sight), chosen=chosen, policy=policy,
    )  # fmt: skip


def _file(policy: str, ending: str, chosen: tuple[str, ...]) -> str:
    whole = "&".join(address("", zone=name)[1:] for name in chosen)
    return f"/status/{part(policy)}/picture.{ending}" + (f"?{whole}" if whole else "")


def _drawn(request: Request, sight: Sight, chosen: tuple[str, ...]) -> Scene:
    """The picture that somebody sees. Raises view.NoPicture."""
    name, day_of = sight.policy.name, estate_of(request).day_of

    def directions() -> Directions:
        return memo(request, ("directions", name), lambda estate: view.directions(estate.policies[name], estate.day_of))

    key = ("status picture", name, chosen, sight.key)
    return shown(request, key, lambda: view.status_scene(sight, chosen, day_of, directions))


@ROUTER.get("/status/{policy}/picture.{ending}")
def file(
    request: Request,
    actor: Viewer,
    policy: str,
    ending: str,
    zone: _Names = None,
    save: Annotated[bool, Query()] = False,
) -> Response:
    """The picture as a file: SVG, PNG, Markdown, plain text, or a page to publish."""
    sight = sight_of(request, actor, policy)
    try:
        return picture_file(_drawn(request, sight, tuple(zone or ())), f"{policy}-ports", ending, save)
    except view.NoPicture as error:
        raise Problem(422, "no-picture", str(error), error.help) from None


def picture_file(scene: Scene, name: str, ending: str, save: bool) -> Response:
    """A picture as an answer; a page to publish is always to be saved, since it has a policy of its own. Raises Problem: 404."""
    if ending not in view.FORMATS:
        known = ", ".join(view.FORMATS)
        raise Problem(404, "no-such-format", "a picture is not to be had as that", f"there are: {known}")
    content, media = view.rendered(scene, ending)
    headers = attachment(f"{name}.{ending}") if save or ending == "html" else {}
    return Response(content, media_type=media, headers=headers)
