"""Requests over the API: ask what something would mean, ask for it, decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response

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
    Limit,
    PolicyFilter,
    acted,
    must_match,
    paged,
    problems,
    reading,
    sent,
    version_of,
    version_tag,
    writing,
)
from firewright.web.api._route import PREFIX, router
from firewright.web.api._wishes import (
    ApprovalBody,
    BecauseBody,
    CheckBody,
    EvidenceBody,
    GlassBody,
    RequestBody,
    RequestsBody,
    RequestTold,
    WishBody,
)
from firewright.web.desk import looking
from firewright.web.estate import estate_of
from firewright.web.problem import Problem
from firewright.web.views.requests import acts
from firewright.workflows.requests import acting, glass, inbox
from firewright.workflows.requests.deciding import shown_check
from firewright.workflows.requests.telling import may_not

ROUTER = router("requests")
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The request's number.", examples=[7])]


@ROUTER.post("/check", response_model=CheckBody, responses=writing(409), summary="What would it mean?")
def check(request: Request, actor: Requester, body: WishBody) -> Response:
    """Say what a wish would mean; nothing is kept, and nobody is told."""
    estate = estate_of(request)
    checked = acting.check_for(estate, actor, body.wish(actor), request.state.now)
    zones = (*checked.source_zones, *checked.destination_zones)
    if not any(actor.is_allowed(Role.REQUESTER, body.policy, zone) for zone in zones):
        raise may_not(checked.wish)
    with looking(request, actor) as desk:
        return sent(Answer(checked_tree(shown_check(desk, checked))))


@ROUTER.get("/requests", response_model=RequestsBody, responses=problems(), summary="Requests that you may see")
def listed(
    request: Request,
    actor: Viewer,
    box: Annotated[str, Query(pattern="^(|mine|waiting)$", description="`mine`, or `waiting` for you.")] = "",
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    policy: PolicyFilter = "",
    q: Annotated[str, Query(max_length=200, description="Only with these words.", examples=["OPS-112"])] = "",
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only those older than this one; 0: all.")] = 0,
    limit: Limit = 50,
) -> Response:
    """One page, the newest first."""
    filters = inbox.Filters(box, state.value if state else "", policy, q, after)
    with looking(request, actor) as desk:
        found = inbox.listing(desk, filters, limit)
    items = [bare_request_tree(one) for one in found.requests]
    return sent(paged(request, "requests", items, found.requests[-1].number if found.has_more else None))


@ROUTER.post(
    "/requests", status_code=201, response_model=RequestTold, responses=writing(409), summary="Ask for something"
)
def make(
    request: Request,
    actor: Requester,
    body: WishBody,
    key: Key = None,
    draft: Annotated[bool, Query(description="Keep it as a draft.")] = False,
) -> Response:
    """Submit a request, or keep a draft."""
    wish = body.wish(actor)
    told = body.model_dump()
    return acted(request, actor, key, told, lambda desk: _made(acting.make(desk, wish, is_draft=draft)), wish=wish)


@ROUTER.post(
    "/requests/break-glass", status_code=201, response_model=RequestTold, responses=writing(409),
    summary="Open something at once",
)  # fmt: skip
def break_glass(request: Request, actor: Operator, body: GlassBody, key: Key = None) -> Response:
    """Open it for a short time without asking: loud in the log, and looked at by somebody else after."""
    try:
        seconds = parse_duration(body.lasting) if body.lasting else None
    except BadValue as bad:
        raise Problem(422, bad.name, bad.message, bad.help, {"lasting": bad.message}) from None
    wish, told = body.wish(actor), body.model_dump()
    return acted(request, actor, key, told, lambda desk: _made(glass.break_glass(desk, wish, seconds)), wish=wish)


@ROUTER.get("/requests/{number}", response_model=RequestBody, responses=reading(404), summary="One request")
def show(request: Request, actor: LoggedIn, number: Number, if_none_match: IfNoneMatch = None) -> Response:
    """One request with what it would mean now and its history.

    Its ETag begins with the version, which is what If-Match is held against; the rest tells policies and history apart.
    """
    with looking(request, actor) as desk:
        found = inbox.whole(desk, number)
        may = [one.value for one in acts(desk, found.request)]
        tree = {**request_tree(found), "estate": desk.estate.digest, "acts": may}
    return sent(Answer(tree, 200, {"ETag": version_tag(found.request.version, tree)}), if_none_match)


@ROUTER.put(
    "/requests/{number}", response_model=RequestTold, responses=writing(404, 409, 412, 428), summary="Ask otherwise"
)
def edit(
    request: Request, actor: Requester, number: Number, body: WishBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Put another wish in its place; every approval is void."""
    must_match(if_match)
    wish, version = body.wish(actor), version_of(if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.edit(desk, number, wish, version))

    return acted(request, actor, key, body.model_dump(), act, wish=wish, number=number)


@ROUTER.post(
    "/requests/{number}/approve", response_model=RequestTold, responses=writing(404, 409, 412, 428), summary="Agree"
)
def approve(
    request: Request, actor: Approver, number: Number, body: ApprovalBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Agree to exactly the text with this hash; where enough have, the request is approved."""
    must_match(if_match)
    version = version_of(if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.approve(desk, number, body.digest, body.because, version))

    return acted(request, actor, key, body.model_dump(), act, number=number)


@ROUTER.post(
    "/requests/{number}/answer", response_model=RequestTold, responses=writing(404, 409, 412), summary="Propose less"
)
def answer(
    request: Request, actor: Approver, number: Number, body: WishBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Propose less instead; `because` is why. Its author decides whether that will do."""
    wish, version = body.wish(actor), version_of(if_match)

    def act(desk: acting.Desk) -> Answer:
        return _now(acting.answer(desk, number, wish, body.because, version))

    return acted(request, actor, key, body.model_dump(), act, wish=wish, number=number)


Headers = tuple[str | None, str | None]
"""Idempotency-Key and If-Match."""
Plain = Callable[[acting.Desk, int, int | None], Asked]
Reasoned = Callable[[acting.Desk, int, str, int | None], Asked]
Shown = Callable[[acting.Desk, int, dict[str, str], int | None], Asked]


@ROUTER.post(
    "/requests/{number}/submit", response_model=RequestTold, responses=problems(404, 409, 412), summary="Submit"
)
def submit(request: Request, actor: Requester, number: Number, key: Key = None, if_match: IfMatch = None) -> Response:
    """A draft becomes a request that others decide."""
    return _plain(request, actor, number, (key, if_match), acting.submit)


@ROUTER.post(
    "/requests/{number}/accept",
    response_model=RequestTold,
    responses=problems(404, 409, 412),
    summary="Take what was proposed",
)
def accept(request: Request, actor: Requester, number: Number, key: Key = None, if_match: IfMatch = None) -> Response:
    """It takes the place of what was asked for, and is to be approved."""
    return _plain(request, actor, number, (key, if_match), acting.accept_answer)


@ROUTER.post(
    "/requests/{number}/decline", response_model=RequestTold, responses=writing(404, 409, 412), summary="Say no"
)
def decline(
    request: Request, actor: Approver, number: Number, body: BecauseBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say no, or take back what was approved."""
    return _by_reason(request, actor, number, body, (key, if_match), acting.decline)


@ROUTER.post(
    "/requests/{number}/withdraw", response_model=RequestTold, responses=writing(404, 409, 412), summary="Withdraw"
)
def withdraw(
    request: Request, actor: Requester, number: Number, body: BecauseBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """One's own request is no longer wanted; its exception goes too."""
    return _by_reason(request, actor, number, body, (key, if_match), acting.withdraw)


@ROUTER.post(
    "/requests/{number}/recertify",
    response_model=RequestTold,
    responses=writing(404, 409, 412),
    summary="Say that it is still needed",
)
def recertify(
    request: Request, actor: Approver, number: Number, body: BecauseBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Somebody who may decide says that an exception is still needed."""
    return _by_reason(request, actor, number, body, (key, if_match), acting.recertify)


@ROUTER.post(
    "/requests/{number}/review",
    response_model=RequestTold,
    responses=writing(404, 409, 412),
    summary="Look at what was opened without asking",
)
def review(
    request: Request, actor: Approver, number: Number, body: BecauseBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Somebody else says that it was looked at."""
    return _by_reason(request, actor, number, body, (key, if_match), acting.review)


@ROUTER.post(
    "/requests/{number}/again",
    response_model=RequestTold,
    responses=writing(404, 409, 412),
    summary="Have it decided again",
)
def again(
    request: Request, actor: LoggedIn, number: Number, body: BecauseBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """What was approved means more by now, or is doubted: its author, who decides about it or who operates its policy asks again."""
    return _by_reason(request, actor, number, body, (key, if_match), acting.reopen)


@ROUTER.post(
    "/requests/{number}/implement",
    response_model=RequestTold,
    responses=writing(404, 409, 412),
    summary="Say that it runs",
)
def implement(
    request: Request, actor: Operator, number: Number, body: EvidenceBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """The policy was applied with exactly this exception."""
    return _by_evidence(request, actor, number, body, (key, if_match), acting.implement)


@ROUTER.post(
    "/requests/{number}/verify",
    response_model=RequestTold,
    responses=writing(404, 409, 412),
    summary="Say that it was seen to be open",
)
def verify(
    request: Request, actor: Operator, number: Number, body: EvidenceBody, key: Key = None, if_match: IfMatch = None
) -> Response:
    """By a probe, or by a proof over what runs."""
    return _by_evidence(request, actor, number, body, (key, if_match), acting.verify)


def _by_reason(
    request: Request, actor: Actor, number: int, body: BecauseBody, headers: Headers, act: Reasoned
) -> Response:
    """An act with a reason, of one request."""
    key, if_match = headers
    version = version_of(if_match)

    def done(desk: acting.Desk) -> Answer:
        return _now(act(desk, number, body.because, version))

    return acted(request, actor, key, body.model_dump(), done, number=number)


def _by_evidence(
    request: Request, actor: Actor, number: int, body: EvidenceBody, headers: Headers, act: Shown
) -> Response:
    """An act with facts, of one request."""
    key, if_match = headers
    version = version_of(if_match)

    def done(desk: acting.Desk) -> Answer:
        return _now(act(desk, number, body.evidence, version))

    return acted(request, actor, key, body.model_dump(), done, number=number)


def _plain(request: Request, actor: Actor, number: int, headers: Headers, act: Plain) -> Response:
    """An act that says nothing but that it is done, of one request."""
    key, if_match = headers
    version = version_of(if_match)
    return acted(request, actor, key, None, lambda desk: _now(act(desk, number, version)), number=number)


def _now(found: Asked) -> Answer:
    return Answer(bare_request_tree(found), 200, {"ETag": version_tag(found.version)})


def _made(found: Asked) -> Answer:
    place = f"{PREFIX}/requests/{found.number}"
    return Answer(bare_request_tree(found), 201, {"ETag": version_tag(found.version), "Location": place})
