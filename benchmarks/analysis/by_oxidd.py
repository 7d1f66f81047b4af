"""The same questions answered by binary decision diagrams of whole programs (oxidd)."""

from __future__ import annotations

from oxidd.bdd import BDDFunction, BDDManager
from oxidd.util import DDMemoryError

from benchmarks.analysis.contest import Clock, StoppedError
from firewright.space.axis import AXES, TOPS, Axis
from firewright.space.box import ANY, Box, ranges_in
from firewright.space.program import Program

ORDER = (
    Axis.IN_INTERFACE,
    Axis.OUT_INTERFACE,
    Axis.DESTINATION,
    Axis.SOURCE,
    Axis.SERVICE,
    Axis.SOURCE_PORT,
    Axis.CONNTRACK_STATE,
    Axis.TCP_FLAGS,
)
"""Of seven orders tried on 1,000 rules: the fastest on access lists, and 11 % off the fastest on firewalls."""
ORDER_OF_GROUPS = (
    Axis.IN_INTERFACE,
    Axis.OUT_INTERFACE,
    Axis.CONNTRACK_STATE,
    Axis.SERVICE,
    Axis.DESTINATION,
    Axis.SOURCE,
    Axis.SOURCE_PORT,
    Axis.TCP_FLAGS,
)
"""On 1,000 rules of address groups 5.1 s against 16.4 s with the other order, in different runs."""
NODES = 1 << 25


def has_groups(program: Program) -> bool:
    """Whether the addresses of a step are several ranges on average."""
    top = TOPS[program.family][Axis.SOURCE]
    sides = sum(len(ranges_in(box[axis], top)) for box in program.box for axis in (Axis.SOURCE, Axis.DESTINATION))
    return sides > 4 * len(program)


class Diagrams:
    """Boxes of one family as diagrams, one variable a bit, the highest bits first."""

    def __init__(self, program: Program, nodes: int = NODES) -> None:
        self.tops = TOPS[program.family]
        self.manager = BDDManager(nodes, nodes >> 2, 1)
        widths = [top.bit_length() for top in self.tops]
        self.manager.add_vars(sum(widths))
        self.variables: dict[int, list[int]] = {}
        start = 0
        for axis in ORDER_OF_GROUPS if has_groups(program) else ORDER:
            self.variables[axis] = list(range(start, start + widths[axis]))
            start += widths[axis]
        self.values: dict[tuple[int, int], BDDFunction] = {}
        self.universe = self.between(Axis.CONNTRACK_STATE, 0, 4)

    def box(self, box: Box) -> BDDFunction:
        """A box as a diagram."""
        out = self.manager.true()
        for axis in range(AXES):
            if box[axis] != ANY:
                out = out & self.value(axis, box[axis])
        return out

    def value(self, axis: int, value: int) -> BDDFunction:
        """A value as a diagram; each is made once."""
        found = self.values.get((axis, value))
        if found is None:
            found = self.manager.false()
            for low, high in ranges_in(value, self.tops[axis]):
                found = found | self.between(axis, low, high)
            self.values[axis, value] = found
        return found

    def between(self, axis: int, low: int, high: int) -> BDDFunction:
        """The numbers of a range."""
        above, below = self.manager.true(), self.manager.true()
        variables = self.variables[axis]
        for place, variable in enumerate(reversed(variables)):
            one, zero = self.manager.var(variable), self.manager.not_var(variable)
            above = one & above if low >> place & 1 else one | above
            below = zero | below if high >> place & 1 else zero & below
        return above & below

    def accepted(self, program: Program, clock: Clock) -> BDDFunction:
        """What a program accepts: its steps put together from the end, skips included."""
        out: dict[int, BDDFunction] = {}
        needed: dict[int, int] = {}
        for verdict in program.verdict:
            if isinstance(verdict, int):
                needed[verdict] = needed.get(verdict, 0) + 1
        after = self.manager.false()
        for step in reversed(range(len(program))):
            clock.check()
            verdict = program.verdict[step]
            decided = self.manager.true() if verdict == "accept" else self.manager.false()
            reached = out[verdict] if isinstance(verdict, int) else decided
            after = self.box(program.box[step]).ite(reached, after)
            if step in needed:
                out[step] = after
        return after


def shadowed(program: Program, clock: Clock) -> frozenset[int]:
    """The steps that no packet reaches: what is left shrinks step by step."""
    try:
        diagrams = Diagrams(program)
        left, found = diagrams.universe, set()
        for step in range(len(program) - 1):
            clock.check()
            own = diagrams.box(program.box[step])
            if not (own & left).satisfiable():
                found.add(step)
            left = left & ~own
        return frozenset(found)
    except DDMemoryError:
        raise StoppedError("out of memory") from None


def is_equal(before: Program, after: Program, clock: Clock) -> bool:
    """Whether two programs accept the same packets."""
    try:
        diagrams = Diagrams(before)
        one, other = diagrams.accepted(before, clock), diagrams.accepted(after, clock)
        return not ((one ^ other) & diagrams.universe).satisfiable()
    except DDMemoryError:
        raise StoppedError("out of memory") from None


def is_within(program: Program, allowed: list[Box], clock: Clock) -> bool:
    """Whether everything accepted is in one of the boxes."""
    try:
        diagrams = Diagrams(program)
        union = diagrams.manager.false()
        for one in allowed:
            clock.check()
            union = union | diagrams.box(one)
        return not (diagrams.accepted(program, clock) & ~union & diagrams.universe).satisfiable()
    except DDMemoryError:
        raise StoppedError("out of memory") from None


class Path:
    """Several programs, all of which must accept; loaded once, asked often."""

    def __init__(self, programs: list[Program], clock: Clock) -> None:
        try:
            self.diagrams = Diagrams(programs[0])
            self.through = self.diagrams.universe
            self.parts = [self.diagrams.accepted(program, clock) for program in programs]
        except DDMemoryError:
            raise StoppedError("out of memory") from None

    def is_open(self, within: Box) -> bool:
        """Whether some packet of a question gets through."""
        asked = self.diagrams.box(within) & self.diagrams.universe
        for part in self.parts:
            asked = asked & part
        return asked.satisfiable()
