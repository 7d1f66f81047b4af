"""What audit mode recorded, as values, as text, as Markdown and as a tree: a row for each flow that would have been refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

from firewright.diagnostic import harmless
from firewright.model.moment import iso
from firewright.reports._findings_text import place, several
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import place_tree
from firewright.source import NOWHERE, Span

MOST_SHOWN = 30
"""Flows that are shown where not all are asked for."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a flow would have been refused: the outcome in the policy's words, the rule's label or a reason, and the line."""

    verdict: str
    said: str
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class CutFlow:
    """A flow that audit mode let pass and that is otherwise refused.

    `state` is what connection tracking said of its packets. `packets` and `bytes` are those that would have been refused, which
    of a flow that got through are its first. `causes` is one, or several where the source port decides, which is not recorded;
    none where the policy of the day that is asked about lets it through. `left` are the seconds until it is forgotten.
    """

    flow: str
    way: str
    state: str
    packets: int
    bytes: int
    causes: tuple[Cause, ...]
    left: int = 0


@dataclass(frozen=True, slots=True)
class CutLine:
    """What the rules with one comment would have refused; `at` is the line of the policy, if one stands behind them."""

    said: str
    packets: int
    bytes: int
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class WouldCut:
    """What a table in audit mode would have refused. The flows that most packets were counted of come first, and so do the lines.

    `since` and `until` are epoch seconds, `until` None for a mode without an end. `unremembered` are packets of flows that no set
    had room for; `full` are the sets that are full; `unjudged` is how many further flows are recorded.
    """

    policy: str
    path: str
    firewall: str
    day: date
    is_audited: bool
    since: int | None = None
    until: int | None = None
    flows: tuple[CutFlow, ...] = ()
    lines: tuple[CutLine, ...] = ()
    unremembered: int = 0
    full: tuple[str, ...] = ()
    unjudged: int = 0

    @property
    def packets(self) -> int:
        """How many packets would have been refused in all."""
        return sum(line.packets for line in self.lines)


def would_cut_text(found: WouldCut, look: Look) -> str:
    """A line for each flow with its packets and the line of the policy; then what each line would have refused."""
    paint = Paint(look.is_coloured)
    return "\n".join(_text(found, look, paint)) + "\n"


def _text(found: WouldCut, look: Look, paint: Paint) -> Iterator[str]:
    shown = found.flows if look.is_verbose else found.flows[:MOST_SHOWN]
    width = max((len(_flow(one)) for one in shown), default=0)
    for one in shown:
        style = "closed" if one.causes else "open"
        yield f"{one.packets:9,}  {_flow(one):{width}}  {paint(style, _causes(one))}"
    if len(shown) < len(found.flows):
        yield f"and {several(len(found.flows) - len(shown), 'flow')} more: --verbose shows them"
    if found.lines and (look.is_verbose or not found.flows):
        yield paint("title", "by rule")
        yield from (f"{line.packets:9,}  {_line(line)}" for line in found.lines)
    yield from (paint("warning", said) for said in missing_words(found))
    yield summary_words(found)


def _flow(one: CutFlow) -> str:
    return harmless(", ".join(filter(None, (one.flow, one.way, one.state if one.state != "new" else ""))))


def _causes(one: CutFlow) -> str:
    return ", or ".join(map(_cause, one.causes)) or "passes by the policy of this day"


def _cause(one: Cause) -> str:
    where = f" ({place(one.at)})" if one.at.path else ""
    return harmless(": ".join(filter(None, (one.verdict, one.said)))) + where


def _line(line: CutLine) -> str:
    return harmless(line.said) or "a rule without a comment"


def summary_words(found: WouldCut) -> str:
    """What was found, in one sentence."""
    named = f"{harmless(found.firewall)} of {harmless(found.policy)}"
    if not found.is_audited:
        return f"{named}: the table that runs is not in audit mode"
    when = f"from {_moment(found.since)} {'on' if found.until is None else f'until {_moment(found.until)}'}"
    if not found.packets:
        return f"{named}, audit mode {when}: nothing would have been refused so far"
    flows = several(len(found.flows) + found.unjudged, "flow")
    return f"{named}, audit mode {when}: {several(found.packets, 'packet')} would have been refused, {flows} remembered"


def missing_words(found: WouldCut) -> Iterator[str]:
    """What is not in the rows, in sentences."""
    if found.unremembered:
        yield f"{several(found.unremembered, 'packet')} of flows that are not remembered: there was no room for them"
    if found.full:
        yield f"full, so that new flows are only counted: {harmless(', '.join(found.full))}"
    if found.unjudged:
        yield f"{several(found.unjudged, 'flow')} with fewer packets not judged"


def _moment(seconds: int | None) -> str:
    if seconds is None:
        return "an unknown time"
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"  # noqa: UP017


def would_cut_markdown(found: WouldCut, look: Look) -> str:
    """A table of flows and a table of lines."""
    lines = [f"## Audit mode of {plain(found.firewall)}", "", f"{plain(summary_words(found))}.", ""]
    if found.flows:
        rows = ((f"{one.packets:,}", code(_flow(one)), plain(_causes(one))) for one in found.flows)
        lines += [*table(("packets", "flow", "refused by"), rows), ""]
    if found.lines:
        lines += [*table(("packets", "rule"), ((f"{one.packets:,}", plain(_line(one))) for one in found.lines)), ""]
    lines += [f"- {plain(said)}" for said in missing_words(found)]
    return "\n".join(lines).rstrip() + "\n"


def would_cut_tree(found: WouldCut) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "would-cut",
        "policy": found.policy,
        "file": found.path,
        "firewall": found.firewall,
        "day": iso(found.day),
        "audited": found.is_audited,
        "since": found.since,
        "until": found.until,
        "packets": found.packets,
        "flows": [_flow_tree(one) for one in found.flows],
        "lines": [
            {"rule": one.said, "packets": one.packets, "bytes": one.bytes, "at": place_tree(one.at)}
            for one in found.lines
        ],
        "unremembered_packets": found.unremembered,
        "full_sets": list(found.full),
        "unjudged_flows": found.unjudged,
    }


def _flow_tree(one: CutFlow) -> dict[str, Any]:
    causes = [{"verdict": cause.verdict, "rule": cause.said, "at": place_tree(cause.at)} for cause in one.causes]
    return {
        "flow": one.flow,
        "way": one.way,
        "state": one.state,
        "packets": one.packets,
        "bytes": one.bytes,
        "refused_by": causes,
        "forgotten_in_seconds": one.left,
    }
