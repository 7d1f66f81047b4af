"""Explanations as a person reads them: what a port commonly is and what to do about it, then what the policies here do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.reports._findings_text import place
from firewright.reports._lines import columns, folded, pad
from firewright.reports._paint import Paint, outcome_style
from firewright.reports._prose import labelled, paragraph
from firewright.reports._result import Explanation, Look, Reach

if TYPE_CHECKING:
    from firewright.catalog.iana import RegistryEntry
    from firewright.catalog.row import ServiceRow
    from firewright.catalog.search import Finding

LABEL_WIDTH = 13
MOST_ROWS = 4
"""So many services are explained whole; the others are named."""
MOST_ENTRIES = 6
MOST_FLOWS = 4
VISIBLE = {
    "nowhere": "nowhere: switch it off, or keep it on the machine itself",
    "own-network": "inside your own network",
    "vpn": "over a VPN only",
    "internet": "from the internet, if you run it for the public",
}
"""How far a service should be visible, in words."""


def explanation_text(explanation: Explanation, look: Look) -> str:
    """What was asked, explained; a block for each thing, then one for each policy."""
    paint = Paint(look.is_coloured)
    blocks = []
    if explanation.flow is not None:
        from firewright.reports._answers_text import answers_text

        blocks.append(answers_text(explanation.flow, look).rstrip("\n"))
    blocks += ["\n".join(_finding(finding, look, paint)) for finding in explanation.findings]
    blocks += ["\n".join(_reach(reach, look, paint)) for reach in explanation.reaches]
    return "\n\n".join(blocks) + "\n"


def _finding(finding: Finding, look: Look, paint: Paint) -> Iterator[str]:
    if finding.problem:
        yield f"{finding.problem}; {finding.help}"
        yield ""
    yield paint("title", replace(finding, problem="").headline())
    for row in finding.commonly[:MOST_ROWS]:
        yield ""
        yield from _row(row, look, paint, len(finding.commonly) > 1)
    if rest := finding.commonly[MOST_ROWS:]:
        yield ""
        names = ", ".join(row.name for row in rest[:20]) + (f" and {len(rest) - 20} more" if len(rest) > 20 else "")
        yield from labelled("also", names, 2, LABEL_WIDTH, look.width, paint)
    asides = list(_asides(finding, look, paint))
    if asides:
        yield ""
        yield from asides


def _row(row: ServiceRow, look: Look, paint: Paint, has_title: bool) -> Iterator[str]:
    if has_title:
        yield f"  {paint('title', row.title)} ({row.name}: {row.words()})"
    yield from paragraph(row.what, 2, look.width)
    encrypted = {"no": "no", "optional": "if it is set up so", "yes": "yes"}
    facts = (
        ("name", f"{row.name}, in a policy: {row.words()}" if not has_title else ""),
        ("encrypted", encrypted[row.encrypted]),
        ("asks who calls", encrypted[row.authenticated]),
        ("when open", row.when_open),
        ("it happened", row.incident),
        ("visible", VISIBLE[row.visibility]),
        ("advice", row.advice),
        ("instead", row.instead),
        ("source", f"{row.source}; {row.date}"),
    )
    for label, text in facts:
        if text:
            yield from labelled(label, text, 2, LABEL_WIDTH + 1, look.width, paint)


def _asides(finding: Finding, look: Look, paint: Paint) -> Iterator[str]:
    """What the registries say, and what belongs with it."""

    def line(label: str, text: str) -> Iterator[str]:
        return labelled(label, text, 2, LABEL_WIDTH + 1, look.width, paint)

    if finding.together:
        yield from line("together with", ", ".join(f"{row.name} ({row.words()})" for row in finding.together))
    for number, entry in enumerate(finding.registered[:MOST_ENTRIES]):
        yield from line("registered" if number == 0 else "", _entry(entry))
    more = len(finding.registered) - MOST_ENTRIES + finding.left_off
    if more > 0:
        yield from line("", f"and {more} more")
    if not finding.registered and finding.transports and not (finding.icmp or finding.protocols):
        yield from line("registered", "by nobody (IANA)")
    for protocol in finding.protocols[:MOST_ENTRIES]:
        which = str(protocol.low) if protocol.low == protocol.high else f"{protocol.low}-{protocol.high}"
        yield from line("protocol", f"{which} {protocol.name}: {protocol.title}; {protocol.reference}")
    for kind in finding.icmp[: 2 * MOST_ENTRIES]:
        code = "" if kind.code is None else f" code {kind.code}"
        yield from line(
            "ICMP" if kind.family == 4 else "ICMPv6", f"type {kind.type}{code}: {kind.title}; {kind.reference}"
        )


def _entry(entry: RegistryEntry) -> str:
    title = f": {entry.title}" if entry.title and entry.title.casefold() != entry.name else ""
    return f"{entry.name or 'reserved'} ({entry.words()}){title} (IANA)"


def _reach(reach: Reach, look: Look, paint: Paint) -> Iterator[str]:
    """What one policy does, a line for each outcome and deciding word."""
    name = f"{harmless(reach.policy)} ({harmless(reach.path)})" if reach.policy else harmless(reach.path)
    if reach.unasked:
        yield f"{paint('title', f'in {name}')}: not asked, {reach.unasked}"
        return
    yield paint("title", f"in {name}")
    if not reach.uses:
        yield "  no firewall of it decides about this"
        return
    width = max(len(use.outcome) for use in reach.uses)
    for use in reach.uses:
        head = "  " + paint(outcome_style(use.is_open, use.outcome), pad(use.outcome, width))
        at = place(use.at) if use.at.path else ""
        most = len(use.flows) if look.is_verbose else MOST_FLOWS
        flows = list(use.flows[:most])
        if len(use.flows) > most:
            flows.append(f"and {len(use.flows) - most} more (-v shows them)")
        room = look.width - width - 4
        lines = [row for flow in flows for row in _rows(harmless(flow, len(flow)), room, look)]
        yield f"{head}  {lines[0]}"
        yield from (" " * (width + 4) + line for line in lines[1:])
        at, said = paint("place", at), harmless(use.said, len(use.said))
        rows = _rows(said, room - columns(place(use.at)) - 2, look) if said else [""]
        yield (" " * (width + 4) + at + ("  " + paint("faint", rows[0]) if rows[0] else "")).rstrip()
        yield from (" " * (width + 6) + paint("faint", row) for row in rows[1:])


def _rows(text: str, room: int, look: Look) -> list[str]:
    """A text in the rows that it takes, the further ones set in; one row where nobody looks."""
    if not look.is_cut:
        return [text]
    first, *rest = folded(text, max(room, 20), max(room - 2, 20))
    return [first, *(f"  {row}" for row in rest)]
