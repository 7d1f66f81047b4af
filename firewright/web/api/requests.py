"""Requests over the API: ask what something would mean, ask for it, decide."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from firewright.model.account import Actor, Role
from firewright.model.request import Request as Asked
from firewright.model.request import State
from firewright.readers.policy_yaml.values import BadValue, parse_duration
from firewright.reports._requests import bare_request_tree, checked_tree, request_tree
from firewright.web.access import Approver, LoggedIn, Operator, Requester, Viewer
from firewright.web.api._answers import (
    Answer,
    IfMatch,
    IfNoneMatch,
    Key,
    WishBody,
    acted,
    must_match,
    paged,
    problems,
    sent,
    version_of,
)
from firewright.web.desk import looking
from firewright.web.estate import estate_of
from firewright.web.problem import Problem
from firewright.workflows.requests import acting, inbox
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.refused import Refused

ROUTER = APIRouter(prefix="/api/v1", tags=["requests"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The request's number.", examples=[7])]


class Because(BaseModel):
    """A reason."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"because": "the proxy does that"}]})
    because: Annotated[str, Field(max_length=2000)] = ""


class Approving(BaseModel):
    """Agreement to exactly the text with a hash."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"digest": "c9b8" * 16, "because": "agreed with the owner"}]}
    )
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    because: Annotated[str, Field(max_length=2000)] = ""


class Evidence(BaseModel):
    """What shows that it runs, or that it is open."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"evidence": {"host": "edge-1"}}]})
    evidence: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=500)]],
        Field(min_length=1, max_length=20),
    ]


class BreakGlass(WishBody):
    """What is opened at once, for how long."""

    lasting: Annotated[str, Field(max_length=12, examples=["2h"], description="A duration, as 30m or 2h.")] = ""


class RequestBody(BaseModel):
    """One request as it is."""

    model_config = ConfigDict(extra="allow")
    number: int
    state: State
    author: str
    wish: dict[str, Any]
    severity: str
    digest: str
    version: int


class RequestsBody(BaseModel):
    """One page of requests."""

    requests: list[RequestBody]
    next: str | None


class CheckBody(BaseModel):
    """What a wish would mean."""

    model_config = ConfigDict(extra="allow")
    verdict: str
    opens: dict[str, Any]
    severity: str


@ROUTER.post("/check", response_model=CheckBody, responses=problems(409), summary="What would it mean?")
def check(request: Request, actor: Requester, body: WishBody) -> Response:
    """Say what a wish would mean; nothing is kept, and nobody is told."""
    estate = estate_of(request)
    if not actor.touches(Role.REQUESTER, body.policy):
        raise Refused("unknown-policy", f"you ask for nothing of {body.policy}", "choose another", 422)
    checked = check_wish(estate, body.wish(actor), request.state.now)
    zones = (*checked.source_zones, *checked.destination_zones)
    if not any(actor.is_allowed(Role.REQUESTER, body.policy, zone) for zone in zones):
        raise Refused("may-not", f"you may not ask for flows between {' and '.join(zones)}", "", 403)
    return sent(Answer(checked_tree(checked)))


@ROUTER.get("/requests", response_model=RequestsBody, responses=problems(), summary="Requests that you may see")
def listed(
    request: Request,
    actor: Viewer,
    box: Annotated[str, Query(pattern="^(|mine|waiting)$", description="mine, or waiting for you")] = "",
    state: Annotated[State | None, Query()] = None,
    policy: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[str, Query(max_length=200, description="words")] = "",
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="the number to go on from")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """One page, the newest first."""
    filters = inbox.Filters(box, state.value if state else "", policy, q, after)
    with looking(request, actor) as desk:
        found = inbox.listing(desk, filters, limit)
    items = [bare_request_tree(one) for one in found.requests]
    return sent(paged(request, "requests", items, found.requests[-1].number if found.has_more else None))


@ROUTER.post(
    "/requests", status_code=201, response_model=RequestBody, responses=problems(409), summary="Ask for something"
)
def make(
    request: Request,
    actor: Requester,
    body: WishBody,
    key: Key = None,
    draft: Annotated[bool, Query(description="keep it as a draft")] = False,
) -> Response:
    """Submit a request, or keep a draft."""
    wish = body.wish(actor)
    return acted(
        request, actor, key, [body.model_dump(), draft],
        lambda desk: _made(acting.make(desk, wish, is_draft=draft)), wish=wish,
    )  # fmt: skip


@ROUTER.post(
    "/requests/break-glass", status_code=201, response_model=RequestBody, responses=problems(409),
    summary="Open something at once",
)  # fmt: skip
def break_glass(request: Request, actor: Operator, body: BreakGlass, key: Key = None) -> Response:
    """Open it for a short time without asking: loud in the log, and looked at by somebody else after."""
    try:
        seconds = parse_duration(body.lasting) if body.lasting else None
    except BadValue as bad:
        raise Problem(422, bad.name, bad.message, bad.help, {"lasting": bad.message}) from None
    wish = body.wish(actor)
    return acted(
        request, actor, key, body.model_dump(), lambda desk: _made(acting.break_glass(desk, wish, seconds)), wish=wish
    )


@ROUTER.get("/requests/{number}", response_model=RequestBody, responses=problems(404), summary="One request")
def show(request: Request, actor: LoggedIn, number: Number, if_none_match: IfNoneMatch = None) -> Response:
    """One request with what it would mean now and its history."""
    with looking(request, actor) as desk:
        found = inbox.whole(desk, number)
        digest = desk.estate.digest
    # what it means now changes with the policies too, so the tag for reading is not the one for writing alone
    headers = {"ETag": f'"{found.request.version}"', "Vary": "Authorization"}
    tree = {**request_tree(found), "estate": digest}
    return sent(Answer(tree, 200, headers), if_none_match if found.request.state.is_final else None)


@ROUTER.put(
    "/requests/{number}", response_model=RequestBody, responses=problems(404, 409, 412, 428), summary="Ask otherwise"
)
def edit(request: Request, actor: Requester, number: Number, body: WishBody, if_match: IfMatch = None) -> Response:
    """Put another wish in its place; every approval is void."""
    must_match(if_match)
    wish, version = body.wish(actor), version_of(request, if_match)
    return acted(
        request,
        actor,
        None,
        None,
        lambda desk: _now(acting.edit(desk, number, wish, version)),
        wish=wish,
        number=number,
    )


@ROUTER.post("/requests/{number}/submit", response_model=RequestBody, responses=problems(404, 409, 412))
def submit(request: Request, actor: Requester, number: Number, key: Key = None, if_match: IfMatch = None) -> Response:
    """Submit a draft."""
    version = version_of(request, if_match)
    return acted(request, actor, key, None, lambda desk: _now(acting.submit(desk, number, version)), number=number)


@ROUTER.post("/requests/{number}/approve", response_model=RequestBody, responses=problems(404, 409, 412))
def approve(
    request: Request, actor: Approver, number: Number, body: Approving, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Agree to exactly the text with this hash."""
    version = version_of(request, if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.approve(desk, number, body.digest, body.because, version))

    return acted(request, actor, key, body.model_dump(), act, number=number)


@ROUTER.post("/requests/{number}/decline", response_model=RequestBody, responses=problems(404, 409, 412))
def decline(
    request: Request, actor: Approver, number: Number, body: Because, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say no, or take back what was approved."""
    version = version_of(request, if_match)
    return _said(request, actor, key, body, number, lambda desk: acting.decline(desk, number, body.because, version))


@ROUTER.post("/requests/{number}/withdraw", response_model=RequestBody, responses=problems(404, 409, 412))
def withdraw(
    request: Request, actor: Requester, number: Number, body: Because, key: Key = None, if_match: IfMatch = None
) -> Response:
    """One's own request is no longer wanted."""
    version = version_of(request, if_match)
    return _said(request, actor, key, body, number, lambda desk: acting.withdraw(desk, number, body.because, version))


@ROUTER.post("/requests/{number}/answer", response_model=RequestBody, responses=problems(404, 409, 412))
def answer(
    request: Request, actor: Approver, number: Number, body: WishBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Propose less instead; `because` is why."""
    wish, version = body.wish(actor), version_of(request, if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.answer(desk, number, wish, body.because, version))

    return acted(request, actor, key, body.model_dump(), act, wish=wish, number=number)


@ROUTER.post("/requests/{number}/accept", response_model=RequestBody, responses=problems(404, 409, 412))
def accept(request: Request, actor: Requester, number: Number, key: Key = None, if_match: IfMatch = None) -> Response:
    """Take what was proposed instead."""
    version = version_of(request, if_match)
    return acted(
        request, actor, key, None, lambda desk: _now(acting.accept_answer(desk, number, version)), number=number
    )


@ROUTER.post("/requests/{number}/recertify", response_model=RequestBody, responses=problems(404, 409, 412))
def recertify(
    request: Request, actor: Approver, number: Number, body: Because, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say that an exception is still needed."""
    version = version_of(request, if_match)
    return _said(request, actor, key, body, number, lambda desk: acting.recertify(desk, number, body.because, version))


@ROUTER.post("/requests/{number}/review", response_model=RequestBody, responses=problems(404, 409, 412))
def review(
    request: Request, actor: Approver, number: Number, body: Because, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say that what was opened without asking was looked at."""
    version = version_of(request, if_match)
    return _said(request, actor, key, body, number, lambda desk: acting.review(desk, number, body.because, version))


@ROUTER.post("/requests/{number}/implement", response_model=RequestBody, responses=problems(404, 409, 412))
def implement(
    request: Request, actor: Operator, number: Number, body: Evidence, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say that it runs."""
    version = version_of(request, if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.implement(desk, number, body.evidence, version))

    return acted(request, actor, key, body.model_dump(), act, number=number)


@ROUTER.post("/requests/{number}/verify", response_model=RequestBody, responses=problems(404, 409, 412))
def verify(
    request: Request, actor: Operator, number: Number, body: Evidence, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say that it was seen to be open."""
    version = version_of(request, if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.verify(desk, number, body.evidence, version))

    return acted(request, actor, key, body.model_dump(), act, number=number)


def _said(request: Request, actor: Actor, key: str | None, body: Because, number: int, act: Any) -> Response:
    return acted(request, actor, key, body.model_dump(), lambda desk: _now(act(desk)), number=number)


def _now(found: Asked) -> Answer:
    return Answer(bare_request_tree(found), 200, {"ETag": f'"{found.version}"'})


def _made(found: Asked) -> Answer:
    place = f"/api/v1/requests/{found.number}"
    return Answer(bare_request_tree(found), 201, {"ETag": f'"{found.version}"', "Location": place})
