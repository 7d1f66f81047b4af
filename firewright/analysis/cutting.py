"""Cutting a question about two programs into small ones: what both say in the same steps is left out, the rest is cut along axes.

Exact, and cheap where two long programs differ in a little: a search in short programs costs a fraction of one in long ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firewright.model.interval import Ranges
from firewright.model.packet import Family
from firewright.space.axis import AXES, Axis, top
from firewright.space.box import ANY, Box, intern, meet_box
from firewright.space.program import Program
from firewright.space.slices import blocks, only, steps_meeting

_CUT = (Axis.IN_INTERFACE, Axis.OUT_INTERFACE, Axis.DESTINATION, Axis.SOURCE)
_STEPS = 200
"""Programs of so many steps together are not cut any further."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A box of packets, and of two programs the steps that meet it."""

    within: Box
    first: Program
    second: Program


def cells(first: Program, second: Program, within: Box) -> Iterator[Cell]:
    """Disjoint boxes of the question in which the two programs have different steps; elsewhere they decide alike. O(steps) each."""
    yield from _cut(first.seal(), second.seal(), within, _CUT)


def _cut(first: Program, second: Program, within: Box, axes: tuple[Axis, ...]) -> Iterator[Cell]:
    first, second = steps_in(first, within), steps_in(second, within)
    if _content(first) == _content(second):
        return
    if not axes or len(first) + len(second) <= _STEPS:
        yield Cell(within, first, second)
        return
    axis, *rest = axes
    for ranges, (one, other) in blocks((first, second), first.family, axis, _STEPS // 2):
        inner = _narrowed(within, axis, ranges, first.family)
        if inner is not None:
            yield from _cut(one, other, inner, tuple(rest))


def regions(programs: Sequence[Program], family: Family, within: Box) -> Iterator[tuple[Box, tuple[Program, ...]]]:
    """Disjoint boxes, together the question, in which programs have few steps, and the programs of those. O(steps) each."""
    yield from _regions(tuple(program.seal() for program in programs), family, within, _CUT)


def _regions(
    programs: tuple[Program, ...], family: Family, within: Box, axes: tuple[Axis, ...]
) -> Iterator[tuple[Box, tuple[Program, ...]]]:
    programs = tuple(steps_in(program, within) for program in programs)
    if not axes or sum(map(len, programs)) <= _STEPS:
        yield within, programs
        return
    axis, *rest = axes
    for ranges, own in blocks(programs, family, axis, _STEPS // 2):
        inner = _narrowed(within, axis, ranges, family)
        if inner is not None:
            yield from _regions(own, family, inner, tuple(rest))


def steps_in(program: Program, within: Box) -> Program:
    """A program of the steps of one that share a packet with a box: it decides the box's packets as that does. O(steps)."""
    steps = steps_meeting(program, (within,))
    return program if len(steps) == len(program) else only(program, steps).seal()


def _content(program: Program) -> tuple[object, ...]:
    return program.box, program.verdict, program.literals


def _narrowed(within: Box, axis: Axis, ranges: Ranges, family: Family) -> Box | None:
    value = intern(ranges, top(family, axis))
    if value is None:
        return None
    return meet_box(within, tuple(value if number == axis else ANY for number in range(AXES)), family)
