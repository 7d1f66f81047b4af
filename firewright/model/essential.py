"""What a machine's own traffic cannot do without: the printed list of LANGUAGE's essentials, as data.

Sources: RFC 4890 sections 4.4.1 and 4.4.2 (ICMPv6 that must not be dropped at a node), RFC 4861 (neighbour discovery),
RFC 3810 (MLD), RFC 3376 (IGMP), RFC 2131 and RFC 8415 (DHCP). Related ICMP errors follow their flow and need no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firewright.model.address import EVERYWHERE, MULTICAST, AddressSet
from firewright.model.interval import Ranges, canonical
from firewright.model.packet import ICMP, ICMPV6, UDP, Family

LINK_LOCAL = AddressSet.of("169.254.0.0/16", "fe80::/10")
"""Addresses that mean something on one link only, and on every link (RFC 3927, RFC 4291)."""
_UNSPECIFIED = AddressSet.of("0.0.0.0/32", "::")
_EVERY_SELECTOR: Ranges = ((0, 65535),)


@dataclass(frozen=True, slots=True)
class Essential:
    """Packets that a machine receives or sends whatever its policy says; `is_inbound` tells which.

    `hop_limit` is what a packet must carry beside these axes (255 proves that it comes from the same link), 0 where any does.
    """

    name: str
    is_inbound: bool
    families: tuple[Family, ...]
    protocol: int
    selectors: Ranges
    source: AddressSet
    destination: AddressSet
    source_ports: Ranges
    because: str
    hop_limit: int = 0

    def condition(self, family: Family) -> str:
        """What a packet must carry beside the axes, in the words of nft; empty where nothing."""
        return f"{'ip6 hoplimit' if family == 6 else 'ip ttl'} {self.hop_limit}" if self.hop_limit else ""


def _types(*numbers: int) -> Ranges:
    return canonical((number << 8, number << 8 | 255) for number in numbers)


def _port(number: int) -> Ranges:
    return ((number, number),)


def _both(
    name: str, families: tuple[Family, ...], protocol: int, selectors: Ranges, because: str, hop_limit: int = 0
) -> tuple[Essential, Essential]:
    """The same packets in both directions, from and to any address."""
    rest = (families, protocol, selectors, EVERYWHERE, EVERYWHERE, _EVERY_SELECTOR, because, hop_limit)
    return Essential(name, True, *rest), Essential(name, False, *rest)


def _dhcp(
    family: Family, client: int, server: int, source: AddressSet, destination: AddressSet
) -> tuple[Essential, ...]:
    name = "dhcp" if family == 4 else "dhcpv6"
    sentence = "the machine's own address is leased"
    return (
        Essential(name, True, (family,), UDP, _port(client), source, EVERYWHERE, _port(server), sentence),
        Essential(name, False, (family,), UDP, _port(server), EVERYWHERE, destination, _port(client), sentence),
    )


ICMP_ERRORS: Mapping[Family, tuple[int, Ranges]] = {4: (ICMP, _types(3, 11, 12)), 6: (ICMPV6, _types(1, 2, 3, 4))}
"""Protocol and selectors of the ICMP errors that follow an open flow (RFC 792; RFC 4443, section 3; RFC 4890, section 4.3.1)."""
REDIRECTS: Mapping[Family, tuple[int, Ranges]] = {4: (ICMP, _types(5)), 6: (ICMPV6, _types(137))}
"""Protocol and selectors of ICMP redirects, by which a stranger on the link would move a machine's routes: always dropped."""

ESSENTIALS: tuple[Essential, ...] = (
    *_both(
        "neighbour-discovery",
        (6,),
        ICMPV6,
        _types(135, 136),
        "neighbours find each other; duplicates are detected",
        255,
    ),
    Essential(
        "router-advertisement",
        True,
        (6,),
        ICMPV6,
        _types(134),
        LINK_LOCAL,
        EVERYWHERE,
        _EVERY_SELECTOR,
        "the machine learns its router and prefix",
        255,
    ),
    Essential(
        "router-solicitation",
        False,
        (6,),
        ICMPV6,
        _types(133),
        EVERYWHERE,
        MULTICAST,
        _EVERY_SELECTOR,
        "the machine asks for a router",
        255,
    ),
    Essential(
        "multicast-listener",
        True,
        (6,),
        ICMPV6,
        _types(130),
        LINK_LOCAL,
        EVERYWHERE,
        _EVERY_SELECTOR,
        "routers ask which groups are wanted",
        1,
    ),
    Essential(
        "multicast-listener",
        False,
        (6,),
        ICMPV6,
        _types(131, 132, 143),
        LINK_LOCAL | _UNSPECIFIED,
        MULTICAST,
        _EVERY_SELECTOR,
        "the machine says which groups it wants, without which neighbour discovery fails on snooping switches",
        1,
    ),
    Essential(
        "igmp",
        True,
        (4,),
        2,
        _EVERY_SELECTOR,
        EVERYWHERE,
        MULTICAST,
        _EVERY_SELECTOR,
        "routers ask which groups are wanted",
        1,
    ),
    Essential(
        "igmp",
        False,
        (4,),
        2,
        _EVERY_SELECTOR,
        EVERYWHERE,
        MULTICAST,
        _EVERY_SELECTOR,
        "the machine says which groups it wants",
        1,
    ),
    *_dhcp(4, 68, 67, EVERYWHERE, EVERYWHERE),
    *_dhcp(6, 546, 547, LINK_LOCAL, MULTICAST),
)
"""The whole list, in both directions."""
