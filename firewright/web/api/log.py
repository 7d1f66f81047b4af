"""The audit log over the API: its rows, its end signed, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import PlainTextResponse, Response

from firewright.model.account import Role
from firewright.reports._requests import log_row_tree, log_verdict_tree
from firewright.store import head_files, heads, log
from firewright.web.access import Viewer, needs
from firewright.web.api._answers import Answer, Responses, paged, problems, sent
from firewright.web.api._route import router
from firewright.web.api._wishes import HeadBody, LogBody, VerdictBody
from firewright.web.desk import looking
from firewright.web.running import running, store_of
from firewright.workflows.requests.log_check import HEADS, check_log, public_key, sign_head, verdict_of
from firewright.workflows.requests.log_rows import visible

ROUTER = router("log")


@ROUTER.get("/log", response_model=LogBody, responses=problems(), summary="Rows of the audit log, the newest first")
def rows(
    request: Request,
    actor: Viewer,
    who: Annotated[str, Query(max_length=200, description="An account.", examples=["anna"])] = "",
    act: Annotated[str, Query(max_length=100, description="What was done.", examples=["request.approve"])] = "",
    about: Annotated[str, Query(max_length=200, description="To what.", examples=["request 7"])] = "",
    q: Annotated[str, Query(max_length=200, description="A part of the reason.", examples=["proxy"])] = "",
    after: Annotated[
        int, Query(ge=0, le=2**62, description="Only rows older than this one; 0 from the newest on.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
) -> Response:
    """Your own rows and those about requests that you see; all of them for whoever sees everything."""
    with looking(request, actor) as desk:
        found = visible(desk, who=who, act=act, about=about, text=q, after=after, most=limit + 1)
    page = [log_row_tree(one) for one in found[:limit]]
    return sent(paged(request, "rows", page, found[limit - 1].number if len(found) > limit else None))


@ROUTER.get(
    "/log/head", response_model=HeadBody, responses=problems(), dependencies=[needs(Role.VIEWER, everywhere=True)],
    summary="The log's end, signed now",
)  # fmt: skip
def head(request: Request) -> Response:
    """Keep it elsewhere: against it a cut tail and rows made anew show. Where nothing was added since, it is the one from before."""
    store, state = store_of(request), running(request).settings.state_folder
    public = public_key(state)
    with store.reading() as c:
        end = log.head(c)
    known = head_files.kept(state / HEADS)
    last, name = known[-1] if known else None, heads.name_of(heads.read_public(public))
    is_signed = last is not None and (last.number, last.digest, last.key) == (end.number, end.digest, name)
    signed = last if last is not None and is_signed else sign_head(store, state, request.state.now)
    return sent(Answer({**asdict(signed), "public": public}))


_LINES: Responses = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "One line of JSON for each."}
}


@ROUTER.get(
    "/log/heads", response_class=PlainTextResponse, responses={**_LINES, **problems()},
    dependencies=[needs(Role.VIEWER, everywhere=True)], summary="Every end that was signed here",
)  # fmt: skip
def signed_heads(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**62, description="Only those of rows after this one.")] = 0,
) -> Response:
    """To be fetched from elsewhere and kept there: `firewright log verify --heads FILE` holds a log against them."""
    kept = head_files.kept(running(request).settings.state_folder / HEADS)
    lines = (f"{heads.line(one)}\n" for one in kept if one.number > after)
    return PlainTextResponse("".join(lines))


@ROUTER.get("/log/verify", response_model=VerdictBody, responses=problems(), summary="Is the log whole?")
def verify(request: Request, actor: Viewer) -> Response:
    """Hold every row against the one before and against every head that was signed here, and every request against its rows."""
    is_whole = actor.is_everywhere(Role.VIEWER)
    found = check_log(store_of(request), running(request).settings.state_folder, tells_which=is_whole)
    return sent(Answer(log_verdict_tree(verdict_of(found))))
