"""Differences of programs, excess over a set, and where packets stop on a path; against every cell."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis import difference
from firewright.analysis.difference import differences, excesses, first_difference, stops
from firewright.model.packet import FAMILIES
from firewright.space import question
from firewright.space.axis import point
from firewright.space.box import EVERY_BOX, has_point
from firewright.space.packetset import EMPTY, EVERYTHING, PacketSet
from firewright.space.program import Program, series
from tests.space.reference import Line, cells, holds, random_list, random_match, run_list
from tests.space.translate import box_of, cell_of, program_of

CELLS = {family: cells(family) for family in FAMILIES}
SEEDS = st.integers(0, 10**9)


def edited(random: Random, lines: list[Line], family: int) -> list[Line]:
    """The list after a few edits that keep its skips forward."""
    out = list(lines)
    for _ in range(random.randint(0, 3)):
        place = random.randrange(len(out))
        if out[place].verdict.startswith("skip:"):
            continue
        verdict = random.choice(("accept", "drop", "reject"))
        out[place] = Line({} if place == len(out) - 1 else random_match(random, family), verdict)
    return out


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES), st.booleans(), st.booleans())
def test_every_pair_of_steps_that_differ_is_found_with_a_packet(
    seed: int, family: int, skips: bool, is_edit: bool
) -> None:
    """Law: the pairs are exactly those of some cell that the lists decide with different words, each with such a packet."""
    random = Random(seed)
    before = random_list(random, family, 10, skips=0.3 * skips, unknown=0)
    after = edited(random, before, family) if is_edit else random_list(random, family, 10, skips=0.3 * skips, unknown=0)
    match = random_match(random, family) if random.random() < 0.4 else {}
    known = set()
    for cell in CELLS[family]:
        pair = run_list(before, cell, {}), run_list(after, cell, {})
        if before[pair[0]].verdict != after[pair[1]].verdict and holds(match, cell):
            known.add(pair)
    first, second = program_of(before, family), program_of(after, family)
    found = differences(first, second, box_of(match, family))
    assert {(one.before, one.after) for one in found} == known
    assert len(found) == len(known)
    for one in found:
        cell = cell_of(one.witness)
        assert (run_list(before, cell, {}), run_list(after, cell, {})) == (one.before, one.after)
        assert (first.decide(point(one.witness)), second.decide(point(one.witness))) == (one.before, one.after)
        assert holds(match, cell)
    single = first_difference(first, second, box_of(match, family))
    assert (single is None) == (not known)
    if single is not None:
        cell = cell_of(single)
        assert before[run_list(before, cell, {})].verdict != after[run_list(after, cell, {})].verdict


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES), st.integers(1, 6), st.sampled_from((0, 2_000)))
def test_long_programs_are_compared_in_parts_alike(seed: int, family: int, steps: int, most_slices: int) -> None:
    """Law: cut into slices or not, and blocks of any length, two programs differ exactly if they do as a whole, by a packet."""
    random = Random(seed)
    before = random_list(random, family, 8, skips=0.3, unknown=0)
    after = edited(random, before, family)
    first, second = program_of(before, family), program_of(after, family)
    within = box_of(random_match(random, family), family)
    whole = first_difference(first, second, within)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(difference, "_LONG", 0)
        patched.setattr(question, "_LONG", 0)
        patched.setattr(question, "_BLOCK", steps)
        patched.setattr(question, "_MOST_SLICES", most_slices)
        cut = first_difference(first, second, within)
    assert (whole is None) == (cut is None)
    if cut is not None:
        cell = cell_of(cut)
        assert has_point(within, point(cut))
        assert before[run_list(before, cell, {})].verdict != after[run_list(after, cell, {})].verdict


def test_a_program_does_not_differ_from_itself() -> None:
    """No pair and no packet, whether it is the same object or an equal list; other families cannot be compared."""
    lines = random_list(Random(4), 4, 12, skips=0.3, unknown=0)
    program = program_of(lines, 4)
    assert differences(program, program) == ()
    assert differences(program, program_of(lines, 4)) == ()
    assert first_difference(program, program_of(lines, 4)) is None
    with pytest.raises(ValueError, match="famil"):
        differences(program, program_of(random_list(Random(4), 6, skips=0.3, unknown=0), 6))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_exactly_the_steps_beyond_the_set_are_in_excess(seed: int) -> None:
    """Law: a step is in excess if it accepts a cell outside the set, and its packet is such a one."""
    random = Random(seed)
    lists = {family: random_list(random, family, 8, skips=0.3, unknown=0) for family in FAMILIES}
    matches = {family: [random_match(random, family) for _ in range(random.randint(0, 5))] for family in FAMILIES}
    allowed = PacketSet.of({family: [box_of(one, family) for one in matches[family]] for family in FAMILIES})
    known = set()
    for family in FAMILIES:
        for cell in CELLS[family]:
            step = run_list(lists[family], cell, {})
            if lists[family][step].verdict == "accept" and not any(holds(one, cell) for one in matches[family]):
                known.add((family, step))
    programs = {family: program_of(lists[family], family) for family in FAMILIES}
    found = excesses(programs, allowed, "accept")
    assert {(one.family, one.step) for one in found} == known
    for one in found:
        assert run_list(lists[one.family], cell_of(one.witness), {}) == one.step
        assert one.witness not in allowed
    assert excesses(programs, EVERYTHING, "accept") == ()
    assert (PacketSet.decided(programs, "accept") <= allowed) == (not known)


def test_nothing_allowed_means_every_living_accept_is_in_excess() -> None:
    """Against the empty set each family's accept is named: neither family is forgotten."""
    programs = {}
    for family in FAMILIES:
        programs[family] = Program(family)
        programs[family].add(EVERY_BOX, "accept")
    assert [(one.family, one.step) for one in excesses(programs, EMPTY, "accept")] == [(4, 0), (6, 0)]


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(FAMILIES))
def test_packets_stop_where_the_first_firewall_says_so(seed: int, family: int) -> None:
    """Law: the stops of a path are the steps that first do not accept some cell of the question, each with a packet."""
    random = Random(seed)
    lists = {f"hop{n}": random_list(random, family, 6, skips=0.3, unknown=0) for n in range(3)}
    path = series([(name, program_of(lines, family)) for name, lines in lists.items()])
    match = random_match(random, family)

    def end_of(cell: tuple[int, ...]) -> tuple[str, int, str] | None:
        for name, lines in lists.items():
            step = run_list(lines, cell, {})
            if lines[step].verdict != "accept":
                return name, step, lines[step].verdict
        return None

    known = {end_of(cell) for cell in CELLS[family] if holds(match, cell)} - {None}
    found = stops(path, box_of(match, family))
    assert {(one.firewall, one.step, one.word) for one in found} == known
    for one in found:
        assert end_of(cell_of(one.witness)) == (one.firewall, one.step, one.word)
        assert holds(match, cell_of(one.witness))
