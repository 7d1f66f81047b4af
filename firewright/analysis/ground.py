"""Where a firewall is tried out: the interfaces it gets, which addresses are behind each, and what no kernel carries.

The names are those that the policy gives; where it gives none, each leg has an interface of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address

from firewright.model.address import BROADCAST, LOOPBACK, MULTICAST, UNICAST, UNSPECIFIED, AddressSet, merge
from firewright.model.essential import LINK_LOCAL
from firewright.model.packet import Family, Packet
from firewright.model.policy import Firewall, Policy, Zone, ZoneKind
from firewright.space.encode import legs_of, territories

HOST = ""
"""The name of the machine itself, as `Packet` has it."""
_OWN = {4: int(ip_address("198.18.255.0")), 6: int(ip_address("2001:2:0:ffff::"))}
_NEXT = {4: int(ip_address("198.18.254.0")), 6: int(ip_address("2001:2:0:fffe::"))}
"""The machine's own addresses and its neighbours', in the ranges that are set aside for benchmarks (RFC 2544, RFC 5180)."""
MOST_INTERFACES = 60


class NoGround(ValueError):
    """A firewall that cannot be tried out, and why."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of the firewall that is tried out, its number from 1 on, and the addresses that are behind it.

    `zone` is what people call whoever is behind it.
    """

    name: str
    number: int
    behind: AddressSet
    zone: str = ""

    def own(self, family: Family) -> int:
        """The machine's own address here."""
        return _OWN[family] + self.number

    def neighbour(self, family: Family) -> int:
        """The router behind which everything else is."""
        return _NEXT[family] + self.number


@dataclass(frozen=True, slots=True)
class Ground:
    """The interfaces of a firewall; `is_named` where the policy gives their names, so that a wrong one matters."""

    interfaces: tuple[Interface, ...]
    is_named: bool
    forwards: bool

    def home(self, family: Family, address: int) -> str:
        """The interface that an address is behind."""
        for one in self.interfaces:
            if one.behind.has(family, address):
                return one.name
        return self.interfaces[-1].name

    def interface(self, name: str) -> Interface:
        """The interface of a name. KeyError where there is none."""
        return next(one for one in self.interfaces if one.name == name)

    def is_own(self, family: Family, address: int) -> bool:
        """Whether an address is the machine's own."""
        return 0 < address - _OWN[family] <= len(self.interfaces)

    def own(self, family: Family) -> frozenset[int]:
        """Every address of the machine itself."""
        return frozenset(one.own(family) for one in self.interfaces)


def ground_of(policy: Policy, firewall: Firewall) -> Ground:
    """The ground for a firewall. Raises NoGround where it has more interfaces than are made."""
    if firewall.interfaces:
        found = _by_interfaces(policy, firewall)
    elif firewall.is_host:
        found = [("eth0", UNICAST, "others")]
    else:
        found = _by_legs(firewall)
    if len(found) > MOST_INTERFACES:
        raise NoGround(f"{firewall.name} has {len(found)} interfaces; {MOST_INTERFACES} can be made")
    made = tuple(Interface(name, number, behind, zone) for number, (name, behind, zone) in enumerate(found, 1))
    return Ground(made, bool(firewall.interfaces), not firewall.is_host)


_Found = tuple[str, AddressSet, str]


def _by_interfaces(policy: Policy, firewall: Firewall) -> list[_Found]:
    """An interface for each pattern, the first of a zone with its addresses, and one that is no zone's."""
    patterns = [pattern for names in firewall.interfaces.values() for pattern in names]
    behind: dict[str, AddressSet] = {}
    rest = UNICAST
    for addresses, names in territories(policy, firewall):
        rest -= addresses
        concrete = [_concrete(pattern, patterns) for pattern in names]
        behind[concrete[0]] = behind.get(concrete[0], AddressSet()) | addresses
        for name in concrete[1:]:
            behind.setdefault(name, AddressSet())
    for pattern in patterns:
        behind.setdefault(_concrete(pattern, patterns), AddressSet())
    spare = next(name for name in ("spare0", "x0spare", "zz9spare", "s") if not _is_any(name, patterns))
    return [*((name, addresses, name) for name, addresses in behind.items()), (spare, rest, "elsewhere")]


def _concrete(pattern: str, patterns: list[str]) -> str:
    """A name that a pattern means, and if possible no other does."""
    if not pattern.endswith("*"):
        return pattern
    stem = pattern[:-1][:14]
    names = [stem + tail for tail in ("0", "1", "9", "z0")]
    others = [other for other in patterns if other != pattern and not fnmatchcase(stem, other)]
    return next((name for name in names if not _is_any(name, others)), names[0])


def _is_any(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _by_legs(firewall: Firewall) -> list[_Found]:
    """An interface for each leg, and one for what is on none."""
    legs, lost = legs_of(firewall)
    named = [zone for zone in sorted(firewall.between, key=_is_internet) if not _is_internet(zone)]
    found = [(f"leg{number}", leg, zone.name) for number, (leg, zone) in enumerate(zip(legs, named, strict=False))]
    if len(legs) > len(named):
        found.append(("internet0", legs[-1], "internet"))
    if not found:
        inner = merge(zone.addresses for zone in firewall.within)
        return [
            ("inner0", inner, " and ".join(zone.name for zone in firewall.within)),
            ("rest0", lost - inner, "elsewhere"),
        ]
    return [*found, ("rest0", lost, "elsewhere")] if lost else found


def _is_internet(zone: Zone) -> bool:
    return zone.kind is ZoneKind.INTERNET


_NEVER_SENT: AddressSet = MULTICAST | BROADCAST
_NEVER_FORWARDED = MULTICAST | BROADCAST | UNSPECIFIED | LOOPBACK
_V6_NARROW = AddressSet(
    (), tuple((0xFF << 120 | flags << 116, (0xFF << 120 | flags << 116) + (2 << 112) - 1) for flags in range(16))
)
"""Groups of the scopes 0 and 1, which no wire carries (RFC 4291, section 2.7)."""
_ROUTERS = 0xFE80 << 112
"""The group of one link's routers (RFC 4291, section 2.6.1), of which the firewall is one."""
_V6_LINK_LOCAL = AddressSet((), LINK_LOCAL.v6)
_ORDINARY = UNICAST - LOOPBACK - LINK_LOCAL
"""Addresses of single machines, which every kernel carries from anywhere to anywhere."""
_EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140, 253, 254)
"""Next headers of IPv6 that another header follows (IANA, IPv6 Extension Header Types); ESP is the last that can be seen."""


def obstacle(packet: Packet) -> str:
    """Why Linux brings no such packet to a ruleset's hooks, or an empty text where it does.

    Sources: net/ipv4/route.c (ip_route_input_slow, martians), net/ipv6/ip6_input.c (ip6_rcv_core), ip6_output.c (ip6_forward).
    """
    family, from_host, to_host = packet.family, not packet.in_interface, not packet.out_interface
    if family == 6 and packet.protocol in _EXTENSIONS and packet.protocol != 51:
        return "no IPv6 packet ends with this header"
    if packet.protocol and _ORDINARY.has(family, packet.source) and _ORDINARY.has(family, packet.destination):
        return ""
    if _NEVER_SENT.has(family, packet.source):
        return "no packet comes from a group"
    if not from_host and family == 6 and any(LOOPBACK.has(6, end) for end in (packet.source, packet.destination)):
        return "the kernel takes ::1 from no wire"
    if _V6_NARROW.has(family, packet.destination):
        return "no wire carries a group of one machine"
    if family == 6 and _ROUTERS in (packet.source, packet.destination):
        return "the kernel takes fe80:: for the machine itself"
    if from_host and to_host:
        return ""
    if from_host or to_host:
        return _obstacle_at_host(packet, from_host)
    if _NEVER_FORWARDED.has(family, packet.destination) or UNSPECIFIED.has(family, packet.source):
        return "the kernel forwards no such address"
    if any(_V6_LINK_LOCAL.has(family, end) for end in (packet.source, packet.destination)):
        return "the kernel forwards no link-local address"
    return ""


def _obstacle_at_host(packet: Packet, from_host: bool) -> str:
    family = packet.family
    if UNSPECIFIED.has(family, packet.destination):
        return "no packet goes to no address"
    if not from_host and packet.protocol == 0:
        return "no socket hears this protocol"
    if from_host and family == 4 and packet.source == 0:
        return "the kernel puts the machine's own address there"
    if from_host:
        return "loopback addresses are never sent by a wire" if LOOPBACK.has(family, packet.destination) else ""
    is_group = _NEVER_SENT.has(family, packet.destination)
    if family == 4 and UNSPECIFIED.has(family, packet.source) and not is_group:
        return "the kernel takes no such source"
    if family == 4 and UNSPECIFIED.has(family, packet.source) and not BROADCAST.has(family, packet.destination):
        return "" if packet.destination >> 8 == 224 << 16 else "the kernel takes no such source"
    return ""
