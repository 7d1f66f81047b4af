"""Cutting a long list along one axis into stretches of neighbouring numbers, each with a short list of its own.

`slices.py` cuts by atoms, which an index of the whole list has to find first; bitmaps of a hundred thousand steps by as many
atoms take gigabytes. A stretch takes one look at the ends of ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firewright.space.axis import TOPS, Axis
from firewright.space.box import ANY, Value, intern, ranges_in
from firewright.space.program import Program


@dataclass(frozen=True, slots=True)
class Stretch:
    """The numbers from `low` to `high` of an axis, and the steps that have one of them, ascending."""

    low: int
    high: int
    steps: Sequence[int]


def stretches(program: Program, axis: Axis, most: int) -> list[Stretch]:
    """The axis cut into stretches, in order, that begin anew once so many more steps were met. O(ranges log ranges)."""
    top = TOPS[program.family][axis]
    users: dict[Value, list[int]] = {}
    for step, box in enumerate(program.box):
        users.setdefault(box[axis], []).append(step)
    everywhere = users.pop(ANY, [])
    begins: dict[int, list[Value]] = {0: []}
    ends: dict[int, list[Value]] = {}
    for value in users:
        for low, high in ranges_in(value, top):
            begins.setdefault(low, []).append(value)
            ends.setdefault(high + 1, []).append(value)
    out: list[Stretch] = []
    inside: set[Value] = set()
    met: set[Value] = set()
    first = new = 0
    for here in sorted({*begins, *ends} - {top + 1}):
        inside.difference_update(ends.get(here, ()))
        if new >= most:
            out.append(_stretch(first, here - 1, everywhere, met, users))
            first, met, new = here, set(inside), 0
        for value in begins.get(here, ()):
            new += len(users[value]) if value not in met else 0
            met.add(value)
            inside.add(value)
    out.append(_stretch(first, top, everywhere, met, users))
    return out


def _stretch(low: int, high: int, everywhere: list[int], met: set[Value], users: dict[Value, list[int]]) -> Stretch:
    return Stretch(low, high, sorted([*everywhere, *(step for value in met for step in users[value])]))


def in_stretch(program: Program, axis: Axis, stretch: Stretch) -> Program:
    """The steps of a program without skips that meet a stretch, which decide there as it does.

    Beside the stretch a packet is decided as its nearest number in it is, so that nothing is there that is not in the stretch:
    a step that holds all of the stretch holds the whole axis. ValueError for a program that skips. O(steps of the stretch).
    """
    top = TOPS[program.family][axis]
    clamped: dict[Value, Value] = {ANY: ANY}
    out = Program(program.family)
    for step in stretch.steps:
        box, verdict = program.box[step], program.verdict[step]
        if not isinstance(verdict, str):
            raise ValueError(f"step {step} skips: only programs that do not are cut into stretches")
        value = clamped.get(box[axis])
        if value is None:
            value = clamped[box[axis]] = _clamped(box[axis], stretch, top)
        out.add((*box[:axis], value, *box[axis + 1 :]), verdict, program.origin[step], program.literals[step])
    return out


def _clamped(value: Value, stretch: Stretch, top: int) -> Value:
    """The numbers whose nearest one in the stretch is in a value that meets it."""
    low, high = stretch.low, stretch.high
    ranges = tuple(
        (0 if first <= low else first, top if last >= high else last)
        for first, last in ranges_in(value, top)
        if first <= high and last >= low
    )
    found = intern(ranges, top)
    if found is None:
        raise ValueError("a step of a stretch meets it")
    return found


def bulk(parts: Sequence[Stretch]) -> int:
    """What bitmaps of stretches take beside each other: the sum of the squares of their steps."""
    return sum(len(part.steps) ** 2 for part in parts)
