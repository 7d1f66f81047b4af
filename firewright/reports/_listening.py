"""A listing of sockets as it is understood: as text, as Markdown and as a tree; every line counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._findings_text import several
from firewright.reports._lines import cut
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import place_tree
from firewright.source import Span

_STATES = ("understood", "bounded", "not listening", "refused")


@dataclass(frozen=True, slots=True)
class ListedSocket:
    """A line of a listing in words: `surely` are what it takes packets of in any case, `possibly` what it may beside them."""

    text: str
    at: Span
    state: str
    surely: tuple[str, ...] = ()
    possibly: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    why: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class ListingReading:
    """A listing of sockets as it is understood; `has_rows` is whether the lines that are wholly understood are shown too."""

    path: str
    title: str
    sockets: tuple[ListedSocket, ...]
    has_rows: bool = True

    def count(self, state: str) -> int:
        """How many lines are of a state."""
        return sum(one.state == state for one in self.sockets)

    @property
    def shown(self) -> tuple[ListedSocket, ...]:
        """The lines that are to be shown: none that does not listen."""
        hidden = ("not listening",) if self.has_rows else ("not listening", "understood")
        return tuple(one for one in self.sockets if one.state not in hidden)


def listing_text(reading: ListingReading, look: Look) -> str:
    """The counts, and every socket that listens or is not understood."""
    paint = Paint(look.is_coloured)
    lines = [f"{paint('title', harmless(reading.path))}: {_counts(reading)}"]
    width = max((len(str(one.at.line)) for one in reading.shown), default=1)
    for one in reading.shown:
        text = harmless(_said(one) or one.text)
        lines.append(f"  {one.at.line:>{width}}  {cut(text, look.width - width - 4) if look.is_cut else text}")
        if one.why:
            lines.append(f"{' ' * (width + 6)}{paint('asked', harmless(_why(one), 1000))}")
    return "\n".join(lines) + "\n"


def _counts(reading: ListingReading) -> str:
    """`9 sockets of ss = 7 understood + 1 bounded + 0 not listening + 1 refused`."""
    counts = " + ".join(f"{reading.count(state):,} {state}" for state in _STATES)
    return f"{several(len(reading.sockets), 'socket')} of {harmless(reading.title)} = {counts}"


def _said(one: ListedSocket) -> str:
    words = [*one.surely, *(f"possibly {word}" for word in one.possibly)]
    by = f"  {', '.join(one.programs)}" if one.programs else ""
    return f"{', '.join(words)}{by}" if words else ""


def _why(one: ListedSocket) -> str:
    return f"{one.state}: {one.why}{f'; {one.help}' if one.help else ''}"


def listing_markdown(reading: ListingReading, look: Look) -> str:
    """The counts, and a table of the sockets."""
    return "\n".join(_markdown(reading)).rstrip() + "\n"


def _markdown(reading: ListingReading) -> Iterator[str]:
    yield from (f"## {plain(reading.path)}", "", f"{plain(_counts(reading))}.", "")
    rows = (
        (
            str(one.at.line),
            "<br>".join((*map(code, one.surely), *(f"possibly {code(word)}" for word in one.possibly)))
            or code(one.text),
            plain(", ".join(one.programs)),
            plain(_why(one)) if one.why else plain(one.state),
        )
        for one in reading.shown
    )
    yield from table(("line", "takes packets of", "programs", "state"), rows)


def listing_tree(reading: ListingReading) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "listing",
        "file": reading.path,
        "program": reading.title,
        "counts": {state.replace(" ", "_"): reading.count(state) for state in _STATES},
        "sockets": [
            {
                "at": place_tree(one.at),
                "text": one.text,
                "state": one.state.replace(" ", "_"),
                "surely": list(one.surely),
                "possibly": list(one.possibly),
                "programs": list(one.programs),
                "why": one.why,
                "help": one.help,
            }
            for one in reading.shown
        ],
    }
