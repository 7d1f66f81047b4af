"""How much work a question may take, and the honest answer where it would take more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class Undecided(Exception):
    """A question that was not answered, neither yes nor no; its text says why. A gate that meets it fails."""


class Spent(Undecided):
    """A question whose parts together have used up what they were given: no part of it that is still open will be answered."""


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


class Purse:
    """What all parts of a question may use together, and have used, in units of about one box looked at.

    Deterministic: it counts steps indexed, boxes and skips that searches look at, branches of diagrams and products read off
    them, and no seconds. Overdrawn by what one part takes at most.
    """

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    @property
    def is_spent(self) -> bool:
        """Whether there is nothing left."""
        return self.used > self.limit

    def charge(self, units: int) -> None:
        """Count what was used. Raises Spent when that is more than there was."""
        self.used += units
        if self.used > self.limit:
            raise Spent(f"the budget of {self.limit} was used up")


_PURSE: ContextVar[Purse | None] = ContextVar("purse", default=None)


@contextmanager
def purse(limit: int) -> Iterator[Purse]:
    """Ask every question inside from one purse; each of them may use no more than all of it. One inside another is that other.

    Raises Spent inside as soon as it is empty.
    """
    held = _PURSE.get()
    if held is not None:
        yield held
        return
    now, opened = current(), Purse(limit)
    token = _PURSE.set(opened)
    try:
        with budget(nodes=min(now.nodes, limit), cells=min(now.cells, limit)):
            yield opened
    finally:
        _PURSE.reset(token)


def charge(units: int) -> None:
    """Count some work on the purse that is open here, if there is one. Raises Spent."""
    held = _PURSE.get()
    if held is not None:
        held.charge(units)


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
