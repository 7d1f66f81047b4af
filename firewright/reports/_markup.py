"""Markdown that stays what it is meant to be, whatever a text holds: plain text, code, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from firewright.diagnostic import harmless

_ACTIVE = re.compile(r"([\\`*_\[\]<>|#~!&])")


def plain(text: str, limit: int = 2000) -> str:
    """A text that means nothing to Markdown, in one line."""
    return _ACTIVE.sub(r"\\\1", harmless(text, limit))


def code(text: str) -> str:
    """A text as code, in a cell of a table too: whatever it holds, it stays inside."""
    shown = harmless(text, 2000).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table; cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
