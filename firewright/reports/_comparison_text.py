"""Comparisons as a person reads them: what opens and what closes, as flows, with one packet and both deciding lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.reports._answers_text import DOES, LEAST_REASON, where, whole, why_words
from firewright.reports._findings_text import several
from firewright.reports._lines import columns, folded, pad
from firewright.reports._paint import Paint, outcome_style
from firewright.reports._result import Comparison, Look

if TYPE_CHECKING:
    from firewright.analysis.ask import Ruling
    from firewright.analysis.compare import Change
    from firewright.analysis.compare import Comparison as Difference

KINDS = (
    ("opens", "what was stopped and is let through now", "open"),
    ("closes", "what was let through and is stopped now", "closed"),
    ("answers", "what was stopped silently and is told so now", "asked"),
    ("hides", "what was told that it is stopped and is not now", "asked"),
)
"""The ways in which a packet notices a change, in the order of their weight."""


def comparison_text(comparison: Comparison, look: Look) -> str:
    """Every difference, under what kind it is; or that there is none, which is proved."""
    found, paint = comparison.found, Paint(look.is_coloured)
    names = f"{harmless(found.before.path)} -> {harmless(found.after.path)}"
    blocks = []
    for kind, says, style in KINDS:
        changes = getattr(found, kind)
        if changes:
            lines = [paint(style, kind) + paint("faint", f"  {says}")]
            for change in changes:
                lines += _change(change, look, paint)
            blocks.append("\n".join(lines))
    if found.promises:
        lines = [
            paint("title", "promises") + paint("faint", "  what people may count on or ask for; no packet notices")
        ]
        for word, change in found.promises:
            lines += _change(change, look, paint, f"{word}: ")
        blocks.append("\n".join(lines))
    if found.settings:
        blocks.append("\n".join([paint("title", "settings"), *(f"  {harmless(one)}" for one in found.settings)]))
    blocks.append(f"{paint('title', names)}: {summary_words(found)}")
    return "\n\n".join(blocks) + "\n"


def summary_words(found: Difference) -> str:
    """The outcome of a comparison in one line."""
    if found.is_equivalent:
        promised = f"; {several(len(found.promises), 'promise')} changed" if found.promises else ""
        return f"equivalent, proved for every packet of IPv4 and IPv6{promised}"
    counts = [(kind, len(getattr(found, kind))) for kind, _, _ in KINDS]
    counts += [("settings", len(found.settings)), ("promises", len(found.promises))]
    return "different: " + ", ".join(f"{number} {kind}" for kind, number in counts if number)


def _change(change: Change, look: Look, paint: Paint, label: str = "") -> Iterator[str]:
    for number, line in enumerate(change.lines):
        words, room = whole(str(line)), look.width - 2 - len(label)
        rows = folded(words, room, room) if look.is_cut else [words]
        head = label if number == 0 else " " * len(label)
        yield f"  {head}{rows[0]}"
        yield from (" " * (4 + len(label)) + row for row in rows[1:])
    rulings = (*change.before, *change.after)
    widths = (
        max((columns(ruling.decision.firewall.name) for ruling in rulings), default=0),
        max((columns(DOES[ruling.decision.outcome]) for ruling in rulings), default=0),
        max((columns(where(ruling)) for ruling in rulings), default=0),
    )
    for side, whose in (("before", change.before), ("after", change.after)):
        if not whose:
            yield f"    {pad(side, 7)} no firewall stands between"
        for number, ruling in enumerate(whose):
            yield from _ruling(side if number == 0 else "", ruling, widths, look, paint)
    yield f"    {pad('example', 7)} {change.witness}"


def _ruling(side: str, ruling: Ruling, widths: tuple[int, int, int], look: Look, paint: Paint) -> Iterator[str]:
    cells = (ruling.decision.firewall.name, DOES[ruling.decision.outcome], where(ruling))
    name, does, at = (pad(cell, width) for cell, width in zip(cells, widths, strict=True))
    why = why_words(ruling)
    style = outcome_style(ruling.decision.outcome.is_open, ruling.decision.outcome.value)
    head = f"    {pad(side, 7)} {name}  {paint(style, does)}  {paint('place', at)}"
    used = 12 + sum(widths) + 6
    if not look.is_cut:
        yield f"{head}  {why}".rstrip()
    elif used + LEAST_REASON <= look.width:
        rows = folded(why, look.width - used, look.width - used)
        yield f"{head}  {rows[0]}".rstrip()
        yield from (" " * used + row for row in rows[1:])
    else:
        yield f"    {pad(side, 7)} {cells[0]}  {paint(style, cells[1])}"
        yield " " * 12 + paint("place", cells[2])
        yield from (" " * 12 + row for row in folded(why, look.width - 12, look.width - 12))
