"""Port pages: searched by number, name or product, with advice, and with where each is open here."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from firewright.analysis.ask import Part
from firewright.model.account import Actor
from firewright.web.access import Viewer
from firewright.web.estate import SETTLED, estate_of
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.routes._seen import policies_seen, shown
from firewright.web.views import ports as view
from firewright.web.views.sight import Sight
from firewright.workflows.requests.estate import Estate

ROUTER = APIRouter(dependencies=SETTLED)
NAV = Nav(30, "Ports", "/ports")
_Words = Annotated[str, Query(max_length=200)]
_PIECES = 12
"""Parts that a page shows of each policy."""


@ROUTER.get("/ports")
def ports(
    request: Request, actor: Viewer, q: _Words = "", format: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """What is found for some words, while they are typed too; the whole catalog by themes where there are none."""
    hits = view.search(q)
    if format == "csv":
        rows = hits or tuple(hit for _, listed in view.themes() for hit in listed)
        return csv_of(
            "ports", ("name", "ports", "title", "visible"), [(o.name, o.ports, o.title, o.visible) for o in rows]
        )
    if request.headers.get("hx-request") and request.headers.get("hx-target") == "hits":
        return page(request, "ports_hits.html", q=q, hits=hits, themes=() if q.strip() else view.themes())
    return page(
        request, "ports.html", title="Ports", q=q, search=q, hits=hits, themes=() if q.strip() else view.themes()
    )


@ROUTER.get("/ports/{word:path}")
def port(request: Request, actor: Viewer, word: Annotated[str, Path(max_length=200)]) -> Response:
    """One port, range, service or product."""
    found = port_of(request, actor, word, _PIECES)
    return page(request, "port.html", title=f"{word}", status=404 if found.problem else 200, found=found, search=word)


def port_of(request: Request, actor: Actor, word: str, most: int | None = None) -> view.PortPage:
    """The page of a word, as far as somebody sees the policies, with `most` parts of each."""
    finding = view.known(word)
    transports = finding.transports
    estate = estate_of(request)
    here = []
    for policy in policies_seen(estate, actor) if transports and not finding.problem else ():
        sight = Sight(actor, policy)
        parts = shown(
            request, ("port parts", policy.name, transports), partial(_parts, policy.name, transports, estate)
        )
        key = ("port", policy.name, transports, most, sight.key)
        here.append(shown(request, key, partial(view.here, parts, sight, estate.report.sources, most)))
    return view.port_page(finding, here)


def _parts(name: str, transports: str, estate: Estate) -> tuple[Part, ...] | str:
    return view.parts_of(estate.policies[name], transports, estate.day_of)
