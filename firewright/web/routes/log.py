"""The audit log: who did what, when, from where and why; and whether anybody tampered with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.model.account import Role
from firewright.reports import LogRow
from firewright.store import log
from firewright.web.access import Viewer
from firewright.web.desk import looking
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.running import running, store_of
from firewright.workflows.requests.log_check import check_log
from firewright.workflows.requests.log_rows import visible

ROUTER = APIRouter()
NAV = Nav(110, "Log", "/log")
_PAGE = 100
_MOST_EXPORTED = 50_000
_COLUMNS = ("number", "at", "who", "act", "about", "way", "origin", "because", "details", "digest")


@ROUTER.get("/log")
def rows(
    request: Request,
    actor: Viewer,
    who: Annotated[str, Query(max_length=200)] = "",
    act: Annotated[str, Query(max_length=100)] = "",
    about: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The newest rows that somebody may see, narrowed and page by page, or as CSV."""
    with looking(request, actor) as desk:
        most = _MOST_EXPORTED if format == "csv" else _PAGE + 1
        found = visible(desk, who=who, act=act, about=about, text=q, after=after, most=most)
        head = log.head(desk.connection)
    if format == "csv":
        return csv_of("log", _COLUMNS, [_row(one) for one in found])
    more = found[_PAGE - 1].number if len(found) > _PAGE else 0
    return page(
        request, "log.html", title="Audit log", rows=found[:_PAGE], more=more, head=head, who=who, act=act, about=about,
        q=q, after=after, is_whole=actor.is_everywhere(Role.VIEWER),
    )  # fmt: skip


@ROUTER.get("/log/verify")
def verify(request: Request, actor: Viewer) -> Response:
    """Whether the chain holds and agrees with every head that was signed, and every request is as its rows say."""
    is_whole = actor.is_everywhere(Role.VIEWER)
    verdict = check_log(store_of(request), running(request).settings.state_folder, tells_which=is_whole)
    return page(request, "log_verify.html", title="Is the log whole?", verdict=verdict)


def _row(one: LogRow) -> tuple[str, ...]:
    details = "; ".join(f"{key}: {value}" for key, value in one.details)
    return (
        str(one.number), one.at, one.who, one.act, one.about, one.way, one.origin, one.because, details, one.digest,
    )  # fmt: skip
