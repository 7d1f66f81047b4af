"""Proofs: a policy against a listing, an allowlist, a path through firewalls; by Firewright and by others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from benchmarks.analysis import by_z3
from benchmarks.analysis.contest import Clock, Contest
from benchmarks.analysis.engines import diagrams
from benchmarks.analysis.estate import Estate
from benchmarks.analysis.rulesets import ACCESS_LIST, ALL_PORTS, EVERYWHERE, edited, flat, program_of
from firewright.analysis.difference import excesses, first_difference
from firewright.space.axis import Axis
from firewright.space.box import EVERY_BOX, Box
from firewright.space.chain import unfold
from firewright.space.fold import fold_boxes
from firewright.space.packetset import PacketSet
from firewright.space.program import Program, series
from firewright.space.question import forget


def measure_equivalence(contest: Contest, entries: int, from_anywhere: float = 0) -> list[str]:
    """A policy between zones against the chains that a compiler might make of it. The tasks' names."""
    estate = Estate(entries, from_anywhere=from_anywhere)
    tasks = []
    for family in (4, 6):
        policy, chains = estate.program(family), estate.listing(family)
        listing = unfold(chains, ["forward"], family)
        rules = sum(len(chain.rules) for chain in chains.values())
        sizes = f"{len(policy):,} steps against {rules:,} rules in {len(chains)} chains, {len(listing):,} steps"
        task = f"equivalence IPv{family}: {sizes}"
        tasks.append(task)

        def ours(_: object, policy: Program = policy, listing: Program = listing) -> bool:
            forget()
            return first_difference(policy, listing) is None

        contest.run(task, "Firewright", ours, say=_equal, expected=True, repeat=2)
        for name, engine in diagrams():
            contest.run(task, name, partial(engine.is_equal, policy, listing), say=_equal, expected=True)
        contest.run(task, "z3", partial(by_z3.is_equal, policy, listing), say=_equal, expected=True)
    return tasks


def _equal(answer: object) -> str:
    return "equal" if answer else "differs"


def measure_allowlist(contest: Contest, count: int) -> list[str]:
    """Everything accepted within a list of what may be: services that each /16 may offer, and the broad rules as they are.

    The tasks' names.
    """
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
    tasks = []
    for boxes, kind in ((allowed, "proved"), (allowed[1::2], "half of it missing")):
        task = f"allowlist of {len(boxes):,} products, {count:,} rules, {kind}"
        tasks.append(task)

        def ours(_: object, boxes: list[Box] = boxes) -> bool:
            forget()
            return not excesses(programs, PacketSet.of({4: boxes}), "accept")

        is_within = contest.run(task, "Firewright", ours, say=_within, repeat=2)
        for name, engine in diagrams():
            contest.run(task, name, partial(engine.is_within, program, boxes), say=_within, expected=is_within)
        contest.run(task, "z3", partial(by_z3.is_within, program, boxes), say=_within, expected=is_within)
    return tasks


def _around(side: tuple[int, int]) -> tuple[int, int]:
    low, high = side
    return (low & ~0xFFFF, high | 0xFFFF)


def _within(answer: object) -> str:
    return "all within" if answer else "some outside"


def measure_path(contest: Contest, count: int) -> str:
    """Does anything get through three firewalls, from one network to another, to one service? Asked of loaded programs.

    The task's name.
    """
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
    if count > 1_000:
        for name in (*(name for name, _ in diagrams()), "z3"):
            contest.keep(task, name, None, "not asked")
        return task
    loaded = [(name, engine.path(programs, Clock())) for name, engine in diagrams()]
    for name, is_open in (*loaded, ("z3", by_z3.Path(programs, Clock()).is_open)):

        def theirs(_: object, is_open: Callable[[Box], bool] = is_open) -> tuple[bool, ...]:
            return tuple(map(is_open, questions))

        contest.run(task, name, theirs, say=_open, expected=known)
    return task


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
