"""Answers in words: flows as zones and services, never as raw boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from firewright.analysis.path import OWN, internet_of
from firewright.model.address import BROADCAST, EVERYWHERE, LOOPBACK, MULTICAST, UNICAST, UNSPECIFIED, AddressSet
from firewright.model.interval import Ranges, complement, difference, has, intersection, is_within, size, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy
from firewright.model.service_words import words as service_words
from firewright.space.axis import HOST, Axis, top
from firewright.space.flow import Flow, merged

MOST_PREFIXES = 6
"""So many prefixes are written out at one end; what is left is counted."""
LONG_SERVICE = 60
"""Services that take more characters are said by what they leave out, where that is shorter."""


@dataclass(frozen=True, slots=True, order=True)
class FlowWords:
    """One line of an answer; `families` says for which families it holds."""

    source: str
    destination: str
    service: str
    families: tuple[Family, ...] = FAMILIES

    def __str__(self) -> str:
        only = "" if self.families == FAMILIES else f" (IPv{self.families[0]} only)"
        return f"{self.source} -> {self.destination} {self.service}{only}"


_NOBODYS = {"multicast": MULTICAST, "broadcast": BROADCAST, "loopback": LOOPBACK, "unspecified": UNSPECIFIED}
"""Addresses that no zone holds."""


class Namer:
    """Names sets of addresses by the zones of a policy and of the authorities it is behind."""

    def __init__(self, policy: Policy, *others: Policy, asked: Iterable[tuple[str, AddressSet]] = ()) -> None:
        named: dict[str, AddressSet] = dict(asked)
        named.setdefault("internet", internet_of(policy))
        for authority in (*reversed(list(policy.authorities())), *others):
            for zone in authority.named_zones:
                named.setdefault(zone.name, zone.addresses)
        self._named = {**named, **_NOBODYS}
        self._known: dict[tuple[Family, Ranges], str] = {}
        self._outer: dict[Family, list[tuple[str, Ranges]]] = {}
        self._exact: dict[Family, dict[Ranges, str]] = {}
        self._largest: dict[Family, list[tuple[int, str, Ranges]]] = {}
        for family in FAMILIES:
            zones = [(name, one.ranges(family)) for name, one in self._named.items() if one.ranges(family)]
            self._outer[family] = [("any", UNICAST.ranges(family)), ("any address", EVERYWHERE.ranges(family)), *zones]
            self._exact[family] = {zone: name for name, zone in reversed(zones)}
            sized = [(size(zone), name, zone) for name, zone in zones]
            self._largest[family] = sorted(sized, key=lambda one: -one[0])

    def side(self, family: Family, ranges: Ranges, interface: Ranges) -> str:
        """The words for one end of a flow; for the machine itself with its addresses where not all are meant."""
        if interface != HOST:
            return self.addresses(family, ranges)
        is_all = is_within(OWN.ranges(family), ranges)
        return "local" if is_all else f"local ({self.addresses(family, ranges)})"

    def addresses(self, family: Family, ranges: Ranges) -> str:
        """The words for some addresses: a zone, zones and prefixes, or a zone without others; exact, the shortest wins."""
        key = (family, ranges)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._words(family, ranges)
        return found

    def _words(self, family: Family, ranges: Ranges) -> str:
        if ranges in self._exact[family]:
            return self._exact[family][ranges]
        if ranges in (UNICAST.ranges(family), EVERYWHERE.ranges(family)):
            return "any" if ranges == UNICAST.ranges(family) else "any address"
        parts = self._union(family, ranges)
        best = (len(parts), ", ".join(parts[:MOST_PREFIXES]) + _more(parts))
        for name, whole in self._outer[family]:
            if best[0] > 2 and has(whole, ranges[0][0]) and is_within(ranges, whole) and whole != ranges:
                less = self._union(family, difference(whole, ranges), best[0] - 2)
                if len(less) + 1 < best[0]:
                    best = (len(less) + 1, f"{name} without {', '.join(less[:MOST_PREFIXES])}{_more(less)}")
        return best[1]

    def _union(self, family: Family, ranges: Ranges, most: int | None = None) -> list[str]:
        """Zones that lie inside, the largest first, then what is left as prefixes; given up behind the first beyond `most` of them."""
        words, left = [], ranges
        if is_within(UNICAST.ranges(family), ranges):
            words, left = ["any"], difference(ranges, UNICAST.ranges(family))
        for extent, name, zone in self._largest[family]:
            if not left or (most is not None and len(words) > most):
                return words
            # one look-up rules most zones out
            if not has(ranges, zone[0][0]) or not is_within(zone, ranges):
                continue
            if size(intersection(zone, left)) * 2 > extent:
                words.append(name)
                left = difference(left, zone)
        rest = AddressSet(v4=left) if family == 4 else AddressSet(v6=left)
        return [*words, *rest.prefixes()]


def _more(parts: list[str]) -> str:
    return f" and {len(parts) - MOST_PREFIXES} more prefixes" if len(parts) > MOST_PREFIXES else ""


def flow_words(flows: Iterable[Flow], namer: Namer) -> tuple[FlowWords, ...]:
    """The flows in words, the fewest, one line where both families say the same."""
    lines: dict[tuple[str, str, str], set[Family]] = {}
    kept = tuple(flows)
    joined = [
        flow
        for family in FAMILIES
        for flow in merged(family, ((f.axes, f.literals) for f in kept if f.family == family))
    ]
    for flow in joined:
        service = _service(flow)
        source = namer.side(flow.family, flow.source, flow.in_interface)
        destination = namer.side(flow.family, flow.destination, flow.out_interface)
        lines.setdefault((source, destination, service), set()).add(flow.family)
    return tuple(FlowWords(*line, tuple(sorted(families))) for line, families in sorted(lines.items()))


@lru_cache(maxsize=4096)
def _services(services: Ranges, family: Family) -> str:
    text = service_words(services, family)
    if len(text) > LONG_SERVICE:
        rest = service_words(complement(services, top(family, Axis.SERVICE)), family)
        text = min(text, f"any except {rest}", key=len)
    return text


def _service(flow: Flow) -> str:
    text = _services(flow.service, flow.family)
    if flow.is_free(Axis.SOURCE_PORT):
        return text
    ports = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in flow.source_port)
    return f"{text} from source port {ports}"


def services_of(flows: Iterable[Flow]) -> dict[Family, Ranges]:
    """For each family every service in the flows."""
    found: dict[Family, Ranges] = {}
    for flow in flows:
        found[flow.family] = union(found.get(flow.family, ()), flow.service)
    return found
