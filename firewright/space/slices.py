"""Cutting a question along axes with few atoms (interface pairs) into independent small ones, each with short bitmaps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from firewright.model.interval import Ranges, intersection
from firewright.model.packet import Family
from firewright.space.atoms import Atoms
from firewright.space.axis import TOPS, Axis
from firewright.space.bitmap import members
from firewright.space.box import ANY, EVERY_BOX, Box, ranges_in
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
    """The atoms of some axes over several programs, as far as they meet a question; their products are the slices."""

    def __init__(
        self, programs: Sequence[Program], family: Family, axes: Sequence[Axis] = CUT, within: Box = EVERY_BOX
    ) -> None:
        self.programs, self.family, self.axes = programs, family, axes
        self._parts: list[list[tuple[Ranges, int]]] = []
        for axis in axes:
            top = TOPS[family][axis]
            atoms = Atoms([box[axis] for program in programs for box in program.box], top)
            asked = ranges_in(within[axis], top)
            parts = ((intersection(atoms.ranges(1 << atom), asked), held) for atom, held in enumerate(atoms.held))
            self._parts.append([(ranges, held) for ranges, held in parts if ranges])

    def __len__(self) -> int:
        return prod(map(len, self._parts))

    def __iter__(self) -> Iterator[Slice]:
        """The slices, together exactly the question's part of these axes, each program with only the steps alive there."""
        yield from self._cut((), -1)

    def _cut(self, fixed: tuple[tuple[Axis, Ranges], ...], alive: int) -> Iterator[Slice]:
        depth = len(fixed)
        if depth < len(self.axes):
            for ranges, steps in self._parts[depth]:
                yield from self._cut((*fixed, (self.axes[depth], ranges)), alive & steps)
            return
        offset, out = 0, []
        for program in self.programs:
            own = members(alive >> offset & ((1 << len(program)) - 1))
            out.append(only(program, own, self.axes))
            offset += len(program)
        yield Slice(fixed, tuple(out))


def blocks(
    programs: Sequence[Program], family: Family, axis: Axis, steps: int
) -> Iterator[tuple[Ranges, tuple[Program, ...]]]:
    """The space cut along an axis: the numbers of each block, and the programs with only the steps that meet it.

    Together the blocks are the whole axis, and each has at most about so many steps more than there are everywhere. What a
    search costs grows with the length of its bitmaps, so many short searches are cheaper than a long one.
    """
    atoms = Atoms([box[axis] for program in programs for box in program.seal().box], TOPS[family][axis])
    most = min(held.bit_count() for held in atoms.held) + steps
    group, alive = 0, 0
    for number, held in enumerate(atoms.held):
        joined = alive | held
        if group and joined.bit_count() > most:
            yield atoms.ranges(group), _alive(programs, alive)
            group, joined = 0, held
        group, alive = group | 1 << number, joined
    yield atoms.ranges(group), _alive(programs, alive)


def _alive(programs: Sequence[Program], alive: int) -> tuple[Program, ...]:
    """The programs with only these steps, counted through all of them."""
    offset, out = 0, []
    for program in programs:
        out.append(only(program, members(alive >> offset & ((1 << len(program)) - 1))))
        offset += len(program)
    return tuple(out)


def only(program: Program, steps: Sequence[int], free: Sequence[Axis] = ()) -> Program:
    """A program of some of its steps, ascending; a skip to one left out goes to the next one kept. `free` axes are freed."""
    out = Program(program.family)
    for place, step in enumerate(steps):
        box = program.box[step]
        for axis in free:
            box = (*box[:axis], ANY, *box[axis + 1 :])
        verdict = program.verdict[step]
        out.add(box, verdict if isinstance(verdict, str) else None, program.origin[step], program.literals[step])
        if isinstance(verdict, int):
            out.skip(place, bisect_left(steps, verdict))
    return out


def boxes_met(program: Program, boxes: Sequence[Box]) -> Iterator[tuple[int, int]]:
    """Each step of a program with those of the boxes, as a bitmap, that it may share a packet with (literals aside).

    O(n) for few boxes.
    """
    atoms = [Atoms([box[axis] for box in boxes], top) for axis, top in enumerate(TOPS[program.family])]
    told = [axis for axis, one in enumerate(atoms) if len(one.held) > 1]
    every = (1 << len(boxes)) - 1
    remembered: list[dict[int, int]] = [{} for _ in atoms]
    for step, box in enumerate(program.box):
        met = every
        for axis in told:
            value = box[axis]
            own = remembered[axis].get(value)
            if own is None:
                own = remembered[axis][value] = atoms[axis].steps_meeting(ranges_in(value, atoms[axis].top))
            met &= own
            if not met:
                break
        yield step, met


def steps_meeting(program: Program, boxes: Sequence[Box]) -> list[int]:
    """The steps that may share a packet with one of the boxes (literals aside), and the last one. O(n) for few boxes."""
    return [step for step, met in boxes_met(program, boxes) if met or step == len(program) - 1]
