"""Pairs of prefixes, and which clauses decide a single service between them.

Every clause whose ends are few prefixes stands at the pairs of these. Where two pairs cross, the source of one inside that of the
other, and the destination the other way round, and both ask for one service, there is a pair for what they share. So among the
pairs that hold a packet and ask for its service one lies inside all others, and what is true there is true for the packet.
Clauses with other ends ("the internet") are compared with the pairs that they meet.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum, auto

from firewright.model.interval import has, intersection
from firewright.model.packet import PORTED, Family
from firewright.writers.nftables.clause import EVERY, Clause, Sets
from firewright.writers.nftables.prefix import Prefix, Prefixes

_WIDTH: dict[Family, int] = {4: 32, 6: 128}
_MOST_PREFIXES = 16
"""Prefixes of one end of a clause, at most."""
_MOST_PAIRS = 64
"""Pairs of a clause, at most."""
_MOST_PORTS = 8
"""Ports of a range that are looked for one by one, at most."""
_BEYOND = 1 << 128


class TooMany(Exception):
    """More pairs cross, or more clauses meet them, than is worth looking at."""


class Pair:
    """What is known of the packets from one prefix to another, which are given by their numbers; `lengths` are those of both.

    `places` are the places of the clauses that stand here, `asked` the single services that something is said of here, and
    `ranges` the sets of which something is said of every service that is asked for around. `around` are the pairs that hold all
    these packets, and `every` the clauses that hold some: those of `partly` not all of them.
    """

    __slots__ = ("around", "asked", "destination", "every", "lengths", "partly", "places", "ranges", "source")

    def __init__(self, source: int, destination: int, lengths: tuple[int, int]) -> None:
        self.source, self.destination, self.lengths = source, destination, lengths
        self.places: list[int] = []
        self.asked: dict[int, None] = {}
        self.ranges: dict[int, None] = {}
        self.around: tuple[Pair, ...] = ()
        self.every: list[int] = self.places
        self.partly: frozenset[int] = frozenset()


class _Overlap(Enum):
    NONE = auto()
    PART = auto()
    WHOLE = auto()


class Pairs:
    """All pairs of some clauses, of which the last decides every packet. Raises TooMany beyond a budget of steps."""

    def __init__(self, clauses: tuple[Clause, ...], sets: Sets, budget: int) -> None:
        self.clauses, self.sets, self._budget = clauses, sets, budget
        width = _WIDTH[sets.family]
        self.sources, self.destinations = (
            Prefixes(sets.ranges, {clause[axis]: None for clause in clauses}, width, _MOST_PREFIXES) for axis in (0, 1)
        )
        self._points: dict[int, tuple[tuple[int, ...], bool]] = {EVERY: ((), True)}
        self._shared: dict[tuple[int, int], tuple[tuple[int, ...], bool]] = {}
        self.others: list[int] = []
        self._near: tuple[dict[int, list[int]], ...] = ({}, {})
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._place()
        self._cross()
        for pair in self._pairs.values():
            self._surround(pair)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs.values())

    def is_said(self, place: int) -> bool:
        """Whether the single services of a clause are all that it says, at any time and from any port."""
        return self.is_plain(place) and not self._of(self.clauses[place].service)[1]

    def is_plain(self, place: int) -> bool:
        """Whether a clause depends on nothing but addresses and service."""
        clause = self.clauses[place]
        return not (clause.source_port or clause.until or clause.bans)

    def deciding(self, pair: Pair, service: int) -> list[int]:
        """The places of the clauses that decide a single service in a pair; the last decides what the others leave."""
        found = []
        for place in pair.every:
            if self._holds(self.clauses[place].service, service):
                found.append(place)
                if place not in pair.partly and self.is_plain(place):
                    return found
        return [*found, len(self.clauses) - 1]

    def _place(self) -> None:
        """Put every clause at its pairs, or among the others."""
        wide: tuple[dict[int, list[int]], ...] = ({}, {})
        for place, clause in enumerate(self.clauses[:-1]):
            sources, destinations = self.sources.of(clause.source), self.destinations.of(clause.destination)
            if not sources or not destinations or len(sources) * len(destinations) > _MOST_PAIRS:
                self.others.append(place)
                axis = 1 if sources else 0
                wide[axis].setdefault(clause[axis], []).append(place)
                continue
            points, has_more = self._of(clause.service)
            for source in sources:
                for destination in destinations:
                    pair = self._at(source, destination)
                    pair.places.append(place)
                    pair.asked.update(dict.fromkeys(points))
                    if has_more:
                        pair.ranges[clause.service] = None
        for number, places in wide[0].items():
            self._meet(self._near[0], self.sources, number, places)
        for number, places in wide[1].items():
            self._meet(self._near[1], self.destinations, number, places)

    def _meet(self, near: dict[int, list[int]], prefixes: Prefixes, number: int, places: list[int]) -> None:
        """Enter some clauses at the prefixes that the set at one of their ends meets."""
        met = {one for low, high in self.sets.ranges[number] for one in prefixes.meeting(low, high)}
        self._spend(len(met) * len(places))
        for one in met:
            near.setdefault(one, []).extend(places)

    def _at(self, source: int, destination: int) -> Pair:
        key = (source, destination)
        found = self._pairs.get(key)
        if found is None:
            lengths = (self.sources.all[source].length, self.destinations.all[destination].length)
            found = self._pairs[key] = Pair(source, destination, lengths)
        return found

    def _cross(self) -> None:
        """Ask, where two pairs cross, for the single services that both hold."""
        within: dict[tuple[int, int], list[Pair]] = {}
        for pair in self._pairs.values():
            for source in self.sources.around[pair.source]:
                within.setdefault((source, pair.destination), []).append(pair)
        crossing: list[tuple[Pair, Pair]] = []
        for pair in self._pairs.values():
            for destination in self.destinations.around[pair.destination]:
                inner = within.get((pair.source, destination), ())
                self._spend(len(inner))
                crossing += [(one, pair) for one in inner]
        for one, other in crossing:
            for mine in {self.clauses[place].service: None for place in one.places}:
                for theirs in {self.clauses[place].service: None for place in other.places}:
                    points, has_more = self._common(mine, theirs)
                    if points or has_more:
                        pair = self._at(one.source, other.destination)
                        pair.asked.update(dict.fromkeys(points))
                        if has_more:
                            pair.ranges[mine] = None

    def _common(self, one: int, other: int) -> tuple[tuple[int, ...], bool]:
        """The single services of either of two sets that the other holds too, and whether they share others."""
        found = self._shared.get((one, other))
        if found is None:
            (mine, one_more), (theirs, other_more) = self._of(one), self._of(other)
            points = [service for service in mine if self._holds(other, service)]
            points += [service for service in theirs if self._holds(one, service)]
            has_more = one_more and other_more and (EVERY in (one, other) or self._meet_in_ranges(one, other))
            found = self._shared[one, other] = (tuple(points), has_more)
        return found

    def _meet_in_ranges(self, one: int, other: int) -> bool:
        return bool(intersection(self.sets.ranges[one], self.sets.ranges[other]))

    def _surround(self, pair: Pair) -> None:
        """Find what lies around a pair, and the clauses that hold its packets."""
        sources = (pair.source, *self.sources.around[pair.source])
        destinations = (pair.destination, *self.destinations.around[pair.destination])
        found = [self._pairs.get((source, destination)) for source in sources for destination in destinations]
        pair.around = tuple(one for one in found[1:] if one is not None)
        met = dict(self._met(pair))
        if pair.around or met:
            places = {place for one in pair.around for place in one.places}.union(pair.places, met)
            self._spend(len(places))
            pair.every = sorted(places)
            pair.partly = frozenset(place for place, overlap in met.items() if overlap is _Overlap.PART)
            self._ask_around(pair)

    def _ask_around(self, pair: Pair) -> None:
        """Ask in a pair for the single services around it that its ranges hold."""
        for number in pair.ranges:
            for one in pair.around:
                self._spend(len(one.asked))
                pair.asked.update({service: None for service in one.asked if self._holds(number, service)})

    def _met(self, pair: Pair) -> Iterator[tuple[int, _Overlap]]:
        """The other clauses that hold packets of a pair."""
        ends = self.sources.all[pair.source], self.destinations.all[pair.destination]
        for place in (*self._near[0].get(pair.source, ()), *self._near[1].get(pair.destination, ())):
            both = [self._overlap(self.clauses[place][end], ends[end]) for end in (0, 1)]
            if _Overlap.NONE not in both:
                yield place, _Overlap.PART if _Overlap.PART in both else _Overlap.WHOLE

    def _holds(self, number: int, service: int) -> bool:
        """Whether a set of services holds a single one."""
        points, has_more = self._of(number)
        return service in points or (has_more and (number == EVERY or has(self.sets.ranges[number], service)))

    def _of(self, number: int) -> tuple[tuple[int, ...], bool]:
        """The single services of a set, and whether it has others."""
        found = self._points.get(number)
        if found is None:
            ranges = self.sets.ranges[number]
            few = [pair for pair in ranges if pair[1] - pair[0] < _MOST_PORTS and pair[0] >> 16 in PORTED]
            points = tuple(point for low, high in few for point in range(low, high + 1))
            found = self._points[number] = (points, len(few) < len(ranges))
        return found

    def _overlap(self, number: int, prefix: Prefix) -> _Overlap:
        """How much of a prefix a set of addresses holds."""
        if number == EVERY:
            return _Overlap.WHOLE
        ranges = self.sets.ranges[number]
        place = bisect_right(ranges, (prefix.last, _BEYOND)) - 1
        if place < 0 or ranges[place][1] < prefix.first:
            return _Overlap.NONE
        low, high = ranges[place]
        return _Overlap.WHOLE if low <= prefix.first and prefix.last <= high else _Overlap.PART

    def _spend(self, steps: int) -> None:
        self._budget -= steps
        if self._budget < 0:
            raise TooMany
