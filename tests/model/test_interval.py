"""Sets of integers as ranges: each operation is the one of Python's own sets, whichever side is the longer one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firewright.model.interval import Ranges, canonical, difference, has, intersection, is_within, union

_TOP = 400
SETS = st.one_of(
    st.sets(st.integers(0, _TOP), max_size=4),
    st.sets(st.integers(0, _TOP), min_size=80, max_size=200),
    st.builds(lambda step, first: set(range(first, _TOP, step)), st.integers(2, 5), st.integers(0, 9)),
)


def ranges(numbers: set[int]) -> Ranges:
    """A set as ranges."""
    return canonical((number, number) for number in numbers)


@given(SETS, SETS)
def test_operations_are_those_of_sets(one: set[int], other: set[int]) -> None:
    """Law: intersection, difference, union and `is_within` say what sets of numbers say, as canonical ranges."""
    a, b = ranges(one), ranges(other)
    assert intersection(a, b) == ranges(one & other)
    assert difference(a, b) == ranges(one - other)
    assert union(a, b) == ranges(one | other)
    assert is_within(a, b) == (one <= other)


@given(SETS, st.integers(0, _TOP))
def test_a_number_is_found_where_it_is(one: set[int], number: int) -> None:
    """Law: `has` says whether the number is in the set."""
    assert has(ranges(one), number) == (number in one)
