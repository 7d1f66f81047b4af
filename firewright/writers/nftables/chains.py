"""The chains of a table while it is made: names given once, leaves and exceptions shared by all that lead to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from firewright.model.interval import Ranges
from firewright.model.packet import Family
from firewright.syntax.nftables import (
    ABOUT,
    AddressGroup,
    Chain,
    Compare,
    Field,
    Match,
    Member,
    Rule,
    Statement,
    Verdict,
    Word,
    name,
)
from firewright.writers.nftables.clause import Clause
from firewright.writers.nftables.leaf import Leaf, Objects, leaf_lines
from firewright.writers.nftables.territory import Places

if TYPE_CHECKING:
    from firewright.writers.nftables.dispatch import Dispatch

_MANY = 3
"""Ranges from which a set of addresses is a set of the table and not written out in each rule."""


class Chains:
    """Names, leaves, exceptions and sets of one table; `start` is the epoch second at which permissions with an end begin."""

    def __init__(self, objects: Objects, start: int) -> None:
        self.objects, self.start = objects, start
        self.groups: dict[tuple[Family, Ranges], AddressGroup] = {}
        self.leaves: list[Leaf] = []
        self.exceptions: list[tuple[Clause, ...]] = [()]
        self._numbers: dict[tuple[object, ...], int] = {}
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._ends: dict[str, tuple[Rule, ...]] = {}
        self._names: dict[str, int] = {ABOUT: 1}
        self._ways: dict[tuple[int, Family], Verdict] = {}
        self._leaf_names: dict[tuple[int, Family], str] = {}
        self._bans: dict[tuple[int, Verdict, Family], str] = {}

    def reserve(self, text: str) -> str:
        """A name for a chain or a set that no other has."""
        plain = name(text)
        count = self._names[plain] = self._names.get(plain, 0) + 1
        return plain if count == 1 else self.reserve(f"{plain}_{count}")

    def fill(self, chain: str, rules: Iterable[Rule]) -> None:
        """Give a reserved name its rules."""
        self._rules[chain] = tuple(rules)

    def number(self, leaf: Leaf) -> int:
        """The number of a leaf."""
        # Rules are told apart by identity: their contents would be compared for every clause.
        key = (id(leaf.rule), leaf.name, leaf.said, leaf.sessions, leaf.helpers)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.leaves)
            self.leaves.append(leaf)
        return found

    def leaf(self, number: int, family: Family) -> Verdict:
        """The way to a leaf; one whose flows have timeouts has a chain for each family, for so have their objects."""
        found = self._ways.get((number, family))
        if found is None:
            leaf = self.leaves[number]
            is_own = self.objects.has_timeouts(leaf)
            key = (number, family if is_own else 0)
            name = self._leaf_names.get(key)
            if name is None:
                name = self._leaf_names[key] = self.reserve(f"{leaf.name}_v{family}" if is_own else leaf.name)
                self._ends[name] = leaf_lines(leaf, family, self.objects)
            found = self._ways[number, family] = Verdict(Word.GOTO, name)
        return found

    def reached(self) -> set[int]:
        """The ids of the policy's rules that some packet can be decided by."""
        return {id(self.leaves[number].rule) for number, _ in self._leaf_names}

    def banned(self, number: int, target: Verdict, dispatch: Dispatch) -> Verdict:
        """The way to a ban that some permissions pass: a chain that lets them return, and goes on to the ban."""
        key = (number, target, dispatch.family)
        found = self._bans.get(key)
        if found is None:
            found = self._bans[key] = self.reserve(f"{target.chain}_but_for_exceptions_v{dispatch.family}")
            passing = [
                Rule((*matches, *self.window(clause.until), Verdict(Word.RETURN)))
                for clause in self.exceptions[number]
                for matches in dispatch.matches(clause)
            ]
            self._ends[found] = (*passing, Rule((target,)))
        return Verdict(Word.JUMP, found)

    def within(self, field: Field, ranges: Ranges, places: Places) -> Match | Member:
        """A match on an address field, by a set of the table where there are many ranges."""
        if len(ranges) < _MANY:
            return Match(field, ranges)
        return Member(field, self.group(places.word(ranges), places.family, ranges))

    def group(self, word: str, family: Family, ranges: Ranges) -> str:
        """The name of a set of addresses."""
        found = self.groups.get((family, ranges))
        if found is None:
            found = AddressGroup(self.reserve(f"{word}_v{family}"), family, ranges)
            self.groups[family, ranges] = found
        return found.name

    def window(self, until: int) -> tuple[Statement, ...]:
        """The matches of a clause that ends; none for one that does not."""
        return (Compare(False, self.start), Compare(True, until)) if until else ()

    def chains(self) -> Iterable[Chain]:
        """All chains: those that lead to others, in the order in which they were named, then the leaves."""
        for rules in (self._rules, self._ends):
            for chain, lines in rules.items():
                yield Chain(chain, lines)
