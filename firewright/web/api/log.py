"""The audit log over the API: its rows, its end signed, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from firewright.model.account import Role
from firewright.reports._requests import log_row_tree, log_verdict_tree
from firewright.web.access import Viewer, needs
from firewright.web.api._answers import Answer, paged, problems, sent
from firewright.web.desk import looking
from firewright.web.running import running, store_of
from firewright.workflows.requests.log_check import check_log, public_key, sign_head, verdict_of
from firewright.workflows.requests.log_rows import visible

ROUTER = APIRouter(prefix="/api/v1", tags=["log"])


class LogBody(BaseModel):
    """One page of the log."""

    rows: list[dict[str, Any]]
    next: str | None


class HeadBody(BaseModel):
    """The log's end, signed (Ed25519), to be kept where nobody of here can write."""

    number: int
    digest: str
    at: str
    key: str
    signature: str
    public: str


class VerdictBody(BaseModel):
    """Whether the log is as it was written."""

    is_intact: bool
    message: str
    rows: int
    covered: int


@ROUTER.get("/log", response_model=LogBody, responses=problems(), summary="Rows of the audit log, the newest first")
def rows(
    request: Request,
    actor: Viewer,
    who: Annotated[str, Query(max_length=200)] = "",
    act: Annotated[str, Query(max_length=100)] = "",
    about: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
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
    """Keep it elsewhere: against it a cut tail and rows made anew show."""
    state = running(request).settings.state_folder
    signed = sign_head(store_of(request), state, request.state.now)
    return sent(Answer({**asdict(signed), "public": public_key(state)}))


@ROUTER.get("/log/verify", response_model=VerdictBody, responses=problems(), summary="Is the log whole?")
def verify(request: Request, actor: Viewer) -> Response:
    """Hold every row against the one before and against every head that was signed here."""
    found = check_log(store_of(request), running(request).settings.state_folder)
    return sent(Answer(log_verdict_tree(verdict_of(found))))
