"""Flows on a machine in words: zones that need no policy, the interfaces they come and go by, the conditions beside the axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from firewright.analysis.words import FlowWords, Namer, flow_words
from firewright.catalog.special_purpose import globally_reachable
from firewright.model.address import BROADCAST, EVERYWHERE, LOOPBACK, MULTICAST, UNICAST, AddressSet
from firewright.model.interval import Ranges, complement, difference, intersection, is_within, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Zone, ZoneKind
from firewright.space.axis import ANY_INTERFACE, HOST, interface_name
from firewright.space.flow import Flow, merged
from firewright.space.program import Literals

OPENERS: Ranges = ((0x02, 0x02), (0xC2, 0xC2))
"""The TCP flags with which hosts open a connection: SYN, and SYN with the two bits of ECN (RFC 3168, section 6.1.1)."""
_ECN: Mapping[Ranges, str] = {OPENERS[:1]: "without ECN", OPENERS[1:]: "with ECN"}
MOST_KINDS = 64
MOST_INTERFACES = 4
"""So many interfaces are named; more are counted."""


def world(name: str) -> Policy:
    """A policy that says nothing, whose zones a question to a machine can use: the built-in ones, and `private`."""
    private = UNICAST - globally_reachable() - LOOPBACK
    sets = {
        ZoneKind.INTERNET: UNICAST - private,
        ZoneKind.ANY: UNICAST,
        ZoneKind.LOCAL: EVERYWHERE,
        ZoneKind.MULTICAST: MULTICAST,
        ZoneKind.BROADCAST: BROADCAST,
    }
    zones = {kind.value: Zone(kind.value, addresses, kind) for kind, addresses in sets.items()}
    zones["private"] = Zone("private", private)
    return Policy(name, "", zones, services={}, options={}, firewalls={}, rules=())


class MachineNamer(Namer):
    """Names the machine itself `local` where all of its own addresses are meant."""

    def __init__(self, policy: Policy, own: AddressSet, asked: Iterable[tuple[str, AddressSet]] = ()) -> None:
        super().__init__(policy, asked=asked)
        self._own = own

    def side(self, family: Family, ranges: Ranges, interface: Ranges) -> str:
        """The words for one end of a flow."""
        own = self._own.ranges(family)
        if interface == HOST and own and is_within(own, ranges):
            return "local"
        return super().side(family, ranges, interface)

    def addresses(self, family: Family, ranges: Ranges) -> str:
        """The words for some addresses; one prefix that is no zone is said at once, for large rulesets have thousands of them."""
        if len(ranges) == 1 and all(zone.ranges(family) != ranges for zone in self._named.values()):
            prefixes = (AddressSet(v4=ranges) if family == 4 else AddressSet(v6=ranges)).prefixes()
            if len(prefixes) == 1:
                return prefixes[0]
        return super().addresses(family, ranges)


def passage_words(flows: Iterable[Flow], namer: Namer) -> tuple[FlowWords, ...]:
    """Flows in words with the interfaces they come and go by and the conditions that no axis holds, the fewest lines."""
    groups: dict[str, list[Flow]] = {}
    kept = [_opening(flow) for flow in flows]
    joined = [
        flow
        for family in FAMILIES
        for flow in merged(family, ((one.axes, one.literals) for one in kept if one.family == family))
    ]
    for flow in _by_any_interface(joined):
        ecn = _ECN.get(flow.tcp_flags, "")
        said = " ".join(filter(None, (ways(flow), ecn, conditions(flow.literals))))
        groups.setdefault(said, []).append(replace(flow, literals=()))
    lines = [
        replace(line, service=f"{line.service} {said}".rstrip())
        for said, group in groups.items()
        for line in flow_words(group, namer)
    ]
    return tuple(sorted(lines))


def _opening(flow: Flow) -> Flow:
    """The flow without what every question of openings says of TCP."""
    return replace(flow, tcp_flags=((0, 255),)) if flow.tcp_flags == OPENERS else flow


def _by_any_interface(flows: Iterable[Flow]) -> Iterator[Flow]:
    """The same flows, where what comes by every interface is said once, and then what else comes by some."""
    alike: dict[Flow, list[Flow]] = {}
    for flow in flows:
        alike.setdefault(replace(flow, in_interface=(), service=()), []).append(flow)
    for group in alike.values():
        by_all = _by_all([(flow.in_interface, flow.service) for flow in group])
        if len(group) == 1 or not by_all:
            yield from group
            continue
        yield replace(group[0], in_interface=ANY_INTERFACE, service=by_all)
        for flow in group:
            if rest := difference(flow.service, by_all):
                yield replace(flow, service=rest)


def _by_all(ways_in: Sequence[tuple[Ranges, Ranges]]) -> Ranges:
    """The services that come by every interface; none where there are too many kinds of interfaces to tell."""
    kinds = [ANY_INTERFACE]
    for came, _ in ways_in:
        kinds = [part for kind in kinds for part in (intersection(kind, came), difference(kind, came)) if part]
        if len(kinds) > MOST_KINDS:
            return ()
    services = (union(*(service for came, service in ways_in if is_within(kind, came))) for kind in kinds)
    return reduce(intersection, services)


def ways(flow: Flow) -> str:
    """The interfaces of a flow in words, empty where any will do: `by eth0`, `by eth0 to docker0`."""
    came, went = interfaces(flow.in_interface), interfaces(flow.out_interface)
    return " ".join(filter(None, (f"by {came}" if came else "", f"leaving by {went}" if went else "")))


def interfaces(ranges: Ranges) -> str:
    """Some interfaces in words: names, `eth*`, or what is left out; empty for the host itself and for all."""
    outside = intersection(ranges, ANY_INTERFACE)
    if not outside or outside == ANY_INTERFACE:
        return ""
    names = [_range_words(low, high) for low, high in outside]
    rest = [
        _range_words(low, high) for low, high in intersection(complement(outside, ANY_INTERFACE[0][1]), ANY_INTERFACE)
    ]
    return f"any but {_listed(rest)}" if len(rest) < len(names) else _listed(names)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_INTERFACES} more" if len(names) > MOST_INTERFACES else ""
    return ", ".join(names[:MOST_INTERFACES]) + more


def _range_words(low: int, high: int) -> str:
    stem = interface_name(low)
    if low == high:
        return stem
    if stem and high == low | (1 << 8 * (16 - len(stem.encode(errors="surrogateescape")))) - 1:
        return f"{stem}*" if len(stem) < 15 else stem
    return f"{stem or 'a'} to {interface_name(high).rstrip(chr(0xFF))}"


def conditions(literals: Literals) -> str:
    """What must hold beside the axes, in the words of the rules."""
    said = [text if wanted else f"not {text}" for text, wanted in literals]
    return f"where {' and '.join(said)}" if said else ""
