"""Rows of the audit log, as far as somebody may see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from firewright.model.account import Actor, Role
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


def shown_to(actor: Actor, row: Row) -> LogRow:
    """A row as somebody may read it: from where others came is for those who run things, operators and admins of everything."""
    is_told = row.entry.who == actor.account or any(map(actor.is_everywhere, (Role.OPERATOR, Role.ADMIN)))
    return row_of(row) if is_told else replace(row_of(row), origin="")


def visible(
    desk: Desk, *, who: str = "", act: str = "", about: str = "", text: str = "", after: int = 0, most: int = 100
) -> list[LogRow]:
    """Rows that the actor may see, the newest first: all of them, or their own and those about requests that they see."""
    found: list[LogRow] = []
    known: dict[str, bool] = {}
    while len(found) < most:
        some = log.rows(
            desk.connection, after=after, limit=min(1000, 2 * most), who=who, act=act, about=about, text=text, newest=True,
            seen_by=desk.actor,
        )  # fmt: skip
        _look_up(desk, some, known)
        found += [shown_to(desk.actor, one) for one in some if _is_seen(desk, one, known)]
        if len(some) < min(1000, 2 * most):
            break
        after = some[-1].number
    return found[:most]


def _look_up(desk: Desk, rows: Iterable[Row], known: dict[str, bool]) -> None:
    """Whether the actor sees what these rows are about, read at once."""
    abouts = {row.entry.about for row in rows} - known.keys()
    numbers = {about: int(number) for about in abouts if (number := about.removeprefix("request ")).isdecimal()}
    found = requests.several(desk.connection, set(numbers.values()))
    for about in abouts:
        request = found.get(numbers.get(about, 0))
        known[about] = request is not None and is_visible(desk.estate, desk.actor, request)


def _is_seen(desk: Desk, row: Row, known: Mapping[str, bool]) -> bool:
    actor = desk.actor
    is_own = row.entry.who == actor.account and not actor.is_narrowed
    return actor.is_everywhere(Role.VIEWER) or is_own or known[row.entry.about]
