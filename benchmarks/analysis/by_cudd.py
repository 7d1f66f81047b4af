"""Binary decision diagrams by CUDD, through `dd`, which need not be there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.analysis.by_diagrams import ByDiagrams

MEMORY = 3 << 30


def is_installed() -> bool:
    """Whether `dd` is there, with CUDD."""
    return find_spec("dd") is not None and find_spec("dd.cudd") is not None


class _Manager:
    """Without reordering: the order of variables is the one that was found best by hand."""

    def __init__(self, variables: int) -> None:
        self._manager: Any = import_module("dd.cudd").BDD()
        self._manager.configure(reordering=False, max_memory=MEMORY)
        self._manager.declare(*(f"x{number}" for number in range(variables)))
        self.false, self.true = self._manager.false, self._manager.true
        self._variables = [self._manager.var(f"x{number}") for number in range(variables)]

    def variable(self, number: int) -> Any:
        return self._variables[number]

    def choice(self, condition: Any, yes: Any, no: Any) -> Any:
        return self._manager.ite(condition, yes, no)

    def unlike(self, one: Any, other: Any) -> Any:
        return self._manager.apply("xor", one, other)

    def is_empty(self, function: Any) -> bool:
        return bool(function == self.false)


CUDD = ByDiagrams(_Manager, RuntimeError)
"""The questions, asked of CUDD."""
