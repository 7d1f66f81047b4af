"""The few pieces of Markdown that generated pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable

NOTICE = "<!-- Written by `python -m tools.docs`; do not edit. -->"


def page(title: str, *parts: str) -> str:
    """A page: the notice, its title, its parts with an empty line between each."""
    return "\n\n".join((NOTICE, f"# {title}", *(part.strip("\n") for part in parts if part.strip()))) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; bars inside cells are escaped."""
    heading = list(head)
    lines = [_row(heading), "|" + "---|" * len(heading), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def sentences(text: str) -> str:
    """Prose with a line for each sentence, paragraphs kept, double backquotes and the like left alone."""
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n\n".join(re.sub(r"(?<=[.?]) (?=[A-Z`])", "\n", part) for part in paragraphs)


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")
