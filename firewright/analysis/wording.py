"""Rows of both families as the rules of one policy: zones with names, rules that hold in both families where both say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from firewright.analysis.classes import classes
from firewright.analysis.homes import Homes
from firewright.analysis.proposal import NOWHERE, Proposed, Row, Way
from firewright.analysis.zone_names import by_addresses, hints, homes_by_name
from firewright.model.address import BROADCAST, MULTICAST, UNICAST, AddressSet, merge
from firewright.model.interval import Ranges, difference, intersection, is_within, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import BUILT_IN_ZONES, Verb
from firewright.model.protocol import PING_FAMILY
from firewright.space.ruleset import Line

_GENERAL = ("any", "rest", "local", "groups")
"""Ends that are of both families: every machine, what no zone holds, the machine itself, multicast and broadcast."""
End = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the proposal: zones by name, services of the axis, the rules that it is made of."""

    way: Way
    verb: Verb
    sources: End
    destinations: End
    services: Ranges
    source_ports: Ranges
    line: Line | None
    is_split: bool
    family: Family | None


@dataclass(frozen=True, slots=True)
class Wording:
    """Zones and rules of a proposal. `zones` are addresses by name, `cut` the families whose sets overlap and became atoms.

    `interfaces` are those by which the addresses of a zone come, `asked` the question whose answer a zone's addresses stand for,
    `placed` the zones that are needed though no rule names them, `rests` those of what no other zone of a family holds.
    """

    zones: Mapping[str, AddressSet]
    rules: tuple[Rule, ...]
    cut: tuple[Family, ...]
    interfaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    placed: frozenset[str] = frozenset()
    rests: tuple[str, ...] = ()


def worded(found: Proposed, homes: Homes = NOWHERE) -> Wording:
    """The rules of the rows, and by which interfaces zones come. Raises TooManyClasses."""
    return _Wording(found, homes).written()


class _Wording:
    def __init__(self, found: Proposed, homes: Homes) -> None:
        self.rows = found.rows
        self.homes = homes
        self.zones: dict[str, AddressSet] = {}
        self.rules: list[Rule] = []
        self.spoken = {row.family for row in self.rows}
        self.placed: set[str] = set()
        sets = {family: homes.sets(family, self._sets(family)) if family in self.spoken else () for family in FAMILIES}
        self.classes = {family: classes(family, sets[family]) for family in FAMILIES}
        self.names = {family: self._named(family) for family in FAMILIES}
        self.shared = self._shared()
        self.twins = {name: both for both, names in self.shared.items() for name in names.values()}
        self.rest: dict[Family, str] = {}
        self.closed = ""

    def _sets(self, family: Family) -> Iterator[Ranges]:
        for row in self.rows:
            if row.family == family:
                for one in (row.source, row.destination):
                    if one is not None:
                        yield _unicast(family, one)

    def _named(self, family: Family) -> list[str]:
        """A name for each zone: of the set that a rule asks, else of its first addresses."""
        own = self.classes[family]
        told = {**hints(self.rows, family), **self._home_hints(family)}
        names = []
        for zone in own.zones:
            addresses = _addresses(family, zone)
            names.append(self._free(told.get(zone, "") or by_addresses(addresses)))
            self.zones[names[-1]] = addresses
        return names

    def _home_hints(self, family: Family) -> dict[Ranges, str]:
        """The names of zones that are what is behind an interface; with the family where the other has one, too."""
        found = {}
        for name, addresses in homes_by_name(self.homes):
            is_both = len(self.spoken) == len(FAMILIES) and bool(addresses.v4) and bool(addresses.v6)
            found[addresses.ranges(family)] = f"{name}-ipv{family}" if is_both else name
        return found

    def _shared(self) -> dict[str, dict[Family, str]]:
        """A zone of both families for what is behind an interface: its name, and those of the zones of one family each."""
        found: dict[str, dict[Family, str]] = {}
        for name, addresses in homes_by_name(self.homes):
            own: dict[Family, str] = {}
            for family in FAMILIES:
                for zone, told in zip(self.classes[family].zones, self.names[family], strict=True):
                    if zone == addresses.ranges(family):
                        own[family] = told
            if len(own) == len(FAMILIES):
                both = self._free(name)
                self.zones[both] = addresses
                found[both] = own
        return found

    def _free(self, hint: str) -> str:
        name, number = hint, 2
        while name in self.zones or name in BUILT_IN_ZONES or name == "network":
            name, number = f"{hint}-{number}", number + 1
        return name

    def written(self) -> Wording:
        """The rules, those that speak of both families once."""
        general: dict[Family, list[tuple[Row, str, str]]] = {family: [] for family in FAMILIES}
        for row in self.rows:
            for sources, destinations in self._ends(row):
                if self._is_general(sources) and self._is_general(destinations):
                    general[row.family].append((row, sources[0], destinations[0]))
                else:
                    self._rule(row, sources, destinations, row.services)
        lone = self._pair(general)
        spread: dict[Family, list[tuple[Row, str, str]]] = {family: [] for family in FAMILIES}
        for row, source, destination in lone:
            for left in self._spread(row.family, source):
                for right in self._spread(row.family, destination):
                    if self._is_general(left) and self._is_general(right):
                        spread[row.family].append((row, left[0], right[0]))
                    else:
                        self._rule(row, left, right, row.services)
        for row, source, destination in self._pair(spread):
            self._alone(row, source, destination)
        return self._resolved()

    def _is_general(self, end: End) -> bool:
        """Whether an end is of both families."""
        return end[0] in _GENERAL or end[0] in self.shared

    def _ends(self, row: Row) -> Iterator[tuple[End, End]]:
        for source in self._end(row.family, row.source):
            for destination in self._end(row.family, row.destination):
                # A rule to a group is one of what is delivered here, too: only what the machine sends may be said so.
                if destination != ("groups",) or row.way is Way.OUTPUT:
                    yield source, destination

    def _end(self, family: Family, ranges: Ranges | None) -> Iterator[End]:
        """An end as names: general ones each alone, zones together."""
        if ranges is None:
            yield ("local",)
            return
        unicast = _unicast(family, ranges)
        if unicast == UNICAST.ranges(family):
            yield ("any",)
        elif unicast:
            numbers, has_rest = self.classes[family].names_of(unicast)
            names = [self.names[family][number] for number in numbers]
            yield from ((self.twins[name],) for name in names if name in self.twins)
            if single := tuple(name for name in names if name not in self.twins):
                yield single
            if has_rest:
                yield ("rest",)
        if all(is_within(group.ranges(family), ranges) for group in (MULTICAST, BROADCAST)):
            yield ("groups",)

    def _spread(self, family: Family, end: str) -> Iterator[End]:
        """Every machine as the zones and what none of them holds, zones of both families as those of one; other ends as they are."""
        if end != "any":
            yield (self.shared[end][family] if end in self.shared else end,)
            return
        own = self.classes[family]
        if own.zones:
            yield tuple(self.names[family][number] for number in own.outer)
        if own.rest:
            yield ("rest",)

    def _pair(self, rows: Mapping[Family, list[tuple[Row, str, str]]]) -> list[tuple[Row, str, str]]:
        """Write what both families say alike as rules of both; what only one says is given back."""
        said: dict[tuple[object, ...], dict[Family, Ranges]] = {}
        for family in FAMILIES:
            for row, *ends in rows[family]:
                known = said.setdefault(_key(row, ends), {})
                known[family] = union(known.get(family, ()), row.services)
        lone = []
        for family in FAMILIES:
            for row, source, destination in rows[family]:
                known = said[_key(row, (source, destination))]
                common = intersection(row.services, known.get(10 - family, ()))
                rest = difference(row.services, common)
                # A family's own ICMP needs no zone of that family, unless one is needed anyway.
                own = rest if row.verb is not Verb.OTHERWISE and is_within(rest, _ping(family)) else ()
                here = union(common, own) if family == 4 else own
                if here:
                    self._rule(row, (source,), (destination,), here, both=True)
                if rest and not own:
                    lone.append((replace(row, services=rest), source, destination))
        return lone

    def _alone(self, row: Row, source: str, destination: str) -> None:
        """A rule that only one family has, at ends that both have: what no zone holds gets a zone of that family."""
        if "rest" in (source, destination):
            self._explicit(row.family)
            self._rule(row, (source,), (destination,), row.services)

    def _explicit(self, family: Family) -> None:
        """Let what no zone holds be of one family only: where no rule speaks of the other, by a zone of all of that."""
        other: Family = 6 if family == 4 else 4
        if other not in self.spoken:
            if not self.closed:
                self.closed = self._free(f"ipv{other}")
                self.zones[self.closed] = _addresses(other, UNICAST.ranges(other))
                self.placed.add(self.closed)
            return
        if family not in self.rest and self.classes[family].rest:
            stem = "internet" if self.classes[family].zones else "any"
            self.rest[family] = name = self._free(f"{stem}-ipv{family}")
            self.zones[name] = _addresses(family, self.classes[family].rest)

    def _rule(self, row: Row, sources: End, destinations: End, services: Ranges, *, both: bool = False) -> None:
        family = None if both else row.family
        self.rules.append(
            Rule(row.way, row.verb, sources, destinations, services, row.source_ports, row.line, row.is_split, family)
        )

    def _resolved(self) -> Wording:
        """Rules of the same rule together, their ends in the words of the policy."""
        used = {name for rule in self.rules for name in (*rule.sources, *rule.destinations)}
        for name in self.twins.keys() - used:
            del self.zones[name]
        # Zones that no rule names would not be written, and the internet would hold their addresses.
        if self.homes or "rest" in used:
            self.placed |= set(self.zones)
        merged: dict[Rule, Ranges] = {}
        for rule in self.rules:
            ends = (self._said(rule.sources, rule.family), self._said(rule.destinations, rule.family))
            key = replace(rule, sources=ends[0], destinations=ends[1], services=(), family=None)
            merged[key] = union(merged.get(key, ()), rule.services)
        order = list(Way)
        rules = [replace(key, services=services) for key, services in merged.items()]
        for side in ("sources", "destinations"):
            rules = self._joined(rules, side)
        told = tuple(sorted(rules, key=lambda rule: order.index(rule.way)))
        cut = tuple(family for family in FAMILIES if self.classes[family].is_cut)
        interfaces = self._interfaces() if self.homes else {}
        asked = self._asked()
        return Wording(self.zones, told, cut, interfaces, asked, frozenset(self.placed), tuple(self.rest.values()))

    def _asked(self) -> dict[str, str]:
        """The zones whose addresses only stand in for an answer, with the question."""
        found = {}
        for home in self.homes.homes if any(home.is_asked for home in self.homes.homes) else ():
            for name, zone in self.zones.items():
                if home.is_asked and zone <= home.addresses:
                    family = "IPv4 " if not zone.v6 else "IPv6 " if not zone.v4 else ""
                    found[name] = f"which {family}addresses are behind {home.interface}?"
        return found

    def _interfaces(self) -> dict[str, tuple[str, ...]]:
        """By which interfaces the addresses of each zone come that are in no zone within it."""
        found = {}
        for name, zone in {**self.zones, "internet": UNICAST - merge(self.zones.values())}.items():
            inner = (other for other in self.zones.values() if other <= zone and other != zone)
            own = zone - merge(inner)
            names = self.homes.names if name == self.closed else self.homes.interfaces_of(own)
            if own and names:
                found[name] = names
        return found

    def _joined(self, rules: Iterable[Rule], side: Literal["sources", "destinations"]) -> list[Rule]:
        """Rules that differ at one end only as one; every machine holds the zones beside it."""
        ends: dict[Rule, dict[str, None]] = {}
        for rule in rules:
            own = rule.sources if side == "sources" else rule.destinations
            bare = replace(rule, sources=()) if side == "sources" else replace(rule, destinations=())
            ends.setdefault(bare, {}).update(dict.fromkeys(own))
        found = []
        for bare, names in ends.items():
            told = tuple(one for one in names if "any" not in names or (one not in self.zones and one != "internet"))
            found.append(replace(bare, sources=told) if side == "sources" else replace(bare, destinations=told))
        return found

    def _said(self, end: End, family: Family | None) -> End:
        if end == ("groups",):
            return ("multicast", "broadcast")
        if end != ("rest",):
            return end
        asked = FAMILIES if family is None else (family,)
        return tuple(dict.fromkeys(self.rest.get(each, "internet") for each in asked))


def _key(row: Row, ends: Iterable[str]) -> tuple[object, ...]:
    return row.way, row.verb, row.source_ports, *ends


def _ping(family: Family) -> Ranges:
    number = PING_FAMILY[family]
    return ((number << 16, number << 16 | 0xFFFF),)


def _unicast(family: Family, ranges: Ranges) -> Ranges:
    return intersection(ranges, UNICAST.ranges(family))


def _addresses(family: Family, ranges: Ranges) -> AddressSet:
    return AddressSet(v4=ranges) if family == 4 else AddressSet(v6=ranges)
