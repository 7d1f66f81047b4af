"""Programs side by side over common atoms: for each axis which steps hold an atom, overlap a value, contain a value.

On each axis the segments between endpoints are merged into **atoms** by which steps hold them (a sweep that XORs bitmaps of
steps at each endpoint). A value is then a bitmap of atoms, a box a tuple of such bitmaps, and "which steps overlap this box"
the AND of eight remembered integers. Opaque literals are axes of their own, with the atoms false and true.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from firewright.model.interval import Ranges, intersection
from firewright.model.packet import Family
from firewright.space.atoms import FALSE, TRUE, Atoms
from firewright.space.axis import AXES, TOPS
from firewright.space.bitmap import bitmap_of
from firewright.space.box import ANY, Box, ranges_in
from firewright.space.budget import charge
from firewright.space.program import Program

AtomBox = tuple[int, ...]
"""For each axis a set of atoms."""


class Region(NamedTuple):
    """A box of atoms, the steps that may overlap it, and for each axis the steps that contain it there."""

    atoms: AtomBox
    overlapping: int
    containing: tuple[int, ...]


class Listed:
    """One program's place in an index: where it starts, its steps, and which of them decide or skip how."""

    __slots__ = ("deciding", "offset", "program", "skips", "steps", "target")

    def __init__(self, program: Program, offset: int) -> None:
        count = len(program)
        self.program = program
        self.offset = offset
        self.steps = ((1 << count) - 1) << offset
        by: dict[str, list[int]] = {}
        skips: list[int] = []
        self.target: dict[int, int] = {}
        for index, verdict in enumerate(program.verdict):
            if isinstance(verdict, str):
                by.setdefault(verdict, []).append(index + offset)
            elif verdict is not None:
                skips.append(index + offset)
                self.target[index + offset] = verdict + offset
        self.deciding = {word: bitmap_of(steps, offset + count) for word, steps in by.items()}
        self.skips = bitmap_of(skips, offset + count)


class Index:
    """Several programs of one family over common atoms. Steps are numbered through all of them."""

    def __init__(self, programs: Sequence[Program], family: Family) -> None:
        self.family = family
        self.lists: list[Listed] = []
        self.names = sorted({text for program in programs for literal in program.literals for text, _ in literal})
        column = {text: AXES + place for place, text in enumerate(self.names)}
        steps: list[Box] = []
        for program in programs:
            self.lists.append(Listed(program.seal(), len(steps)))
            for box, literal in zip(program.box, program.literals, strict=True):
                if self.names:
                    wide = [*box, *(ANY for _ in self.names)]
                    for text, wanted in literal:
                        wide[column[text]] = TRUE if wanted else FALSE
                    steps.append(tuple(wide))
                else:
                    steps.append(box)
        self.values = steps
        self.count = len(steps)
        charge(self.count)
        self.every_step = (1 << self.count) - 1
        self.width = AXES + len(self.names)
        tops = TOPS[family] + (1,) * len(self.names)
        self.axes = [Atoms([step[axis] for step in steps], tops[axis]) for axis in range(self.width)]
        """Axes that tell no two packets apart are never looked at; those with most atoms come first."""
        self.order = sorted(
            (axis for axis in range(self.width) if len(self.axes[axis].held) > 1),
            key=lambda axis: -len(self.axes[axis].held),
        )
        self.everything: AtomBox = tuple(axis.every for axis in self.axes)
        self.overlapping = [axis.overlapping for axis in self.axes]
        self.containing = [axis.containing for axis in self.axes]
        columns = zip(self.axes, zip(*steps, strict=True), strict=True)
        self.boxes: list[AtomBox] = list(
            zip(*([axis.of[value] for value in column] for axis, column in columns), strict=True)
        )

    def region(self, within: Box | None = None) -> Region:
        """The packets of a question, which need not be aligned with the atoms."""
        atoms, containing, overlapping = [], [], self.every_step
        for axis, one in enumerate(self.axes):
            met, either, both = one.asked(ANY if within is None or axis >= AXES else within[axis])
            atoms.append(met)
            containing.append(both)
            if met != one.every:
                overlapping &= either
        return Region(tuple(atoms), overlapping, tuple(containing))

    def clip(self, region: Region, step: int) -> Region | None:
        """The part of a region that a step holds; None if nothing."""
        atoms, overlapping = region.atoms, region.overlapping
        box, values = self.boxes[step], self.values[step]
        cut, containing = list(atoms), list(region.containing)
        for axis in self.order:
            before, own = atoms[axis], box[axis]
            shared = before & own
            if not shared:
                return None
            if shared != before or shared == own:
                overlapping &= self.overlapping[axis][values[axis]]
                containing[axis] |= self.containing[axis][values[axis]]
                cut[axis] = shared
        return Region(tuple(cut), overlapping, tuple(containing))

    def containers(self, region: Region, steps: int) -> int:
        """Those of the steps that are known to hold all of a region."""
        containing = region.containing
        for axis in self.order:
            steps &= containing[axis]
            if not steps:
                return 0
        return steps

    def containers_of_part(self, region: Region, step: int, steps: int) -> int:
        """Those of the steps that are known to hold the part of a region that a step holds; cheaper than to clip it first."""
        containing, values = region.containing, self.values[step]
        for axis in self.order:
            steps &= containing[axis] | self.containing[axis][values[axis]]
            if not steps:
                return 0
        return steps

    def meeting(self, step: int, steps: int) -> int:
        """Those of the steps that share a packet with a step (literals included)."""
        values = self.values[step]
        for axis in self.order:
            steps &= self.overlapping[axis][values[axis]]
            if not steps:
                return 0
        return steps

    def holding(self, step: int, steps: int) -> int:
        """Those of the steps that hold all of a step."""
        values = self.values[step]
        for axis in self.order:
            steps &= self.containing[axis][values[axis]]
            if not steps:
                return 0
        return steps

    def holding_both(self, step: int, other: int, steps: int) -> int:
        """Those of the steps that are known to hold all that two steps share: on each axis all of one of the two."""
        values, others = self.values[step], self.values[other]
        for axis in self.order:
            containing = self.containing[axis]
            steps &= containing[values[axis]] | containing[others[axis]]
            if not steps:
                return 0
        return steps

    def product(self, atoms: AtomBox, within: Box | None) -> tuple[Ranges, ...]:
        """The numbers of a box of atoms on each axis, inside the question."""
        out = []
        for axis, one in enumerate(self.axes):
            ranges = one.ranges(atoms[axis])
            if within is not None and axis < AXES and within[axis] != ANY:
                ranges = intersection(ranges, ranges_in(within[axis], one.top))
            out.append(ranges)
        return tuple(out)
