"""A policy between zones as one list, and the same as a compiler might have written it: chains, dispatch, split sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from firewright.model.interval import Ranges, canonical
from firewright.model.packet import ICMP, ICMPV6, TCP, UDP, Family
from firewright.space.axis import TOPS, Axis, interface
from firewright.space.box import ANY, EVERY_BOX, Box, box, intern, meet_box, ranges_of
from firewright.space.chain import Chain, Final, Goto, Jump, Return, Rule, Target, verdict_map
from firewright.space.program import Program

ZONES = ("internet", "office", "servers", "database", "voice", "guests", "backup", "tenants")
PORTS = (22, 25, 53, 80, 123, 443, 445, 587, 993, 1433, 1883, 3306, 3389, 5432, 6379, 8080, 8443, 9092, 9200)


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule of the policy: zones (None: from any of them), groups (None: the whole zone), services, a decision."""

    place: int
    source_zone: str | None
    destination_zone: str
    source: int | None
    destination: int | None
    services: Ranges
    word: str


class Estate:
    """Eight zones with some three hundred address groups in both families, and a policy of `rules` entries.

    A share of them is from any zone: a compiler writes such a rule once for each pair of zones.
    """

    def __init__(self, rules: int, seed: int = 11, from_anywhere: float = 0) -> None:
        self.random, self.from_anywhere = Random(seed), from_anywhere
        self.groups: list[dict[Family, Ranges]] = []
        self.members: dict[str, list[int]] = {zone: [] for zone in ZONES}
        for number in range(300):
            zone = ZONES[number % len(ZONES)]
            self.members[zone].append(len(self.groups))
            self.groups.append({family: self._group(zone, family) for family in (4, 6)})
        self.entries = [self._entry(place) for place in range(rules)]

    def _group(self, zone: str, family: Family) -> Ranges:
        number = ZONES.index(zone)
        base = (10 << 24 | number << 20) if family == 4 else (0x20010DB8 << 96 | number << 80)
        sides = []
        for _ in range(self.random.choice((1, 2, 3, 5, 8, 13))):
            if self.random.random() < 0.4:
                low = base | self.random.randrange(1 << 12) << 8
                sides.append((low, low | 255))
            else:
                low = base | self.random.randrange(1 << 20)
                sides.append((low, low))
        return canonical(sides)

    def _entry(self, place: int) -> Entry:
        random = self.random
        source, destination = random.sample(ZONES, 2)
        services = []
        for _ in range(random.choice((1, 1, 2, 3, 5))):
            protocol = TCP if random.random() < 0.75 else UDP
            low = random.choice(PORTS) if random.random() < 0.8 else random.randrange(1024, 60000)
            services.append((protocol << 16 | low, protocol << 16 | low + random.choice((0, 0, 0, 10, 100))))
        is_anyone = self.from_anywhere and random.random() < self.from_anywhere
        return Entry(
            place,
            None if is_anyone else source,
            destination,
            None if is_anyone or random.random() < 0.2 else random.choice(self.members[source]),
            None if random.random() < 0.1 else random.choice(self.members[destination]),
            canonical(services) if random.random() < 0.95 else ((TCP << 16, TCP << 16 | 65535),),
            "accept" if random.random() < 0.75 else random.choice(("drop", "reject")),
        )

    @staticmethod
    def leg(zone: str | None) -> Ranges:
        """The interface of a zone, or those of all zones."""
        return interface(*(f"eth{number}" for number, one in enumerate(ZONES) if zone in (None, one)))

    def box_of(self, entry: Entry, family: Family) -> Box:
        """A policy entry as a box."""
        found = box(
            family,
            in_interface=self.leg(entry.source_zone),
            out_interface=self.leg(entry.destination_zone),
            source=None if entry.source is None else self.groups[entry.source][family],
            destination=None if entry.destination is None else self.groups[entry.destination][family],
            service=entry.services,
        )
        return _there(found)

    @staticmethod
    def head(family: Family) -> list[tuple[Box, str]]:
        """What comes before the rules."""
        icmp = ICMP if family == 4 else ICMPV6
        needed = (
            ((icmp << 16 | 3 << 8, icmp << 16 | 3 << 8 | 255),)
            if family == 4
            else ((icmp << 16 | 133 << 8, icmp << 16 | 137 << 8 | 255),)
        )
        return [
            (_there(box(family, conntrack_state=((1, 2),))), "accept"),
            (_there(box(family, conntrack_state=((3, 3),))), "drop"),
            (_there(box(family, conntrack_state=((0, 0),), tcp_flags=_not_syn())), "drop"),
            (_there(box(family, service=needed)), "accept"),
        ]

    def program(self, family: Family) -> Program:
        """The policy as one list."""
        out = Program(family)
        for one, word in self.head(family):
            out.add(one, word, "head")
        for entry in self.entries:
            out.add(self.box_of(entry, family), entry.word, entry.place)
        out.add(EVERY_BOX, "drop", "default")
        return out

    def listing(self, family: Family, seed: int = 9) -> Mapping[str, Chain]:
        """The policy as chains: verdict maps on interface pairs, then on destinations, to short leaf chains.

        Some leaves are reached by goto; drops before a final drop become returns; neighbours that commute are swapped; sets
        are split in two.
        """
        random = Random(seed)
        chains: dict[str, Chain] = {"head": Chain(tuple(Rule((one,), Final(word)) for one, word in self.head(family)))}
        pairs: dict[tuple[str, str], list[tuple[Box, str, int]]] = {}
        for entry in self.entries:
            whole = list(self.box_of(entry, family))
            whole[Axis.IN_INTERFACE] = whole[Axis.OUT_INTERFACE] = ANY
            for source in ZONES if entry.source_zone is None else (entry.source_zone,):
                pairs.setdefault((source, entry.destination_zone), []).append((tuple(whole), entry.word, entry.place))
        entries: list[tuple[Box, Target, object]] = []
        for (source, destination), rules in pairs.items():
            name = f"{source}-{destination}"
            legs = _there(box(family, in_interface=self.leg(source), out_interface=self.leg(destination)))
            entries.append((legs, Goto(name), name))
            chains[name] = Chain(self._leaves(name, rules, family, random, chains))
        chains["forward"] = Chain((Rule((EVERY_BOX,), Jump("head")), *verdict_map(entries, family)), "drop")
        return chains

    def _leaves(
        self, name: str, rules: list[tuple[Box, str, int]], family: Family, random: Random, chains: dict[str, Chain]
    ) -> tuple[Rule, ...]:
        top = TOPS[family][Axis.DESTINATION]
        cuts = sorted(
            {
                0,
                *(
                    end
                    for one, _, _ in rules
                    for low, high in ranges_of(one, Axis.DESTINATION, family)
                    for end in (low, high + 1)
                    if end <= top
                ),
            }
        )
        dealt: list[list[tuple[int, int]]] = [[] for _ in range(max(1, min(8, len(rules) // 6)))]
        for number, low in enumerate(cuts):
            high = cuts[number + 1] - 1 if number + 1 < len(cuts) else top
            dealt[number * 7 % len(dealt)].append((low, high))
        keys: list[tuple[Box, Target, object]] = []
        for number, segments in enumerate(dealt):
            if not segments:
                continue
            key = _there(box(family, destination=canonical(segments)))
            here = [rule for rule in rules if meet_box(rule[0], key, family) is not None]
            leaf = f"{name}-{number}"
            chains[leaf] = Chain(tuple(_written(here, family, random)))
            keys += [(self._segment(one, family), Goto(leaf) if number % 2 else Jump(leaf), leaf) for one in segments]
        return verdict_map(keys, family)

    @staticmethod
    def _segment(one: tuple[int, int], family: Family) -> Box:
        return _there(box(family, destination=(one,)))


def _written(rules: list[tuple[Box, str, int]], family: Family, random: Random) -> list[Rule]:
    order = list(rules)
    for _ in range(2 * len(order)):
        place = random.randrange(max(1, len(order) - 1))
        if place + 1 < len(order):
            first, second = order[place], order[place + 1]
            if first[1] == second[1] or meet_box(first[0], second[0], family) is None:
                order[place], order[place + 1] = second, first
    out = []
    for one, word, place in order:
        target: Target = Return() if word == "drop" and random.random() < 0.5 else Final(word)
        ranges = ranges_of(one, Axis.SOURCE, family)
        if len(ranges) > 3 and random.random() < 0.2:
            for half in (ranges[: len(ranges) // 2], ranges[len(ranges) // 2 :]):
                value = intern(half, TOPS[family][Axis.SOURCE])
                out.append(Rule(((*one[: Axis.SOURCE], value or 0, *one[Axis.SOURCE + 1 :]),), target, place))
        else:
            out.append(Rule((one,), target, place))
    return out


def _not_syn() -> Ranges:
    return canonical((flags, flags) for flags in range(256) if flags & 0b10111 != 2)


def _there(found: Box | None) -> Box:
    if found is None:
        raise ValueError("this box matches something")
    return found
