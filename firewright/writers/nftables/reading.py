"""What a policy says of the packets at one hook: its rules as clauses, the strongest first, and the firewall's default last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from firewright.model.address import TOP
from firewright.model.interval import union
from firewright.model.moment import ends, instant_of
from firewright.model.policy import Action, Firewall, Policy, Rule, Term, Verb, Zone, ZoneKind
from firewright.syntax.nftables import Hook
from firewright.writers.nftables.chains import Chains
from firewright.writers.nftables.clause import EVERY, Box, Clause
from firewright.writers.nftables.leaf import Leaf, protocols_of, rule_comment, rule_word
from firewright.writers.nftables.longest import Grant, grants
from firewright.writers.nftables.services import Services

_GROUPS = (ZoneKind.MULTICAST, ZoneKind.BROADCAST)
_STRENGTH = (Verb.DENY, Verb.REJECT, Verb.REQUIRE, Verb.ALLOW, Verb.REQUEST)
_ACTIONS = {
    Verb.DENY: Action.DROP,
    Verb.REJECT: Action.REJECT,
    Verb.REQUIRE: Action.ACCEPT,
    Verb.ALLOW: Action.ACCEPT,
    Verb.REQUEST: Action.DROP,
}


def end_of(rule: Rule, policy: Policy) -> int:
    """The epoch second at which a rule's permission has ended, 0 for never; a ban never ends."""
    if rule.until is None or rule.verb in (Verb.DENY, Verb.REJECT):
        return 0
    end = ends(rule.until)
    return 2**63 if end == datetime.max else int(instant_of(end, policy.timezone))


class Entry(NamedTuple):
    """A rule with its leaf; `ends` and `terms` are the places of its zones and terms in the lists of all that occur."""

    rule: Rule
    leaf: Leaf
    ends: tuple[tuple[int, int], ...]
    terms: int
    until: int


class Rules:
    """The active rules of a policy at one firewall, in order of strength, and each different list of zones and terms once."""

    def __init__(self, policy: Policy, firewall: Firewall, active: list[Rule]) -> None:
        self.policy, self.firewall, self.active = policy, firewall, active
        self.zones: list[tuple[Zone, ...]] = []
        self.terms: list[tuple[Term, ...]] = []
        self._zones: dict[tuple[int, ...], int] = {}
        self._terms: dict[tuple[int, ...], int] = {}
        overriding: dict[str, list[Rule]] = {}
        for rule in active:
            for name in rule.overrides:
                overriding.setdefault(name.value, []).append(rule)
        self.entries = [self._entry(rule, action) for rule, action in self._by_strength()]
        by_rule = {id(entry.rule): entry for entry in self.entries}
        self.overriders = {name: [by_rule[id(rule)] for rule in rules] for name, rules in overriding.items()}

    def _by_strength(self) -> Iterator[tuple[Rule, Action]]:
        for verb in _STRENGTH:
            action = _ACTIONS[verb]
            if verb is Verb.ALLOW and self.firewall.opens == "required":
                action = self.firewall.default
            for rule in self.active:
                if rule.verb is verb:
                    yield rule, action
        for default in (Action.DROP, Action.REJECT):
            for rule in self.active:
                if rule.verb is Verb.OTHERWISE and rule.default is default:
                    yield rule, default

    def _entry(self, rule: Rule, action: Action) -> Entry:
        ends = tuple((self._place(one.sources), self._place(one.destinations)) for one in rule.ends)
        # Terms that are read from the same words have the same transports, not only equal ones.
        key = tuple([id(term.transports) for term in rule.terms])
        terms = self._terms.get(key)
        if terms is None:
            terms = self._terms[key] = len(self.terms)
            self.terms.append(rule.terms)
        return Entry(rule, self._leaf(rule, action), ends, terms, end_of(rule, self.policy))

    def _place(self, zones: tuple[Zone, ...]) -> int:
        key = tuple(map(id, zones))
        found = self._zones.get(key)
        if found is None:
            found = self._zones[key] = len(self.zones)
            self.zones.append(zones)
        return found

    def _leaf(self, rule: Rule, action: Action) -> Leaf:
        opens = action is Action.ACCEPT
        helpers = tuple(sorted({name for term in rule.terms for name in term.helpers})) if opens else ()
        sessions = rule.sessions if opens else None
        protocols = protocols_of(rule) if opens else None
        return Leaf(rule_word(rule), rule_comment(rule), action, rule, rule.log, sessions, helpers, protocols)

    def exceptions(self, rule: Rule) -> list[Entry]:
        """The rules that pass a ban."""
        return self.overriders.get(rule.name, []) if rule.verb in (Verb.DENY, Verb.REJECT) else []


class Reading:
    """Boxes and clauses of one family at one hook."""

    def __init__(self, rules: Rules, hook: Hook, services: Services, chains: Chains) -> None:
        self.rules, self.hook, self.chains = rules, hook, chains
        self.sets = services.sets
        self._sources = [self._number(zones, hook is Hook.OUTPUT) for zones in rules.zones]
        self._destinations = [self._number(zones, hook is Hook.INPUT) for zones in rules.zones]
        self._services = services.of_terms

    def clauses(self, prelude: list[tuple[Box, Leaf]], default: Leaf) -> list[Clause]:
        """All clauses, those of the prelude before the rules'."""
        here = [(entry, boxes) for entry in self.rules.entries if (boxes := self.boxes(entry))]
        longer = grants([Grant(entry.rule, entry.leaf, boxes) for entry, boxes in here], self.sets)
        number = self.chains.number
        found = [Clause(*box, 0, number(leaf)) for box, leaf in prelude]
        for entry, boxes in here:
            bans = self._bans(self.rules.exceptions(entry.rule))
            found += [Clause(*box, bans, number(own)) for box, own in longer.get(id(entry.rule), ())]
            own = number(entry.leaf)
            found += [Clause(*box, bans, own) for box in boxes]
        found.append(Clause(0, 0, 0, 0, 0, 0, number(default)))
        return found

    def _bans(self, passing: list[Entry]) -> int:
        """The number of what passes a ban; 0 where nothing does."""
        found = tuple(Clause(*box, 0, 0) for entry in passing for box in self.boxes(entry))
        if not found:
            return 0
        if found not in self.chains.exceptions:
            self.chains.exceptions.append(found)
        return self.chains.exceptions.index(found)

    def boxes(self, entry: Entry) -> list[Box]:
        """The packets that a rule speaks of at this hook."""
        found: list[Box] = []
        for from_, to in entry.ends:
            source, destination = self._sources[from_], self._destinations[to]
            if source is not None and destination is not None:
                services = self._services[entry.terms]
                found += [Box(source, destination, service, ports, entry.until) for ports, service in services]
        return found

    def _number(self, zones: tuple[Zone, ...], is_host: bool) -> int | None:
        """The number of the addresses of one end of a rule, EVERY where it is the host; None where it is not at this hook."""
        if is_host and any(zone.is_local for zone in zones):
            return EVERY
        family = self.sets.family
        kept = [zone for zone in zones if zone.kind in _GROUPS or not (is_host or zone.is_local)]
        ranges = union(*(zone.addresses.ranges(family) for zone in kept))
        if not ranges:
            return None
        return EVERY if ranges == ((0, TOP[family]),) else self.sets.number(ranges)
