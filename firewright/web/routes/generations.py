"""Generations and drift: what managed hosts said of themselves, how long ago, and who was not heard of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from firewright.web.access import Viewer
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.problem import Problem
from firewright.web.routes._seen import turned
from firewright.web.running import store_of
from firewright.web.views import hosts as view
from firewright.web.views.listing import holding, leaf_of

ROUTER = APIRouter()
NAV = Nav(100, "Generations", "/generations")
STANDS = ("drifted", "in error", "not heard of", "worth a look", "as it should be")


@ROUTER.get("/generations")
def generations(
    request: Request,
    actor: Viewer,
    q: Annotated[str, Query(max_length=200)] = "",
    stands: Annotated[str, Query(max_length=40)] = "",
    page_: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Every host that somebody may see, those first with which something is wrong."""
    with store_of(request).reading() as c:
        found = view.hosts(c, request.state.now, actor)
    ordered = sorted(found, key=lambda one: (STANDS.index(one.word), one.name))
    kept = holding((one for one in ordered if stands in ("", one.word)), q, lambda one: one.text)
    if format == "csv":
        return csv_of("hosts", view.CSV_HEAD, map(view.csv_row, kept))
    leaf = leaf_of(kept, page_, len(found))
    before, after = turned(leaf, "/generations", q=q, stands=stands)
    counts = [(word, sum(one.word == word for one in found)) for word in STANDS]
    return page(
        request, "generations.html", title="Generations", leaf=leaf, before=before, after=after, q=q, stands=stands,
        counts=counts, every=STANDS,
    )  # fmt: skip


@ROUTER.get("/generations/{name}")
def host(request: Request, actor: Viewer, name: Annotated[str, Path(max_length=200)]) -> Response:
    """One host: what it said last, and before."""
    with store_of(request).reading() as c:
        last = next((one for one in view.hosts(c, request.state.now, actor) if one.name == name), None)
        found = view.history(c, name, request.state.now, actor) if last else ()
    if last is None:
        raise Problem(404, "no-such-host", "nothing was heard of such a host", "choose one of the list")
    return page(request, "host.html", title=name, last=last, history=found)
