"""Exceptions: what is open for a time, when each ends, which wait to be confirmed; as a list and as a calendar."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.reports import Standing
from firewright.store import requests
from firewright.web.access import Viewer
from firewright.web.desk import looking
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.views.standing import KINDS, fits, is_of, standing_for, ungoverned
from firewright.workflows.requests.acting import Desk, may_reopen

ROUTER = APIRouter()
NAV = Nav(70, "Exceptions", "/exceptions")
_PAGE = 100
_COLUMNS = (
    "policy", "rule", "flows", "services", "until", "owner", "because", "ticket", "request", "review", "file", "unapproved",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar, and what ends on it; days of the neighbouring months fill the weeks."""

    day: date
    is_inside: bool
    is_today: bool
    ends: tuple[Standing, ...]


@ROUTER.get("/exceptions")
def exceptions(
    request: Request,
    actor: Viewer,
    month: Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2})?$")] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    show: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The exceptions that somebody may see, the one that ends first at the head, with the month's ends."""
    with looking(request, actor) as desk:
        every = standing_for(desk)
        gone = ungoverned(desk.connection, desk.estate, actor)
        again = _again(desk, every)
    found = [one for one in every if fits(one, q, show)]
    if format == "csv":
        return csv_of("exceptions", _COLUMNS, [_row(one) for one in found])
    today = request.state.now.date()
    shown = _month(month) or today.replace(day=1)
    counts = {kind: sum(is_of(one, kind) for one in every) for kind in KINDS}
    return page(
        request, "exceptions.html", title="Exceptions", found=found[after : after + _PAGE], total=len(found),
        every=len(every), counts=counts, weeks=_weeks(shown, today, every), month=shown, q=q, show=show, after=after,
        step=_PAGE, gone=gone, again=again,
        not_looked=sum(one.grown is None for one in every), before=_shifted(shown, -1), behind=_shifted(shown, 1), days=_DAYS,
    )  # fmt: skip


def _again(desk: Desk, every: Sequence[Standing]) -> frozenset[int]:
    """The requests that mean more and that whoever looks may have decided again."""
    grown = requests.several(desk.connection, {one.number for one in every if one.grown})
    return frozenset(number for number, one in grown.items() if may_reopen(desk, one))


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _row(one: Standing) -> tuple[str, ...]:
    number = str(one.number) if one.number else ""
    return (
        one.policy, one.rule, one.flows, one.services, one.until, one.owner, one.because, one.ticket, number, one.review,
        one.path, one.unapproved,
    )  # fmt: skip


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if text else None
    except ValueError:
        return None


def _shifted(month: date, by: int) -> str:
    """Another month, as an address says it; empty beyond the years that there are."""
    index = month.year * 12 + month.month - 1 + by
    year, number = divmod(index, 12)
    return f"{year:04d}-{number + 1:02d}" if date.min.year <= year <= date.max.year else ""


def _weeks(month: date, today: date, every: Sequence[Standing]) -> list[list[Day]]:
    by_day: dict[str, list[Standing]] = {}
    for one in every:
        by_day.setdefault(one.until[:10], []).append(one)
    try:
        weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    except (ValueError, OverflowError):
        return []
    return [
        [Day(day, day.month == month.month, day == today, tuple(by_day.get(day.isoformat(), ()))) for day in week]
        for week in weeks
    ]
