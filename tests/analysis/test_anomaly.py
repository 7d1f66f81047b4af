"""Shadowed and redundant steps, against taking each step out and asking every cell."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis import _stretched
from firewright.analysis._stretched import Stretched, cut
from firewright.analysis.anomaly import Anomaly, Kind, anomalies, mattering, reaching
from firewright.model.packet import FAMILIES, TCP
from firewright.space.axis import Axis, point, top
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.budget import Undecided, budget
from firewright.space.program import Program
from firewright.space.stretches import in_stretch, stretches
from tests.space.reference import Line, cells, holds, random_list, run_list, segment
from tests.space.translate import cell_of, program_of

CELLS = {family: cells(family) for family in FAMILIES}


def known_anomalies(lines: list[Line], family: int) -> dict[int, Kind]:
    """Steps that could go, by trying every cell."""
    deciders = {cell: run_list(lines, cell, {}) for cell in CELLS[family]}
    found = {}
    for step, line in enumerate(lines[:-1]):
        if line.verdict.startswith("skip:"):
            continue
        own = [cell for cell, decider in deciders.items() if decider == step]
        if not own:
            found[step] = Kind.SHADOWED
        elif all(_next_word(lines, step, cell) == line.verdict for cell in own):
            found[step] = Kind.REDUNDANT
    return found


def _next_word(lines: list[Line], step: int, cell: tuple[int, ...]) -> str:
    """The word for a cell that a step decides, were the step not there."""
    left = [line if place != step else Line(line.match, f"skip:{step + 1}") for place, line in enumerate(lines)]
    return left[run_list(left, cell, {})].verdict


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES), st.booleans())
def test_exactly_the_steps_that_could_go_are_named(seed: int, family: int, skips: bool) -> None:
    """Law: a deciding step is shadowed or redundant exactly if taking it out proves it so; skipping steps have no say."""
    lines = random_list(Random(seed), family, 12, skips=0.3 * skips, unknown=0)
    found = {one.step: one.kind for one in anomalies(program_of(lines, family))}
    decisions = {step: kind for step, kind in found.items() if not lines[step].verdict.startswith("skip:")}
    assert decisions == known_anomalies(lines, family)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from(FAMILIES),
    st.sampled_from((Axis.SOURCE, Axis.DESTINATION, Axis.SERVICE)),
    st.integers(1, 6),
)
def test_judged_stretch_by_stretch_a_list_has_the_same_anomalies(seed: int, family: int, axis: Axis, most: int) -> None:
    """Law: cut anywhere on any axis, the same steps could go, redundant ones by the same others, shadowed ones by a least cover."""
    lines = random_list(Random(seed), family, 14, skips=0, unknown=0)
    program = program_of(lines, family).seal()
    whole = {one.step: one for one in anomalies(program)}
    found = {one.step: one for one in Stretched(program, axis, stretches(program, axis, most)).judged()}
    assert {step: one.kind for step, one in found.items()} == {step: one.kind for step, one in whole.items()}
    assert [one for one in found.values() if one.kind is Kind.REDUNDANT] == [
        one for one in whole.values() if one.kind is Kind.REDUNDANT
    ]
    for one in found.values():
        if one.kind is Kind.REDUNDANT:
            continue
        if len(whole[one.step].by) == 1:
            assert one.by == whole[one.step].by
        own = [cell for cell in CELLS[family] if holds(lines[one.step].match, cell)]
        for gone in (None, *one.by):
            left = [step for step in one.by if step != gone]
            is_covered = all(any(holds(lines[step].match, cell) for step in left) for cell in own)
            assert is_covered == (gone is None)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from(FAMILIES),
    st.sampled_from((Axis.SOURCE, Axis.DESTINATION, Axis.SERVICE)),
    st.integers(1, 6),
)
def test_stretches_are_the_whole_axis_and_decide_alike(seed: int, family: int, axis: Axis, most: int) -> None:
    """Law: stretches follow one another over the whole axis, and the list of each decides its packets by the same steps."""
    random = Random(seed)
    lines = random_list(random, family, 14, skips=0, unknown=0)
    program = program_of(lines, family).seal()
    parts = stretches(program, axis, most)
    assert [parts[0].low, *(part.high + 1 for part in parts)] == [*(part.low for part in parts), top(family, axis) + 1]
    short = [in_stretch(program, axis, part) for part in parts]
    for cell in random.sample(CELLS[family], 60):
        place = tuple(segment(family, number, one)[0] for number, one in enumerate(cell))
        (mine,) = [number for number, part in enumerate(parts) if part.low <= place[axis] <= part.high]
        assert parts[mine].steps[short[mine].decide(place)] == run_list(lines, cell, {})


def test_a_long_list_is_cut_where_it_gains_and_never_where_it_skips() -> None:
    """A list of short ranges is cut into stretches with the same answer; one that skips, or is short, is not."""
    program = Program(4)
    for number in range(400):
        sides = [(number * 10, number * 10 + 9)]
        if number % 4 == 3:
            sides.append((number * 10 - 5, number * 10 + 4))
        for side in sides:
            one = box(4, destination=(side,), service=((TCP << 16, TCP << 16 | 9),))
            assert one is not None
            program.add(one, "accept" if number % 5 else "drop")
    program.add(EVERY_BOX, "drop")
    whole = anomalies(program)
    assert {one.kind for one in whole} == set(Kind)
    assert cut(program.seal()) is None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_stretched, "_LONG", 100)
        patched.setattr(_stretched, "_SHORTEST", 20)
        found = cut(program)
        assert found is not None
        assert len(found[1]) > 10
        assert anomalies(program) == whole
        skipping = Program(4)
        for number in range(200):
            skipping.skip(skipping.add(EVERY_BOX, None), number + 1)
        skipping.add(EVERY_BOX, "drop")
        assert cut(skipping.seal()) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES))
def test_the_steps_named_take_all_of_a_shadowed_one(seed: int, family: int) -> None:
    """Law: the steps by which one is shadowed hold all of it together, and not with any of them left out."""
    lines = random_list(Random(seed), family, 16, skips=0, unknown=0)
    for anomaly in anomalies(program_of(lines, family)):
        own = [cell for cell in CELLS[family] if holds(lines[anomaly.step].match, cell)]
        if anomaly.kind is Kind.SHADOWED:
            assert all(step < anomaly.step for step in anomaly.by)
            assert all(any(holds(lines[step].match, cell) for step in anomaly.by) for cell in own)
            for left_out in anomaly.by:
                rest = [step for step in anomaly.by if step != left_out]
                assert any(not any(holds(lines[step].match, cell) for step in rest) for cell in own)
        else:
            assert all(lines[step].verdict == lines[anomaly.step].verdict for step in anomaly.by)
            assert all(step > anomaly.step for step in anomaly.by)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES), st.booleans())
def test_a_step_that_lives_has_a_packet_and_one_that_matters_too(seed: int, family: int, skips: bool) -> None:
    """Law: `reaching` is a packet that the step decides, `mattering` one decided otherwise without it; None where there is none."""
    lines = random_list(Random(seed), family, 8, skips=0.3 * skips, unknown=0)
    program = program_of(lines, family)
    known = known_anomalies(lines, family)
    for step, line in enumerate(lines[:-1]):
        if line.verdict.startswith("skip:"):
            continue
        reached, mattered = reaching(program, step), mattering(program, step)
        assert (reached is None) == (known.get(step) is Kind.SHADOWED)
        assert (mattered is None) == (step in known)
        if reached is not None:
            assert run_list(lines, cell_of(reached), {}) == step
            assert program.decide(point(reached)) == step
        if mattered is not None:
            assert run_list(lines, cell_of(mattered), {}) == step
            assert _next_word(lines, step, cell_of(mattered)) != line.verdict


def ports(low: int, high: int) -> Box:
    """TCP to a range of ports."""
    found = box(4, service=((TCP << 16 | low, TCP << 16 | high),))
    assert found is not None
    return found


def test_a_step_hidden_by_two_together_is_shadowed_by_both() -> None:
    """Neither of two steps holds a third, both together do, and a step that overlaps it besides is not blamed."""
    program = Program(4)
    program.add(ports(0, 99), "accept")
    program.add(ports(90, 120), "accept")
    program.add(ports(100, 199), "drop")
    program.add(ports(50, 150), "accept")
    program.add(EVERY_BOX, "drop")
    assert anomalies(program) == (Anomaly(3, Kind.SHADOWED, (0, 2)),)


def test_many_steps_with_one_shadowed_only_by_all_of_them() -> None:
    """A hundred single ports shadow their range only together, and then all of them are named."""
    program = Program(4)
    for port in range(100):
        program.add(ports(port, port), "accept" if port % 2 else "drop")
    program.add(ports(0, 99), "accept")
    program.add(ports(0, 100), "accept")
    program.add(EVERY_BOX, "drop")
    found = {one.step: one for one in anomalies(program)}
    assert found[100] == Anomaly(100, Kind.SHADOWED, tuple(range(100)))
    assert 101 not in found


def test_a_drop_before_a_final_drop_is_redundant() -> None:
    """A step that only says earlier what the last one says anyway changes nothing, unless an accept lies between."""
    program = Program(4)
    program.add(ports(0, 9), "drop")
    program.add(ports(20, 29), "drop")
    program.add(ports(25, 40), "accept")
    program.add(EVERY_BOX, "drop")
    assert anomalies(program) == (Anomaly(0, Kind.REDUNDANT, (3,)),)


def test_a_step_that_cannot_be_judged_in_the_budget_is_undecided() -> None:
    """A step that many overlapping pieces hide together is not called alive, nor dead, when the budget ends first."""
    program = Program(4)
    for number in range(60):
        pieces = (box(4, source=((0, number),), destination=((number, 59),)), box(4, source=((number + 1, 60),)))
        for piece in pieces[: 1 if number < 59 else 2]:
            assert piece is not None
            program.add(piece, "accept" if number % 2 else "drop")
    hidden = box(4, source=((0, 59),), destination=((59, 59),))
    half = box(4, source=((0, 1),), destination=((0, 0), (59, 59)))
    whole = box(4, source=((0, 60),), destination=((59, 59),))
    for one in (hidden, half, whole):
        assert one is not None
        program.add(one, "accept")
    program.add(EVERY_BOX, "drop")
    found = {one.step: one.kind for one in anomalies(program)}
    assert found[len(program) - 2] is Kind.SHADOWED
    with budget(nodes=0, diagram=0), pytest.raises(Undecided):
        anomalies(program)
