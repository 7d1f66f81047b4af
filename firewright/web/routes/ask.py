"""A question as a form, and its answer drawn along the path."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.model.account import Actor, Role
from firewright.web.access import Viewer
from firewright.web.estate import estate_of
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.routes._seen import address, policies_seen
from firewright.web.views import asking as view

ROUTER = APIRouter()
NAV = Nav(50, "Ask", "/ask")
_HEAD = ("policy", "from", "to", "services", "outcome", "decided by", "example")
_Field = Annotated[str, Query(max_length=1000)]


@ROUTER.get("/ask")
def ask(
    request: Request,
    actor: Viewer,
    source: _Field = "",
    destination: _Field = "",
    service: _Field = "",
    policy: Annotated[str, Query(max_length=200)] = "",
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The form, and the exact answer of every policy that knows what was asked."""
    estate = estate_of(request)
    asked = view.Asked(source, destination, service, policy)
    found = None if asked.is_empty else view.ask_estate(asked, estate, actor)
    if format == "csv" and found is not None:
        return csv_of("answer", _HEAD, _rows(found))
    may_ask = {one.policy: _request(one, asked) for one in found.told if _may_ask(actor, one.policy)} if found else {}
    names = tuple(one.name for one in policies_seen(estate, actor))
    return page(
        request, "ask.html", title="Ask", asked=asked, found=found, names=names, zones=view.known_zones(estate, actor),
        services=view.known_services(estate, actor), may_ask=may_ask,
        status=422 if found is not None and not found.told and found.problems else 200,
    )  # fmt: skip


def _may_ask(actor: Actor, policy: str) -> bool:
    return actor.touches(Role.REQUESTER, policy)


def _request(told: view.Told, asked: view.Asked) -> str:
    """Where the same flow is requested, if something of it is closed and may be asked for."""
    if not told.askable:
        return ""
    return address(
        "/requests/new", policy=told.policy, sources=asked.source, destinations=asked.destination,
        services=asked.service or "any",
    )  # fmt: skip


def _rows(found: view.Answered) -> list[tuple[str, ...]]:
    return [
        (told.policy, flow.source, flow.destination, flow.service, piece.words,
         "; ".join(f"{at.firewall}: {at.rule or at.outcome} {at.place}" for at in piece.stations), piece.witness)
        for told in found.told for piece in told.pieces for flow in piece.flows
    ]  # fmt: skip
