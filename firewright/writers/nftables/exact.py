"""Single services between prefixes, taken out of the tree into hashes: the cheapest way from a packet to its rule.

A key is source prefix, destination prefix, protocol and port; there is a map for each of the commonest pairs of prefix lengths,
and the longer prefixes are asked first. What a key leads to is what the policy says of every packet that gets as far as the key;
a key of which that is not true is taken out again. What is decided here for good is left out of the tree.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from firewright.model.interval import Range, Ranges, has
from firewright.model.packet import PORTED
from firewright.syntax.nftables import Field, Masked, Rule, Verdict, VerdictMap
from firewright.writers.nftables.clause import EVERY, Clause, cut
from firewright.writers.nftables.prefix import Candidates, Prefix

if TYPE_CHECKING:
    from firewright.writers.nftables.dispatch import Dispatch

_FEWEST = 64
"""Keys for which a map is worth what it costs those packets that are not in it."""
_MOST_MAPS = 3
_SHARE = 0.05
"""The share of all keys that a further map has at least."""
_MOST_PREFIXES = 16
"""Prefixes of one elementary source or destination, at most."""
_MOST_PORTS = 8
_Lengths = tuple[int, int]
_Level = dict[tuple[int, int], dict[int, Clause]]
"""By source and destination prefix, what single services lead to."""


class _Cell(NamedTuple):
    """An elementary source and destination, the clauses that are left there, and what single services lead to."""

    sources: tuple[Prefix, ...]
    destinations: tuple[Prefix, ...]
    clauses: tuple[Clause, ...]
    facts: dict[int, Clause]

    def pairs(self) -> Iterator[tuple[Prefix, Prefix]]:
        return ((source, destination) for source in self.sources for destination in self.destinations)


def exact(clauses: tuple[Clause, ...], dispatch: Dispatch) -> tuple[list[Rule], tuple[Clause, ...]]:
    """Rules with maps for what can be said exactly, and the clauses that are still needed behind them."""
    finder = _Finder(dispatch)
    if len(clauses) < _FEWEST or not finder.find(clauses):
        return [], clauses
    levels: dict[_Lengths, _Level] = {lengths: {} for lengths in _chosen(finder.cells)}
    if not levels:
        return [], clauses
    needed = finder.needed
    for cell in finder.cells:
        needed.update(_entered(cell, levels))
    while removed := [clause for cell in finder.cells for clause in finder.corrected(cell, levels)]:
        needed.update(removed)
    _prune(levels, finder)
    rest = tuple(one for one in clauses if one._replace(source=EVERY, destination=EVERY) in needed)
    return [_map(lengths, level, dispatch) for lengths, level in levels.items() if any(level.values())], rest


def _chosen(cells: Iterable[_Cell]) -> list[_Lengths]:
    """The pairs of prefix lengths that most keys have, the longest first."""
    tally: Tally[_Lengths] = Tally()
    for cell in cells:
        for source, destination in cell.pairs():
            tally[source.length, destination.length] += len(cell.facts)
    enough = max(_FEWEST, _SHARE * sum(tally.values()))
    common = [lengths for lengths, count in tally.most_common(_MOST_MAPS) if count >= enough]
    return sorted(common, key=lambda lengths: (-sum(lengths), lengths))


def _entered(cell: _Cell, levels: dict[_Lengths, _Level]) -> Iterator[Clause]:
    """Enter a cell's keys; the clauses that are needed all the same, because a key's place is taken or its length is rare."""
    for source, destination in cell.pairs():
        level = levels.get((source.length, destination.length))
        if level is None:
            yield from cell.facts.values()
            continue
        here = level.setdefault((source.first, destination.first), {})
        for service, clause in cell.facts.items():
            if here.setdefault(service, clause).leaf != clause.leaf:
                yield clause


def _prune(levels: dict[_Lengths, _Level], finder: _Finder) -> None:
    """Take out the keys whose packets find the same by a shorter one, from the shortest on."""
    ordered = list(levels.items())
    for place in reversed(range(len(ordered))):
        (source_length, destination_length), level = ordered[place]
        shorter = ordered[place + 1 :]
        if any(one > source_length or other > destination_length for (one, other), _ in shorter):
            continue  # some packets of a key would find a key there that others do not
        for (source, destination), services in level.items():
            for service, clause in list(services.items()):
                if finder.first(shorter, source, destination, service) == clause.leaf:
                    del services[service]


def _map(lengths: _Lengths, level: _Level, dispatch: Dispatch) -> Rule:
    axes = [place for place in (0, 1) if lengths[place]]
    width = 32 if dispatch.family == 4 else 128
    fields = [Masked(dispatch.fields[place], lengths[place] % width) for place in axes]
    elements: list[tuple[tuple[Range, ...], Verdict]] = []
    for key, services in sorted(level.items()):
        ends = [(key[place], key[place]) for place in axes]
        for service, clause in sorted(services.items()):
            protocol, port = service >> 16, service & 0xFFFF
            verdict = dispatch.chains.leaf(clause.leaf, dispatch.family)
            elements.append(((*ends, (protocol, protocol), (port, port)), verdict))
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
        self._candidates: list[Candidates] = []

    def find(self, clauses: tuple[Clause, ...]) -> bool:
        """Fill cells and needed; whether that was possible within the budget."""
        width = 32 if self.dispatch.family == 4 else 128
        for axis in (0, 1):
            numbers = {clause[axis] for clause in clauses} - {EVERY}
            sets = (self.dispatch.sets.ranges[number] for number in sorted(numbers))
            self._candidates.append(Candidates(sets, width, _MOST_PREFIXES))
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
        cell = _Cell(self._candidates[0].of(sources), self._candidates[1].of(destinations), clauses, facts)
        if cell.sources and cell.destinations:
            self.cells.append(cell)
        else:
            self.needed.update(facts.values())

    def corrected(self, cell: _Cell, levels: dict[_Lengths, _Level]) -> Iterator[Clause]:
        """Take out the keys that packets of a cell would find first and that are wrong for them; yields their clauses."""
        for source, destination in cell.pairs():
            seen: set[int] = set()
            for (source_length, destination_length), level in levels.items():
                if source_length > source.length or destination_length > destination.length:
                    continue
                from_, to = self._candidates
                here = level.get(
                    (from_.cut(source.first, source_length), to.cut(destination.first, destination_length))
                )
                if here is None:
                    continue
                for service, clause in list(here.items()):
                    if service not in seen and self._decided(cell, service) != clause.leaf:
                        del here[service]
                        yield clause
                    seen.add(service)

    def first(
        self, levels: Iterable[tuple[_Lengths, _Level]], source: int, destination: int, service: int
    ) -> int | None:
        """The leaf that is found first for a packet in these levels."""
        from_, to = self._candidates
        for (source_length, destination_length), level in levels:
            here = level.get((from_.cut(source, source_length), to.cut(destination, destination_length)))
            if here is not None and service in here:
                return here[service].leaf
        return None

    def _decided(self, cell: _Cell, service: int) -> int | None:
        """The leaf that a single service leads to in a cell, None where it depends on more."""
        fact = cell.facts.get(service)
        if fact is not None:
            return fact.leaf
        clause = next(one for one in cell.clauses if self._holds(one, service))
        return None if clause.source_port or clause.until or clause.bans else clause.leaf

    def _facts(self, clauses: tuple[Clause, ...]) -> tuple[dict[int, Clause], list[Clause]]:
        """What single services lead to in a cell, and the clauses that say more than that."""
        facts: dict[int, Clause] = {}
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
                        facts[point] = clause
                    elif blocking.source_port or blocking.until or blocking.bans:
                        has_more = True
            if has_more:
                kept.append(clause)
        return facts, kept

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
