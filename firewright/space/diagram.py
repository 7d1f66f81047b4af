"""Reduced ordered diagrams of answers: axis by axis, sets of atoms that lead to the same continuation are one branch.

In a fixed order of axes the diagram of a set is unique, whatever programs it was written with; so are the products read
off it. Branches end in whatever `outcome` makes of the steps that hold a packet: yes or no, or which step decides.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from firewright.space.axis import AXES, Axis
from firewright.space.bitmap import bitmap_of, bits, lowest, members
from firewright.space.box import Box
from firewright.space.budget import Undecided, charge
from firewright.space.index import AtomBox, Index

ORDER = (
    Axis.IN_INTERFACE,
    Axis.OUT_INTERFACE,
    Axis.CONNTRACK_STATE,
    Axis.SERVICE,
    Axis.SOURCE,
    Axis.DESTINATION,
    Axis.SOURCE_PORT,
    Axis.TCP_FLAGS,
)
"""Interfaces, state and service first: they leave few steps for the addresses, which have most atoms."""
_FEW = 24
_PRODUCT = 4
"""What naming the ranges of a product costs, in branches."""
_DEEPEST = 300
"""A diagram is built by recursion, one level for each axis that tells packets apart."""

Outcome = Callable[[int], Hashable]
"""What becomes of a packet that exactly these steps hold."""


def decider(index: Index, place: int, holding: int) -> int:
    """The step (numbered through the index) by which a program decides a packet that these steps hold."""
    listed = index.lists[place]
    at = listed.offset
    own = holding & listed.steps
    while True:
        step = lowest(own & -(1 << at))
        target = listed.target.get(step)
        if target is None:
            return step
        at = target


class Diagram:
    """The diagram of a question: `root`, and for each node its depth and its branches (child, atoms).

    A child below 0 is an end: outcome number -1 - child. Raises Undecided where it would have more than `limit` branches.
    """

    def __init__(self, index: Index, outcome: Outcome, within: Box | None, limit: int) -> None:
        self.index = index
        self.outcome = outcome
        self.limit = limit
        self.within = within
        told = set(index.order)
        self.order: Sequence[int] = [axis for axis in (*ORDER, *range(AXES, index.width)) if axis in told]
        if len(self.order) > _DEEPEST:
            raise Undecided(f"more than {_DEEPEST} different matches are not understood")
        region = index.region(within)
        self.atoms = region.atoms
        self._containing = region.containing
        certain = index.every_step
        self._certain = [certain]
        for axis in reversed(self.order):
            certain &= region.containing[axis]
            self._certain.append(certain)
        self._certain.reverse()
        self._members: dict[int, list[int]] = {}
        self._memo: dict[tuple[int, int], int] = {}
        self._table: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        self._ends: dict[Hashable, int] = {}
        self.ends: list[Hashable] = []
        self.nodes: list[tuple[int, tuple[tuple[int, int], ...]]] = []
        self.branches = 0
        self.root = self._build(0, region.overlapping)
        charge(self.branches)

    def _build(self, depth: int, holding: int) -> int:
        """The node for packets that, on the axes so far, exactly these steps hold."""
        holding = self._relevant(holding, self._certain[depth])
        if not holding & ~self._certain[depth]:
            return self._end(self.outcome(holding))
        key = (depth, holding)
        found = self._memo.get(key)
        if found is not None:
            return found
        children: dict[int, int] = {}
        for left, atoms in self._split(self.order[depth], holding).items():
            child = self._build(depth + 1, left)
            children[child] = children.get(child, 0) | atoms
            self.branches += 1
        if self.branches > self.limit:
            raise Undecided(f"the answer is too long: more than {self.limit} products were looked at")
        if len(children) == 1:
            (node,) = children
        else:
            node = self._node(depth, tuple(sorted(children.items())))
        self._memo[key] = node
        return node

    def _node(self, depth: int, children: tuple[tuple[int, int], ...]) -> int:
        key = (depth, children)
        node = self._table.get(key)
        if node is None:
            node = self._table[key] = len(self.nodes)
            self.nodes.append(key)
        return node

    def _end(self, value: Hashable) -> int:
        number = self._ends.get(value)
        if number is None:
            number = self._ends[value] = len(self.ends)
            self.ends.append(value)
        return -1 - number

    def _relevant(self, holding: int, certain: int) -> int:
        """Leave out steps behind one that surely matches, which no skip leads past."""
        kept = 0
        for listed in self.index.lists:
            own = holding & listed.steps
            skips = own & listed.skips
            if not skips:
                sure = own & certain
                kept |= own & (((sure & -sure) << 1) - 1)
                continue
            todo, seen = [listed.offset], set()
            while todo:
                at = todo.pop()
                if at in seen:
                    continue
                seen.add(at)
                rest = own & -(1 << at)
                sure = rest & certain
                rest &= ((sure & -sure) << 1) - 1
                kept |= rest
                todo += [listed.target[step] for step in bits(rest & skips)]
        return kept

    def _split(self, axis: int, holding: int) -> dict[int, int]:
        """The question's atoms on an axis by which of the steps hold them: {steps left: atoms}."""
        here = self.atoms[axis]
        telling = holding & ~self._containing[axis]
        if not telling:
            return {holding: here}
        index = self.index
        if telling.bit_count() < _FEW:
            parts = [(here, holding)]
            for step in bits(telling):
                own, bit, after = index.boxes[step][axis], 1 << step, []
                for atoms, left in parts:
                    shared = atoms & own
                    if shared:
                        after.append((shared, left))
                    if shared != atoms:
                        after.append((atoms & ~own, left & ~bit))
                parts = after
            merged: dict[int, int] = {}
            for atoms, left in parts:
                merged[left] = merged.get(left, 0) | atoms
            return merged
        held = index.axes[axis].held
        if axis not in self._members:
            self._members[axis] = members(here)
        lists: dict[int, list[int]] = {}
        for atom in self._members[axis]:
            lists.setdefault(held[atom] & holding, []).append(atom)
        return {left: bitmap_of(atoms, len(held)) for left, atoms in lists.items()}

    def paths(self, wanted: Callable[[Hashable], bool]) -> Iterator[tuple[Hashable, AtomBox]]:
        """Disjoint boxes of atoms, each with its end, together all that ends as wanted. Undecided beyond the limit."""
        count = 0
        todo = [(self.root, self.atoms)]
        while todo:
            node, box = todo.pop()
            if node < 0:
                end = self.ends[-1 - node]
                if wanted(end):
                    count += 1
                    if count > self.limit:
                        raise Undecided(f"the answer is too long: more than {self.limit} products")
                    charge(_PRODUCT)
                    yield end, box
                continue
            depth, children = self.nodes[node]
            axis = self.order[depth]
            for child, atoms in children:
                todo.append((child, (*box[:axis], atoms, *box[axis + 1 :])))
