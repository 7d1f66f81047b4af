"""The decision tree: lists of clauses become chains that lead by maps to the few clauses that are left for a packet.

A node asks one of destination, source and service, by a map from its elementary ranges to the next chain, as long as that leaves
fewer clauses for less than a bounded number of elements; what is left is asked clause by clause. Equal lists are one chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewright.model.interval import Range, Ranges, canonical
from firewright.model.packet import Family
from firewright.syntax.nftables import Field, Match, Rule, Statement, Verdict, Word
from firewright.writers.nftables.addresses import dispatch_addresses
from firewright.writers.nftables.chains import Chains
from firewright.writers.nftables.clause import EVERY, Clause, Sets, cut
from firewright.writers.nftables.exact import exact
from firewright.writers.nftables.service import dispatch_services, service_matches
from firewright.writers.nftables.territory import Places

SOURCE, DESTINATION, SERVICE = 0, 1, 2
_AXES = (DESTINATION, SOURCE, SERVICE)
"""The order in which a policy reads: to whom, from whom, what."""
_LIGHT = 16
"""The weight of rules that are asked one after the other for what a map of verdicts costs, 15 ns each (250 ns)."""
_HEAVY = {4: (1, 10), 6: (3, 10)}
"""By family, the weights of a match on one range of addresses, and on several."""
_SMALL = 64
"""Clauses up to which the order in which a policy reads is kept, for the sake of people."""
_MANY = 256
"""Clauses from which rules are many enough that sets inside them would cost more than further rules."""
_MOST_RULES = 8
_ELEMENTS_A_CLAUSE = 30
_ELEMENTS = 20_000
"""Clauses in all chains together, at most, beside so many for each clause of the policy."""


class Where(NamedTuple):
    """What the packets of a chain are known to have in common, in words for its name."""

    source: str
    destination: str
    service: str = ""


class Split(NamedTuple):
    """What asking for one axis would leave: groups of ranges with their clauses, their number, and the mean left."""

    axis: int
    groups: tuple[tuple[Ranges, tuple[Clause, ...]], ...]
    total: int
    left: float


class Dispatch:
    """Makes the chains of one family."""

    def __init__(self, family: Family, sets: Sets, chains: Chains, places: Places, clauses: int) -> None:
        self.family, self.sets, self.chains, self.places = family, sets, chains, places
        self.budget = _ELEMENTS + _ELEMENTS_A_CLAUSE * clauses
        self.is_large = False
        self._services: dict[tuple[int, int], list[tuple[Statement, ...]]] = {}
        self._known: dict[tuple[Clause, ...], Verdict] = {}
        self._tops = ((1 << (32 if family == 4 else 128)) - 1,) * 2 + ((1 << 24) - 1,)
        self.fields = (Field.SOURCE4, Field.DESTINATION4) if family == 4 else (Field.SOURCE6, Field.DESTINATION6)

    def verdict(self, clauses: Iterable[Clause], where: Where, budget: int | None = None) -> Verdict:
        """Where a packet goes for which these clauses are left; the last of them must decide every packet."""
        left = cut(clauses)
        if left[0].is_last:
            return self.chains.leaf(left[0].leaf, self.family)
        known = self._known.get(left)
        if known is None:
            # Reserved before the chains below it are made, so that a chain stands above those that it leads to.
            name = self.chains.reserve(self._name(where))
            self.chains.fill(name, ())
            known = self._known[left] = Verdict(Word.GOTO, name)
            self.chains.fill(name, self._rules(left, where, self.budget if budget is None else budget))
        return known

    def root(self, clauses: Iterable[Clause], where: Where, name: str) -> Verdict:
        """Where a packet goes of which nothing is known yet: by maps of what can be said exactly, then by the tree."""
        every = cut(clauses)
        self.is_large = len(every) > _MANY
        maps, rest = exact(every, self)
        if not maps:
            return self.verdict(every, where)
        found = self.chains.reserve(name)
        self.chains.fill(found, ())
        self.chains.fill(found, (*maps, Rule((self.verdict(rest, where),))))
        return Verdict(Word.GOTO, found)

    def _name(self, where: Where) -> str:
        ends = f"{where.source}_to_{where.destination}" if where.source else f"to_{where.destination}"
        return f"{ends}{'_' if where.service else ''}{where.service}_v{self.family}"

    def _rules(self, clauses: tuple[Clause, ...], where: Where, budget: int) -> list[Rule]:
        split = self._best(clauses, budget) if sum(map(self._weight, clauses)) > _LIGHT else None
        if split is None:
            return [rule for clause in clauses for rule in self._asked(clause)]
        squares = sum(len(left) ** 2 for _, left in split.groups) or 1
        targets = [
            (ranges, self.verdict(left, self._below(split.axis, ranges, where), budget * len(left) ** 2 // squares))
            for ranges, left in split.groups
        ]
        if split.axis == SERVICE:
            return dispatch_services(targets)
        return dispatch_addresses(self.fields[split.axis], targets)

    def _below(self, axis: int, ranges: Ranges, where: Where) -> Where:
        if axis == SERVICE:
            low = ranges[0][0]
            return where._replace(service=f"{low >> 16}_{low & 0xFFFF}")
        word = self.places.word(ranges)
        return where._replace(source=word) if axis == SOURCE else where._replace(destination=word)

    def _best(self, clauses: tuple[Clause, ...], budget: int) -> Split | None:
        """The axis to ask for: the first that leaves few for little, else the one that leaves fewest within the budget."""
        found: list[Split] = []
        for axis in _AXES:
            split = self.split(clauses, axis, budget)
            if split is None or split.left > 0.75 * len(clauses):
                continue
            is_clear = len(clauses) <= _SMALL or split.left * 4 <= len(clauses)
            if is_clear and split.total <= 2 * len(clauses) + _SMALL:
                return split
            found.append(split)
        return min(found, key=lambda one: one.left, default=None)

    def split(self, clauses: tuple[Clause, ...], axis: int, budget: int) -> Split | None:
        """The elementary ranges of an axis with the clauses that are left there; None if it tells nothing, or costs too much."""
        holding: dict[int, list[int]] = {}
        for place, clause in enumerate(clauses):
            holding.setdefault(clause[axis], []).append(place)
        always = holding.pop(EVERY, [])
        if not holding:
            return None
        regions = self._regions(tuple(holding), axis)
        total = sum(len(always) + sum(len(holding[one]) for one in members) for members in regions)
        if total > budget:
            return None
        stripped = [_without(clause, axis) for clause in clauses]
        groups: dict[tuple[Clause, ...], list[Range]] = {}
        for members, ranges in regions.items():
            places = sorted(place for one in (always, *(holding[member] for member in members)) for place in one)
            left = cut(stripped[place] for place in places)
            groups.setdefault(left, []).extend(ranges)
        pairs = tuple((canonical(ranges), left) for left, ranges in groups.items())
        sizes = [len(left) for _, left in pairs]
        return Split(axis, pairs, total, sum(size * size for size in sizes) / sum(sizes))

    def _regions(self, numbers: tuple[int, ...], axis: int) -> dict[tuple[int, ...], list[Range]]:
        """For every combination of these sets that occurs, the elementary ranges that are in just these."""
        changes: dict[int, int] = {}
        for place, number in enumerate(numbers):
            for low, high in self.sets.ranges[number]:
                changes[low] = changes.get(low, 0) ^ 1 << place
                changes[high + 1] = changes.get(high + 1, 0) ^ 1 << place
        regions: dict[int, list[Range]] = {}
        inside, start, top = 0, 0, self._tops[axis]
        for end in (*sorted(changes), top + 1):
            if end > start:
                regions.setdefault(inside, []).append((start, end - 1))
                start = end
            inside ^= changes.get(end, 0)
        return {tuple(_members(mask, numbers)): ranges for mask, ranges in regions.items()}

    def _weight(self, clause: Clause) -> int:
        """What asking for one clause costs a packet that it is not for, and that looks alike as long as possible."""
        services = self.services(clause)
        weight = sum(_lookups(matches) for matches in services) if services != [()] else 1
        if services == [()] and not clause.is_last:
            one, several = _HEAVY[self.family]
            ends = [self.sets.ranges[number] for number in clause[:2] if number != EVERY]
            weight = max((one if len(ranges) == 1 else several for ranges in ends), default=1)
        return weight

    def services(self, clause: Clause) -> list[tuple[Statement, ...]]:
        """The matches of a clause on services, read once for all clauses of the same."""
        key = (clause.service, clause.source_port)
        found = self._services.get(key)
        if found is None:
            found = self._services[key] = service_matches(*(self.sets.ranges[one] if one else None for one in key))
        return found

    def _asked(self, clause: Clause) -> Iterator[Rule]:
        """The rules of one clause that is asked alone."""
        target = self.chains.leaf(clause.leaf, self.family)
        if clause.bans:
            target = self.chains.banned(clause.bans, target, self)
        when = self.chains.window(clause.until)
        for matches in self.matches(clause):
            for alone in _apart(matches) if self.is_large else (matches,):
                yield Rule((*alone, *when, target))

    def matches(self, clause: Clause) -> Iterator[tuple[Statement, ...]]:
        """The matches of a clause on addresses and services: a packet is the clause's if all of one entry hold."""
        ends: list[Statement] = []
        for field, number in zip(self.fields, clause[:2], strict=True):
            if number != EVERY:
                ends.append(self.chains.within(field, self.sets.ranges[number], self.places))
        for matches in self.services(clause):
            yield (*matches, *ends)


def _members(mask: int, numbers: tuple[int, ...]) -> Iterator[int]:
    """The numbers at the places of the bits that are set."""
    while mask:
        low = mask & -mask
        yield numbers[low.bit_length() - 1]
        mask ^= low


def _without(clause: Clause, axis: int) -> Clause:
    if clause[axis] == EVERY:
        return clause
    if axis == SOURCE:
        return clause._replace(source=EVERY)
    return clause._replace(destination=EVERY) if axis == DESTINATION else clause._replace(service=EVERY)


def _lookups(matches: tuple[Statement, ...]) -> int:
    """The weight of some matches: a rule, and more where one of them is a set of several, or of ranges."""
    sets = [one.values for one in matches if isinstance(one, Match) and len(one.values) > 1]
    return 1 + sum(9 if any(low != high for low, high in values) else 4 for values in sets)


def _apart(matches: tuple[Statement, ...]) -> list[tuple[Statement, ...]]:
    """The same matches without sets of numbers, one rule for each combination, if these are few."""
    found: list[tuple[Statement, ...]] = [()]
    for one in matches:
        if isinstance(one, Match) and not one.is_negated and len(found) * len(one.values) <= _MOST_RULES:
            found = [(*known, Match(one.field, (value,))) for known in found for value in one.values]
        else:
            found = [(*known, one) for known in found]
    return found
