"""Programs: skips, series, cofactors, partitions, folding, chains, bounds; against the small world's own interpreter."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.model.packet import FAMILIES
from firewright.space.bounds import possibly, surely
from firewright.space.box import EVERY_BOX
from firewright.space.budget import Undecided
from firewright.space.chain import Chain, Final, Jump, Rule, unfold, verdict_map
from firewright.space.fold import fold, fold_runs
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.space.partition import partition
from firewright.space.program import Hop, Program, series, specialise
from tests.space.reference import (
    Cell,
    Line,
    cells,
    holds,
    random_list,
    random_match,
    readings,
    run_hook,
    run_list,
    segment,
)
from tests.space.translate import box_of, cells_of, chains_of, program_of

SEEDS = st.integers(0, 10**9)
CELLS = {family: cells(family) for family in FAMILIES}


def place_of(cell: Cell, family: int) -> tuple[int, ...]:
    """The numbers of one packet of a cell."""
    return tuple(segment(family, axis, number)[0] for axis, number in enumerate(cell))


def other_family(family: int) -> Program:
    """A program for the family that is not looked at."""
    out = Program(family)
    out.add(EVERY_BOX, "drop")
    return out


def random_chains(random: Random, family: int) -> tuple[dict[str, tuple[list[Line], str]], list[str]]:
    """Base chains of a hook, and chains that they and each other call, never in a circle."""
    below = random.randint(1, 4)
    bases = ["base0", "base1"][: random.randint(1, 2)]
    chains = {}
    for name, depth in [*((base, 0) for base in bases), *((f"user{n}", n + 1) for n in range(below))]:
        lines = []
        for _ in range(random.randint(1, 4)):
            verdict = random.choice(("accept", "drop", "reject", "return", "jump", "jump", "goto", "continue"))
            if verdict in ("jump", "goto"):
                callees = [n for n in range(below) if n + 1 > depth]
                verdict = f"{verdict}:user{random.choice(callees)}" if callees else "drop"
            unknown = (random.choice("xy"), random.random() < 0.5) if random.random() < 0.15 else None
            lines.append(Line(random_match(random, family), verdict, unknown))
        chains[name] = (lines, random.choice(("accept", "drop")))
    return chains, bases


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_unfolded_chains_decide_as_the_chains_do(seed: int, family: int) -> None:
    """Law: one first-match list decides every packet as walking the chains with a stack does, under every reading."""
    random = Random(seed)
    chains, bases = random_chains(random, family)
    program = unfold(chains_of(chains, family), bases, family)
    folded = [fold(program), fold_runs(program)]
    sample = random.sample(CELLS[family], 150)
    for reading in readings():
        for cell in sample:
            word = run_hook(chains, bases, cell, reading)
            place = place_of(cell, family)
            assert program.verdict[program.decide(place, reading)] == word
            assert all(one.verdict[one.decide(place, reading)] == word for one in folded)
    sets = PacketSet.decided({family: program, 10 - family: other_family(10 - family)}, "accept")
    flows = sets.flows(family)
    for reading in readings():
        found = cells_of(flows, family, reading)
        assert len(found) == len(set(found))
        held = set(found)
        assert all((cell in held) == (run_hook(chains, bases, cell, reading) == "accept") for cell in sample)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_partition_is_the_question_by_deciding_steps(seed: int, family: int) -> None:
    """Law: the parts of a partition are disjoint, together the question, and each cell is where its deciders say."""
    random = Random(seed)
    lists = [random_list(random, family, skips=0.3, unknown=0) for _ in range(2)]
    match = random_match(random, family) if random.random() < 0.5 else {}
    parts = partition([program_of(lines, family) for lines in lists], family, box_of(match, family))
    found: dict[Cell, tuple[int, ...]] = {}
    for part in parts:
        for cell in cells_of(part.flows, family):
            assert cell not in found, "parts are disjoint"
            found[cell] = part.deciders
    assert found == {
        cell: tuple(run_list(lines, cell, {}) for lines in lists) for cell in CELLS[family] if holds(match, cell)
    }


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_series_lets_through_what_each_lets_through(seed: int, family: int) -> None:
    """Law: in series a packet is accepted if every firewall accepts it, else the first that does not has the word."""
    random = Random(seed)
    lists = [random_list(random, family, skips=0.3, unknown=0) for _ in range(3)]
    path = series([(f"hop{n}", program_of(lines, family)) for n, lines in enumerate(lists)])
    for cell in random.sample(CELLS[family], 100):
        step = path.decide(place_of(cell, family))
        hop = path.origin[step]
        assert isinstance(hop, Hop)
        deciders = [(f"hop{n}", run_list(lines, cell, {})) for n, lines in enumerate(lists)]
        words = [lines[place].verdict for lines, (_, place) in zip(lists, deciders, strict=True)]
        first = next((n for n, word in enumerate(words) if word != "accept"), 2)
        assert path.verdict[step] == words[first]
        assert (hop.name, hop.origin) == deciders[first]


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_a_specialised_program_decides_alike_in_its_box(seed: int, family: int) -> None:
    """Law: for packets of the box the cofactor decides by the same step; steps outside the box are gone."""
    random = Random(seed)
    lines = random_list(random, family, skips=0.3, unknown=0)
    match = random_match(random, family)
    program = program_of(lines, family)
    special = specialise(program, box_of(match, family))
    for cell in CELLS[family]:
        if holds(match, cell):
            place = place_of(cell, family)
            assert special.origin[special.decide(place)] == run_list(lines, cell, {})


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_bounds_are_what_some_and_what_every_reading_gives(seed: int, family: int) -> None:
    """Law: possibly is what some reading of each unknown match gives, surely what every reading gives."""
    random = Random(seed)
    lines = random_list(random, family, 7, skips=0.5, unknown=0.5)
    programs = {family: program_of(lines, family), 10 - family: other_family(10 - family)}
    word = random.choice(("accept", "drop"))
    might = set(cells_of(possibly(programs, word).flows(family), family))
    must = set(cells_of(surely(programs, word).flows(family), family))
    for cell in random.sample(CELLS[family], 200):
        words = _all_outcomes(lines, cell, 0)
        assert (cell in might) == (word in words)
        assert (cell in must) == (words == {word})


def test_a_skip_that_may_or_may_not_happen_leaves_both_ways_open() -> None:
    """Behind a skip that is not understood lie both the next step and its target; what either gives is possible."""
    program = Program(4)
    program.add(EVERY_BOX, None, literals=(("recent", True),))
    program.add(EVERY_BOX, "accept")
    program.add(EVERY_BOX, "drop")
    program.skip(0, 2)
    programs = {4: program, 6: other_family(6)}
    asked = {4: EVERY_BOX}
    for word in ("accept", "drop"):
        assert (EVERYTHING - possibly(programs, word)).is_empty(asked)
        assert surely(programs, word).is_empty(asked)


def _all_outcomes(lines: list[Line], cell: Cell, place: int) -> set[str]:
    """Every decision that reading each unknown match anew can give."""
    line = lines[place]
    found: set[str] = set()
    is_hit = holds(line.match, cell)
    if is_hit and line.verdict.startswith("skip:"):
        found |= _all_outcomes(lines, cell, int(line.verdict[5:]))
    elif is_hit:
        found.add(line.verdict)
    if not is_hit or line.unknown is not None:
        found |= _all_outcomes(lines, cell, place + 1)
    return found


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_a_verdict_map_finds_the_first_key(seed: int, family: int) -> None:
    """Law: a folded verdict map decides as looking through its keys in order does, overlapping or not."""
    random = Random(seed)
    matches = [random_match(random, family) for _ in range(random.randint(1, 6))]
    words = [random.choice(("accept", "drop")) for _ in matches]
    entries = [(box_of(match, family), Final(word), None) for match, word in zip(matches, words, strict=True)]
    chain = Chain(verdict_map(entries, family), "reject")
    program = unfold({"base": chain}, ["base"], family)
    sample = random.sample(CELLS[family], 400)
    found = [program.verdict[program.decide(place_of(cell, family))] for cell in sample]
    expected = [
        next((word for match, word in zip(matches, words, strict=True) if holds(match, cell)), "reject")
        for cell in sample
    ]
    assert found == expected


def test_a_large_verdict_map_folds_to_few_rules() -> None:
    """A map of a thousand exact keys with two targets becomes two rules of few products."""
    from firewright.space.box import box

    entries = []
    for host in range(40):
        for port in range(25):
            key = box(4, destination=((host * 2, host * 2),), service=((6 << 16 | port, 6 << 16 | port),))
            assert key is not None
            entries.append((key, Final("accept" if host < 20 else "drop"), (host, port)))
    rules = verdict_map(entries, 4)
    assert [len(rule.boxes) for rule in rules] == [1, 1]


def test_a_program_that_leaves_a_packet_open_is_refused() -> None:
    """A list without a final step for everything, with an open or a backward skip, is not a program."""
    program = Program(4)
    with pytest.raises(ValueError, match="decide every packet"):
        program.seal()
    step = program.add(EVERY_BOX, None)
    with pytest.raises(ValueError, match="forward"):
        program.skip(step, step)
    program.add(EVERY_BOX, "drop", literals=(("recent", True),))
    with pytest.raises(ValueError, match="decide every packet"):
        program.seal()
    program.add(EVERY_BOX, "drop")
    with pytest.raises(ValueError, match="neither a decision nor a step"):
        program.seal()
    program.skip(step, 9)
    with pytest.raises(ValueError, match="behind the end"):
        program.seal()
    program.skip(step, 2)
    program.seal()
    with pytest.raises(ValueError, match="in use"):
        program.add(EVERY_BOX, "drop")


def test_chains_in_a_circle_and_chains_that_are_not_there_are_refused() -> None:
    """A circle of jumps and a jump to nowhere are said by name."""
    circle = {"a": Chain((Rule((EVERY_BOX,), Jump("b")),)), "b": Chain((Rule((EVERY_BOX,), Jump("a")),))}
    with pytest.raises(RecursionError, match="a -> b -> a"):
        unfold(circle, ["a"], 4)
    with pytest.raises(LookupError, match="'b'"):
        unfold({"a": circle["a"]}, ["a"], 4)


def test_unfolding_beyond_its_limit_is_undecided() -> None:
    """Chains that double at each level are not unfolded without end: the answer is that there is none."""
    chains = {
        f"c{level}": Chain(tuple(Rule((EVERY_BOX,), Jump(f"c{level + 1}")) for _ in range(2))) for level in range(20)
    }
    chains["c20"] = Chain((Rule((EVERY_BOX,), Final("accept")),))
    with pytest.raises(Undecided, match="unfold"):
        unfold(chains, ["c0"], 4, limit=1000)
