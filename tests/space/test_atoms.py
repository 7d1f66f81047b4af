"""Atoms of one axis, against the ranges they are made of, number by number."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.model.interval import Ranges, canonical, has
from firewright.space.atoms import Atoms
from firewright.space.bitmap import bitmap_of, members
from firewright.space.box import ANY, intern, ranges_in

TOP = 400
SEEDS = st.integers(0, 10**9)


def some_value(random: Random, pieces: int) -> int:
    """A value of a few ranges, now and then everything."""
    if random.random() < 0.1:
        return ANY
    starts = [random.randrange(TOP + 1) for _ in range(random.randint(1, pieces))]
    found = intern(canonical((start, min(TOP, start + random.choice((0, 0, 1, 3, 40)))) for start in starts), TOP)
    assert found is not None
    return found


def numbers_of(ranges: Ranges) -> set[int]:
    """Every number of a set."""
    return {number for low, high in ranges for number in range(low, high + 1)}


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 150))
def test_sets_of_atoms_are_the_numbers_they_say(seed: int, steps: int) -> None:
    """Law: few atoms or many, their ranges are canonical and exactly their numbers; a value's atoms give the value back."""
    random = Random(seed)
    values = [some_value(random, 6) for _ in range(steps)]
    axis = Atoms(values, TOP)
    atom_of = [axis.held.index(bitmap_of(held, steps)) for held in _holders(values)]
    for share in (0.05, 0.5, 0.95):
        wanted = {atom for atom in range(len(axis.held)) if random.random() < share}
        ranges = axis.ranges(bitmap_of(wanted, len(axis.held)))
        assert ranges == canonical(ranges)
        assert numbers_of(ranges) == {number for number, atom in enumerate(atom_of) if atom in wanted}
    for value in values:
        assert axis.ranges(axis.of[value]) == ranges_in(value, TOP)
        assert sorted(axis.atoms[value]) == members(axis.of[value])


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 60))
def test_which_steps_meet_and_hold_a_value(seed: int, steps: int) -> None:
    """Law: of a step's own value exactly those; of any other exactly those that meet it, and only such as hold it."""
    random = Random(seed)
    values = [some_value(random, 4) for _ in range(steps)]
    sets = [numbers_of(ranges_in(value, TOP)) for value in values]
    axis = Atoms(values, TOP)
    for value in [*values, *(some_value(random, 4) for _ in range(20))]:
        own = numbers_of(ranges_in(value, TOP))
        meeting = [step for step, one in enumerate(sets) if one & own]
        holding = [step for step, one in enumerate(sets) if one >= own]
        for _ in range(2):
            atoms, met, held = axis.asked(value)
            assert members(met) == meeting
            assert own <= numbers_of(axis.ranges(atoms))
            assert set(members(held)) <= set(holding)
        if value in values:
            assert (axis.overlapping[value], members(axis.containing[value])) == (met, holding)


def _holders(values: list[int]) -> list[list[int]]:
    """For each number of the axis the steps that hold it."""
    sets = [ranges_in(value, TOP) for value in values]
    return [[step for step, one in enumerate(sets) if has(one, number)] for number in range(TOP + 1)]
