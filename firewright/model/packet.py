"""One concrete packet header, as a firewall sees it, and what can be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from firewright.model.interval import Ranges, canonical

Family = int
"""4 or 6."""
FAMILIES: tuple[Family, Family] = (4, 6)

ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 58, 132, 136
PORTED = (TCP, UDP, DCCP, SCTP, UDPLITE)
"""Protocols with ports (nftables' `th sport`, `th dport`)."""
TYPED = (ICMP, ICMPV6)
"""Protocols with a type and a code."""

FLAG_MASK, SYN = 0x17, 0x02
"""FIN, SYN, RST and ACK of the TCP flags, and the one of them that opens a flow when it stands alone (RFC 9293, section 3.5)."""
OPENING_FLAGS: Ranges = canonical((flags, flags) for flags in range(256) if flags & FLAG_MASK == SYN)
"""The values of the TCP flags with which a flow begins."""

RESET_MASK, RST = 0x07, 0x04
"""FIN, SYN and RST of the TCP flags, and the one of them that a reset has alone."""
RESET_FLAGS: Ranges = canonical((flags, flags) for flags in range(256) if flags & RESET_MASK == RST)
"""The values of the TCP flags that a reset has."""


class ConntrackState(IntEnum):
    """What connection tracking says of a packet (nft `ct state`)."""

    NEW = 0
    ESTABLISHED = 1
    RELATED = 2
    INVALID = 3
    UNTRACKED = 4


@dataclass(frozen=True, slots=True)
class Packet:
    """A header. `selector` is the destination port, or ICMP type << 8 | code, or 0 for protocols that have neither.

    Addresses are integers of the family. An empty interface name is the host itself: no `in_interface` means that the
    host sent it, no `out_interface` that it is delivered to the host. `protocol` is the last header (nft `meta l4proto`).
    """

    family: Family
    source: int
    destination: int
    protocol: int
    selector: int = 0
    source_port: int = 0
    conntrack_state: ConntrackState = ConntrackState.NEW
    in_interface: str = ""
    out_interface: str = ""
    tcp_flags: int = 2

    def address(self, number: int) -> str:
        """An address of this packet's family in words."""
        return str(IPv4Address(number) if self.family == 4 else IPv6Address(number))

    def __str__(self) -> str:
        source, destination = self.address(self.source), self.address(self.destination)
        state = "" if self.conntrack_state is ConntrackState.NEW else f", {self.conntrack_state.name.lower()}"
        if self.protocol in PORTED:
            name = {TCP: "tcp", UDP: "udp", DCCP: "dccp", SCTP: "sctp", UDPLITE: "udplite"}[self.protocol]
            ends = (source, destination) if self.family == 4 else (f"[{source}]", f"[{destination}]")
            return f"{name} {ends[0]}:{self.source_port} -> {ends[1]}:{self.selector}{state}"
        if self.protocol in TYPED:
            name = "icmp" if self.protocol == ICMP else "icmpv6"
            return f"{name} type {self.selector >> 8} code {self.selector & 255} {source} -> {destination}{state}"
        name = {50: "esp", 51: "ah", 47: "gre"}.get(self.protocol, f"protocol {self.protocol}")
        return f"{name} {source} -> {destination}{state}"
