"""Rules that could go, and rules that changed: what Firewright finds of them, beside others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.analysis import by_aerleon, by_z3
from benchmarks.analysis.contest import Contest
from benchmarks.analysis.engines import diagrams
from benchmarks.analysis.rulesets import Row, edited, program_of
from firewright.analysis.anomaly import Kind, anomalies
from firewright.analysis.difference import differences
from firewright.space.axis import point
from firewright.space.question import forget


def measure_anomalies(contest: Contest, name: str, rows: list[Row], *, is_alone: bool = False) -> str:
    """Shadowed and redundant rules; where Firewright is alone, without the others. The task's name."""
    task = f"shadowed and redundant: {name}"
    program = program_of(rows)

    def ours(_: object) -> frozenset[tuple[int, Kind]]:
        forget()
        return frozenset((one.step, one.kind) for one in anomalies(program))

    found = contest.run(task, "Firewright", ours, say=_count_kinds, repeat=1 if is_alone else 3)
    known = frozenset(step for step, kind in found if kind is Kind.SHADOWED) if isinstance(found, frozenset) else None
    if is_alone:
        return task
    for name, engine in diagrams():
        contest.run(task, name, partial(engine.shadowed, program), say=_count, expected=known)
    contest.run(task, "z3", partial(by_z3.shadowed, program), say=_count, expected=known)
    if len(rows) <= 1_000:
        _measure_aerleon(contest, task, rows)
    return task


def _measure_aerleon(contest: Contest, task: str, rows: list[Row]) -> None:
    if not by_aerleon.is_installed():
        contest.keep(task, "Aerleon", None, "not installed")
        return
    # Aerleon reads no conntrack states: it is asked about the rules without them, and checked against us on those.
    stateless = [replace(row, states=((0, 4),)) for row in rows]
    truly = {one.step for one in anomalies(program_of(stateless)) if one.kind is Kind.SHADOWED}
    shaded, seconds = by_aerleon.shaded(stateless)
    answer = f"{len(shaded & truly)} of {len(truly)} shadowed (without states)"
    if shaded - truly:
        answer += f", and {len(shaded - truly)} that are not"
    contest.keep(task, "Aerleon, added by its check", seconds, answer)


def _count(found: object) -> str:
    return f"{len(found)} shadowed" if isinstance(found, frozenset) else str(found)


def _count_kinds(found: object) -> str:
    if not isinstance(found, frozenset):
        return str(found)
    shadowed = sum(1 for _, kind in found if kind is Kind.SHADOWED)
    return f"{shadowed} shadowed, {len(found) - shadowed} redundant"


def measure_difference(contest: Contest, name: str, rows: list[Row]) -> str:
    """Twenty edits: every pair of rules that differ. The task's name."""
    task = f"20 edits: {name}"
    before, after = program_of(rows), program_of(edited(rows))

    def ours(_: object) -> int:
        forget()
        found = differences(before, after)
        for one in found:
            place = point(one.witness)
            if (before.decide(place), after.decide(place)) != (one.before, one.after):
                raise AssertionError(f"{one} is no difference")
        return len(found)

    def timed(_: object) -> int:
        forget()
        return len(differences(before, after))

    pairs = ours(None)
    contest.run(task, "Firewright", timed, say=lambda n: f"{n} pairs, each with a packet", expected=pairs, repeat=3)
    is_same = not pairs
    for engine, answers in diagrams():
        contest.run(
            task, f"{engine}, yes or no", partial(answers.is_equal, before, after), say=_equal, expected=is_same
        )
    contest.run(task, "z3, one packet", partial(by_z3.is_equal, before, after), say=_equal, expected=is_same)
    return task


def _equal(answer: object) -> str:
    return "equal" if answer else "differs"
