"""What machines ask: whether the process answers, whether it can work, and its numbers."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from firewright.model.account import Role
from firewright.model.request import State
from firewright.store import log, requests
from firewright.store.errors import StoreError
from firewright.store.revisions import NEWEST
from firewright.web.access import Anybody, holds
from firewright.web.estate import estate_of
from firewright.web.measures import CONTENT_TYPE, Numbers
from firewright.web.problem import Problem
from firewright.web.running import running

ROUTER = APIRouter(tags=["machines"])


@ROUTER.get("/healthz", summary="Whether the process answers")
def healthz(_actor: Anybody) -> dict[str, str]:
    """Always `{"status": "ok"}`: whoever restarts what does not answer asks this."""
    return {"status": "ok"}


@ROUTER.get("/readyz", summary="Whether it can work")
def readyz(request: Request, _actor: Anybody) -> JSONResponse:
    """Whether database, migrations and folder are as they must be: 200, or 503 with what is not. It names no file and no host.

    Policies or rules of approval that cannot be read make it `degraded`, with 200: everything else is answered, here as by every other
    process of the same folder, and it is the place that shows what is wrong. To be alerted, ask for this word or for the metric.
    """
    checks = {"database": _database(request), "folder": _folder(request)}
    if any(said != "ok" for said in checks.values()):
        return JSONResponse({"status": "not ready", "checks": checks}, 503)
    checks.update(_policies(request))
    is_whole = all(said == "ok" for said in checks.values())
    return JSONResponse({"status": "ok" if is_whole else "degraded", "checks": checks})


@ROUTER.get("/metrics", summary="Numbers for Prometheus")
def metrics(request: Request, actor: Anybody) -> Response:
    """Counters and gauges in Prometheus' format, for this machine itself and for whoever may view everything."""
    if not (_is_here(request) or (actor is not None and holds(actor, Role.VIEWER, everywhere=True))):
        problem = Problem(401, "unknown", "numbers are for a token of a viewer, and for this machine", "send a token")
        problem.headers["WWW-Authenticate"] = 'Bearer realm="firewright"'
        raise problem
    return Response(running(request).measures.text(lambda: _numbers(request)), media_type=CONTENT_TYPE)


def _database(request: Request) -> str:
    try:
        store = running(request).store
        with store.reading():
            return "ok" if store.revision() == NEWEST else "not migrated"
    except StoreError:
        return "not usable"


def _folder(request: Request) -> str:
    folder = running(request).settings.folder
    try:
        next(folder.iterdir(), None)
    except OSError:
        return "not readable"
    return "ok"


def _policies(request: Request) -> dict[str, str]:
    """Whether all policies and the rules of approval can be read, in a state that nobody waits for where one was read before."""
    estate = running(request).estates.settled(request.state.now)
    count = len(estate.broken)
    return {
        "policies": "ok" if not count else f"{count} of {count + len(estate.policies)} not readable",
        "approvals": "not readable" if estate.rules.is_broken else "ok",
    }


def _is_here(request: Request) -> bool:
    """Whether the machine itself asks, with no proxy between: a proxy's clients are elsewhere."""
    try:
        is_loopback = ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in ("x-forwarded-for", "forwarded"))


def _numbers(request: Request) -> Numbers:
    """What the store and the folder hold now."""
    with running(request).store.reading() as c:
        counted = requests.counts(c)
        rows = log.head(c).number
    estate = estate_of(request)
    found: dict[tuple[str, str], Any] = {
        ("firewright_requests", "Requests by state."): {
            (("state", str(state)),): float(counted.get(state, 0)) for state in State
        },
        ("firewright_log_rows", "Rows of the audit log."): {(): float(rows)},
        ("firewright_policies", "Policies that can be read."): {(): float(len(estate.policies))},
        ("firewright_policies_broken", "Policies that cannot be read."): {(): float(len(estate.broken))},
    }
    return found
