"""The index of words by which requests are searched: every word of a search has to begin a word of the request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import normalize

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, select

from firewright.store.columns import fit
from firewright.store.tables import REQUESTS, WORDS

_LONGEST = 64
"""Characters of a word that are looked at."""
_MOST = 500
"""Words of one request that can be found."""
_RARE = 2000
"""Up to how many requests a word is taken for rare: then the index of words is walked, else that of requests."""
_ASKED = 8
"""Words of a search that count."""


def remember(c: Connection, number: int, texts: Iterable[str]) -> None:
    """Let a request be found by the words of these texts."""
    rows = [{"word": word, "number": number} for word in _words(texts)]
    if rows:
        c.execute(insert(WORDS), rows)


def forget(c: Connection, number: int) -> None:
    """Let a request be found by no words."""
    c.execute(delete(WORDS).where(WORDS.c.number == number))


def conditions(c: Connection, text: str) -> tuple[list[ColumnElement[bool]], bool]:
    """That every word of a search begins a word of the request, and whether few requests are left to look at.

    Case, the accents' form and the order of the words do not matter. A text without letters and digits finds nothing; an empty
    one is no condition. Raises UnfitText.
    """
    if not text.strip():
        return [], False
    asked = list(dict.fromkeys(word for part in fit(text).split() if (word := _folded(part))))[:_ASKED]
    if not asked:
        return [REQUESTS.c.number < 0], True
    begun = [_begins(c, word) for word in asked]
    return [condition for condition, _ in begun], any(is_rare for _, is_rare in begun)


def _begins(c: Connection, word: str) -> tuple[ColumnElement[bool], bool]:
    span = and_(WORDS.c.word >= word, WORDS.c.word < f"{word}\U0010ffff")
    some = select(WORDS.c.number).where(span).limit(_RARE).subquery()
    if c.execute(select(func.count()).select_from(some)).scalar_one() < _RARE:
        return REQUESTS.c.number.in_(select(WORDS.c.number).where(span)), True
    return exists().where(WORDS.c.number == REQUESTS.c.number, span), False


def _words(texts: Iterable[str]) -> list[str]:
    """The words of texts, sorted, without repetition: what stands between blanks, and the parts of it between signs."""
    kept: dict[str, None] = {}
    for text in texts:
        for part in text.split():
            whole = _folded(part)
            kept.update(dict.fromkeys(piece for piece in (whole, *re.split(r"[\W_]+", whole)) if piece))
            if len(kept) >= _MOST:
                return sorted(kept)[:_MOST]
    return sorted(kept)


def _folded(part: str) -> str:
    """A word as it is compared: without case, without signs at its ends, cut."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", normalize("NFKC", part).casefold())[:_LONGEST]
