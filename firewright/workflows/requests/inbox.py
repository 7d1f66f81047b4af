"""Lists of requests that somebody may see: their own, those that wait for them, and all; and one request whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import pairwise
from urllib.parse import urlencode

from firewright.model.account import Role
from firewright.model.approval_rules import DAY
from firewright.model.request import Request, State, Wish
from firewright.reports import Edit, LogRow, RequestList, RequestShown
from firewright.store import log, requests
from firewright.workflows.requests.acting import Desk, find, is_visible
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.deciding import shown_check
from firewright.workflows.requests.growth import last_look
from firewright.workflows.requests.in_force import may_be_decided_by, standing_reason, still_lacking
from firewright.workflows.requests.log_rows import shown_to
from firewright.workflows.requests.refused import Refused

_AT_ONCE, _MOST_AT_ONCE = 200, 1000
_DECIDED = tuple(one for one in State if one not in (State.DRAFT, State.SUBMITTED))
_RUNNING = (State.IMPLEMENTED, State.VERIFIED)
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
    again: list[Request] = []
    if filters.box == "waiting":
        if not any(desk.actor.touches(Role.APPROVER, name) for name in desk.estate.policies):
            return RequestList((), False)
        again, states = _to_look_at_again(desk, filters), (State.SUBMITTED,)
    # those that wait are picked from what is read: so many more are read at once
    at_once = _AT_ONCE if filters.box == "waiting" else min(limit + 1, _MOST_AT_ONCE)
    policies = (filters.policy,) if filters.policy else ()
    found: list[Request] = []
    after = filters.after
    while len(found) <= limit:
        page = requests.listed(
            desk.connection, states=states, policies=policies, author=author, text=filters.text, after=after,
            limit=at_once, seen_by=desk.actor,
        )  # fmt: skip
        found += [one for one in page if filters.box != "waiting" or may_be_decided_by(desk, one)]
        if len(page) < at_once:
            break
        after = page[-1].number
    found = sorted([*found, *again], key=lambda one: -one.number)
    return RequestList(tuple(found[:limit]), len(found) > limit)


def _to_look_at_again(desk: Desk, filters: Filters) -> list[Request]:
    """What was decided and waits for somebody: opened without asking and not looked at, or due to be confirmed."""
    today = desk.now.date().isoformat()
    found = []
    soon = (desk.now + timedelta(seconds=desk.estate.rules.glass_review + DAY)).date().isoformat()
    due = requests.numbers_due(desk.connection, states=_DECIDED, review=soon)
    for number, one in requests.several(desk.connection, due).items():
        if filters.after and number >= filters.after:
            continue
        waits = (one.is_break_glass and not one.is_reviewed) or (one.state in _RUNNING and one.review <= today)
        fits = filters.policy in ("", one.wish.policy) and filters.text.casefold() in _words(one).casefold()
        if waits and fits and is_visible(desk.estate, desk.actor, one) and may_be_decided_by(desk, one):
            found.append(one)
    return found


def _words(one: Request) -> str:
    wish = one.wish
    return " ".join((str(one.number), one.author, wish.because, wish.owner, wish.ticket, *wish.services))


def waiting(desk: Desk) -> int:
    """How many requests wait for whoever looks, 100 at most."""
    return len(listing(desk, Filters("waiting"), limit=100).requests)


def whole(desk: Desk, number: int) -> RequestShown:
    """One request that somebody may see, with what it would mean now and its history. Raises Refused."""
    found = find(desk, number)
    checked = None
    if not found.state.is_final:
        try:
            checked = shown_check(desk, check_wish(desk.estate, found.wish, desk.now, number), number, found.author)
        except Refused:
            checked = None
    lacks = still_lacking(desk, found) if found.state is State.SUBMITTED else ()
    against, grown = held(desk, found)
    return RequestShown(found, checked, lacks, against, history(desk, number), edits(desk, found), grown)


def held(desk: Desk, request: Request) -> tuple[str, str | None]:
    """Why what was approved may not be applied, and why it means more by now, as was found last; empty if it may, and does not.

    The second is None where nobody has looked yet whether it does.
    """
    if not request.state.has_exception:
        return "", ""
    look = last_look(desk.connection)
    grown = look.why(desk, request)
    against = standing_reason(desk, request)
    return against or (grown if grown and look.is_refused(request) else ""), grown


def history(desk: Desk, number: int) -> tuple[LogRow, ...]:
    """The rows of the log about a request, oldest first."""
    rows = log.rows(desk.connection, about=f"request {number}", limit=_MOST_ROWS)
    return tuple(shown_to(desk.actor, row) for row in rows)


def edits(desk: Desk, request: Request) -> tuple[Edit, ...]:
    """What each edit of a request changed, for its author and for who sees its policy whole: a zone that was named once may be others'."""
    is_own = desk.actor.account == request.author and not desk.actor.is_narrowed
    if request.revision < 2 or not (is_own or desk.actor.is_allowed(Role.VIEWER, request.wish.policy)):
        return ()
    known = requests.revisions(desk.connection, request.number)
    found = (
        Edit(after.revision, after.at.isoformat(timespec="seconds"), tuple(_differing(before.wish, after.wish)))
        for before, after in pairwise(known)
    )
    return tuple(one for one in found if one.changes)


def _differing(before: Wish, after: Wish) -> Iterator[tuple[str, str, str]]:
    for field in fields(Wish):
        was, now = (_said(getattr(wish, field.name)) for wish in (before, after))
        if was != now:
            yield field.name, was, now


def _said(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)
