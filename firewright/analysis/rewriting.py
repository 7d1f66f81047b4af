"""Packets that a rule of NAT gives another destination: which of a question they are, and what they are behind it.

Read from the rule's own words: an address or a range, a port or a range, or the machine itself (`redirect`). What is said in any
other way may go anywhere. Kernel: a flow is translated once, by the first rule that does; sources stay as they are until the
packet leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from firewright.analysis.cutting import steps_in
from firewright.model.address import LOOPBACK
from firewright.model.interval import Ranges, intersection, is_within, size
from firewright.model.packet import PORTED, Family
from firewright.space.axis import TOPS, Axis
from firewright.space.box import Box
from firewright.space.flow import Flow
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import TRANSLATE, Line

_V4 = r"[0-9]+(?:\.[0-9]+){3}"
_V6 = r"[0-9a-fA-F]*:[0-9a-fA-F:.]*"
_ENDS = (
    rf"(?:{_V4}(?:-{_V4}|/[0-9]+)?|\[(?:{_V6})(?:\](?:-\[{_V6})?|(?:-{_V6})?|/[0-9]+)\]?|(?:{_V6})(?:-{_V6}|/[0-9]+)?)"
)
_PORTS = r"(?P<low>[0-9]+)(?:-(?P<high>[0-9]+))?"
_FLAGS = r"(?: (?:random|persistent|fully-random)\S*| --\S+)*$"
_DNAT = re.compile(rf"(?:\bdnat(?: ip6?)? to|\bDNAT\b.*--to-destination) +(?P<ends>{_ENDS})?(?::{_PORTS})?{_FLAGS}")
_REDIRECT = re.compile(
    rf"(?:\bredirect(?: to :{_PORTS})?|\bREDIRECT(?: --to-ports (?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?)?){_FLAGS}"
)
_COMMENT = re.compile(r' comment "[^"]*"$| -m comment --comment (?:"(?:\\.|[^"\\])*"|\S+)')


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a rule makes of a packet's destination: addresses and ports, None as they were; `line` is the rule.

    `is_local` where the packet then is for the machine itself. `is_known` is false where the rule's words do not tell.
    """

    line: Line
    family: Family
    addresses: Ranges | None
    ports: tuple[int, int] | None
    is_local: bool = False
    is_known: bool = True

    @property
    def is_exact(self) -> bool:
        """Whether each packet becomes one certain other."""
        is_one_port = self.ports is None or self.ports[0] == self.ports[1]
        is_one_end = self.addresses is None or size(self.addresses) == 1
        return self.is_known and is_one_port and is_one_end

    @property
    def address_words(self) -> str:
        """The new destinations in words; empty where they stay."""
        if self.addresses is None:
            return ""
        low, high = self.addresses[0][0], self.addresses[-1][1]
        make = IPv4Address if self.family == 4 else IPv6Address
        return str(make(low)) if low == high else f"{make(low)}-{make(high)}"

    def applied(self, flow: Flow) -> tuple[Ranges, Ranges]:
        """The destinations and services that packets of a flow have behind the rule."""
        top = TOPS[flow.family]
        if not self.is_known:
            return ((0, top[Axis.DESTINATION]),), _services(flow.service, (0, 65535))
        destination = flow.destination if self.addresses is None else self.addresses
        return destination, flow.service if self.ports is None else _services(flow.service, self.ports)

    def before(self, flow: Flow, behind: Flow) -> Flow:
        """The packets of a flow that are `behind` the rule those: what is not rewritten is as it is there."""
        destination = behind.destination if self.is_known and self.addresses is None else flow.destination
        service = (
            behind.service if self.is_known and self.ports is None else _same_protocols(flow.service, behind.service)
        )
        return Flow(
            flow.family,
            behind.in_interface,
            flow.out_interface,
            behind.source,
            destination,
            behind.conntrack_state,
            service,
            behind.source_port,
            behind.tcp_flags,
            tuple(sorted({*flow.literals, *behind.literals})),
        )


def _services(services: Ranges, ports: tuple[int, int]) -> Ranges:
    """The services with other ports, as far as their protocols have any."""
    found = []
    for protocol in PORTED:
        if intersection(services, ((protocol << 16, protocol << 16 | 65535),)):
            found.append((protocol << 16 | ports[0], protocol << 16 | ports[1]))
    return tuple(sorted(found)) or services


def _same_protocols(services: Ranges, of: Ranges) -> Ranges:
    """The services whose protocols are among those of others."""
    return intersection(services, tuple(sorted({(low >> 16 << 16, high | 65535) for low, high in of})))


def rewrite_of(line: Line, family: Family) -> Rewrite:
    """What a rule of destination NAT says, in the words of nft or of iptables-save."""
    text = _COMMENT.sub("", line.text).strip()
    if (found := _REDIRECT.search(text)) is not None:
        low, high = found["low"] or found["first"], found["high"] or found["last"]
        return Rewrite(line, family, ((0, TOPS[family][Axis.DESTINATION]),), _ports(low, high), is_local=True)
    found = _DNAT.search(text)
    if found is None or not (found["ends"] or found["low"]):
        return Rewrite(line, family, None, None, is_known=False)
    try:
        ends = _ends(found["ends"], family) if found["ends"] else None
    except ValueError:
        return Rewrite(line, family, None, None, is_known=False)
    is_local = ends is not None and is_within(ends, LOOPBACK.ranges(family))
    return Rewrite(line, family, ends, _ports(found["low"], found["high"]), is_local)


def _ports(low: str | None, high: str | None) -> tuple[int, int] | None:
    return None if not low else (int(low), int(high or low))


def _ends(text: str, family: Family) -> Ranges:
    """The addresses of an address, a prefix or a range. ValueError for those of another family."""
    plain = text.replace("[", "").replace("]", "")
    if "/" in plain:
        network = ip_network(plain, strict=False)
        low, high = network.network_address, network.broadcast_address
    else:
        first, _, last = plain.partition("-")
        low, high = ip_address(first), ip_address(last or first)
    if low.version != family or int(high) < int(low):
        raise ValueError(text)
    return ((int(low), int(high)),)


def rewritten(program: Program, within: Box) -> Iterator[tuple[Flow, Rewrite | None]]:
    """The packets of a box by the rule that gives them another destination, None where none does. Raises Undecided."""
    short = steps_in(program.seal(), within)
    for part in partition([short], short.family, within):
        (step,) = part.deciders
        origin = short.origin[step]
        is_translated = short.verdict[step] == TRANSLATE and isinstance(origin, Line)
        rewrite = rewrite_of(origin, short.family) if is_translated and isinstance(origin, Line) else None
        yield from ((flow, rewrite) for flow in part.flows)
