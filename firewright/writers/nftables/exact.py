"""Single services between prefixes, taken out of the tree into hashes: the cheapest way from a packet to its rule.

A key is source prefix, destination prefix, protocol and port; there is a map for each of the commonest pairs of prefix lengths,
and the longer prefixes are asked first. What a key leads to is what the policy says of every packet that gets as far as the key;
a key of which that is not true is taken out again. What is decided here for good is left out of the tree.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from typing import TYPE_CHECKING

from firewright.model.interval import Range
from firewright.syntax.nftables import Field, Masked, Rule, Verdict, VerdictMap
from firewright.writers.nftables.clause import Clause
from firewright.writers.nftables.pairs import Pair, Pairs, TooMany

if TYPE_CHECKING:
    from firewright.writers.nftables.dispatch import Dispatch

_FEWEST = 64
"""Keys for which a map is worth what it costs those packets that are not in it."""
_MOST_MAPS = 3
_SHARE = 0.05
"""The share of all keys that a further map has at least."""
_Lengths = tuple[int, int]


def exact(clauses: tuple[Clause, ...], dispatch: Dispatch) -> tuple[list[Rule], tuple[Clause, ...]]:
    """Rules with maps for what can be said exactly, and the clauses that are still needed behind them."""
    if len(clauses) < _FEWEST:
        return [], clauses
    try:
        pairs = Pairs(clauses, dispatch.sets, dispatch.budget)
    except TooMany:
        return [], clauses
    keys = _Keys(pairs)
    if not keys.levels:
        return [], clauses
    return list(keys.maps(dispatch)), tuple(keys.needed())


def _chosen(pairs: Pairs) -> dict[_Lengths, int]:
    """The pairs of prefix lengths that most keys have, by the order in which they are asked, the longest first."""
    tally: Tally[_Lengths] = Tally()
    for pair in pairs:
        tally[pair.lengths] += len(pair.asked)
    enough = max(1, _FEWEST, _SHARE * sum(tally.values()))
    common = [lengths for lengths, count in tally.most_common(_MOST_MAPS) if count >= enough]
    ordered = sorted(common, key=lambda lengths: (-sum(lengths), lengths))
    return {lengths: place for place, lengths in enumerate(ordered)}


class _Keys:
    """What single services lead to in each pair whose lengths have a map, as places of clauses.

    `open` are the services that are asked for in a pair and have no key there, with the clauses that decide them.
    """

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.levels = _chosen(pairs)
        self.of: dict[Pair, dict[int, int]] = {}
        self.open: dict[tuple[Pair, int], list[int]] = {}
        self._finding: dict[Pair, list[Pair]] = {}
        self._enter()
        self._correct()
        self._prune()

    def _enter(self) -> None:
        """Enter what is certain; the rest is open."""
        for pair in self.pairs:
            keys: dict[int, int] = {}
            if pair.lengths in self.levels:
                keys = self.of[pair] = self._certain(pair)
            if len(keys) < len(pair.asked):
                for service in pair.asked:
                    if service not in keys:
                        self.open[pair, service] = self.pairs.deciding(pair, service)

    def _certain(self, pair: Pair) -> dict[int, int]:
        """The services of which all packets of a pair find the same."""
        if len(pair.every) == 1 and not pair.partly and self.pairs.is_plain(pair.every[0]):
            return dict.fromkeys(pair.asked, pair.every[0])
        found = {service: self.pairs.deciding(pair, service) for service in pair.asked}
        return {service: deciding[0] for service, deciding in found.items() if len(deciding) == 1}

    def _correct(self) -> None:
        """Take out the keys that are wrong for packets that would find them, until there are none."""
        wrong = True
        while wrong:
            wrong = False
            for (pair, service), deciding in list(self.open.items()):
                while (found := self._found(pair, service)) is not None:
                    if len(deciding) == 1 and self._leaf(self.of[found][service]) == self._leaf(deciding[0]):
                        break
                    del self.of[found][service]
                    self.open[found, service] = self.pairs.deciding(found, service)
                    wrong = True

    def _prune(self) -> None:
        """Take out the keys whose packets find the same by a shorter one, from the shortest on."""
        ordered = list(self.levels)
        by_level: dict[_Lengths, list[Pair]] = {lengths: [] for lengths in ordered}
        for pair in self.of:
            by_level[pair.lengths].append(pair)
        for place, lengths in reversed(list(enumerate(ordered))):
            if any(one > lengths[0] or other > lengths[1] for one, other in ordered[place + 1 :]):
                continue  # some packets of a key would find a key there that others do not
            for pair in by_level[lengths]:
                self._prune_pair(pair)

    def _prune_pair(self, pair: Pair) -> None:
        around = self._around(pair)[1:]
        if around:
            keys = self.of[pair]
            for service, place in list(keys.items()):
                found = next((one for one in around if service in self.of[one]), None)
                if found is not None and self._leaf(self.of[found][service]) == self._leaf(place):
                    del keys[service]

    def _found(self, pair: Pair, service: int) -> Pair | None:
        """The pair whose key the packets of a pair find first."""
        return next((one for one in self._around(pair) if service in self.of[one]), None)

    def _around(self, pair: Pair) -> list[Pair]:
        """The pairs with keys that the packets of a pair find, itself among them, in the order in which they are asked."""
        found = self._finding.get(pair)
        if found is None:
            held = [one for one in (pair, *pair.around) if one in self.of]
            held.sort(key=lambda one: self.levels[one.lengths])
            found = self._finding[pair] = held
        return found

    def _leaf(self, place: int) -> int:
        return self.pairs.clauses[place].leaf

    def needed(self) -> Iterator[Clause]:
        """The clauses that packets without a key are decided by, in order."""
        places = {len(self.pairs.clauses) - 1, *self.pairs.others}
        for (pair, service), deciding in self.open.items():
            if self._found(pair, service) is None:
                places.update(deciding)
        for place, clause in enumerate(self.pairs.clauses):
            if place in places or not self.pairs.is_said(place):
                yield clause

    def maps(self, dispatch: Dispatch) -> Iterator[Rule]:
        """A map for each pair of lengths, the elements in the order of their keys."""
        sources, destinations = self.pairs.sources.all, self.pairs.destinations.all
        rows: dict[_Lengths, list[tuple[int, int, int, int]]] = {lengths: [] for lengths in self.levels}
        for pair, keys in self.of.items():
            row = rows[pair.lengths]
            source, destination = sources[pair.source].first, destinations[pair.destination].first
            row += [(source, destination, service, self._leaf(place)) for service, place in keys.items()]
        for lengths, row in rows.items():
            if row:
                yield _map(lengths, sorted(row), dispatch)


def _map(lengths: _Lengths, rows: list[tuple[int, int, int, int]], dispatch: Dispatch) -> Rule:
    """The rule with the map of some keys: first source and destination, service, leaf."""
    width = 32 if dispatch.family == 4 else 128
    axes = [place for place in (0, 1) if lengths[place]]
    fields = [Masked(dispatch.fields[place], lengths[place] % width) for place in axes]
    verdicts = {leaf: dispatch.chains.leaf(leaf, dispatch.family) for leaf in dict.fromkeys(row[3] for row in rows)}
    services = {row[2]: ((row[2] >> 16,) * 2, (row[2] & 0xFFFF,) * 2) for row in rows}
    elements: list[tuple[tuple[Range, ...], Verdict]] = []
    for row in rows:
        ends = [(row[place], row[place]) for place in axes]
        elements.append(((*ends, *services[row[2]]), verdicts[row[3]]))
    keys = (*fields, Masked(Field.PROTOCOL), Masked(Field.DESTINATION_PORT))
    return Rule((VerdictMap(keys, tuple(elements)),))
