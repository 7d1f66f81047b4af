"""What a change of a host's firewall is about and what became of it: plans, and the steps after them, as text and as trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.model.moment import iso
from firewright.reports._findings_text import findings_text, place, several
from firewright.reports._neighbours import neighbours_text, neighbours_tree
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Findings, Look
from firewright.reports._tree import diagnostic_tree, place_tree
from firewright.source import NOWHERE, Span

if TYPE_CHECKING:
    from firewright.analysis.neighbours import Neighbour

MOST_SHOWN = 12
"""Lines of a list that are shown where not all are asked for."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Flows that something does to otherwise than before, with one packet of them and the line of the policy behind it."""

    flow: str
    witness: str
    rule: str
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a firewall to a host would do.

    `running` says in a sentence what is there now; `opens` and `closes` are exact, of flows that begin; where nothing
    of ours runs now everything closes but what `stays` open. `cut` are open flows
    that end when it is confirmed. `management` says how the way back in was proved open; `ends` what ends when, `ended` what of
    the running generation has ended since it was made;
    `mode` is "enforce" or "audit". `is_equal` says that what runs already means the same, for ever;
    `later` is the first difference to come, where there is none now. What stands against applying it
    are the errors among the findings; `forced` are the names of those that were set aside.
    """

    host: str
    policy: str
    path: str
    firewall: str
    day: date
    mode: str
    running: str
    opens: tuple[Shift, ...]
    closes: tuple[Shift, ...]
    stays: tuple[Shift, ...]
    is_equal: bool
    later: str
    cut: tuple[str, ...]
    management: str
    ends: tuple[tuple[int, str], ...]
    neighbours: tuple[Neighbour, ...]
    findings: Findings
    forced: tuple[str, ...] = ()
    ended: tuple[tuple[int, str], ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether something stands against applying it."""
        return any(one.severity is Severity.ERROR and one.name not in self.forced for one in self.findings.diagnostics)


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a host: `verb` is "applied", "confirmed", "rolled back" or "refused", of which generation.

    `left` are the seconds until an applied one is taken back, `words` say more, each a sentence.
    """

    host: str
    verb: str
    generation: int | None
    words: tuple[str, ...] = ()
    left: int = 0
    plan: Plan | None = field(default=None)


def plan_text(plan: Plan, look: Look) -> str:
    """What it is, what stands against it, what opens, what closes, and what else is to know."""
    return "\n".join(_plan_lines(plan, look)) + "\n"


def _plan_lines(plan: Plan, look: Look) -> Iterator[str]:
    paint = Paint(look.is_coloured)
    if plan.findings.diagnostics:
        yield findings_text(plan.findings, look).rstrip("\n")
        yield ""
    audits = ", counting only what it would drop" if plan.mode == "audit" else ""
    yield f"{harmless(plan.firewall)} of {harmless(plan.policy)} on {harmless(plan.host)}{audits}; now: {harmless(plan.running)}"
    if plan.mode == "audit":
        yield "  nothing is refused before it is enforced; then:"
    if plan.is_equal:
        yield "  nothing changes: what runs means the same, now and at every instant to come"
    if plan.later:
        yield f"  {paint('asked', 'later')}   {harmless(plan.later)}"
    yield from _shifts("opens", "open", plan.opens, look, paint)
    yield from _shifts("closes", "closed", plan.closes, look, paint)
    if plan.stays:
        yield f"  {paint('closed', 'closes')}  everything that begins but the essentials, and"
        yield from _shifts("keeps", "open", plan.stays, look, paint)
    if plan.cut:
        yield f"  {paint('closed', 'ends')}    {several(len(plan.cut), 'open flow')} when it is confirmed"
        yield from _some((f"           {harmless(one)}" for one in plan.cut), len(plan.cut), look)
    for instant, words in plan.ended:
        yield f"  ended   {moment(instant)}: {harmless(words)}"
    for instant, words in plan.ends:
        yield f"  until   {moment(instant)}: {harmless(words)}"
    yield from (f"  {line}" for line in neighbours_text(plan.neighbours, look))
    if plan.management:
        yield f"  way in  {harmless(plan.management)}"
    refused = paint("error", "refused: what is said above stands against it")
    against = dict.fromkeys(one.name for one in plan.findings.diagnostics if one.severity is Severity.ERROR)
    forced = paint("error", f"forced: {', '.join(against)} would stand against it")
    yield refused if plan.is_refused else forced if against else "nothing stands against it"


def _shifts(title: str, colour: str, shifts: tuple[Shift, ...], look: Look, paint: Paint) -> Iterator[str]:
    lines = []
    for one in shifts:
        by = ", ".join(filter(None, (harmless(one.rule), place(one.at) if one.at.path else "")))
        witness = f"  e.g. {harmless(one.witness)}" if look.has_witness else ""
        lines.append(f"  {paint(colour, f'{title:7}')} {harmless(one.flow)}{f'  ({by})' if by else ''}{witness}")
    yield from _some(lines, len(lines), look)


def _some(lines: Iterable[str], count: int, look: Look) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number >= MOST_SHOWN and not look.is_verbose:
            yield f"          and {count - MOST_SHOWN} more: --verbose shows them"
            return
        yield line


def moment(instant: int) -> str:
    """An instant as people write it."""
    return f"{datetime.fromtimestamp(instant, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"  # noqa: UP017 - shorter


def step_text(step: Step, look: Look) -> str:
    """The plan that it was, then what became of it."""
    paint = Paint(look.is_coloured)
    head = plan_text(step.plan, look) if step.plan is not None else ""
    which = f" generation {step.generation}" if step.generation is not None else ""
    said = paint("open" if step.verb in ("applied", "confirmed") else "error", f"{step.verb}{which}")
    lines = [f"{harmless(step.host)}: {said}", *(f"  {harmless(words)}" for words in step.words)]
    return head + "\n".join(lines) + "\n"


def plan_tree(plan: Plan) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {"schema_version": SCHEMA_VERSION, "kind": "plan", **_plan_tree(plan)}


def _plan_tree(plan: Plan) -> dict[str, Any]:
    return {
        "host": plan.host,
        "policy": plan.policy,
        "file": plan.path,
        "firewall": plan.firewall,
        "day": iso(plan.day),
        "mode": plan.mode,
        "running": plan.running,
        "refused": plan.is_refused,
        "equal": plan.is_equal,
        "later": plan.later,
        "opens": [_shift_tree(one) for one in plan.opens],
        "closes": [_shift_tree(one) for one in plan.closes],
        "stays": [_shift_tree(one) for one in plan.stays],
        "cut": list(plan.cut),
        "management": plan.management,
        "ended": [{"instant": instant, "flows": words} for instant, words in plan.ended],
        "ends": [{"instant": instant, "flows": words} for instant, words in plan.ends],
        "neighbours": neighbours_tree(plan.neighbours),
        "findings": [diagnostic_tree(one) for one in plan.findings.diagnostics],
        "forced": list(plan.forced),
    }


def _shift_tree(one: Shift) -> dict[str, Any]:
    return {"flow": one.flow, "witness": one.witness, "rule": one.rule, "at": place_tree(one.at)}


def step_tree(step: Step) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "step",
        "host": step.host,
        "step": step.verb,
        "generation": step.generation,
        "seconds_left": step.left,
        "words": list(step.words),
        "plan": None if step.plan is None else _plan_tree(step.plan),
    }


def refused_by(plan: Plan) -> tuple[Diagnostic, ...]:
    """The errors that stand against a plan."""
    return tuple(
        one for one in plan.findings.diagnostics if one.severity is Severity.ERROR and one.name not in plan.forced
    )
