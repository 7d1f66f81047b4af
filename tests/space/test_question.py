"""Long questions cut into slices, remembered indexes, and the examples of the package's page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firewright.space
from firewright.model.packet import FAMILIES
from firewright.space import question
from firewright.space.axis import Axis
from firewright.space.box import EVERY_BOX
from firewright.space.index import Index
from firewright.space.packetset import PacketSet
from firewright.space.program import Program
from firewright.space.slices import Slicing
from tests.space.reference import CUTS, Cell, cells, random_list, readings, run_list, segment
from tests.space.translate import cell_of, program_of

CELLS = {family: cells(family) for family in FAMILIES}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES))
def test_slices_are_the_whole_space_and_decide_alike(seed: int, family: int) -> None:
    """Law: each cell is in exactly one slice, and there each program decides by the same step under every reading."""
    random = Random(seed)
    lists = [random_list(random, family, skips=0.3, unknown=0.3) for _ in range(2)]
    slicing = Slicing([program_of(lines, family).seal() for lines in lists], family)
    slices = list(slicing)
    assert len(slices) == len(slicing)
    for cell in random.sample(CELLS[family], 60):
        place = tuple(segment(family, axis, number)[0] for axis, number in enumerate(cell))
        mine = [
            one
            for one in slices
            if all(any(low <= place[axis] <= high for low, high in ranges) for axis, ranges in one.fixed)
        ]
        assert len(mine) == 1
        for reading in readings():
            for lines, program in zip(lists, mine[0].programs, strict=True):
                assert program.seal().origin[program.decide(place, reading)] == run_list(lines, cell, reading)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES))
def test_a_question_in_slices_has_the_same_answer(seed: int, family: int) -> None:
    """Law: cut into slices and folded, a comparison finds a packet exactly where counting does."""
    random = Random(seed)
    before = random_list(random, family, 10, skips=0.3, unknown=0)
    after = random_list(random, family, 10, skips=0.3, unknown=0) if random.random() < 0.5 else list(before)
    other = Program(10 - family)
    other.add(EVERY_BOX, "drop")
    sets = [
        PacketSet.decided({family: program_of(lines, family), 10 - family: other}, "accept")
        for lines in (before, after)
    ]
    known = {
        cell
        for cell in CELLS[family]
        if before[run_list(before, cell, {})].verdict == "accept" != after[run_list(after, cell, {})].verdict
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(question, "_LONG", 0)
        question.forget()
        witness = (sets[0] - sets[1]).witness()
    assert (witness is None) == (not known)
    if witness is not None:
        assert cell_of(witness) in known


def test_a_question_asked_twice_uses_one_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking about the same programs again builds nothing, and forgetting makes room without changing answers."""
    built = []

    def counted(programs: Sequence[Program], family: int) -> Index:
        built.append(programs)
        return Index(programs, family)

    monkeypatch.setattr(question, "Index", counted)
    packets = PacketSet.of(
        {family: [program_of(random_list(Random(3), family, skips=0, unknown=0), family).box[0]] for family in FAMILIES}
    )
    answers = [packets.witness({4: EVERY_BOX}) for _ in range(3)]
    assert len(built) == 1
    question.forget()
    answers.append(packets.witness({4: EVERY_BOX}))
    assert len(built) == 2
    assert len(set(answers)) == 1


def test_the_examples_of_the_page_hold() -> None:
    """Every block of code in the package's README runs, in order, with its assertions."""
    page = (Path(firewright.space.__file__).parent / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, object] = {"__name__": "readme"}
    for number, block in enumerate(blocks):
        assert "assert" in block, f"block {number} shows nothing that could fail"
        exec(compile(block, f"README.md, block {number}", "exec"), names)


def test_the_small_world_is_the_space(family: int = 4) -> None:
    """The cells of the tests' world together are every number of every axis, so brute force misses nothing."""
    for axis in Axis:
        segments = [segment(family, axis, number) for number in range(len(CUTS[family][axis]))]
        assert segments[0][0] == 0
        assert all(one[1] + 1 == after[0] for one, after in pairwise(segments))
    cell: Cell = CELLS[family][-1]
    assert len(cell) == len(Axis)
