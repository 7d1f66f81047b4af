"""The zone matrix as a heat map, and from one zone to another every flow, line and example."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.analysis.question import BadQuestion
from firewright.diagnostic import harmless
from firewright.model.policy import Policy
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.web.access import Viewer
from firewright.web.estate import SETTLED, estate_of, memo
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.problem import Problem
from firewright.web.routes._seen import chosen_policy, part, policies_seen, shown, sight_of, turned
from firewright.web.views import matrix as view
from firewright.web.views import pair as pairs
from firewright.web.views.listing import holding, leaf_of
from firewright.web.views.passing import Piece
from firewright.web.views.sight import Sight
from firewright.workflows.requests.estate import Estate

ROUTER = APIRouter(dependencies=SETTLED)
NAV = Nav(20, "Zones", "/zones")
DENSE = 12
"""Zones from which cells and heads become small."""
_Word = Annotated[str, Query(max_length=200)]


@ROUTER.get("/zones")
def zones(
    request: Request,
    actor: Viewer,
    policy: _Word = "",
    service: _Word = "",
    zone: _Word = "",
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The matrix of one policy, of all services or of some, of all zones or of some."""
    sight = chosen_policy(request, actor, policy)
    names = tuple(one.name for one in policies_seen(estate_of(request), actor))
    shared: dict[str, Any] = {"title": "Zones", "names": names, "service": service, "zone": zone, "legend": view.LEGEND}
    if sight is None:
        return page(request, "zones.html", policy="", matrix=None, table="", problem="", help="", **shared)
    try:
        found = matrix_of(request, sight, service, zone)
    except Problem as problem:
        shared |= {"problem": problem.message, "help": problem.help}
        return page(
            request, "zones.html", policy=sight.policy.name, matrix=None, table="", status=problem.status, **shared
        )
    if format == "csv":
        rows = ([name, *(cell.words for _, cell in cells)] for name, cells in found.named_rows())
        return csv_of(f"zones-{part(sight.policy.name)}", ("from, to", *found.zones), rows)
    key = ("matrix table", sight.policy.name, service, zone, sight.key)
    table = shown(request, key, lambda: _table(request, found))
    return page(
        request, "zones.html", policy=sight.policy.name, matrix=found, table=table, problem="", help="", **shared
    )


def _table(request: Request, found: view.Matrix) -> str:
    """The matrix alone, as markup."""
    from firewright.web.running import running

    template = running(request).templates.get_template("zones_table.html")
    return template.render(matrix=found, is_dense=len(found.zones) > DENSE)


def matrix_of(request: Request, sight: Sight, service: str = "", words: str = "") -> view.Matrix:
    """The matrix that somebody sees. Raises Problem: 422."""
    policy = sight.policy
    names = shown(request, ("zone names", policy.name, words), lambda: view.zone_names(policy, words))
    if len(names) > view.MOST_ZONES:
        message = f"{len(names)} zones; a matrix shows {view.MOST_ZONES}"
        raise Problem(422, "too-many", message, "write a part of their names into the field for zones")
    try:
        own, make = dear(policy, names)
        # what somebody chose may not push out what is dear
        chosen = shown(request, own, partial(make, estate_of(request))) if words else None
        grid = chosen or memo(request, own, make, ahead=True)
        key = ("matrix", policy.name, names, service, sight.key)
        return shown(request, key, lambda: view.matrix(grid, sight, service))
    except Unfilled:
        raise Problem(422, "unfilled", "some zones of this policy are not filled in", "fill them in first") from None
    except Undecided as error:
        raise Problem(422, "undecided", harmless(str(error)), "choose fewer zones") from None
    except BadQuestion as error:
        raise Problem(422, "bad-service", harmless(str(error)), harmless(error.help)) from None


def dear(policy: Policy, names: tuple[str, ...] = ()) -> tuple[Hashable, Callable[[Estate], view.Grid]]:
    """What takes long to reckon here of a policy, of all its zones or of some, under its key."""
    names = names or view.zone_names(policy)
    return ("grid", policy.name, names), partial(_grid, policy.name, names)


def _grid(name: str, names: tuple[str, ...], estate: Estate) -> view.Grid:
    return view.grid(estate.policies[name], estate.day_of, names)


@ROUTER.get("/zones/{policy}/{source}/{destination}")
def pair(
    request: Request,
    actor: Viewer,
    policy: str,
    source: str,
    destination: str,
    q: _Word = "",
    outcome: Annotated[str, Query(max_length=20)] = "",
    page_: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Every flow from one zone to another, with the lines that decide it and an example."""
    found = pair_of(request, sight_of(request, actor, policy), source, destination)
    if format == "csv":
        return csv_of(f"{part(policy)}-{part(source)}-{part(destination)}", pairs.CSV_HEAD, pairs.csv_rows(found))
    kept = holding(found.pieces, q, _text)
    kept = tuple(one for one in kept if not outcome or one.tone == outcome)
    leaf = leaf_of(kept, page_, len(found.pieces))
    here = f"/zones/{part(policy)}/{part(source)}/{part(destination)}"
    before, after = turned(leaf, here, q=q, outcome=outcome)
    tones = tuple(dict.fromkeys(one.tone for one in found.pieces))
    return page(
        request, "pair.html", title=f"{source} to {destination}", found=found, leaf=leaf, before=before, after=after,
        q=q, outcome=outcome, tones=tones, here=here,
    )  # fmt: skip


def pair_of(request: Request, sight: Sight, source: str, destination: str) -> pairs.Pair:
    """What somebody sees from one zone to another. Raises Problem: 404, 422."""
    policy = sight.policy
    if not sight.pair(source, destination):
        raise Problem(
            404, "no-such-zone", "there is no such zone, or it is not yours to see", "choose one of the matrix"
        )
    try:
        key = ("pair", policy.name, source, destination, sight.key)
        return shown(request, key, lambda: _pair(estate_of(request), sight, source, destination))
    except LookupError:
        raise Problem(404, "no-such-zone", "there is no such zone", "choose one of the matrix") from None
    except Unfilled:
        raise Problem(422, "unfilled", "some zones of this policy are not filled in", "fill them in first") from None
    except Undecided as error:
        raise Problem(422, "undecided", harmless(str(error)), "ask about fewer services") from None


def _pair(estate: Estate, sight: Sight, source: str, destination: str) -> pairs.Pair:
    answer = pairs.answer(sight.policy, source, destination, estate.day_of)
    return pairs.pair(answer, sight, estate.report.sources)


def _text(one: Piece) -> str:
    flows = (f"{flow.source} {flow.destination} {flow.service}" for flow in one.flows)
    return " ".join((*flows, one.words, *(f"{at.rule} {at.place} {at.because}" for at in one.stations)))
