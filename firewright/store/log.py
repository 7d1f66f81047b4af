"""The log of acts: rows are added at its end and never changed, and each holds the hash of the one before.

A row's digest is the SHA-256 of these parts, each preceded by its length in bytes (8 bytes, big-endian): the label
`firewright-log-1`, number, previous digest, who, act, about, origin, way, because, at (`2026-11-21T18:30:00.000000Z`), then name and
text of each detail, sorted by name. Numbers are decimal, texts UTF-8. `heads` checks it without this code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, insert, literal, or_, select
from sqlalchemy import Row as Fetched

from firewright.model.account import Actor, Role
from firewright.store.columns import fit, instant, written
from firewright.store.errors import DamagedRow
from firewright.store.found import gathered
from firewright.store.tables import LOG, REQUESTS

LABEL = "firewright-log-1"
START = "0" * 64
"""What the first row has in place of the digest before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done: by whom, what, to what, from where, by which way (`web`, `api`, `cli`, `agent`), why, and when (aware)."""

    who: str
    act: str
    about: str
    origin: str
    way: str
    because: str
    details: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in its place: its number from 1, the digest of the row before, and its own."""

    number: int
    entry: Entry
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: the last row's number and digest; 0 and `START` while it is empty."""

    number: int = 0
    digest: str = field(default=START)


def append(c: Connection, entry: Entry) -> Row:
    """Put an entry at the end, in the transaction of the act that it tells of; its row.

    `c` comes from `Store.writing()`, which lets one append at a time. Raises UnfitText, and ValueError for a time without zone.
    """
    last = head(c)
    number = last.number + 1
    texts = {name: fit(str(getattr(entry, name))) for name in ("who", "act", "about", "origin", "way", "because")}
    details = {fit(name): fit(text) for name, text in sorted(entry.details.items())}
    at = written(entry.at)
    parts = [LABEL, str(number), last.digest, *texts.values(), at]
    digest = _digest([*parts, *(part for pair in details.items() for part in pair)])
    kept = json.dumps(details, ensure_ascii=False, separators=(",", ":"))
    c.execute(insert(LOG).values(number=number, previous=last.digest, digest=digest, at=at, details=kept, **texts))
    return Row(number, Entry(details=details, at=instant(at), **texts), last.digest, digest)


def head(c: Connection) -> Head:
    """Where the log ends now."""
    row = c.execute(select(LOG.c.number, LOG.c.digest).order_by(LOG.c.number.desc()).limit(1)).first()
    return Head(row.number, row.digest) if row else Head()


def rows(
    c: Connection,
    *,
    after: int = 0,
    limit: int = 100,
    who: str = "",
    act: str = "",
    about: str = "",
    text: str = "",
    newest: bool = False,
    seen_by: Actor | None = None,
) -> tuple[Row, ...]:
    """Rows by number, oldest first (or newest), at most `limit` (1 to 1,000) of those beyond `after`; empty filters let all pass.

    `text` occurs in a row's person, act, subject, reason or details, in whatever case its ASCII letters are. `seen_by` leaves out
    what somebody may not see: all but their own acts and those on requests that `requests.listed` shows them. Raises DamagedRow.
    """
    wanted = [column == value for column, value in ((LOG.c.who, who), (LOG.c.act, act), (LOG.c.about, about)) if value]
    if seen_by is not None and not seen_by.is_everywhere(Role.VIEWER):
        subjects = select(literal("request ") + cast(REQUESTS.c.number, Text)).where(*gathered(seen_by))
        own = [] if seen_by.is_narrowed else [LOG.c.who == seen_by.account]
        wanted.append(or_(LOG.c.about.in_(subjects), *own))
    if text:
        wanted.append(_holds(text))
    if after:
        wanted.append(LOG.c.number < after if newest else LOG.c.number > after)
    order = LOG.c.number.desc() if newest else LOG.c.number
    query = select(LOG).where(*wanted).order_by(order).limit(max(1, min(limit, 1000)))
    return tuple(_row(found) for found in c.execute(query))


def stream(c: Connection, after: int = 0) -> Iterator[Row]:
    """All rows beyond a number, in order, some thousand in memory at a time. Raises DamagedRow at one that cannot be read."""
    query = select(LOG).where(LOG.c.number > after).order_by(LOG.c.number)
    for found in c.execution_options(yield_per=2000).execute(query):
        yield _row(found)


def _holds(text: str) -> ColumnElement[bool]:
    columns = (LOG.c.who, LOG.c.act, LOG.c.about, LOG.c.because, LOG.c.details)
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _row(found: Fetched[Any]) -> Row:
    """A row of the table; DamagedRow where its details or its time are none, for `append` writes no such row."""
    try:
        details = json.loads(found.details)
        texts = (
            found.who,
            found.act,
            found.about,
            found.origin,
            found.way,
            found.because,
            found.previous,
            found.digest,
        )
        if not all(isinstance(one, str) for one in (*texts, *details.values())):
            raise TypeError
        entry = Entry(*texts[:6], details, instant(found.at))
    except (TypeError, ValueError, AttributeError):
        raise DamagedRow(found.number, "a field is not what was written") from None
    return Row(found.number, entry, found.previous, found.digest)


def _digest(parts: list[str]) -> str:
    whole = sha256()
    for part in parts:
        data = part.encode()
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()
