"""Managed hosts over the API: what they said of themselves, and how they say it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from typing import Annotated, Any

from fastapi import Body, Path, Query, Request
from fastapi.responses import Response

from firewright.model.account import Actor, Grant, Role
from firewright.web.access import Operator, Viewer
from firewright.web.api._answers import (
    After,
    Answer,
    IfNoneMatch,
    Limit,
    Tree,
    Words,
    etag_of,
    page_of,
    problems,
    reading,
    sent,
    writing,
)
from firewright.web.api._route import router
from firewright.web.api._shapes import HostBody, HostsBody, HostTold
from firewright.web.problem import Problem
from firewright.web.running import store_of
from firewright.web.views import hosts as view
from firewright.web.views.listing import holding

ROUTER = router("hosts")
_EVERYBODY = Actor("firewright", (Grant(Role.VIEWER),))
"""Who sees all hosts, to know whose a name is."""
HostName = Annotated[
    str, Path(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", examples=["edge-1"])
]
_EXAMPLE = {
    "schema_version": 1, "kind": "status", "time": 1795302000, "policy": "tenant-a-edge", "firewall": "edge",
    "generation": 42, "state": "confirmed", "loaded": 1795291200, "mode": "enforcing",
}  # fmt: skip


@ROUTER.get("/hosts", response_model=HostsBody, responses=problems(), summary="The hosts, by name")
def listed(
    request: Request,
    actor: Viewer,
    q: Words = "",
    stands: Annotated[str, Query(max_length=40, description="Only those that stand so.", examples=["drifted"])] = "",
    after: After = 0,
    limit: Limit = 100,
) -> Response:
    """Those of policies that you see whole."""
    with store_of(request).reading() as c:
        found = view.hosts(c, request.state.now, actor)
    kept = holding((one for one in found if stands in ("", one.word)), q, lambda one: one.text)
    return sent(page_of(request, "hosts", kept, after, limit, _tree))


@ROUTER.get("/hosts/{name}", response_model=HostBody, responses=reading(404), summary="One host")
def one(request: Request, actor: Viewer, name: HostName, if_none_match: IfNoneMatch = None) -> Response:
    """What it said last, and before."""
    with store_of(request).reading() as c:
        last = _last(view.hosts(c, request.state.now, actor), name)
        before = view.history(c, name, request.state.now, actor) if last else ()
    if last is None:
        raise Problem(404, "no-such-host", "nothing was heard of such a host", "GET /api/v1/hosts lists them")
    tree = {**_tree(last), "history": [_tree(each) for each in before]}
    steady = etag_of(last.seen, last.is_quiet, [each.seen for each in before])  # not its age, which each second changes
    return sent(Answer(tree, 200, {"ETag": steady}), if_none_match)


@ROUTER.put(
    "/hosts/{name}/state", status_code=204, response_class=Response, responses=writing(409),
    summary="Say how a host stands",
)  # fmt: skip
def put(
    request: Request,
    actor: Operator,
    name: HostName,
    body: Annotated[dict[str, Any], Body(examples=[_EXAMPLE], description="What the command prints, as it is.")],
) -> Response:
    """Send what `firewright status --format json` or `firewright drift --format json` prints on the host.

    Sending it twice is as sending it once. An operator of its policy may, and only for a host that is not another policy's.
    """
    text = json.dumps(body, ensure_ascii=False)
    try:
        tree = view.accept(text)
        _must_operate(actor, tree["policy"])
        with store_of(request).writing() as c:
            known = _last(view.hosts(c, request.state.now, _EVERYBODY), name)
            if known is not None:
                _must_operate(actor, known.policy)
            view.keep(c, name, text, request.state.now)
    except view.BadReport as error:
        raise Problem(422, "bad-report", str(error), "send what `firewright status --format json` prints") from None
    return Response(status_code=204)


def _must_operate(actor: Actor, policy: str) -> None:
    """Raises Problem (403). A host of no policy is for whoever operates everything."""
    may = actor.is_allowed(Role.OPERATOR, policy) if policy else actor.is_everywhere(Role.OPERATOR)
    if not may:
        raise Problem(403, "may-not", "you do not operate the policy of this host", "send it with a token that does")


def _last(found: tuple[view.HostState, ...], name: str) -> view.HostState | None:
    return next((one for one in found if one.name == name), None)


def _tree(state: view.HostState) -> Tree:
    return HostTold.tree(replace(state, seen=state.seen.astimezone(UTC)))
