"""Rules as clauses: products of address sets, services and source ports, with the leaf that they lead to, strongest first.

A clause is a tuple of small numbers, each the name of a set, so that lists of clauses can be compared and kept in dictionaries;
0 is everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from firewright.model.interval import Ranges, intersection
from firewright.model.packet import Family

EVERY = 0
"""The number of "everything", on every axis."""


class Clause(NamedTuple):
    """Packets, by the numbers of their sets, when, and what becomes of them.

    `until` is the epoch second at which the clause ends, 0 for never; `bans` the number of the exceptions that are asked first;
    `leaf` the number of what is done.
    """

    source: int
    destination: int
    service: int
    source_port: int
    until: int
    bans: int
    leaf: int

    @property
    def is_last(self) -> bool:
        """Whether every packet that gets as far is decided here."""
        return not (self[0] or self[1] or self[2] or self[3] or self[4] or self[5])


class Box(NamedTuple):
    """Packets of one rule at one hook and family, by the numbers of their sets; `until` as in a clause."""

    source: int
    destination: int
    service: int
    source_port: int
    until: int = 0


class Sets:
    """The numbers of sets of one family."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._numbers: dict[Ranges, int] = {}
        self.ranges: list[Ranges] = [()]

    def number(self, ranges: Ranges | None) -> int:
        """The number of a set; None is everything. Raises ValueError for an empty one, which no clause can ask for."""
        if ranges is None:
            return EVERY
        if not ranges:
            raise ValueError("an empty set is no clause")
        found = self._numbers.get(ranges)
        if found is None:
            found = self._numbers[ranges] = len(self.ranges)
            self.ranges.append(ranges)
        return found

    def both(self, one: Box, other: Box) -> Box | None:
        """The packets that are in both boxes, as long as both hold, or None where there is none."""
        axes = []
        for here, there in zip(one[:4], other[:4], strict=True):
            if here == there or EVERY in (here, there):
                axes.append(here or there)
                continue
            shared = intersection(self.ranges[here], self.ranges[there])
            if not shared:
                return None
            axes.append(self.number(shared))
        until = min(one.until, other.until) or one.until or other.until
        return Box(axes[0], axes[1], axes[2], axes[3], until)


def cut(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """The clauses as far as the first that decides everything, without those that ask for what an earlier one has taken."""
    kept: dict[tuple[int, ...], Clause] = {}
    for clause in clauses:
        asked = clause[:6]
        if asked not in kept:
            kept[asked] = clause
            if not any(asked):
                break
    return tuple(kept.values())
