"""How much work a question may take, and the honest answer where it would take more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class Undecided(Exception):
    """A question that was not answered, neither yes nor no; its text says why. A gate that meets it fails."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one question may use.

    `nodes`: boxes that a search looks at before diagrams take over; at twice as many it ends.
    `cells`: branches of the diagram of an answer. `diagram`: nodes of the second engine; 0 does without diagrams in proofs.
    """

    nodes: int = 400_000
    cells: int = 400_000
    diagram: int = 1 << 22


DEFAULT = Budget()
_CURRENT: ContextVar[Budget] = ContextVar("budget", default=DEFAULT)


def current() -> Budget:
    """The budget of a question that is asked here and now."""
    return _CURRENT.get()


@contextmanager
def budget(*, nodes: int | None = None, cells: int | None = None, diagram: int | None = None) -> Iterator[Budget]:
    """Ask every question inside under this budget; what is left out stays as it was."""
    before = _CURRENT.get()
    now = Budget(
        before.nodes if nodes is None else nodes,
        before.cells if cells is None else cells,
        before.diagram if diagram is None else diagram,
    )
    token = _CURRENT.set(now)
    try:
        yield now
    finally:
        _CURRENT.reset(token)


class Meter:
    """What one question has used of its budget."""

    __slots__ = ("diagram", "limit", "nodes")

    def __init__(self, limit: int, diagram: int = 0) -> None:
        self.limit = limit
        self.diagram = diagram
        self.nodes = 0

    @classmethod
    def now(cls) -> Meter:
        """A meter for a question asked here and now."""
        return cls(current().nodes, current().diagram)
