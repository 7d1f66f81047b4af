"""Binary decision diagrams by oxidd, on one thread."""

from __future__ import annotations

from oxidd.bdd import BDDFunction, BDDManager
from oxidd.util import DDMemoryError

from benchmarks.analysis.by_diagrams import ByDiagrams

NODES = 1 << 25


class _Manager:
    def __init__(self, variables: int) -> None:
        self._manager = BDDManager(NODES, NODES >> 2, 1)
        self._manager.add_vars(variables)
        self.false, self.true = self._manager.false(), self._manager.true()

    def variable(self, number: int) -> BDDFunction:
        return self._manager.var(number)

    def choice(self, condition: BDDFunction, yes: BDDFunction, no: BDDFunction) -> BDDFunction:
        return condition.ite(yes, no)

    def unlike(self, one: BDDFunction, other: BDDFunction) -> BDDFunction:
        return one ^ other

    def is_empty(self, function: BDDFunction) -> bool:
        return not function.satisfiable()


OXIDD = ByDiagrams(_Manager, DDMemoryError)
"""The questions, asked of oxidd."""
