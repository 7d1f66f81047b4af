"""`python -m benchmarks.analysis [--quick]`: every task with every engine, side by side, and RESULTS.md written anew."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.analysis import by_aerleon, by_oxidd, by_z3
from benchmarks.analysis.contest import DEADLINE, Clock, Contest, machine
from benchmarks.analysis.estate import Estate
from benchmarks.analysis.rulesets import (
    ACCESS_LIST,
    ALL_PORTS,
    EVERYWHERE,
    FIREWALL,
    Row,
    edited,
    flat,
    grouped,
    program_of,
)
from firewright.analysis.anomaly import Kind, anomalies
from firewright.analysis.difference import differences, excesses, first_difference
from firewright.space.axis import Axis, point
from firewright.space.box import EVERY_BOX, Box
from firewright.space.chain import unfold
from firewright.space.fold import fold_boxes
from firewright.space.packetset import PacketSet
from firewright.space.program import Program, series
from firewright.space.question import forget


def main() -> None:
    """Run the contest and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analysis", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="rulesets of 1,000 rules only, in about a minute")
    is_quick = parser.parse_args().quick
    contest = Contest()
    sizes = (1_000,) if is_quick else (1_000, 10_000)
    for count in sizes:
        for name, rows in (
            ("access list", flat(count, ACCESS_LIST)),
            ("firewall", flat(count, FIREWALL)),
            ("groups", grouped(count)),
        ):
            measure_anomalies(contest, f"{name}, {count:,} rules", rows)
            measure_difference(contest, f"{name}, {count:,} rules", rows)
    for entries in (300,) if is_quick else (300, 3_300):
        measure_equivalence(contest, entries)
    for count in sizes:
        measure_allowlist(contest, count)
        measure_path(contest, count)
    title = "quick run" if is_quick else "full run"
    text = HEAD.format(title=title, machine=machine(), deadline=DEADLINE) + contest.table() + "\n"
    Path(__file__).with_name("RESULTS.md").write_text(text)


HEAD = """# Exact analysis, side by side

Written by `python -m benchmarks.analysis` ({title}; {machine}); do not edit. The machine had other work to do meanwhile:
the ratios of one run say more than the times, and both vary, at times by half. Firewright's times are the best of two or three,
the others' of one, which favours Firewright. Engines are stopped after {deadline:.0f} s. Every answer that
an engine got to was compared with Firewright's in the same run, except that Aerleon's is counted against it.
Firewright finds shadowed *and* redundant rules and says by which; the others
were only asked which are shadowed, Aerleon only by single rules. All are asked from rules in memory; indexes and formulas
count, except for the path question, which is asked of loaded programs.

"""


def measure_anomalies(contest: Contest, name: str, rows: list[Row]) -> None:
    """Shadowed and redundant rules."""
    task = f"shadowed and redundant: {name}"
    program = program_of(rows)

    def ours(_: object) -> frozenset[tuple[int, Kind]]:
        forget()
        return frozenset((one.step, one.kind) for one in anomalies(program))

    found = contest.run(task, "Firewright", ours, say=_count_kinds, repeat=3)
    known = frozenset(step for step, kind in found if kind is Kind.SHADOWED) if isinstance(found, frozenset) else None
    contest.run(task, "oxidd", partial(by_oxidd.shadowed, program), say=_count, expected=known)
    contest.run(task, "z3", partial(by_z3.shadowed, program), say=_count, expected=known)
    if len(rows) > 1_000:
        return
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


def measure_difference(contest: Contest, name: str, rows: list[Row]) -> None:
    """Twenty edits: every pair of rules that differ."""
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
    contest.run(task, "oxidd, yes or no", partial(by_oxidd.is_equal, before, after), say=_equal, expected=is_same)
    contest.run(task, "z3, one packet", partial(by_z3.is_equal, before, after), say=_equal, expected=is_same)


def measure_equivalence(contest: Contest, entries: int) -> None:
    """A policy between zones against the chains that a compiler might make of it."""
    estate = Estate(entries)
    for family in (4, 6):
        policy, chains = estate.program(family), estate.listing(family)
        listing = unfold(chains, ["forward"], family)
        rules = sum(len(chain.rules) for chain in chains.values())
        task = f"equivalence IPv{family}: {len(policy):,} steps against {rules:,} rules in {len(chains)} chains"

        def ours(_: object, policy: Program = policy, listing: Program = listing) -> bool:
            forget()
            return first_difference(policy, listing) is None

        contest.run(task, "Firewright", ours, say=_equal, expected=True)
        contest.run(task, "oxidd", partial(by_oxidd.is_equal, policy, listing), say=_equal, expected=True)
        contest.run(task, "z3", partial(by_z3.is_equal, policy, listing), say=_equal, expected=True)


def _equal(answer: object) -> str:
    return "equal" if answer else "differs"


def measure_allowlist(contest: Contest, count: int) -> None:
    """Everything accepted within a list of what may be: services that each /16 may offer, and the broad rules as they are."""
    rows = flat(count, ACCESS_LIST)
    program = program_of(rows)
    wide = [
        replace(
            row, source=EVERYWHERE, destination=(_around(row.destination[0]),), source_ports=ALL_PORTS, states=((0, 4),)
        )
        if row.destination[0][1] - row.destination[0][0] < 1 << 16
        else row
        for row in rows
        if row.word == "accept"
    ]
    allowed = fold_boxes(program_of(wide).box[:-1], 4)
    nothing = Program(6)
    nothing.add(EVERY_BOX, "drop")
    programs = {4: program, 6: nothing}
    for boxes, kind in ((allowed, "proved"), (allowed[1::2], "half of it missing")):
        task = f"allowlist of {len(boxes):,} products, {count:,} rules, {kind}"

        def ours(_: object, boxes: list[Box] = boxes) -> bool:
            forget()
            return not excesses(programs, PacketSet.of({4: boxes}), "accept")

        is_within = contest.run(task, "Firewright", ours, say=_within, repeat=2)
        contest.run(task, "oxidd", partial(by_oxidd.is_within, program, boxes), say=_within, expected=is_within)
        contest.run(task, "z3", partial(by_z3.is_within, program, boxes), say=_within, expected=is_within)


def _around(side: tuple[int, int]) -> tuple[int, int]:
    low, high = side
    return (low & ~0xFFFF, high | 0xFFFF)


def _within(answer: object) -> str:
    return "all within" if answer else "some outside"


def measure_path(contest: Contest, count: int) -> None:
    """Does anything get through three firewalls, from one network to another, to one service? Asked of loaded programs."""
    rows = flat(count, ACCESS_LIST, 21)
    programs = [program_of(rows), *(program_of(edited(rows, count // 10, seed)) for seed in (22, 23))]
    path = series(list(zip(("first", "second", "third"), programs, strict=True)))
    nothing = Program(6)
    nothing.add(EVERY_BOX, "drop")
    through = PacketSet.decided({4: path, 6: nothing}, "accept")
    questions = _questions(programs)
    through.is_empty({4: questions[0]})
    task = f"path through 3 x {count:,} rules, loaded, {len(questions)} questions"

    def ours(_: object) -> tuple[bool, ...]:
        return tuple(not through.is_empty({4: one}) for one in questions)

    known = contest.run(task, "Firewright", ours, say=_open, repeat=3)
    for name, engine in (("oxidd", by_oxidd.Path), ("z3", by_z3.Path)):
        if count > 1_000:
            contest.keep(task, name, None, "not asked")
            continue
        loaded = engine(programs, Clock())

        def theirs(_: object, loaded: by_oxidd.Path | by_z3.Path = loaded) -> tuple[bool, ...]:
            return tuple(loaded.is_open(one) for one in questions)

        contest.run(task, name, theirs, say=_open, expected=known)


def _open(answer: object) -> str:
    return f"{sum(answer)} of {len(answer)} open" if isinstance(answer, tuple) else str(answer)


def _questions(programs: list[Program]) -> list[Box]:
    """What one rule says, and the same towards where another says."""
    found = []
    for place in range(50):
        one = programs[place % 3].box[place * 37 % 900]
        other = programs[(place + 1) % 3].box[place * 53 % 900]
        question = list(one)
        if place % 2:
            question[Axis.DESTINATION] = other[Axis.DESTINATION]
        found.append(tuple(question))
    return found


if __name__ == "__main__":
    main()
