"""Packets that tell a right ruleset from a wrong one: one just inside and one just outside of every edge of a policy's meaning.

The edges come from the meaning as a list of boxes (`space/encode.py`); what is expected of each packet comes from the
specification (`analysis/decide.py`), one packet at a time. The same policy always gives the same witnesses.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from operator import or_

from firewright.analysis.decide import enforce, is_end
from firewright.analysis.edges import Edges, named_services, packets_of
from firewright.analysis.ground import Ground, obstacle
from firewright.analysis.states import STRAYS, first_state, of_flows, opening
from firewright.model.decision import Decision
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, PORTED, TCP, UDP, ConntrackState, Family, Packet
from firewright.model.policy import Action, Firewall, Policy, Rule, Zone
from firewright.space.bitmap import bits
from firewright.space.encode import encode_enforced

HOP_LIMIT = 64
"""What a packet carries where nothing else is asked (RFC 1700's default, and Linux's)."""
_FIRST_PORT, _PORTS = 20_000, 40_000
"""Source ports that nobody asks about are taken from here, each packet its own."""
_STRAYS_OF_PAIR = 2
_MOST_WAYS = 100
"""Pairs of interfaces, protocols and outcomes of which segments that open nothing are sent, beside all of the host's own."""
_AH = 51


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet, what it carries beside its axes, and what the specification says becomes of it.

    `before` are the packets that open the flow that it belongs to, in order, sent while everything is open; where it is an ICMP
    error it tells of the first of them. `inside` is the TCP port within an AH. A malformed one has a length that cannot be, so that
    conntrack finds it invalid.
    """

    packet: Packet
    hop_limit: int
    decision: Decision
    before: tuple[Packet, ...] = ()
    inside: int = 443
    is_malformed: bool = False

    @property
    def action(self) -> Action:
        """What becomes of it."""
        return self.decision.action


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The witnesses of a firewall, and how many packets of which kind no kernel would carry, by the reason."""

    found: tuple[Witness, ...]
    skipped: Mapping[str, int]


def witnesses(policy: Policy, firewall: Firewall, day: date, ground: Ground) -> Witnesses:
    """The witnesses of a firewall on a day, IPv4 first. Raises Unfilled. O(edges), each a look at the rules of its zones."""
    programs = encode_enforced(policy, firewall, day)
    found: list[Witness] = []
    skipped: Counter[str] = Counter()
    named = named_services(programs)
    for family in FAMILIES:
        collected = _Collected(policy, firewall, day, family)
        collected.add_all(packets_of(Edges(programs[family], ground, named)))
        collected.add_strays()
        for packet, before in of_flows(ground, family):
            collected.add(packet, HOP_LIMIT, before)
        found += collected.sealed()
        skipped += collected.skipped
    return Witnesses(tuple(found), dict(sorted(skipped.items())))


def carried(witness: Witness) -> tuple[str, ...]:
    """What a witness has beside its axes, in nft's words."""
    return _words(witness.packet.family, witness.hop_limit)


def _words(family: Family, hop_limit: int) -> tuple[str, ...]:
    return (f"{'ip ttl' if family == 4 else 'ip6 hoplimit'} {hop_limit}",)


def _ended(packet: Packet, hop_limit: int) -> str:
    """Why a packet with this hop limit is not forwarded, or an empty text (RFC 791, section 3.2; RFC 8200, section 3)."""
    is_forwarded = packet.in_interface and packet.out_interface
    return "a router ends a packet with a hop limit of 1" if hop_limit == 1 and is_forwarded else ""


class _Collected:
    """The witnesses of one family, each packet once."""

    def __init__(self, policy: Policy, firewall: Firewall, day: date, family: Family) -> None:
        self.specification = _Specification(policy, firewall, day)
        self.family = family
        self.found: list[Witness] = []
        self.skipped: Counter[str] = Counter()
        self.known: set[tuple[Packet, int]] = set()

    def add_all(self, packets: Iterator[tuple[Packet, int]]) -> None:
        for packet, hop_limit in packets:
            if packet.conntrack_state in (ConntrackState.ESTABLISHED, ConntrackState.RELATED):
                self._add_following(packet, hop_limit or HOP_LIMIT)
            else:
                self.add(packet, hop_limit or HOP_LIMIT, ())

    def _add_following(self, packet: Packet, hop_limit: int) -> None:
        """A packet of an open flow or about one, where such a flow can be opened."""
        if (packet, hop_limit) in self.known:
            return
        self.known.add((packet, hop_limit))
        before = opening(replace(packet, source_port=_FIRST_PORT + len(self.found) % _PORTS))
        if not before:
            self.skipped["no flow like this can be opened"] += 1
        elif packet.conntrack_state is ConntrackState.RELATED:
            self.add(packet, hop_limit, before)
        else:
            self.add(replace(packet, source_port=self._port(packet)), hop_limit, before)

    def add(self, packet: Packet, hop_limit: int, before: tuple[Packet, ...]) -> None:
        if not before:
            key = packet, hop_limit
            if key in self.known:
                return
            self.known.add(key)
        if reason := obstacle(packet) or _ended(packet, hop_limit):
            self.skipped[reason] += 1
            return
        is_malformed = not before and packet.conntrack_state is ConntrackState.INVALID
        if not before:
            state = packet.conntrack_state if is_malformed else first_state(packet)
            packet = replace(packet, conntrack_state=state, source_port=self._port(packet))
        decision = self.specification.decide(packet, _words(self.family, hop_limit))
        self.found.append(Witness(packet, hop_limit, decision, before, is_malformed=is_malformed))

    def _port(self, packet: Packet) -> int:
        """The source port: the one that was asked for, else one that no other witness has."""
        if packet.source_port or packet.protocol not in PORTED:
            return packet.source_port
        return _FIRST_PORT + len(self.found) % _PORTS

    def add_strays(self) -> None:
        """Segments that open nothing and malformed packets, in place of ones that do: some for each way and what becomes of it."""
        seen: Counter[tuple[object, ...]] = Counter()
        for one in list(self.found):
            packet = one.packet
            way = packet.in_interface, packet.out_interface, packet.protocol, one.decision.outcome
            if (
                packet.protocol not in (TCP, UDP)
                or one.is_malformed
                or one.before
                or not any(way[:2])
                or seen[way] >= _STRAYS_OF_PAIR
            ):
                continue
            if all(way[:2]) and way not in seen and len(seen) > _MOST_WAYS:
                continue
            seen[way] += 1
            self.add_malformed(one)
            for flags in STRAYS if packet.protocol == TCP else ():
                self.add(replace(packet, tcp_flags=flags, source_port=0), one.hop_limit, ())

    def sealed(self) -> list[Witness]:
        """All that was collected; within an AH stands a port that is open the same way, so that nobody takes AH for what it holds."""
        ports: dict[tuple[str, str], int] = {}
        for one in self.found:
            if one.packet.protocol == TCP and one.action is Action.ACCEPT and one.decision.rule is not None:
                ports.setdefault((one.packet.in_interface, one.packet.out_interface), one.packet.selector)
        return [
            replace(
                one, inside=ports.get((one.packet.in_interface, one.packet.out_interface), one.inside) or one.inside
            )
            if one.packet.protocol == _AH
            else one
            for one in self.found
        ]

    def add_malformed(self, one: Witness) -> None:
        """The same, but that conntrack finds it invalid."""
        packet = replace(one.packet, conntrack_state=ConntrackState.INVALID)
        if (packet, one.hop_limit) in self.known:
            return
        self.known.add((packet, one.hop_limit))
        decision = self.specification.decide(packet, _words(self.family, one.hop_limit))
        self.found.append(replace(one, packet=packet, decision=decision, is_malformed=True))


class _Specification:
    """`enforce`, asked of few rules at a time: a rule whose zones do not hold a packet's ends has no say about it."""

    def __init__(self, policy: Policy, firewall: Firewall, day: date) -> None:
        # Of the zones `enforce` asks only those that have interfaces.
        zones_at = {name: zone for name, zone in policy.zones.items() if zone.name in firewall.interfaces}
        self.policy, self.firewall, self.day = replace(policy, zones=zones_at), firewall, day
        self.narrowed: dict[int, Policy] = {}
        self.held: dict[tuple[bool, Family, int, bool], int] = {}
        self.owners = [number for number, rule in enumerate(policy.rules) for _ in rule.ends]
        self.sides = [
            _users([(ends.sources, ends.destinations)[side] for rule in policy.rules for ends in rule.ends])
            for side in (0, 1)
        ]
        zones = [zone for users in self.sides for zone, _ in users]
        self.ends = {family: _ends_of([zone.addresses.ranges(family) for zone in zones]) for family in FAMILIES}

    def decide(self, packet: Packet, words: tuple[str, ...]) -> Decision:
        family = packet.family
        asked = self._asked(0, family, packet.in_interface, packet.source) & self._asked(
            1, family, packet.out_interface, packet.destination
        )
        narrowed = self.narrowed.get(asked)
        if narrowed is None:
            numbers = dict.fromkeys(self.owners[place] for place in bits(asked))
            rules: tuple[Rule, ...] = tuple(self.policy.rules[number] for number in numbers)
            narrowed = self.narrowed[asked] = replace(self.policy, rules=rules)
        return enforce(narrowed, self.firewall, packet, self.day, words)

    def _asked(self, side: int, family: Family, name: str, address: int) -> int:
        """The ends of rules that speak of one end of a packet, as bits: the same for all addresses between two edges of zones."""
        key = bool(side), family, bisect_right(self.ends[family], address), not name
        found = self.held.get(key)
        if found is None:
            found = self.held[key] = reduce(
                or_, (users for zone, users in self.sides[side] if is_end(zone, name, family, address)), 0
            )
        return found


def _users(ends: Sequence[tuple[Zone, ...]]) -> list[tuple[Zone, int]]:
    """Each zone with the places at which it stands, as bits."""
    zones: dict[int, Zone] = {}
    users: dict[int, int] = {}
    for place, one in enumerate(ends):
        for zone in one:
            zones[id(zone)] = zone
            users[id(zone)] = users.get(id(zone), 0) | 1 << place
    return [(zone, users[key]) for key, zone in zones.items()]


def _ends_of(sets: Iterable[Ranges]) -> list[int]:
    """Where some set begins or has ended: between two of these numbers all are in the same sets."""
    return sorted({end for ranges in sets for low, high in ranges for end in (low, high + 1)})
