"""Rules of a ruleset that could go, and pairs of rules of which the order matters: exact, over every hook and both families.

A rule is judged by all of its steps: in each program, at each place that its chain is called from. Where a match is not
understood, what is said holds however it is read; matches of the same words are read alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from firewright.analysis.rulebook import Fact, Key, Rulebook, marked
from firewright.analysis.standing import Standing
from firewright.model.packet import Packet
from firewright.space.bitmap import bits, members
from firewright.space.budget import Undecided
from firewright.space.index import AtomBox

_MOST_ROUNDS = 60
"""Packets that are looked at to find the smallest set of rules that takes all of one."""
_MOST_CHOICES = 20_000
"""Sets of rules that are tried for that."""
_FINAL = ("accept", "drop", "reject")


class Kind(StrEnum):
    """What is to be said of a rule."""

    UNREACHABLE = "unreachable"
    """No base chain comes to its chain."""
    BEHIND_FINAL = "behind-final"
    """An earlier rule of its chain lets no packet come so far, whatever the packet is."""
    IMPOSSIBLE = "impossible"
    """No packet can match it, or none of those that its chain is called for."""
    SHADOWED = "shadowed"
    """Earlier rules take all of its packets."""
    REDUNDANT = "redundant"
    """Without it, other rules decide each of its packets the same."""
    GENERALISED = "generalised"
    """A later rule holds all of its packets and more, and decides them otherwise: the rule is an exception of that one."""
    CORRELATED = "correlated"
    """A later rule shares some of its packets and decides them otherwise: here the order of the two matters."""


DEAD = frozenset((Kind.UNREACHABLE, Kind.BEHIND_FINAL, Kind.IMPOSSIBLE, Kind.SHADOWED))
"""What is said of rules to which no packet comes."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of one rule.

    `by` are the rules that take its packets (a shadowed one: the fewest that together take all, if `is_fewest`), or that decide
    them without it, or the other rule of a pair; a chain's policy has number 0. `differs` says that one of them decides
    otherwise. `needed_for` says, of a redundant rule, why it must stay nevertheless; `packet` is one of a pair, or the one for
    which it must stay. `undecided` says why there is no judgement, and then `kind` is None.
    """

    rule: Key
    kind: Kind | None
    by: tuple[Key, ...] = ()
    differs: bool = False
    is_fewest: bool = True
    needed_for: str = ""
    packet: Packet | None = None
    undecided: str = ""


_Pair = tuple[Kind, Standing, AtomBox]


class Rulewise:
    """The questions to a rulebook. Those that raise Undecided say so."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.standings = [Standing(marked(title, program, book.facts)) for title, program in book.programs]
        self.gone = [0 for _ in self.standings]
        self.order = {key: place for place, key in enumerate(book.facts)}

    def judgements(self) -> tuple[Judgement, ...]:
        """What is to be said of each rule by itself, all others being in place, in the order of the rules. Pairs are `pairs`."""
        return tuple(found for key in self.book.facts if (found := self.judgement(key)) is not None)

    def judgement(self, key: Key) -> Judgement | None:
        """What is to be said of one rule, all others being in place; None if it is needed, or not judged."""
        chain = key[:2]
        if chain in self.book.idle:
            return Judgement(key, Kind.UNREACHABLE)
        if chain not in self.book.judged:
            return None
        try:
            if not self.is_alive(key):
                return self._dead(key)
            return self._redundant(key)
        except Undecided as error:
            return Judgement(key, None, undecided=str(error))

    def deadness(self, key: Key) -> Kind | None:
        """Why no packet comes to a rule; None if some does, or the rule is not judged. Raises Undecided."""
        if key[:2] in self.book.idle:
            return Kind.UNREACHABLE
        if key[:2] not in self.book.judged or self.is_alive(key):
            return None
        has_steps = any(True for standing in self.standings for _ in self._steps(standing, key))
        return Kind.BEHIND_FINAL if self._final_before(key) else Kind.SHADOWED if has_steps else Kind.IMPOSSIBLE

    def is_alive(self, key: Key) -> bool:
        """Whether some packet comes to a rule and matches it. Raises Undecided."""
        return any(
            standing.coming(step) is not None for standing in self.standings for step in self._steps(standing, key)
        )

    def let_go(self, key: Key) -> None:
        """Take a rule out that calls no chain: from now on `removable` and `staying` are asked without it."""
        for place, standing in enumerate(self.standings):
            self.gone[place] |= standing.marked.own.get(key, 0)

    def removable(self, key: Key) -> bool:
        """Whether a rule can go after those that were let go: no packet is decided otherwise, or meets other effects.

        Raises Undecided.
        """
        fact = self.book.facts[key]
        return not fact.effects and not fact.calls and self._changing(key, has_effects=True) is None

    def staying(self, key: Key) -> str:
        """Why a rule that decides nothing after those that were let go cannot go as well; empty if it decides something.

        Raises Undecided.
        """
        fact = self.book.facts[key]
        if fact.calls or not self._decides_at_all(key) or self._changing(key, has_effects=False) is not None:
            return ""
        found = None if fact.effects else self._changing(key, has_effects=True)
        return _more(fact) if found is None else self._effect(found[2])

    def pairs(self, dead: Collection[Key], limit: int, shown: int) -> tuple[tuple[Judgement, ...], int]:
        """Pairs of living rules that share packets which the first takes and the second would decide otherwise.

        Rules that hold every packet are no second of a pair: that is what they are for. Looking ends behind `limit` pairs; how
        many are left is the second value. The first `shown` have a packet. Raises Undecided.
        """
        found: dict[tuple[Key, Key], _Pair] = {}
        looked = left = 0
        for standing in self.standings:
            for step, others in self._overlapping(standing, dead):
                if looked >= limit:
                    left += others.bit_count()
                    continue
                looked += others.bit_count()
                for other in members(others):
                    self._pair(standing, step, other, found)
        ordered = sorted(found.items(), key=lambda one: tuple(map(self._place, one[0])))
        return tuple(
            Judgement(key, kind, (late,), differs=True, packet=standing.packet(part) if place < shown else None)
            for place, ((key, late), (kind, standing, part)) in enumerate(ordered)
        ), left

    def _pair(self, standing: Standing, step: int, other: int, found: dict[tuple[Key, Key], _Pair]) -> None:
        """Add what two steps make of their rules."""
        key, late = standing.marked.keys[step], standing.marked.keys[other]
        if key is None or late is None or key == late:
            return
        is_held = bool(standing.index.holding(step, 1 << other))
        known = found.get((key, late))
        if known is not None and (known[0] is Kind.CORRELATED or is_held):
            return
        part = standing.overlap(step, other)
        if part is not None:
            found[key, late] = Kind.GENERALISED if is_held else Kind.CORRELATED, standing, part

    def _steps(self, standing: Standing, key: Key) -> Iterator[int]:
        return bits(standing.marked.own.get(key, 0))

    def _place(self, key: Key) -> int:
        return self.order.get(key, len(self.order))

    def _dead(self, key: Key) -> Judgement:
        final = self._final_before(key)
        if final is not None:
            return Judgement(key, Kind.BEHIND_FINAL, (final,), self._differs(key, (final,)))
        if not any(True for standing in self.standings for _ in self._steps(standing, key)):
            return Judgement(key, Kind.IMPOSSIBLE)
        by, is_fewest = self._covering(key)
        if not by:
            return Judgement(key, Kind.IMPOSSIBLE)
        return Judgement(key, Kind.SHADOWED, by, self._differs(key, by), is_fewest)

    def _final_before(self, key: Key) -> Key | None:
        table, chain, number = key
        earlier = ((table, chain, place) for place in range(1, number))
        return next((one for one in earlier if one in self.book.facts and self.book.facts[one].is_final), None)

    def _differs(self, key: Key, by: Collection[Key]) -> bool:
        own = self.book.facts[key].word
        words = [self.book.facts[one].word for one in by if one in self.book.facts]
        return own in _decisions(own) and any(word in _decisions(word) and word != own for word in words)

    def _redundant(self, key: Key) -> Judgement | None:
        fact = self.book.facts[key]
        is_plain = not fact.effects or self._decides_at_all(key)
        if fact.calls or not is_plain or self._changing(key, has_effects=False) is not None:
            return None
        by = {
            standing.marked.keys[step]
            for standing in self.standings
            for own in self._steps(standing, key)
            if not (standing.marks >> own) & 1
            for step in standing.takers(own, standing.marked.own[key], 0)
        }
        named = tuple(sorted((one for one in by if one is not None), key=self._place))
        if fact.effects:
            return Judgement(
                key, Kind.REDUNDANT, named, needed_for=f"it does more than decide: {', '.join(fact.effects)}"
            )
        found = self._changing(key, has_effects=True)
        if found is None:
            return Judgement(key, Kind.REDUNDANT, named)
        standing, part, met = found
        return Judgement(key, Kind.REDUNDANT, named, needed_for=self._effect(met), packet=standing.packet(part))

    def _decides_at_all(self, key: Key) -> bool:
        return any(standing.marked.own.get(key, 0) & ~standing.marks for standing in self.standings)

    def _effect(self, met: Key | None) -> str:
        fact = None if met is None else self.book.facts.get(met)
        said = "" if fact is None else f" {fact.line.place}, which does more than decide: {', '.join(fact.effects)}"
        return f"without it its packets would come to{said or ' another rule'}"

    def _changing(self, key: Key, *, has_effects: bool) -> tuple[Standing, AtomBox, Key | None] | None:
        """Packets of a rule that are decided otherwise without it, and the rule that they meet then; or that meet an effect."""
        for standing, gone in zip(self.standings, self.gone, strict=True):
            own = standing.marked.own.get(key, 0)
            ends = standing.marked.effects & ~own & ~gone if has_effects else 0
            for step in bits(own & ~standing.marks):
                found = standing.changing(step, own, gone, ends)
                if found is not None:
                    return standing, found[0], standing.marked.keys[found[1]]
        return None

    def _covering(self, key: Key) -> tuple[tuple[Key, ...], bool]:
        """The fewest rules that take all packets of a shadowed rule; all that overlap it where those are not found.

        Every packet that comes to it while only some of the rules are there must be taken by one that holds the packet: so
        each packet found asks for one of a few rules, and a smallest choice of rules that answers all of them is tried next.
        """
        candidates = self._overlapping_before(key)
        asked: list[frozenset[Key]] = []
        chosen: tuple[Key, ...] = ()
        try:
            for _ in range(_MOST_ROUNDS):
                holders = self._missing(key, candidates, chosen)
                if holders is None:
                    return tuple(sorted(chosen, key=self._place)), True
                asked.append(holders)
                found = _smallest(asked, self.order) if holders else None
                if found is None:
                    break
                chosen = found
        except Undecided:
            pass
        return tuple(sorted(candidates, key=self._place)), False

    def _overlapping_before(self, key: Key) -> frozenset[Key]:
        found: set[Key | None] = set()
        for standing in self.standings:
            deciders = ~standing.marks & ~standing.last
            for step in self._steps(standing, key):
                near = standing.index.meeting(step, deciders & ((1 << step) - 1))
                found |= {standing.marked.keys[one] for one in members(near)}
        facts = self.book.facts
        return frozenset(
            one for one in found if one is not None and one in facts and one != key and not facts[one].calls
        )

    def _missing(self, key: Key, candidates: frozenset[Key], chosen: tuple[Key, ...]) -> frozenset[Key] | None:
        """The candidates that hold a packet which comes to a rule if only the chosen ones are there; None if none comes."""
        for standing in self.standings:
            absent = 0
            for one in candidates.difference(chosen):
                absent |= standing.marked.own.get(one, 0)
            for step in self._steps(standing, key):
                part = standing.coming(step, absent)
                if part is not None:
                    holding = standing.holding(part, absent & ((1 << step) - 1) & ~standing.marks)
                    keys = (standing.marked.keys[place] for place in bits(holding))
                    return frozenset(one for one in keys if one is not None)
        return None

    def _overlapping(self, standing: Standing, dead: Collection[Key]) -> Iterator[tuple[int, int]]:
        """Steps of living rules, each with the later ones that overlap it and have another word."""
        groups: dict[str, int] = {}
        for step, key in enumerate(standing.marked.keys):
            fact = self.book.facts.get(key) if key is not None else None
            if fact is None or fact.is_final or fact.calls or key in dead or (standing.marks >> step) & 1:
                continue
            if fact.word in _decisions(fact.word):
                groups[fact.word] = groups.get(fact.word, 0) | 1 << step
        for word, steps in groups.items():
            others = 0
            for other, its in groups.items():
                others |= its if other != word else 0
            for step in members(steps):
                if later := standing.index.meeting(step, others & -(2 << step)):
                    yield step, later


def _more(fact: Fact) -> str:
    return f"it does more than decide: {', '.join(fact.effects)}"


def _decisions(word: str) -> tuple[str, ...]:
    return (word,) if word.startswith(_FINAL) else ()


def _smallest(asked: list[frozenset[Key]], order: Mapping[Key, int]) -> tuple[Key, ...] | None:
    """A smallest set with a member of each of some sets, earlier rules first; None where too many would have to be tried."""
    known = sorted(frozenset[Key]().union(*asked), key=order.__getitem__)
    tried = 0
    for size in range(1, len(asked) + 1):
        for chosen in combinations(known, size):
            tried += 1
            if tried > _MOST_CHOICES:
                return None
            if all(not one.isdisjoint(chosen) for one in asked):
                return chosen
    return None
