"""Requests as they are now, every revision of them, and the lists that people look at.

All functions take a connection of `Store.reading()` or `Store.writing()` first. Nothing here decides whether an act is allowed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, or_, select, update

from firewright.model.account import Actor
from firewright.model.request import Approval, Request, State, Wish, digest_of
from firewright.store import found, words
from firewright.store.columns import fit
from firewright.store.tables import APPROVALS, OPENINGS, REQUESTS, REVISIONS, ZONES

_WISH = tuple(field.name for field in fields(Wish))
_OWN = tuple(
    field.name for field in fields(Request) if field.name not in ("number", "wish", "approvals", "answer", "state")
)
MOST = 2**31 - 1
"""The largest number that a request can have: PostgreSQL's integer."""
T = TypeVar("T")
_LISTS = ("sources", "destinations", "services", "overrides")


@dataclass(frozen=True, slots=True)
class Revision:
    """What a request asked for once: its wish and its exception's file, as they were from `at` on.

    `version` is the request's version that brought it; `digest` the hash that approvals bind to.
    """

    number: int
    revision: int
    version: int
    at: datetime
    wish: Wish
    text: str
    path: str

    @property
    def digest(self) -> str:
        """The hash to which approvals of this revision bind."""
        return digest_of(self.text, self.wish.policy, self.path)


def add(c: Connection, request: Request, zones: Collection[str] = ()) -> Request:
    """Keep a new request, under the next number, which is never used again; the request with it.

    `zones` are the zones that it touches beside those named in its wish: those that its addresses lie in. Raises UnfitText.
    """
    number = (c.execute(select(func.max(REQUESTS.c.number))).scalar() or 0) + 1
    request = replace(request, number=number)
    c.execute(insert(REQUESTS).values(number=number, **_values(request)))
    _keep_approvals(c, request)
    _keep_revision(c, request)
    _keep_zones(c, request, zones)
    words.remember(c, number, _searched(request))
    return request


def find(c: Connection, number: int) -> Request | None:
    """The request with a number; none has one that is larger than any kept."""
    if not 0 < number <= MOST:
        return None
    row = c.execute(select(REQUESTS).where(REQUESTS.c.number == number)).mappings().first()
    return _built(c, [row])[0] if row else None


def several(c: Connection, numbers: Collection[int]) -> dict[int, Request]:
    """The requests with these numbers that are there, by number."""
    return {one.number: one for some in _portions(numbers) for one in _where(c, REQUESTS.c.number.in_(some))}


def of_paths(c: Connection, paths: Collection[str]) -> dict[str, Request]:
    """The requests whose exceptions are these files, by path."""
    return {one.path: one for some in _portions(paths) for one in _where(c, REQUESTS.c.path.in_(some))}


def put(c: Connection, request: Request, version: int, zones: Collection[str] = ()) -> bool:
    """Keep a request as it is now, if the stored one still has this version; whether it had.

    Of several who read the same version exactly one keeps theirs. `request.version` is `version + 1`, else ValueError; what it
    asks for is kept as a revision where it changed. `zones` as for `add`. Raises UnfitText.
    """
    if request.version != version + 1:
        raise ValueError(f"version {version} is followed by {version + 1}, not by {request.version}")
    before = find(c, request.number)
    here = (REQUESTS.c.number == request.number) & (REQUESTS.c.version == version)
    if before is None or c.execute(update(REQUESTS).where(here).values(**_values(request))).rowcount != 1:
        return False
    if request.approvals != before.approvals:
        c.execute(delete(APPROVALS).where(APPROVALS.c.number == request.number))
        _keep_approvals(c, request)
    if _asked(request) != _asked(before):
        _keep_revision(c, request)
    if request.wish != before.wish or zones:
        c.execute(delete(ZONES).where(ZONES.c.number == request.number))
        _keep_zones(c, request, zones)
    if _searched(request) != _searched(before):
        words.forget(c, request.number)
        words.remember(c, request.number, _searched(request))
    return True


def keep_opening(c: Connection, number: int, opens: str) -> None:
    """Keep what a request's exception opened when it was agreed to, in place of what was kept. Raises UnfitText."""
    c.execute(delete(OPENINGS).where(OPENINGS.c.number == number))
    c.execute(insert(OPENINGS).values(number=number, opens=opens))


def openings(c: Connection, numbers: Collection[int]) -> dict[int, str]:
    """What exceptions opened when they were agreed to, by the request's number; those of which it was kept."""
    return {
        row.number: row.opens
        for some in _portions(numbers)
        for row in c.execute(select(OPENINGS).where(OPENINGS.c.number.in_(some)))
    }


def revisions(c: Connection, number: int) -> tuple[Revision, ...]:
    """All that a request ever asked for, oldest first; nothing of it is lost by an edit."""
    rows = c.execute(select(REVISIONS).where(REVISIONS.c.number == number).order_by(REVISIONS.c.version)).mappings()
    return tuple(
        Revision(number, row["revision"], row["version"], row["at"], _wish_of(row["wish"]), row["text"], row["path"])
        for row in rows
    )


def listed(
    c: Connection,
    *,
    states: Collection[State] = (),
    policies: Collection[str] = (),
    author: str = "",
    text: str = "",
    zone: str = "",
    after: int = 0,
    limit: int = 100,
    newest: bool = True,
    seen_by: Actor | None = None,
) -> tuple[Request, ...]:
    """Requests by number, the newest first (or last), at most `limit` (1 to 1,000) of those beyond `after`; empty filters let all pass.

    `text` is words: each has to begin a word of the request (its wish, path, number). `zone` is named in the wish or was given with
    the request. `seen_by` leaves out what somebody may not see: requests of policies and zones of which they hold no role, but for
    their own. One page costs the same wherever it lies: the next begins `after` the last number.
    """
    further, is_few = words.conditions(c, text)
    wanted = found.Wanted(states, policies, author, zone, seen_by)
    limit = max(1, min(limit, 1000))
    if is_few:
        query = found.page(c, found.Wanted(), [*wanted.conditions(), *further], after=after, limit=limit, newest=newest)
    else:
        query = found.page(c, wanted, further, after=after, limit=limit, newest=newest)
    return _built(c, c.execute(query).mappings().all())


def wishes_of(c: Connection, policy: str, states: Collection[State], author: str, owner: str) -> dict[int, Wish]:
    """What requests of a policy in these states ask for, by number: those of an author, and those of an owner in whatever case."""
    here = (REQUESTS.c.policy == policy, REQUESTS.c.state.in_([one.value for one in states]))
    named = owner.casefold()
    # the two databases do not agree on what is lower case beyond ASCII
    rows = c.execute(select(REQUESTS.c.number, REQUESTS.c.author, REQUESTS.c.owner).where(*here))
    theirs = [row.number for row in rows if row.author == author or row.owner.casefold() == named]
    columns = [REQUESTS.c[name] for name in _WISH]
    return {
        row["number"]: Wish(**{name: row[name] for name in _WISH})
        for some in _portions(sorted(theirs))
        for row in c.execute(select(REQUESTS.c.number, *columns).where(REQUESTS.c.number.in_(some))).mappings()
    }


def unreviewed(c: Connection, author: str) -> tuple[int, ...]:
    """The numbers of what somebody opened without asking and nobody else has looked at, ascending."""
    wanted = (REQUESTS.c.author == author, REQUESTS.c.is_break_glass, ~REQUESTS.c.is_reviewed)
    return tuple(c.execute(select(REQUESTS.c.number).where(*wanted).order_by(REQUESTS.c.number)).scalars())


def counts(c: Connection, seen_by: Actor | None = None) -> Mapping[State, int]:
    """How many requests are in each state, zeros too; of those that somebody may see."""
    wanted = found.gathered(seen_by) if seen_by is not None else []
    rows = c.execute(select(REQUESTS.c.state, func.count()).where(*wanted).group_by(REQUESTS.c.state))
    counted = Counter({State(state): number for state, number in rows})
    return {state: counted[state] for state in State}


def numbers_due(
    c: Connection, *, states: Collection[State], until: str = "", review: str = "", after: int = 0, limit: int = 1000
) -> tuple[int, ...]:
    """The numbers, ascending, of requests in these states that may be due: their end or review, as text, is not after those given.

    Both are days or times of day (ISO); a day given stands for all of its times. They are compared as text, for the time zone is
    the policy's: whoever asks gives the latest day that it can be anywhere, and looks at each.
    """
    due: list[ColumnElement[bool]] = []
    if until:
        due.append((REQUESTS.c.until != "") & (REQUESTS.c.until < _end_of(until)))
    if review:
        due.append((REQUESTS.c.review != "") & (REQUESTS.c.review < _end_of(review)))
    if not due:
        return ()
    in_state = REQUESTS.c.state.in_([state.value for state in states])
    query = select(REQUESTS.c.number).where(in_state, or_(*due), REQUESTS.c.number > after)
    return tuple(c.execute(query.order_by(REQUESTS.c.number).limit(limit)).scalars())


def _end_of(moment: str) -> str:
    """What is greater, as text, than the day or time and all that begins with it."""
    return f"{moment}\U0010ffff"


def _values(request: Request) -> dict[str, Any]:
    """A request's columns, but for its number."""
    return {
        **{name: getattr(request.wish, name) for name in _WISH},
        **{name: getattr(request, name) for name in _OWN},
        "state": request.state.value,
        "answer": None if request.answer is None else _wish_text(request.answer),
    }


def _built(c: Connection, rows: Collection[RowMapping]) -> tuple[Request, ...]:
    """Requests of rows, in their order, with their approvals, which are read at once."""
    numbers = [row["number"] for row in rows]
    approvals: dict[int, list[Approval]] = {}
    if numbers:
        query = select(APPROVALS).where(APPROVALS.c.number.in_(numbers))
        for one in c.execute(query.order_by(APPROVALS.c.number, APPROVALS.c.position)):
            approval = Approval(one.account, one.zone, one.digest, one.at, one.because, one.voided)
            approvals.setdefault(one.number, []).append(approval)
    return tuple(
        Request(
            number=row["number"],
            state=State(row["state"]),
            wish=Wish(**{name: row[name] for name in _WISH}),
            approvals=tuple(approvals.get(row["number"], ())),
            answer=None if row["answer"] is None else _wish_of(row["answer"]),
            **{name: row[name] for name in _OWN},
        )
        for row in rows
    )


def _where(c: Connection, wanted: ColumnElement[bool]) -> tuple[Request, ...]:
    return _built(c, c.execute(select(REQUESTS).where(wanted).order_by(REQUESTS.c.number)).mappings().all())


def _portions(values: Collection[T]) -> Iterator[list[T]]:
    """So many values as one statement takes."""
    listed = list(values)
    return (listed[start : start + 500] for start in range(0, len(listed), 500))


def _keep_approvals(c: Connection, request: Request) -> None:
    rows = [
        {"number": request.number, "position": position, **asdict(approval)}
        for position, approval in enumerate(request.approvals)
    ]
    if rows:
        c.execute(insert(APPROVALS), rows)


def _asked(request: Request) -> tuple[object, ...]:
    return request.revision, request.wish, request.text, request.path


def _keep_revision(c: Connection, request: Request) -> None:
    c.execute(
        insert(REVISIONS).values(
            number=request.number,
            version=request.version,
            revision=request.revision,
            at=request.changed,
            wish=_wish_text(request.wish),
            text=request.text,
            path=request.path,
        )
    )


def _keep_zones(c: Connection, request: Request, zones: Collection[str]) -> None:
    named = dict.fromkeys((*request.wish.sources, *request.wish.destinations, *zones))
    rows = [{"policy": request.wish.policy, "zone": zone, "number": request.number} for zone in named]
    if rows:
        c.execute(insert(ZONES), rows)


def _searched(request: Request) -> tuple[str, ...]:
    """The texts that a search looks through."""
    wish = request.wish
    lists = (text for name in _LISTS for text in getattr(wish, name))
    plain = (wish.policy, wish.because, wish.owner, wish.ticket, wish.until)
    return (str(request.number), request.author, request.path, *plain, *lists)


def _wish_text(wish: Wish) -> str:
    """A wish as one text; each of its own is looked at, for JSON would hide a NUL."""
    for name in _WISH:
        for text in getattr(wish, name) if name in _LISTS else (getattr(wish, name),):
            fit(text)
    return json.dumps(asdict(wish), ensure_ascii=False)


def _wish_of(text: str) -> Wish:
    kept: dict[str, Any] = json.loads(text)
    known: dict[str, Any] = {
        name: tuple(kept[name]) if name in _LISTS else kept[name] for name in _WISH if name in kept
    }
    return Wish(**known)
