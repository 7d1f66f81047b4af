"""Rules of a policy that decide nothing, and by which others: one that takes all of a rule's packets, or the fewest that do together.

The order of a policy's rules decides nothing, so a rule is needless where stronger or equal ones hold all of its packets
whenever it is in force: for the strongest rule that holds a packet decides it, and that is the same without the needless one,
whatever other rules are there, on every day, with every option on or off. Exact, over both families.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from firewright.model.moment import begins, ends
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Action, Policy, Rule, Verb
from firewright.space.bitmap import bits, lowest, members
from firewright.space.box import EVERY_BOX, meet_box
from firewright.space.budget import Meter
from firewright.space.encode import Unfilled, rule_boxes
from firewright.space.packetset import PacketSet
from firewright.space.program import Program
from firewright.space.question import index_of
from firewright.space.search import outside

BANS = (Verb.DENY, Verb.REJECT)
_OPENERS = (Verb.ALLOW, Verb.REQUIRE)
_STRENGTH = (Verb.DENY, Verb.REJECT, Verb.REQUIRE, Verb.ALLOW, Verb.REQUEST, Verb.OTHERWISE)
_MOST_SINGLE = 64
"""Rules of which it is asked whether one of them alone takes all of a rule, where no box of theirs holds all of one of its boxes."""


class Reason(StrEnum):
    """Why a rule decides nothing."""

    ENDED = "ended"
    """It was a permission, and its last day is past."""
    SHADOWED = "shadowed"
    """Stronger rules take all of its packets, and some of them do something else."""
    REDUNDANT = "redundant"
    """Other rules do the same with all of its packets."""


@dataclass(frozen=True, slots=True)
class Needless:
    """A rule, by its number in the policy, that decides nothing.

    `by` are the rules that take its packets, none of which could be left out.
    """

    rule: int
    reason: Reason
    by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Meeting:
    """A ban and a permission that speak of the same packets, of which `packet` is one; the ban decides them.

    `is_within` is whether the permission holds all of the ban, which is then an exception of it.
    """

    ban: int
    permission: int
    is_within: bool
    packet: Packet | None


class Needs:
    """The rules of a policy side by side. Building: O(boxes²) bits; a question about one rule: O(boxes) and its proofs.

    Raises Unfilled where zones wait for their addresses: nothing is known of rules that name them.
    """

    def __init__(self, policy: Policy) -> None:
        if policy.questions:
            raise Unfilled(f"not filled in: {', '.join(zone.name for zone in policy.questions)}")
        self.rules: Sequence[Rule] = policy.rules
        self._defaults = {firewall.default for firewall in policy.firewalls.values()}
        self._named = {name.value for rule in policy.rules for name in rule.overrides}
        self._lifting: dict[str, list[int]] = {}
        for number, rule in enumerate(policy.rules):
            for name in rule.overrides:
                self._lifting.setdefault(name.value, []).append(number)
        self._families = tuple(_Family(policy.rules, family) for family in FAMILIES)

    def ended(self, number: int, day: date) -> bool:
        """Whether a rule's last day is past for good: a permission's; bans never end."""
        rule = self.rules[number]
        return rule.verb not in BANS and rule.until is not None and ends(rule.until) <= begins(day)

    def why_kept(self, number: int) -> str:
        """What a rule does beside deciding, for which it must stay whatever others decide; empty if nothing."""
        rule = self.rules[number]
        if rule.overrides:
            return "it lifts a ban"
        if rule.name and rule.name in self._named:
            return "an exception names it"
        if rule.log:
            return "it is logged"
        if rule.sessions is not None:
            return "it says how long sessions live"
        if any(term.helpers for term in rule.terms):
            return "its service has a helper, which it starts"
        return ""

    def judged(self, number: int, among: Collection[int], *, singly: bool = False) -> Needless | None:
        """Whether others of these rules take all of a rule's packets, whenever it is in force; one alone where one does.

        `singly` asks for one rule alone. Raises Undecided.
        """
        beside = {one for family in self._families for one in family.meeting(number)}
        able = {one for one in beside if one in among and self._can_take(one, number)}
        if not able:
            return self._by_default(number, among)
        # That something else becomes of all of its packets says more than that the same becomes of them twice.
        others = {one for one in able if self._effect(one) != self._effect(number)}
        by: tuple[int, ...] = ()
        for some in (others, able):
            by = by or self._single(number, some) or (() if singly else self._together(number, some))
        if not by:
            return self._by_default(number, among)
        effects = {self._effect(one) for one in (*by, number)}
        return Needless(number, Reason.REDUNDANT if len(effects) == 1 else Reason.SHADOWED, tuple(sorted(by)))

    def meetings(self, dead: Collection[int], most: int, witnesses: int) -> tuple[tuple[Meeting, ...], int]:
        """Bans and permissions that share packets, of rules that are not dead: the first so many, and how many more there are.

        The first `witnesses` of them come with a packet. O(bans x permissions).
        """
        found: list[Meeting] = []
        left = 0
        for ban, permission in self._meeting(dead):
            if len(found) == most:
                left += 1
                continue
            packet = self._shared(ban, permission) if len(found) < witnesses else None
            is_within = bool(self._covers((permission,), ban, lifted=False))
            found.append(Meeting(ban, permission, is_within, packet))
        return tuple(found), left

    def _meeting(self, dead: Collection[int]) -> Iterator[tuple[int, int]]:
        for ban, rule in enumerate(self.rules):
            if ban in dead or rule.verb not in BANS or not rule.is_on:
                continue
            met = sorted({number for family in self._families for number in family.meeting(ban)})
            for other in met:
                if other not in dead and self.rules[other].verb in _OPENERS and self.rules[other].is_on:
                    yield ban, other

    def _shared(self, one: int, other: int) -> Packet | None:
        """A packet of two rules."""
        for family in FAMILIES:
            for here in rule_boxes(self.rules[one], family):
                for there in rule_boxes(self.rules[other], family):
                    met = meet_box(here, there, family)
                    if met is not None:
                        return PacketSet.of({family: [met]}).witness()
        return None

    def _effect(self, number: int) -> str:
        rule = self.rules[number]
        if rule.verb is Verb.OTHERWISE:
            return "" if rule.default is None else rule.default.value
        return Verb.ALLOW.value if rule.verb in _OPENERS else rule.verb.value

    def _rank(self, rule: Rule) -> tuple[int, bool]:
        """Smaller is stronger; of two answers to the rest silence is."""
        return _STRENGTH.index(rule.verb), rule.verb is Verb.OTHERWISE and rule.default is Action.REJECT

    def _can_take(self, taker: int, number: int) -> bool:
        """Whether a rule decides every packet of both, whenever the other is in force, and nothing else changes by that."""
        one, rule = self.rules[taker], self.rules[number]
        if self._rank(one) > self._rank(rule) or not set(one.when) <= set(rule.when) or not _outlasts(one, rule):
            return False
        # Who is credited is who logs: a logging rule that has not been credited before must not be now.
        is_first = self._rank(one) < self._rank(rule) or taker < number
        return is_first or not one.log

    def _by_default(self, number: int, among: Collection[int]) -> Needless | None:
        """An answer to the rest that every firewall gives anyway, and no rule gives otherwise there."""
        rule = self.rules[number]
        if rule.verb is not Verb.OTHERWISE or self._defaults != {rule.default}:
            return None
        others = {one for one in among if one != number and self.rules[one].verb is Verb.OTHERWISE}
        weaker = {one for one in others if self._rank(self.rules[one]) > self._rank(rule)}
        if any(family.meeting(number) & weaker for family in self._families):
            return None
        return Needless(number, Reason.REDUNDANT)

    def _single(self, number: int, able: Collection[int]) -> tuple[int, ...]:
        candidates: set[int] | None = None
        for family in self._families:
            for step in family.own[number]:
                met = family.rules_of(family.index.meeting(step, family.steps_of(able)))
                candidates = met if candidates is None else candidates & met
        for one in sorted(candidates or ())[:_MOST_SINGLE]:
            if self._covers((one,), number):
                return (one,)
        return ()

    def _together(self, number: int, able: Collection[int]) -> tuple[int, ...]:
        found = self._covers(able, number)
        if not found:
            return ()
        kept = sorted(found)
        for one in sorted(found, reverse=True):
            rest = [other for other in kept if other != one]
            if rest and self._covers(rest, number):
                kept = rest
        return tuple(kept)

    def _covers(self, by: Collection[int], number: int, *, lifted: bool = True) -> set[int]:
        """Those of some rules that take all of one, as far as no exception lifts them; empty where they do not."""
        used: set[int] = set()
        has_packets = False
        for family in self._families:
            for step in family.own[number]:
                has_packets = True
                allowed = family.steps_of(by)
                for one in self._lifted(by) if lifted else ():
                    if family.index.meeting(step, family.steps_of(self._lifting[self.rules[one].name])):
                        allowed &= ~family.steps_of((one,))
                found = family.covering(step, allowed)
                if found is None:
                    return set()
                used |= found
        return used if has_packets else set()

    def _lifted(self, by: Collection[int]) -> Iterator[int]:
        """Those of some rules that are bans which exceptions lift."""
        for one in by:
            if self.rules[one].verb in BANS and self.rules[one].name in self._lifting:
                yield one


class _Family:
    """The boxes of all rules of one family, over common atoms."""

    def __init__(self, rules: Sequence[Rule], family: Family) -> None:
        program = Program(family)
        self.of: list[int] = []
        self.own: list[tuple[int, ...]] = []
        for number, rule in enumerate(rules):
            steps = tuple(program.add(one, rule.verb.value) for one in rule_boxes(rule, family))
            self.of += [number] * len(steps)
            self.own.append(steps)
        self._every = (1 << len(self.of)) - 1
        program.add(EVERY_BOX, Verb.OTHERWISE.value)
        self.index = index_of([program.seal()], family)
        self._bits = [sum(1 << step for step in steps) for steps in self.own]

    def steps_of(self, rules: Collection[int]) -> int:
        """The boxes of some rules."""
        found = 0
        for number in rules:
            found |= self._bits[number]
        return found

    def rules_of(self, steps: int) -> set[int]:
        """The rules of some boxes."""
        return {self.of[step] for step in bits(steps)}

    def meeting(self, number: int) -> set[int]:
        """The other rules that share a packet with one."""
        found: set[int] = set()
        for step in self.own[number]:
            found |= self.rules_of(self.index.meeting(step, self._every & ~self._bits[number]))
        return found

    def covering(self, step: int, allowed: int) -> set[int] | None:
        """Rules among whose allowed boxes all of a box lies; None if it does not. Raises Undecided."""
        holding = self.index.holding(step, allowed)
        if holding:
            return {self.of[lowest(holding)]}
        before = self.index.meeting(step, allowed)
        if not before or outside(self.index, self.index.boxes[step], before, Meter.now(), is_shown=False) is not None:
            return None
        return {self.of[one] for one in members(before)}


def _outlasts(one: Rule, other: Rule) -> bool:
    """Whether a rule is in force at least as long as another; a ban never ends."""
    if one.until is None or one.verb in BANS:
        return True
    return other.verb not in BANS and other.until is not None and ends(one.until) >= ends(other.until)
