"""Prefixes as keys of hashes: for addresses between those of inner zones, the prefix of the zone around them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewright.model.interval import Ranges


class Prefix(NamedTuple):
    """First address and length; length 0 where no address is asked for."""

    first: int
    length: int


class Candidates:
    """The prefixes that some sets of addresses are made of; a set of more than `most` of them is left out.

    An address is found by the longest of these prefixes that holds it, if the longer ones are asked first.
    """

    def __init__(self, sets: Iterable[Ranges], width: int, most: int) -> None:
        self._width, self._most = width, most
        found = {prefix for ranges in sets for prefix in prefixes(ranges, width, most)}
        self._edges = sorted({edge for one in found for edge in (one.first, one.first + (1 << width - one.length))})
        self._inner = self._innermost(found)
        self._known: dict[Ranges, tuple[Prefix, ...]] = {}

    def _innermost(self, found: set[Prefix]) -> list[Prefix | None]:
        """For each stretch between two edges the longest prefix around it."""
        inner: list[Prefix | None] = [None] * len(self._edges)
        for one in sorted(found, key=lambda prefix: prefix.length):
            start = bisect_left(self._edges, one.first)
            end = bisect_left(self._edges, one.first + (1 << self._width - one.length))
            inner[start:end] = [one] * (end - start)
        return inner

    def of(self, ranges: Ranges | None) -> tuple[Prefix, ...]:
        """The prefixes by which these addresses are found; none where some are in no prefix, or where they are many."""
        if ranges is None:
            return (Prefix(0, 0),)
        found = self._known.get(ranges)
        if found is None:
            found = self._known[ranges] = self._around(ranges)
        return found

    def _around(self, ranges: Ranges) -> tuple[Prefix, ...]:
        pieces: dict[Prefix, None] = {}
        for one in self._inside(ranges):
            if one is None or len(pieces) > self._most:
                return ()
            pieces[one] = None
        return tuple(pieces) if len(pieces) <= self._most else ()

    def _inside(self, ranges: Ranges) -> Iterator[Prefix | None]:
        for low, high in ranges:
            start = bisect_right(self._edges, low) - 1
            if start < 0:
                yield None
                start = 0
            for place in range(start, len(self._edges)):
                if self._edges[place] > high:
                    break
                yield self._inner[place]

    def cut(self, address: int, length: int) -> int:
        """The first address of the prefix of this length around an address."""
        return address >> self._width - length << self._width - length


def prefixes(ranges: Ranges, width: int, most: int) -> tuple[Prefix, ...]:
    """The fewest prefixes of these ranges; none if they are more than so many."""
    found: list[Prefix] = []
    for low, high in ranges:
        start = low
        while start <= high:
            size = min(start & -start or 1 << width, 1 << (high - start + 1).bit_length() - 1)
            found.append(Prefix(start, width - size.bit_length() + 1))
            start += size
            if len(found) > most:
                return ()
    return tuple(found)
