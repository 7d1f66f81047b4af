"""The same questions asked of an SMT solver over bit vectors (z3)."""

from __future__ import annotations

from typing import Any

import z3

from benchmarks.analysis.by_diagrams import has_groups
from benchmarks.analysis.contest import DEADLINE, Clock, StoppedError
from firewright.space.axis import AXES, TOPS, Axis
from firewright.space.box import ANY, Box, ranges_in
from firewright.space.program import Program


class Formulas:
    """Boxes of one family as formulas, one bit vector an axis."""

    def __init__(self, family: int, *, general: bool = False) -> None:
        self.tops = TOPS[family]
        self.fields = [z3.BitVec(axis.name.lower(), self.tops[axis].bit_length()) for axis in Axis]
        self.values: dict[tuple[int, int], Any] = {}
        # Measured: on 300 group rules the general solver took 1.8 s against 4.4 s; on flat rules it is slower.
        self.solver = z3.Solver() if general else z3.SolverFor("QF_BV")
        self.solver.set("timeout", int(DEADLINE * 1000))
        self.solver.add(z3.ULE(self.fields[Axis.CONNTRACK_STATE], 4))

    def box(self, box: Box) -> Any:
        """A box as a formula."""
        return z3.And(*(self.value(axis, box[axis]) for axis in range(AXES) if box[axis] != ANY))

    def value(self, axis: int, value: int) -> Any:
        """A value as a formula; each is made once."""
        found = self.values.get((axis, value))
        if found is None:
            field = self.fields[axis]
            sides = [
                field == low if low == high else z3.And(z3.ULE(low, field), z3.ULE(field, high))
                for low, high in ranges_in(value, self.tops[axis])
            ]
            found = self.values[axis, value] = z3.Or(*sides)
        return found

    def accepted(self, program: Program, name: str) -> Any:
        """What a program accepts; a definition for each step keeps the formula small."""
        out: dict[int, Any] = {}
        for step in reversed(range(len(program))):
            verdict = program.verdict[step]
            reached = out[verdict] if isinstance(verdict, int) else z3.BoolVal(verdict == "accept")
            if step == len(program) - 1:
                out[step] = reached
                continue
            out[step] = z3.Bool(f"{name}{step}")
            self.solver.add(out[step] == z3.If(self.box(program.box[step]), reached, out[step + 1]))
        return out[0]

    def is_possible(self, *claims: Any) -> bool:
        """Whether the claims hold of some packet."""
        answer = self.solver.check(*claims)
        if answer == z3.unknown:
            raise StoppedError(f"over {DEADLINE:.0f} s")
        return bool(answer == z3.sat)


def shadowed(program: Program, clock: Clock) -> frozenset[int]:
    """The steps that no packet reaches: the solver learns step by step what has been taken."""
    found = set()
    formulas = Formulas(program.family, general=has_groups(program))
    for step in range(len(program) - 1):
        clock.check()
        own = formulas.box(program.box[step])
        formulas.solver.push()
        formulas.solver.add(own)
        if not formulas.is_possible():
            found.add(step)
        formulas.solver.pop()
        formulas.solver.add(z3.Not(own))
    return frozenset(found)


def is_equal(before: Program, after: Program, clock: Clock) -> bool:
    """Whether two programs accept the same packets."""
    formulas = Formulas(before.family)
    one, other = formulas.accepted(before, "a"), formulas.accepted(after, "b")
    clock.check()
    return not formulas.is_possible(z3.Xor(one, other))


def is_within(program: Program, allowed: list[Box], clock: Clock) -> bool:
    """Whether everything accepted is in one of the boxes."""
    formulas = Formulas(program.family)
    accepted = formulas.accepted(program, "a")
    for one in allowed:
        formulas.solver.add(z3.Not(formulas.box(one)))
    clock.check()
    return not formulas.is_possible(accepted)


class Path:
    """Several programs, all of which must accept; loaded once, asked often."""

    def __init__(self, programs: list[Program], clock: Clock) -> None:
        self.formulas = Formulas(programs[0].family)
        for place, program in enumerate(programs):
            self.formulas.solver.add(self.formulas.accepted(program, f"p{place}_"))
        clock.check()

    def is_open(self, within: Box) -> bool:
        """Whether some packet of a question gets through."""
        return self.formulas.is_possible(self.formulas.box(within))
