"""A request after an act: stored, with one row of the audit log and its events, in the transaction that is handed in."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firewright.model.request import Act, Request, next_state
from firewright.store import log, outbox, requests
from firewright.workflows.requests.in_force import matter_of
from firewright.workflows.requests.refused import Refused

if TYPE_CHECKING:
    from firewright.workflows.requests.acting import Desk


def move(
    desk: Desk,
    request: Request,
    act: Act,
    version: int | None,
    because: str = "",
    details: Mapping[str, str] | None = None,
    zones: Collection[str] | None = None,
    **changes: Any,
) -> Request:
    """The request after an act, stored, logged and told. Raises Refused where the state or the version is another."""
    if version is not None and version != request.version:
        raise Refused("changed", f"request {request.number} changed meanwhile", "look at it again", 412)
    state = next_state(request.state, act)
    if state is None:
        raise wrong_state(request, act.value)
    found = replace(request, **changes)
    found = replace(found, state=state, version=request.version + 1, changed=desk.now)
    if zones is None:
        matter = matter_of(desk.estate, request)
        zones = matter.zones if matter is not None else ()
    put(desk, found, request.version, zones)
    tell(desk, found, act, because, details or {})
    return found


def put(desk: Desk, request: Request, version: int, zones: Collection[str]) -> None:
    """Keep a request that had this version. Raises Refused where it changed meanwhile."""
    if not requests.put(desk.connection, request, version, zones):
        raise Refused("changed", f"request {request.number} changed meanwhile", "look at it again", 412)


def tell(desk: Desk, request: Request, act: Act | str, because: str, details: Mapping[str, str]) -> None:
    """The row of the log, and the events of those who want to be told."""
    # what whoever acts says beside it, as the evidence of an operator, overwrites no fact that the log is held against
    facts = {
        **details, "state": request.state.value, "revision": str(request.revision), "digest": request.digest,
        "policy": request.wish.policy, "severity": str(request.severity),
    }  # fmt: skip
    about = f"request {request.number}"
    actor = desk.actor
    log.append(
        desk.connection,
        log.Entry(actor.account, f"request.{act}", about, actor.origin, actor.way.value, because, facts, desk.now),
    )
    body = {"request": request.number, "act": str(act), "by": actor.account, "because": because, **facts}
    outbox.queue(desk.connection, f"request.{act}", json.dumps(body), desk.now, request.wish.policy)


def wrong_state(request: Request, verb: str) -> Refused:
    """That a request is not in a state in which that is done."""
    return Refused("wrong-state", f"request {request.number} is {request.state}: one cannot {verb} it", status=409)
