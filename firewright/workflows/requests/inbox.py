"""Lists of requests that somebody may see: their own, those that wait for them, and all; and one request whole."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from firewright.model.request import Request, State
from firewright.reports import LogRow, RequestList, RequestShown
from firewright.store import log, requests
from firewright.workflows.requests.acting import Desk, find, may_be_decided_by, standing_reason, still_lacking
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.log_rows import row_of
from firewright.workflows.requests.refused import Refused

_AT_ONCE = 200
_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of requests is narrowed to; `box` is `mine`, `waiting` (for whoever looks), or all."""

    box: str = ""
    state: str = ""
    policy: str = ""
    text: str = ""
    after: int = 0

    def query(self, **changes: object) -> str:
        """The same as the query of an address, with changes; empty values are left out."""
        values = {"box": self.box, "state": self.state, "policy": self.policy, "q": self.text, "after": self.after}
        return urlencode({key: value for key, value in {**values, **changes}.items() if value})


def listing(desk: Desk, filters: Filters, limit: int = 50) -> RequestList:
    """The requests that somebody may see and looks for, the newest first. Raises ValueError for a state that there is not."""
    states = (State(filters.state),) if filters.state else ()
    author = ""
    if filters.box == "mine":
        author = desk.actor.account
    if filters.box == "waiting":
        states = (State.SUBMITTED,)
    policies = (filters.policy,) if filters.policy else ()
    found: list[Request] = []
    after = filters.after
    while len(found) <= limit:
        page = requests.listed(
            desk.connection, states=states, policies=policies, author=author, text=filters.text, after=after,
            limit=_AT_ONCE, seen_by=desk.actor,
        )  # fmt: skip
        found += [one for one in page if filters.box != "waiting" or may_be_decided_by(desk, one)]
        if len(page) < _AT_ONCE:
            break
        after = page[-1].number
    kept = tuple(found[:limit])
    return RequestList(kept, len(found) > limit)


def waiting(desk: Desk) -> int:
    """How many requests wait for whoever looks, 100 at most."""
    return len(listing(desk, Filters("waiting"), limit=100).requests)


def whole(desk: Desk, number: int) -> RequestShown:
    """One request that somebody may see, with what it would mean now and its history. Raises Refused."""
    found = find(desk, number)
    checked = None
    if not found.state.is_final:
        try:
            checked = check_wish(desk.estate, found.wish, desk.now, number)
        except Refused:
            checked = None
    lacks = still_lacking(desk, found) if found.state is State.SUBMITTED else ()
    against = standing_reason(desk, found) if found.state.has_exception else ""
    return RequestShown(found, checked, lacks, against, history(desk, number))


def history(desk: Desk, number: int) -> tuple[LogRow, ...]:
    """The rows of the log about a request, oldest first."""
    return tuple(map(row_of, log.rows(desk.connection, about=f"request {number}", limit=_MOST_ROWS)))
