"""How much work a question may take, and the honest answer where it would take more."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class Undecided(Exception):
    """A question that was not answered, neither yes nor no; its text says why. A gate that meets it fails."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`nodes`: boxes that a proof may look at, for each engine; `cells`: products that an answer may have."""

    nodes: int = 400_000
    cells: int = 400_000


DEFAULT = Budget()
_CURRENT: ContextVar[Budget] = ContextVar("budget", default=DEFAULT)


def current() -> Budget:
    """The budget of a question that is asked here and now."""
    return _CURRENT.get()


@contextmanager
def budget(*, nodes: int | None = None, cells: int | None = None) -> Iterator[Budget]:
    """Ask every question inside under this budget; what is left out stays as it was."""
    before = _CURRENT.get()
    now = Budget(before.nodes if nodes is None else nodes, before.cells if cells is None else cells)
    token = _CURRENT.set(now)
    try:
        yield now
    finally:
        _CURRENT.reset(token)


class Meter:
    """What one question has used of its budget."""

    __slots__ = ("limit", "nodes")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.nodes = 0
