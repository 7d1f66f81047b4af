"""Splitting a question by which step of each program decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firewright.model.packet import Family
from firewright.space.box import EVERY_BOX, Box
from firewright.space.budget import current
from firewright.space.diagram import Diagram, decider
from firewright.space.flow import Flow, merged
from firewright.space.index import AtomBox
from firewright.space.program import Program
from firewright.space.question import index_of, named


@dataclass(frozen=True, slots=True)
class Part:
    """The packets of a question that step `deciders[k]` of program k decides, for each program: disjoint flows."""

    deciders: tuple[int, ...]
    flows: tuple[Flow, ...]


def partition(programs: Sequence[Program], family: Family, within: Box = EVERY_BOX) -> tuple[Part, ...]:
    """The question split by which step of each program decides, sorted by deciders. Disjoint; together the question.

    Undecided if there are more products than the budget's cells.
    """
    distinct = list({id(program): program for program in programs}.values())
    index = index_of(distinct, family)
    place = {id(program): number for number, program in enumerate(distinct)}
    places = [place[id(program)] for program in programs]

    def deciders(holding: int) -> tuple[int, ...]:
        return tuple(decider(index, number, holding) - index.lists[number].offset for number in places)

    diagram = Diagram(index, deciders, within, current().cells)
    found: dict[tuple[int, ...], list[AtomBox]] = {}
    for end, box in diagram.paths(lambda _: True):
        if isinstance(end, tuple):
            found.setdefault(end, []).append(box)
    asked = None if within == EVERY_BOX else within
    return tuple(
        Part(key, merged(family, [named(index, box, asked) for box in boxes])) for key, boxes in sorted(found.items())
    )
