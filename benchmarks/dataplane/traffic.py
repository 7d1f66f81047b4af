"""Packets for a policy, and what it says of each: by an index of its zones, since asking the specification takes O(rules) each.

The index is checked against the specification (`analysis.decide`) on a part of the packets in every run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from firewright.analysis.decide import STRENGTH, decide, has_service, passes
from firewright.model.interval import Range
from firewright.model.packet import TCP, UDP, Family, Packet
from firewright.model.policy import Action, Firewall, Policy, Rule, Verb, Zone

DAY = date(2026, 11, 21)
IN, OUT = "near", "far"
"""The interfaces of the firewalls of a `Lab`."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet, and whether it is to arrive."""

    packet: Packet
    is_accepted: bool


class Traffic:
    """Packets of a policy whose rules are from one zone to one zone by TCP and UDP, without overrides or `otherwise`."""

    def __init__(self, policy: Policy, firewall: Firewall, seed: int = 5) -> None:
        self.policy, self.firewall, self.random = policy, firewall, Random(seed)
        self.rules = [rule for rule in policy.rules if rule.is_active(DAY)]
        self._by_ends: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
        for rule in self.rules:
            if rule.overrides or rule.default is not None:
                raise ValueError(f"{rule.label} is beyond this index")
            for ends in rule.ends:
                for source in ends.sources:
                    for destination in ends.destinations:
                        self._by_ends[source.name, destination.name].append(rule)
        self._places = {family: _segments(policy, family) for family in (4, 6)}

    def is_accepted(self, packet: Packet) -> bool:
        """Whether the policy lets a packet between two other machines through that passes the firewall."""
        found: set[Verb] = set()
        for source in self._zones(packet.family, packet.source):
            for destination in self._zones(packet.family, packet.destination):
                for rule in self._by_ends.get((source, destination), ()):
                    if rule.verb not in found and any(has_service(term, packet) for term in rule.terms):
                        found.add(rule.verb)
        strongest = next((verb for verb in STRENGTH if verb in found), None)
        if strongest is None:
            return self.firewall.default is Action.ACCEPT
        return strongest in (Verb.REQUIRE, Verb.ALLOW)

    def _zones(self, family: Family, address: int) -> tuple[str, ...]:
        starts, names = self._places[family]
        return names[bisect_right(starts, address) - 1]

    def mixed(self, family: Family, count: int, accepted: float = 0.9) -> list[Sent]:
        """So many different flows, spread over all rules that open something, such a share of them to arrive."""
        wanted = {True: int(count * accepted), False: count - int(count * accepted)}
        opening = [rule for rule in self.rules if rule.verb in (Verb.ALLOW, Verb.REQUIRE)]
        found: dict[Packet, bool] = {}
        while any(wanted.values()):
            packet = self._inside(self.random.choice(opening), family)
            if packet is not None and not wanted[True]:
                packet = replace(packet, selector=self.random.randrange(1, 65_536))
            if packet is None or packet in found or not passes(self.firewall, packet):
                continue
            is_accepted = self.is_accepted(packet)
            if wanted[is_accepted]:
                wanted[is_accepted] -= 1
                found[packet] = is_accepted
        mixed = [Sent(packet, is_accepted) for packet, is_accepted in found.items()]
        self.random.shuffle(mixed)
        return mixed

    def boundary(self, family: Family, rules: int) -> list[Sent]:
        """Packets at both sides of each edge of so many rules: addresses and ports, one edge at a time."""
        packets: dict[Packet, None] = {}
        for rule in self.random.sample(self.rules, min(rules, len(self.rules))):
            packet = self._inside(rule, family)
            if packet is None:
                continue
            for source in _beside(self._range_of(rule.ends[0].sources, family)):
                packets[replace(packet, source=source)] = None
            for destination in _beside(self._range_of(rule.ends[0].destinations, family)):
                packets[replace(packet, destination=destination)] = None
            for transport in (one for term in rule.terms for one in term.transports if family in one.families):
                for port in (one for range_ in transport.selectors for one in _beside(range_)):
                    packets[replace(packet, protocol=transport.protocol, selector=port)] = None
        good = [one for one in packets if one.selector in range(1, 65_536) and passes(self.firewall, one)]
        return [Sent(one, self.is_accepted(one)) for one in good]

    def check(self, sent: Sequence[Sent], count: int) -> int:
        """Ask the specification of so many of them; how many were asked. AssertionError where the index is wrong."""
        asked = self.random.sample(list(sent), min(count, len(sent)))
        for one in asked:
            decision = decide(self.policy, self.firewall, one.packet, DAY)
            if (decision.action is Action.ACCEPT) is not one.is_accepted:
                raise AssertionError(f"the index is wrong about {one.packet}: {decision.outcome}")
        return len(asked)

    def _inside(self, rule: Rule, family: Family) -> Packet | None:
        transport = self.random.choice(self.random.choice(rule.terms).transports)
        if family not in transport.families or transport.protocol not in (TCP, UDP):
            return None
        source = self._range_of(rule.ends[0].sources, family)
        destination = self._range_of(rule.ends[0].destinations, family)
        low, high = self.random.choice(transport.selectors)
        return Packet(
            family,
            self.random.randint(*source),
            self.random.randint(*destination),
            transport.protocol,
            self.random.randint(low, high),
            self.random.randrange(1024, 65_536),
            in_interface=IN,
            out_interface=OUT,
        )

    def _range_of(self, zones: Sequence[Zone], family: Family) -> Range:
        return self.random.choice(self.random.choice(zones).addresses.ranges(family))


def _beside(range_: Range) -> tuple[int, ...]:
    low, high = range_
    return tuple(one for one in dict.fromkeys((low - 1, low, high, high + 1)) if one > 0)


def _segments(policy: Policy, family: Family) -> tuple[list[int], list[tuple[str, ...]]]:
    """Where zones begin and end, and the zones that hold each stretch."""
    changes: defaultdict[int, list[tuple[bool, str]]] = defaultdict(list)
    for zone in policy.zones.values():
        for low, high in zone.addresses.ranges(family):
            changes[low].append((True, zone.name))
            changes[high + 1].append((False, zone.name))
    starts: list[int] = [0]
    names: list[tuple[str, ...]] = [()]
    now: dict[str, None] = {}
    for place in sorted(changes):
        for is_start, name in sorted(changes[place]):
            if is_start:
                now[name] = None
            else:
                now.pop(name, None)
        starts.append(place)
        names.append(tuple(now))
    return starts, names
