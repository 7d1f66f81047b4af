"""The second engine, for the few boxes that `cover` cannot settle within its budget: binary decision diagrams by oxidd.

The only file that knows oxidd, which is imported when it is first needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from firewright.space.bitmap import bitmap_of, members
from firewright.space.budget import Undecided
from firewright.space.index import AtomBox

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction


def cover_by_diagram(
    box: AtomBox, candidates: Sequence[int], boxes: Sequence[AtomBox], axes: Sequence[int], nodes: int
) -> AtomBox | None:
    """What `cover` answers, by another way: None if the box is inside the union of the candidates, else a part outside.

    On each axis the atoms of the box are told apart only as far as the candidates do, and numbered in binary. Undecided if
    the diagram would have more than `nodes` nodes.
    """
    if not nodes:
        raise Undecided("the proof used up its budget, and the second engine is not to be called")
    from oxidd.util import DDMemoryError

    try:
        return _Coding(box, candidates, boxes, axes, nodes).outside()
    except DDMemoryError:
        raise Undecided(f"the proof needs a diagram of more than {nodes} nodes") from None


class _Coding:
    """Classes of atoms on each axis, and the variables that number them."""

    def __init__(
        self, box: AtomBox, candidates: Sequence[int], boxes: Sequence[AtomBox], axes: Sequence[int], nodes: int
    ) -> None:
        from oxidd.bdd import BDDManager

        self.box, self.boxes, self.candidates = box, boxes, candidates
        self.classes: dict[int, list[list[int]]] = {}
        self.holding: dict[int, list[int]] = {}
        self.start: dict[int, int] = {}
        self.width: dict[int, int] = {}
        variables = 0
        for axis in axes:
            self._classify(axis)
            if len(self.classes[axis]) == 1:
                continue
            self.start[axis], self.width[axis] = variables, (len(self.classes[axis]) - 1).bit_length()
            variables += self.width[axis]
        self.manager = BDDManager(nodes, max(1024, nodes >> 3), 1)
        self.manager.add_vars(max(variables, 1))
        self.numbers = {axis: [self._number(axis, n) for n in range(len(self.classes[axis]))] for axis in self.start}

    def _classify(self, axis: int) -> None:
        """Atoms that the same candidates hold are one class."""
        atoms = members(self.box[axis])
        holding = dict.fromkeys(atoms, 0)
        for place, candidate in enumerate(self.candidates):
            for atom in members(self.boxes[candidate][axis] & self.box[axis]):
                holding[atom] |= 1 << place
        classes: dict[int, list[int]] = {}
        for atom, held in holding.items():
            classes.setdefault(held, []).append(atom)
        self.classes[axis], self.holding[axis] = list(classes.values()), list(classes)

    def _number(self, axis: int, number: int) -> BDDFunction:
        """The variables of an axis read this number."""
        out, width = self.manager.true(), self.width[axis]
        for place in reversed(range(width)):
            variable = self.start[axis] + place
            is_one = number >> (width - 1 - place) & 1
            out = out & (self.manager.var(variable) if is_one else self.manager.not_var(variable))
        return out

    def _some(self, axis: int, places: Sequence[int]) -> BDDFunction:
        """The variables of an axis read one of these numbers."""
        out = self.manager.false()
        for place in places:
            out = out | self.numbers[axis][place]
        return out

    def outside(self) -> AtomBox | None:
        """A part of the box outside all candidates."""
        left = self.manager.true()
        for axis in self.start:
            left = left & self._some(axis, range(len(self.classes[axis])))
        for place in range(len(self.candidates)):
            held = self.manager.true()
            for axis, holding in self.holding.items():
                inside = [number for number, bitmap in enumerate(holding) if bitmap >> place & 1]
                if not inside:
                    held = self.manager.false()
                    break
                if axis in self.start and len(inside) < len(holding):
                    held = held & self._some(axis, inside)
            left = left & ~held
            if not left.satisfiable():
                return None
        return self._part(left.pick_cube() or [])

    def _part(self, cube: Sequence[bool | None]) -> AtomBox:
        """The class of each axis that an assignment names; a variable that does not matter reads false."""
        out = list(self.box)
        for axis, classes in self.classes.items():
            number = 0
            if axis in self.start:
                for variable in range(self.start[axis], self.start[axis] + self.width[axis]):
                    number = number << 1 | bool(cube[variable])
            out[axis] = bitmap_of(classes[number], max(classes[number]) + 1)
        return tuple(out)
