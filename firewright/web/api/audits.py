"""The audit report over the API: everything that is wrong with the policies or worth a look, and as files for other tools."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Request
from fastapi.responses import Response

from firewright.model.account import Actor
from firewright.reports import Findings
from firewright.web.access import Viewer
from firewright.web.api._answers import (
    After,
    Answer,
    IfNoneMatch,
    Limit,
    PolicyFilter,
    Responses,
    Words,
    page_of,
    reading,
    reckoned,
)
from firewright.web.api._route import router
from firewright.web.api._shapes import FindingsBody, FindingsTold
from firewright.web.estate import SETTLED
from firewright.web.routes.audit_report import findings_of, rows_of
from firewright.web.views import findings as view
from firewright.web.views.listing import holding

ROUTER = router("audit")
ROUTER.dependencies += SETTLED
SeverityFilter = Annotated[
    Literal["", "error", "warning", "note"], Query(description="Only of this severity.", examples=["error"])
]
NameFilter = Annotated[str, Query(max_length=200, description="Only of this kind.", examples=["shadowed-rule"])]
Rows = tuple[view.Found, ...]


@ROUTER.get("/audit", response_model=FindingsBody, responses=reading(), summary="What is wrong with the policies")
def findings(
    request: Request,
    actor: Viewer,
    severity: SeverityFilter = "",
    policy: PolicyFilter = "",
    name: NameFilter = "",
    q: Words = "",
    after: After = 0,
    limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The findings that you may see, errors first."""

    def make() -> Answer:
        found, _, kept = _chosen(request, actor, severity, policy, name, q)
        tree = FindingsTold.tree
        return page_of(request, "findings", kept, after, limit, tree, is_readable=found.is_readable)

    return reckoned(request, actor, if_none_match, make)


_FILES: Responses = {
    200: {
        "description": "The findings as a file",
        "content": {media: {"schema": {}} for media, _ in view.FORMATS.values()},
    }
}


@ROUTER.get(
    "/audit.{format}", response_class=Response, responses={**_FILES, **reading(404)}, summary="The same for other tools"
)
def report(
    request: Request,
    actor: Viewer,
    format: Annotated[Literal["sarif", "junit", "markdown", "json"], Path(examples=["sarif"])],
    severity: SeverityFilter = "",
    policy: PolicyFilter = "",
    name: NameFilter = "",
    q: Words = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """As `firewright check --format` writes them."""

    def make() -> Response:
        found, rows, kept = _chosen(request, actor, severity, policy, name, q)
        media, _ = view.FORMATS[format]
        return Response(view.written(view.narrowed(found, rows, kept), format), media_type=media)

    return reckoned(request, actor, if_none_match, make)


def _chosen(
    request: Request, actor: Actor, severity: str, policy: str, name: str, q: str
) -> tuple[Findings, Rows, Rows]:
    found, rows = findings_of(request, actor), rows_of(request, actor)
    return found, rows, holding(view.chosen(rows, severity, policy, name), q, lambda one: one.text)
