"""Prefixes as keys of hashes: what sets of addresses are made of, and which prefixes lie around which."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewright.model.interval import Ranges
from firewright.writers.nftables.clause import EVERY


class Prefix(NamedTuple):
    """First and last address, and length; length 0 where no address is asked for."""

    first: int
    last: int
    length: int


class Prefixes:
    """The prefixes of the sets that stand at one end of clauses, each by a number; a set of more than `most` has none.

    `around` are, by number, the prefixes around each, the longest first. O(prefixes * different lengths).
    """

    def __init__(self, ranges: list[Ranges], numbers: Iterable[int], width: int, most: int) -> None:
        self.all: list[Prefix] = []
        self._numbers: dict[tuple[int, int], int] = {}
        self._of: dict[int, tuple[int, ...]] = {}
        for number in numbers:
            made = prefixes(ranges[number], width, most) if number != EVERY else (Prefix(0, (1 << width) - 1, 0),)
            self._of[number] = tuple(map(self._number, made))
        lengths = sorted({one.length for one in self.all}, reverse=True)
        self.around = [self._around(one, lengths, width) for one in self.all]
        self._order = sorted(range(len(self.all)), key=lambda number: (self.all[number].first, self.all[number].length))
        self._firsts = [self.all[number].first for number in self._order]

    def of(self, number: int) -> tuple[int, ...]:
        """The numbers of the prefixes of a set; none where they are too many."""
        return self._of[number]

    def meeting(self, low: int, high: int) -> Iterator[int]:
        """The prefixes that have an address in a range. O(log prefixes + how many)."""
        start = bisect_left(self._firsts, low)
        yield from self._order[start : bisect_right(self._firsts, high)]
        if start:
            # Prefixes are apart or nested: those that begin before and hold the first address lie around the last one before.
            before = self._order[start - 1]
            yield from (one for one in (before, *self.around[before]) if self.all[one].last >= low)

    def _number(self, one: Prefix) -> int:
        found = self._numbers.setdefault((one.first, one.length), len(self.all))
        if found == len(self.all):
            self.all.append(one)
        return found

    def _around(self, one: Prefix, lengths: list[int], width: int) -> tuple[int, ...]:
        shorter = ((one.first >> width - length << width - length, length) for length in lengths if length < one.length)
        return tuple(self._numbers[key] for key in shorter if key in self._numbers)


def prefixes(ranges: Ranges, width: int, most: int) -> tuple[Prefix, ...]:
    """The fewest prefixes of these ranges; none if they are more than so many."""
    found: list[Prefix] = []
    for low, high in ranges:
        start = low
        while start <= high:
            size = min(start & -start or 1 << width, 1 << (high - start + 1).bit_length() - 1)
            found.append(Prefix(start, start + size - 1, width - size.bit_length() + 1))
            start += size
            if len(found) > most:
                return ()
    return tuple(found)
