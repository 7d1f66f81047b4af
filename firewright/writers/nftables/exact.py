"""Single services between prefixes, taken out of the tree into one hash: the cheapest way from a packet to its rule.

A key is source prefix, destination prefix, protocol and port; what a key leads to is what the first of the clauses that hold it
says, where that is the same for every packet of the key. What is decided here for good is left out of the tree.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from firewright.model.interval import Range, Ranges, has
from firewright.model.packet import PORTED
from firewright.syntax.nftables import Field, Masked, Rule, Verdict, VerdictMap
from firewright.writers.nftables.clause import EVERY, Clause, cut

if TYPE_CHECKING:
    from firewright.writers.nftables.dispatch import Dispatch

_FEWEST = 64
"""Keys for which a map is worth what it costs those packets that are not in it."""
_MOST_MAPS = 2
_SHARE = 0.05
"""The share of all keys that a further map has at least."""
_MOST_PREFIXES = 8
_MOST_PORTS = 8
Prefix = tuple[int, int]
"""First address and length; length 0 where no address is asked for."""
_Lengths = tuple[int, int]


class _Fact(NamedTuple):
    service: int
    clause: Clause


class _Cell(NamedTuple):
    """Prefixes of source and destination, and what single services between them lead to."""

    sources: tuple[Prefix, ...]
    destinations: tuple[Prefix, ...]
    facts: tuple[_Fact, ...]

    def lengths(self) -> set[_Lengths]:
        return {(source, destination) for _, source in self.sources for _, destination in self.destinations}


def exact(clauses: tuple[Clause, ...], dispatch: Dispatch) -> tuple[list[Rule], tuple[Clause, ...]]:
    """Rules with maps for what can be said exactly, and the clauses that are still needed behind them."""
    finder = _Finder(dispatch)
    if len(clauses) < _FEWEST or not finder.find(clauses):
        return [], clauses
    chosen = _chosen(finder.cells)
    if not chosen:
        return [], clauses
    elements: dict[_Lengths, dict[tuple[int, int, int], int]] = {lengths: {} for lengths in chosen}
    needed = finder.needed
    for cell in finder.cells:
        if not cell.lengths() <= elements.keys():
            needed.update(fact.clause for fact in cell.facts)
            continue
        for source, source_length in cell.sources:
            for destination, destination_length in cell.destinations:
                here = elements[source_length, destination_length]
                for fact in cell.facts:
                    here[source, destination, fact.service] = fact.clause.leaf
    rest = tuple(one for one in clauses if one._replace(source=EVERY, destination=EVERY) in needed)
    return [_map(lengths, found, dispatch) for lengths, found in elements.items() if found], rest


def _chosen(cells: Iterable[_Cell]) -> list[_Lengths]:
    """The pairs of prefix lengths that most keys have."""
    tally: Tally[_Lengths] = Tally()
    for cell in cells:
        for lengths in cell.lengths():
            tally[lengths] += len(cell.facts)
    enough = max(_FEWEST, _SHARE * sum(tally.values()))
    return [lengths for lengths, count in tally.most_common(_MOST_MAPS) if count >= enough]


def _map(lengths: _Lengths, found: dict[tuple[int, int, int], int], dispatch: Dispatch) -> Rule:
    axes = [place for place in (0, 1) if lengths[place]]
    width = 32 if dispatch.family == 4 else 128
    fields = [Masked(dispatch.fields[place], lengths[place] % width) for place in axes]
    elements: list[tuple[tuple[Range, ...], Verdict]] = []
    for key, leaf in sorted(found.items()):
        ends = [(key[place], key[place]) for place in axes]
        protocol, port = key[2] >> 16, key[2] & 0xFFFF
        elements.append(((*ends, (protocol, protocol), (port, port)), dispatch.chains.leaf(leaf, dispatch.family)))
    keys = (*fields, Masked(Field.PROTOCOL), Masked(Field.DESTINATION_PORT))
    return Rule((VerdictMap(keys, tuple(elements)),))


class _Finder:
    """Walks through all pairs of elementary sources and destinations."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.cells: list[_Cell] = []
        self.needed: set[Clause] = set()
        self._left = dispatch.budget
        self._points: dict[int, tuple[tuple[int, ...], bool]] = {EVERY: ((), True)}
        self._prefixes: dict[Ranges, tuple[Prefix, ...]] = {}

    def find(self, clauses: tuple[Clause, ...]) -> bool:
        """Fill cells and needed; whether that was possible within the budget."""
        for destinations, left in self._split(clauses, 1):
            for sources, alone in self._split(left, 0):
                self._left -= len(alone)
                if self._left < 0:
                    return False
                self._cell(sources, destinations, alone)
        return True

    def _split(self, clauses: tuple[Clause, ...], axis: int) -> Iterable[tuple[Ranges | None, tuple[Clause, ...]]]:
        split = self.dispatch.split(clauses, axis, max(self._left, 0))
        if split is not None:
            return split.groups
        if any(clause[axis] != EVERY for clause in clauses):
            self._left = -1
        return ((None, cut(clauses)),)

    def _cell(self, sources: Ranges | None, destinations: Ranges | None, clauses: tuple[Clause, ...]) -> None:
        facts, kept = self._facts(clauses)
        self.needed.update(kept)
        if not facts:
            return
        from_, to = self._cut(sources), self._cut(destinations)
        if from_ and to:
            self.cells.append(_Cell(from_, to, tuple(facts)))
        else:
            self.needed.update(fact.clause for fact in facts)

    def _facts(self, clauses: tuple[Clause, ...]) -> tuple[list[_Fact], list[Clause]]:
        """What single services lead to in a cell, and the clauses that say more than that."""
        facts: dict[int, _Fact] = {}
        kept: list[Clause] = []
        for clause in clauses:
            points, has_more = self._of(clause.service)
            if clause.source_port or clause.until or clause.bans:
                kept.append(clause)
                continue
            for point in points:
                if point not in facts:
                    blocking = next((one for one in kept if self._holds(one, point)), None)
                    if blocking is None:
                        facts[point] = _Fact(point, clause)
                    elif blocking.source_port or blocking.until or blocking.bans:
                        has_more = True
            if has_more:
                kept.append(clause)
        return list(facts.values()), kept

    def _holds(self, clause: Clause, service: int) -> bool:
        return clause.service == EVERY or has(self.dispatch.sets.ranges[clause.service], service)

    def _of(self, number: int) -> tuple[tuple[int, ...], bool]:
        """The single services of a set, and whether it has others."""
        found = self._points.get(number)
        if found is None:
            ranges = self.dispatch.sets.ranges[number]
            few = [pair for pair in ranges if pair[1] - pair[0] < _MOST_PORTS and pair[0] >> 16 in PORTED]
            points = tuple(point for low, high in few for point in range(low, high + 1))
            found = self._points[number] = (points, len(few) < len(ranges))
        return found

    def _cut(self, ranges: Ranges | None) -> tuple[Prefix, ...]:
        """The prefixes that make up some addresses; none where they are many."""
        if ranges is None:
            return ((0, 0),)
        found = self._prefixes.get(ranges)
        if found is None:
            found = self._prefixes[ranges] = prefixes(ranges, 32 if self.dispatch.family == 4 else 128)
        return found


def prefixes(ranges: Ranges, width: int) -> tuple[Prefix, ...]:
    """The fewest prefixes of these ranges, none if they are more than a few."""
    found: list[Prefix] = []
    for low, high in ranges:
        start = low
        while start <= high:
            size = min(start & -start or 1 << width, 1 << (high - start + 1).bit_length() - 1)
            found.append((start, width - size.bit_length() + 1))
            start += size
            if len(found) > _MOST_PREFIXES:
                return ()
    return tuple(found)
