"""Cutting a question along axes with few atoms (interface pairs) into independent small ones, each with short bitmaps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firewright.model.interval import Ranges
from firewright.model.packet import Family
from firewright.space.axis import TOPS, Axis
from firewright.space.bitmap import members
from firewright.space.box import ANY
from firewright.space.index import Atoms
from firewright.space.program import Program

CUT = (Axis.IN_INTERFACE, Axis.OUT_INTERFACE)


@dataclass(frozen=True, slots=True)
class Slice:
    """What programs are for packets whose place on some axes is in given ranges; those axes are free in them."""

    fixed: tuple[tuple[Axis, Ranges], ...]
    programs: tuple[Program, ...]

    @property
    def meaning(self) -> tuple[object, ...]:
        """Equal for slices in which every question has the same answer."""
        return tuple((tuple(one.box), tuple(one.literals), tuple(one.verdict)) for one in self.programs)


class Slicing:
    """The atoms of some axes over several programs; their products are the slices."""

    def __init__(self, programs: Sequence[Program], family: Family, axes: Sequence[Axis] = CUT) -> None:
        self.programs, self.family, self.axes = programs, family, axes
        self._atoms = [
            Atoms([box[axis] for program in programs for box in program.box], TOPS[family][axis]) for axis in axes
        ]

    def __len__(self) -> int:
        count = 1
        for atoms in self._atoms:
            count *= len(atoms.held)
        return count

    def __iter__(self) -> Iterator[Slice]:
        """The slices, together exactly the whole space, each program with only the steps that are alive there."""
        yield from self._cut((), -1)

    def _cut(self, fixed: tuple[tuple[Axis, Ranges], ...], alive: int) -> Iterator[Slice]:
        depth = len(fixed)
        if depth < len(self.axes):
            atoms = self._atoms[depth]
            for number, steps in enumerate(atoms.held):
                yield from self._cut((*fixed, (self.axes[depth], atoms.ranges(1 << number))), alive & steps)
            return
        offset, out = 0, []
        for program in self.programs:
            own = members(alive >> offset & ((1 << len(program)) - 1))
            out.append(self._alive(program, own))
            offset += len(program)
        yield Slice(fixed, tuple(out))

    def _alive(self, program: Program, steps: list[int]) -> Program:
        out = Program(self.family)
        for place, step in enumerate(steps):
            box = list(program.box[step])
            for axis in self.axes:
                box[axis] = ANY
            verdict = program.verdict[step]
            word = verdict if isinstance(verdict, str) else None
            out.add(tuple(box), word, program.origin[step], program.literals[step])
            if isinstance(verdict, int):
                out.skip(place, bisect_left(steps, verdict))
        return out
