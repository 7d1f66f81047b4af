"""What a policy says of the packets at one hook: its rules as clauses, the strongest first, and the firewall's default last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from firewright.model.address import TOP
from firewright.model.interval import union
from firewright.model.policy import Action, Firewall, Policy, Rule, Verb, Zone, ZoneKind
from firewright.syntax.nftables import Hook
from firewright.writers.nftables.chains import Chains
from firewright.writers.nftables.clause import EVERY, Box, Clause
from firewright.writers.nftables.leaf import Leaf, rule_comment, rule_word
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
    try:
        after = rule.until + timedelta(days=1)
        return int(datetime.combine(after, time(), ZoneInfo(policy.timezone)).timestamp())
    except OverflowError:
        return 2**63


class Rules:
    """The active rules of a policy at one firewall, in order of strength, each with its leaf."""

    def __init__(self, policy: Policy, firewall: Firewall, active: list[Rule]) -> None:
        self.policy, self.firewall, self.active = policy, firewall, active
        self.overriders: dict[str, list[Rule]] = {}
        for rule in active:
            for name in rule.overrides:
                self.overriders.setdefault(name.value, []).append(rule)
        self.ordered = list(self._by_strength())

    def _by_strength(self) -> Iterator[tuple[Rule, Leaf]]:
        for verb in _STRENGTH:
            action = _ACTIONS[verb]
            if verb is Verb.ALLOW and self.firewall.opens == "required":
                action = self.firewall.default
            for rule in self.active:
                if rule.verb is verb:
                    yield rule, self._leaf(rule, action)
        for default in (Action.DROP, Action.REJECT):
            for rule in self.active:
                if rule.verb is Verb.OTHERWISE and rule.default is default:
                    yield rule, self._leaf(rule, default)

    def _leaf(self, rule: Rule, action: Action) -> Leaf:
        opens = action is Action.ACCEPT
        helpers = tuple(sorted({name for term in rule.terms for name in term.helpers})) if opens else ()
        sessions = rule.sessions if opens else None
        return Leaf(rule_word(rule), rule_comment(rule), action, rule, rule.log, sessions, helpers)

    def exceptions(self, rule: Rule) -> list[Rule]:
        """The rules that pass a ban."""
        return self.overriders.get(rule.name, []) if rule.verb in (Verb.DENY, Verb.REJECT) else []


class Reading:
    """Boxes and clauses of one family at one hook; `is_ah` for packets whose first header is IPv6's authentication header."""

    def __init__(self, rules: Rules, hook: Hook, services: Services, chains: Chains, is_ah: bool) -> None:
        self.rules, self.hook, self.services, self.chains, self.is_ah = rules, hook, services, chains, is_ah
        self.sets = services.sets
        self._ends: dict[tuple[bool, tuple[int, ...]], int | None] = {}

    def clauses(self, prelude: list[tuple[Box, Leaf]], default: Leaf) -> tuple[list[Clause], list[Rule]]:
        """All clauses, those of the prelude before the rules', and the rules that have one."""
        boxes = {id(rule): self.boxes(rule) for rule in self.rules.active}
        here = [(rule, leaf) for rule, leaf in self.rules.ordered if boxes[id(rule)]]
        longer = grants([Grant(rule, leaf, boxes[id(rule)]) for rule, leaf in here], self.sets)
        number = self.chains.number
        found = [Clause(*box, 0, number(leaf)) for box, leaf in prelude]
        for rule, leaf in here:
            bans = self._bans(self.rules.exceptions(rule), boxes)
            found += [Clause(*box, bans, number(own)) for box, own in longer.get(id(rule), ())]
            own = number(leaf)
            found += [Clause(*box, bans, own) for box in boxes[id(rule)]]
        found.append(Clause(0, 0, 0, 0, 0, 0, number(default)))
        return found, [rule for rule, _ in here]

    def _bans(self, passing: list[Rule], boxes: dict[int, list[Box]]) -> int:
        """The number of what passes a ban; 0 where nothing does."""
        found = tuple(Clause(*box, 0, 0) for rule in passing for box in boxes[id(rule)])
        if not found:
            return 0
        if found not in self.chains.exceptions:
            self.chains.exceptions.append(found)
        return self.chains.exceptions.index(found)

    def boxes(self, rule: Rule) -> list[Box]:
        """The packets that a rule speaks of at this hook."""
        found: list[Box] = []
        for ends in rule.ends:
            source = self._end(ends.sources, self.hook is Hook.OUTPUT)
            if source is None:
                continue
            destination = self._end(ends.destinations, self.hook is Hook.INPUT)
            if destination is None:
                continue
            until = end_of(rule, self.rules.policy)
            services = self.services.behind_ah(rule) if self.is_ah else self.services.of(rule)
            found += [Box(source, destination, service, ports, until) for ports, service in services]
        return found

    def _end(self, zones: tuple[Zone, ...], is_host: bool) -> int | None:
        """The number of the addresses of one end of a rule, EVERY where it is the host; None where it is not at this hook."""
        key = (is_host, tuple(map(id, zones)))
        if key not in self._ends:
            self._ends[key] = self._number(zones, is_host)
        return self._ends[key]

    def _number(self, zones: tuple[Zone, ...], is_host: bool) -> int | None:
        if is_host and any(zone.is_local for zone in zones):
            return EVERY
        family = self.sets.family
        kept = [zone for zone in zones if zone.kind in _GROUPS or not (is_host or zone.is_local)]
        ranges = union(*(zone.addresses.ranges(family) for zone in kept))
        if not ranges:
            return None
        return EVERY if ranges == ((0, TOP[family]),) else self.sets.number(ranges)
