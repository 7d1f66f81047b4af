"""Rows of the audit log, as far as somebody may see them."""

from __future__ import annotations

from firewright.model.account import Role
from firewright.reports import LogRow
from firewright.store import log, requests
from firewright.store.log import Row
from firewright.workflows.requests.acting import Desk, is_visible


def row_of(row: Row) -> LogRow:
    """A row as it is shown."""
    entry = row.entry
    return LogRow(
        row.number, entry.at.isoformat(timespec="seconds"), entry.who, entry.act, entry.about, entry.way, entry.origin,
        entry.because, tuple(entry.details.items()), row.digest,
    )  # fmt: skip


def visible(
    desk: Desk, *, who: str = "", act: str = "", about: str = "", text: str = "", after: int = 0, most: int = 100
) -> list[LogRow]:
    """Rows that the actor may see, the newest first: all of them, or their own and those about requests that they see."""
    found: list[LogRow] = []
    known: dict[str, bool] = {}
    while len(found) < most:
        some = log.rows(desk.connection, after=after, limit=1000, who=who, act=act, about=about, text=text, newest=True)
        found += [row_of(one) for one in some if _is_seen(desk, one, known)]
        if len(some) < 1000:
            break
        after = some[-1].number
    return found[:most]


def _is_seen(desk: Desk, row: Row, known: dict[str, bool]) -> bool:
    actor = desk.actor
    if actor.is_everywhere(Role.VIEWER) or row.entry.who == actor.account:
        return True
    about = row.entry.about
    if about not in known:
        kind, _, number = about.partition(" ")
        is_request = kind == "request" and number.isdecimal()
        request = requests.find(desk.connection, int(number)) if is_request else None
        known[about] = request is not None and is_visible(desk.estate, actor, request)
    return known[about]
