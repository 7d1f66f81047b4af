"""The kinds of columns: each keeps the same value in SQLite as in PostgreSQL, and refuses what one of them would not take.

Text is compared by code points in both (collation C in PostgreSQL, BINARY in SQLite), so both sort alike. An instant is kept as
text of one width in UTC, which sorts by time, is the same in both, and can be read by a person with a database client.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeDecorator, TypeEngine

from firewright.store.errors import UnfitText

FIELD = 100_000
"""How many bytes (UTF-8) one text of a person may have."""
DOCUMENT = 4_000_000
"""How many bytes a text of the program's own may have: a stored answer, a picture of what is open."""


def fit(text: str, limit: int = FIELD) -> str:
    """The text itself, if both databases keep it as it is.

    Raises UnfitText for a NUL (PostgreSQL's text cannot hold it), for a lone surrogate (no UTF-8 says it), and beyond `limit` bytes.
    """
    if "\0" in text:
        raise UnfitText("the text holds a NUL character", "leave out the character with the code 0")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UnfitText("the text holds half of a character", "send it as valid UTF-8") from None
    if size > limit:
        raise UnfitText(f"the text is too long: {size:,} bytes, and {limit:,} are taken", "shorten it")
    return text


def instant(text: str) -> datetime:
    """The instant that a column holds, aware, in UTC; ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return moment.astimezone(UTC)


def written(moment: datetime) -> str:
    """An instant as columns hold it: `2026-11-21T18:30:00.000000Z`; ValueError if it is not aware."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class _Kept(TypeDecorator[Any]):
    """Text, in the order of code points."""

    impl = Text
    cache_ok = True

    def __init__(self, limit: int = FIELD) -> None:
        super().__init__()
        self.limit = limit

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return TEXT(collation="C") if dialect.name == "postgresql" else Text()


class Plain(_Kept):
    """A text of at most `limit` bytes."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text, if it is fit."""
        return None if value is None else fit(str(value), self.limit)


class Instant(_Kept):
    """An aware instant, to the microsecond."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """The instant as text of one width."""
        return None if value is None else written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """The instant, aware, in UTC."""
        return None if value is None else instant(value)


class Items(_Kept):
    """Texts in their order, as a JSON list."""

    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> str | None:
        """The list, each text of it fit."""
        return None if value is None else fit(_json([fit(str(one), self.limit) for one in value]), self.limit)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """The texts."""
        return None if value is None else tuple(json.loads(value))


class Pairs(_Kept):
    """Texts by name, as a JSON object whose names are sorted."""

    cache_ok = True

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str | None:
        """The object, each name and text of it fit."""
        if value is None:
            return None
        pairs = {fit(str(name), self.limit): fit(str(text), self.limit) for name, text in sorted(value.items())}
        return fit(_json(pairs), self.limit)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, str] | None:
        """The texts by name."""
        return None if value is None else dict(json.loads(value))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
