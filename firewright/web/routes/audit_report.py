"""The audit report: everything that is wrong with the policies or worth a look, filtered, and as files for other tools."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.model.account import Actor, Grant, Role
from firewright.reports import Findings
from firewright.web.access import Viewer
from firewright.web.estate import SETTLED, estate_of, memo
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.problem import Problem
from firewright.web.routes._seen import address, attachment, policies_seen, shown, turned
from firewright.web.views import findings as view
from firewright.web.views.listing import holding, leaf_of

ROUTER = APIRouter(dependencies=SETTLED)
NAV = Nav(90, "Audit", "/audit")
_Word = Annotated[str, Query(max_length=200)]
DEAR = ("findings", view.check_estate)
"""What takes long to reckon here, under its key."""
_SEVERITIES = ("error", "warning", "note")


@ROUTER.get("/audit")
def audit(
    request: Request,
    actor: Viewer,
    severity: _Word = "",
    policy: _Word = "",
    name: _Word = "",
    q: _Word = "",
    page_: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The findings that somebody may see, errors first; as SARIF, JUnit, Markdown, JSON or CSV if that is asked for."""
    findings, rows = findings_of(request, actor), rows_of(request, actor)
    kept = holding(view.chosen(rows, severity, policy, name), q, lambda one: one.text)
    if format:
        return _file(findings, rows, kept, format)
    leaf = leaf_of(kept, page_, len(rows))
    fields: dict[str, Any] = {"severity": severity, "policy": policy, "name": name, "q": q}
    before, after = turned(leaf, "/audit", **fields)
    files = {one: address("/audit", **fields, format=one) for one in (*view.FORMATS, "csv")}
    counts = {one: sum(row.severity == one for row in rows) for one in _SEVERITIES}
    return page(
        request, "audit.html", title="Audit", leaf=leaf, before=before, after=after, files=files, counts=counts,
        names=tuple(sorted({row.name for row in rows})), is_readable=findings.is_readable,
        policies=tuple(one.name for one in policies_seen(estate_of(request), actor)), looked=findings.audits,
        pages=findings.pages, sees_all=actor.is_everywhere(Role.VIEWER), **fields,
    )  # fmt: skip


def findings_of(request: Request, actor: Actor) -> Findings:
    """The findings that somebody may see."""
    every, estate = memo(request, *DEAR, ahead=True), estate_of(request)
    return shown(request, ("findings", _key(actor)), lambda: view.seen(every, estate, actor))


def rows_of(request: Request, actor: Actor) -> tuple[view.Found, ...]:
    """The same as rows, errors first."""
    found, estate = findings_of(request, actor), estate_of(request)
    return shown(request, ("rows of findings", _key(actor)), lambda: view.listed(found, estate))


def _key(actor: Actor) -> tuple[Grant, ...] | None:
    """What tells apart those who see other findings."""
    return None if actor.is_everywhere(Role.VIEWER) else tuple(sorted(actor.grants))


def _file(findings: Findings, rows: tuple[view.Found, ...], kept: tuple[view.Found, ...], format_: str) -> Response:
    if format_ == "csv":
        return csv_of("findings", view.CSV_HEAD, view.csv_rows(kept))
    if format_ not in view.FORMATS:
        raise Problem(
            404, "no-such-format", "findings are not to be had as that", f"there are: {', '.join(view.FORMATS)}, csv"
        )
    media, ending = view.FORMATS[format_]
    text = view.written(view.narrowed(findings, rows, kept), format_)
    return Response(text, media_type=f"{media}; charset=utf-8", headers=attachment(f"findings.{ending}"))
