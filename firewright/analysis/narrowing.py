"""A policy with only the rules that may have a say in a question or a difference, so that little does not pay for ten thousand rules."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from threading import Lock

from firewright.analysis.question import Question, Side
from firewright.model.address import AddressSet, merge
from firewright.model.interval import Ranges, intersection, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Policy, Rule, Term, Zone, ZoneKind
from firewright.model.transport import Transport, service_ranges
from firewright.space.bitmap import bitmap_of, members
from firewright.space.box import EVERY_BOX, Box, box

Addresses = AddressSet | None
"""The addresses at one end of a question; None where they do not narrow it."""
Services = dict[Family, Ranges]

_BY_ADDRESS = (ZoneKind.NAMED, ZoneKind.INTERNET, ZoneKind.ANY)
"""The kinds of zones that a rule means by addresses of machines alone."""


def narrowed(policy: Policy, source: Addresses, destination: Addresses = None, term: Term | None = None) -> Policy:
    """The policy, and those that it is behind, without the rules that cannot decide a flow between these ends with these services.

    Law: it decides every such flow as the whole policy does, by the same lines. Its zones and firewalls are the same.
    O(rules + zones that they name).
    """
    services = None if term is None or term.is_any else _services(term.transports)
    behind = None if policy.behind is None else narrowed(policy.behind, source, destination, term)
    return replace(_kept(policy, source, destination, services), behind=behind)


def narrowed_to(policy: Policy, question: Question) -> Policy:
    """The policy for one question."""
    return narrowed(policy, _of(question.source), _of(question.destination), question.term)


def narrowed_beside(policy: Policy, rules: Sequence[Rule]) -> Policy:
    """The policy without those that it is behind, and without the rules that cannot decide a flow between the ends of some rules.

    Law: its own firewalls decide every such flow as those of the whole policy do. O(rules + zones that they name).
    """
    source, destination, _ = _spoken_of(rules)
    return narrowed(replace(policy, behind=None), source, destination)


def boxes_of(rules: Sequence[Rule]) -> Mapping[Family, Box]:
    """For each family a box that holds every packet that one of some rules speaks of, and maybe more; a family of which none is missing."""
    boxes = {family: _box(family, *_spoken_of(rules)) for family in FAMILIES}
    return {family: one for family, one in boxes.items() if one is not None}


def narrowed_between(before: Policy, after: Policy, day: date) -> tuple[Policy, Policy, Mapping[Family, Box]]:
    """Two policies without the rules that say nothing of what differs between them on a day, and without what they are behind.

    With them for each family a box that holds all that can differ; a family that is missing has no difference.

    Law: their own firewalls decide exactly the same packets differently as those of the whole policies, each by the same lines: a
    packet of which no rule speaks that only one of them has is decided by rules that both have. Where firewalls differ, both stay
    whole. O(rules + zones that they name).
    """
    alone = replace(before, behind=None), replace(after, behind=None)
    if _walls(before) != _walls(after):
        return *alone, dict.fromkeys(FAMILIES, EVERY_BOX)
    changed = tuple(_only_in_one(before.rules, after.rules, day))
    if not changed:
        return replace(alone[0], rules=()), replace(alone[1], rules=()), {}
    source, destination, services = _spoken_of(changed)
    was = _kept(alone[0], source, destination, services)
    now = _kept_beside(alone[1], before.rules, was.rules, changed)
    region = {family: _box(family, source, destination, services) for family in FAMILIES}
    return was, now, {family: one for family, one in region.items() if one is not None}


def _kept_beside(policy: Policy, others: Iterable[Rule], kept: Iterable[Rule], changed: Iterable[Rule]) -> Policy:
    """The policy with those of its rules that were kept of the other's, and with what is its own alone."""
    known, wanted = set(map(id, others)), set(map(id, (*kept, *changed)))
    rules = tuple(rule for rule in policy.rules if id(rule) in wanted or id(rule) not in known)
    return replace(policy, rules=rules)


def _spoken_of(rules: Sequence[Rule]) -> tuple[Addresses, Addresses, Services | None]:
    """The ends and services that some rules speak of; None where they do not narrow."""
    source = _ends(zone for rule in rules for pair in rule.ends for zone in pair.sources)
    destination = _ends(zone for rule in rules for pair in rule.ends for zone in pair.destinations)
    terms = tuple(term for rule in rules for term in rule.terms)
    is_any = any(term.is_any for term in terms) or not all(rule.terms for rule in rules)
    return source, destination, None if is_any else _services(one for term in terms for one in term.transports)


def _box(family: Family, source: Addresses, destination: Addresses, services: Services | None) -> Box | None:
    """The packets between these ends with these services; what is None is free."""
    return box(
        family,
        source=None if source is None else source.ranges(family),
        destination=None if destination is None else destination.ranges(family),
        service=None if services is None else services[family],
    )


def _walls(policy: Policy) -> list[tuple[Hashable, ...]]:
    """What decides beside the rules: which firewalls there are, where they stand, and what they do with the rest."""

    def wall(one: Firewall) -> tuple[Hashable, ...]:
        return one.name, one.between, one.within, one.default, one.opens

    return [wall(one) for one in policy.firewalls.values()]


def _only_in_one(before: Iterable[Rule], after: Iterable[Rule], day: date) -> Iterable[Rule]:
    """The rules that one policy has on a day more often than the other, by all that they decide; where they stand does not count."""
    olds, news = ({id(rule): rule for rule in rules if rule.is_active(day)} for rules in (before, after))
    telling = _Telling()
    was, now = (
        [(telling.key(rule), rule) for number, rule in mine.items() if number not in other]
        for mine, other in ((olds, news), (news, olds))
    )
    spare = Counter(key for key, _ in was)
    spare.subtract(key for key, _ in now)
    return [rule for key, rule in (*was, *now) if spare[key]]


class _Telling:
    """Keys of rules, equal for two that decide the same packets alike; what rules share is looked at once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, tuple[object, int]] = {}

    def key(self, rule: Rule) -> Hashable:
        ends = tuple(tuple(map(self._number, side)) for pair in rule.ends for side in (pair.sources, pair.destinations))
        terms = frozenset(self._number(term.transports) for term in rule.terms)
        overrides = tuple(name.value for name in rule.overrides)
        return rule.verb, ends, terms, rule.name, overrides, rule.default

    def _number(self, part: Zone | tuple[Transport, ...]) -> int:
        """A number for what equals a part; the part is kept, so that its id stays its own."""
        known = self._known.get(id(part))
        if known is None:
            known = self._known[id(part)] = part, self._numbers.setdefault(part, len(self._numbers))
        return known[1]


def _kept(policy: Policy, source: Addresses, destination: Addresses, services: Services | None) -> Policy:
    begins, ends, meets = _touching(source), _touching(destination), _meeting(services)

    def has_say(rule: Rule) -> bool:
        if not any(any(map(begins, one.sources)) and any(map(ends, one.destinations)) for one in rule.ends):
            return False
        return not rule.terms or any(map(meets, rule.terms))

    rules = policy.rules if source is None and destination is None else _naming(policy.rules, begins, ends)
    return replace(policy, rules=tuple(filter(has_say, rules)))


def _naming(rules: tuple[Rule, ...], begins: Callable[[Zone], bool], ends: Callable[[Zone], bool]) -> Iterable[Rule]:
    """The rules of which a zone at each end is wanted, and maybe more; all of them for rules that are seldom asked about."""
    with _LOCK:
        # kept with the rules, so that their id stays their own
        known = _MENTIONS.setdefault(id(rules), _Asked(rules))
        _MENTIONS.move_to_end(id(rules))
        known.times += 1
        while len(_MENTIONS) > _MOST_MENTIONS:
            _MENTIONS.popitem(last=False)
    if known.times < _OFTEN:
        return rules
    if known.mentions is None:
        known.mentions = _Mentions(rules)
    return known.mentions.between(begins, ends)


class _Asked:
    """A list of rules, how often it was asked about, and what is known of it where that was often."""

    __slots__ = ("mentions", "rules", "times")

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules, self.times = rules, 0
        self.mentions: _Mentions | None = None


class _Mentions:
    """Which rules name which zones at either end, as bitmaps: the few between two ends are found without a look at the others."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._sources = _maps(([zone for pair in rule.ends for zone in pair.sources] for rule in rules), len(rules))
        self._destinations = _maps(
            ([zone for pair in rule.ends for zone in pair.destinations] for rule in rules), len(rules)
        )

    def between(self, begins: Callable[[Zone], bool], ends: Callable[[Zone], bool]) -> Iterable[Rule]:
        """The rules of which a zone at each end is wanted, in their order; maybe more, where a rule has several pairs of ends."""
        source = destination = 0
        for zone, naming in self._sources:
            source |= naming if begins(zone) else 0
        for zone, naming in self._destinations:
            destination |= naming if ends(zone) else 0
        return [self._rules[number] for number in members(source & destination)]


def _maps(named: Iterable[Iterable[Zone]], count: int) -> list[tuple[Zone, int]]:
    """Each zone with the numbers of the rules that name it."""
    found: dict[int, tuple[Zone, list[int]]] = {}
    for number, zones in enumerate(named):
        for zone in zones:
            found.setdefault(id(zone), (zone, []))[1].append(number)
    return [(zone, bitmap_of(numbers, count)) for zone, numbers in found.values()]


_MOST_MENTIONS = 8
"""So many lists of rules are remembered."""
_OFTEN = 3
"""A check asks twice about a policy that nobody asks about again: to write down which rules name what costs as much as four looks."""
_MENTIONS: OrderedDict[int, _Asked] = OrderedDict()
_LOCK = Lock()


def _of(side: Side) -> Addresses:
    return None if side.is_local or side.is_group else side.addresses


def _ends(zones: Iterable[Zone]) -> Addresses:
    """The addresses that some zones mean at an end of a rule."""
    distinct = list({id(zone): zone for zone in zones}.values())
    is_machines = all(zone.kind in _BY_ADDRESS for zone in distinct)
    return merge(zone.addresses for zone in distinct) if is_machines else None


def _touching(addresses: Addresses) -> Callable[[Zone], bool]:
    """Whether a zone that a rule names may hold one of some addresses; the machine itself and groups always may."""
    known: dict[int, tuple[Zone, bool]] = {}

    def touches(zone: Zone) -> bool:
        if id(zone) not in known:
            may = addresses is None or zone.kind not in _BY_ADDRESS or bool(zone.addresses & addresses)
            known[id(zone)] = zone, may
        return known[id(zone)][1]

    return touches


def _meeting(services: Services | None) -> Callable[[Term], bool]:
    """Whether a term has one of some services; terms that mean the same transports are looked at once."""
    known: dict[int, tuple[object, bool]] = {}

    def meets(term: Term) -> bool:
        if services is None or term.is_any:
            return True
        if id(term.transports) not in known:
            own = _services(term.transports)
            may = any(intersection(own[family], services[family]) for family in FAMILIES)
            known[id(term.transports)] = term.transports, may
        return known[id(term.transports)][1]

    return meets


def _services(transports: Iterable[Transport]) -> Services:
    kept = tuple(transports)
    return {family: union(*service_ranges(kept, family).values()) for family in FAMILIES}
