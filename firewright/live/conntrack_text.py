"""Tracked flows as `conntrack -L` lists them, which is all that a host without our netlink tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from firewright.analysis.ending import Record, Tracked
from firewright.model.packet import ICMP, ICMPV6, PORTED, Family

_WORD = re.compile(r"\b(src|dst|sport|dport|type|code|id)=(\S+)")
_HEAD = re.compile(r"^\S+\s+(\d{1,3})\s")
_OVER = re.compile(r"^\S+\s+6\s+\d+\s+(?:TIME_WAIT|CLOSE)\s")
"""What conntrack still remembers of a TCP connection that both ends have closed."""
_NAMES = {4: IPv4Address, 6: IPv6Address}


@dataclass(frozen=True, slots=True)
class TrackedFlow:
    """A tracked flow: `opening` as the filter saw its first packet, and the words by which conntrack finds it again.

    `is_over` says that it is remembered only.
    """

    opening: Tracked
    source: str
    destination: str
    source_port: str
    port: str
    icmp: tuple[str, ...] = ()
    is_over: bool = False

    def __str__(self) -> str:
        protocol = {6: "tcp", 17: "udp", 132: "sctp", 1: "icmp", 58: "icmpv6"}.get(
            self.opening.protocol, f"protocol {self.opening.protocol}"
        )
        source, destination = (
            f"[{one}]" if ":" in one and self.port else one for one in (self.source, self.destination)
        )
        ports = (f":{self.source_port}", f":{self.port}") if self.port else ("", "")
        return f"{protocol} {source}{ports[0]} -> {destination}{ports[1]}"

    @property
    def line(self) -> str:
        """What the host's program reads to end it: family, protocol, ends, ports or ICMP's type, code and id, `-` for none."""
        words = (str(self.opening.family), str(self.opening.protocol), self.source, self.destination)
        return " ".join((*words, self.source_port or "-", self.port or "-", *(self.icmp or ("-", "-", "-"))))


def tracked_in(text: str) -> tuple[TrackedFlow, ...]:
    """The flows of a listing, in its order; lines that are none are passed over, for conntrack prints a summary too. O(n)."""
    return tuple(flow for line in text.splitlines() if (flow := _flow(line)) is not None)


def _flow(line: str) -> TrackedFlow | None:
    head = _HEAD.match(line)
    found: dict[str, list[str]] = {}
    for name, value in _WORD.findall(line):
        found.setdefault(name, []).append(value)
    sources, destinations = found.get("src", []), found.get("dst", [])
    if head is None or len(sources) != 2 or len(destinations) != 2:
        return None
    family: Family = 6 if ":" in sources[0] else 4
    try:
        source, arrived = (int(_NAMES[family](one)) for one in (sources[0], sources[1]))
        _NAMES[family](destinations[0])
    except (AddressValueError, ValueError):
        return None
    protocol = int(head[1])
    ports = [found.get(name, []) for name in ("sport", "dport")]
    icmp = tuple(found[name][0] for name in ("type", "code", "id") if name in found)
    if not all(one.isdecimal() for one in (*ports[0], *ports[1], *icmp)):
        return None
    if protocol in PORTED and len(ports[0]) == 2 and len(ports[1]) == 2:
        opening = Tracked(family, protocol, source, int(ports[0][0]), arrived, int(ports[0][1]))
        is_over = _OVER.match(line) is not None
        return TrackedFlow(opening, sources[0], destinations[0], ports[0][0], ports[1][0], is_over=is_over)
    selector = int(icmp[0]) << 8 | int(icmp[1]) if protocol in (ICMP, ICMPV6) and len(icmp) == 3 else 0
    opening = Tracked(family, protocol, source, 0, arrived, selector)
    return TrackedFlow(opening, sources[0], destinations[0], "", "", icmp if selector or len(icmp) == 3 else ())


def flow_lines(flows: Iterable[TrackedFlow]) -> str:
    """What the host's program reads to end flows, a line each."""
    return "".join(f"{flow.line}\n" for flow in flows)


def record_lines(instant: int, records: Iterable[Record]) -> Iterator[str]:
    """What the host's timer reads to end flows at an instant, a line for each record."""
    for one in records:
        ranges = (one.protocols, one.ports, one.source_ports)
        numbers = " ".join(f"{low} {high}" for low, high in ranges)
        yield f"{instant} {one.family} {one.hook.value} {one.source or '-'} {one.destination or '-'} {numbers}\n"
