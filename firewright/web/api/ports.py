"""Ports over the API: searched by number, name or product, with advice, and with where each is open here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response

from firewright.web.access import Viewer
from firewright.web.api._answers import Answer, IfNoneMatch, Tree, reading, reckoned
from firewright.web.api._route import router
from firewright.web.api._shapes import HereTold, HitsBody, HitTold, KnownTold, PortBody, trees
from firewright.web.problem import Problem
from firewright.web.routes.ports import port_of
from firewright.web.views import ports as view

ROUTER = router("ports")


@ROUTER.get("/ports", response_model=HitsBody, responses=reading(), summary="Search the catalog of services")
def search(
    request: Request,
    actor: Viewer,
    q: Annotated[
        str,
        Query(max_length=200, description="A number, a name or a product; empty: the whole catalog.", examples=["ssh"]),
    ] = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The nearest first."""

    def make() -> Answer:
        hits = view.search(q) if q.strip() else (hit for _, listed in view.themes() for hit in listed)
        return Answer({"ports": trees(HitTold, hits)})

    return reckoned(request, actor, if_none_match, make)


@ROUTER.get("/ports/{word}", response_model=PortBody, responses=reading(404), summary="One port, service or product")
def port(
    request: Request,
    actor: Viewer,
    word: Annotated[
        str,
        Path(
            min_length=1, max_length=200, description="As 443, 443 udp, 8000-8010, ssh, or a product.", examples=["22"]
        ),
    ],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What it commonly is, from where it should be reached at most, and where it is open here."""

    def make() -> Answer:
        found = port_of(request, actor, word)
        if found.problem:
            near = f"; did you mean {', '.join(found.suggestions)}?" if found.suggestions else ""
            raise Problem(404, "no-such-port", found.problem, f"{found.help}{near}")
        return Answer(_port(found))

    return reckoned(request, actor, if_none_match, make)


def _port(found: view.PortPage) -> Tree:
    return {
        "word": found.word,
        "transports": found.transports,
        "known": trees(KnownTold, found.known),
        "registered": [{"name": name, "ports": ports, "title": title} for name, ports, title in found.registered],
        "left_off": found.left_off,
        "together": trees(HitTold, found.together),
        "here": trees(HereTold, found.here),
    }
