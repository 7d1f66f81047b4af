"""Shapes of ruleset, each deciding the same flows: what one lookup, one rule, one jump, one counter adds to a packet.

Every shape holds `count` permissions from a network to a host and a port, ten for each host, and every packet sent hits one of
them, spread evenly. Nothing is tracked here, so that the figures are those of the rules alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from random import Random

from firewright.model.packet import UDP, Family, Packet

PER_HOST = 10
BASE = {4: int(IPv4Address("10.0.0.0")), 6: int(IPv6Address("2001:db8::"))}


@dataclass(frozen=True, slots=True)
class Permission:
    """From a network of 256 addresses to one host and port over UDP."""

    source: int
    destination: int
    port: int


@dataclass(frozen=True, slots=True)
class World:
    """Permissions of one family, and how that family's words are spelt."""

    family: Family
    permissions: tuple[Permission, ...]

    @property
    def ip(self) -> str:
        """The word for its header."""
        return "ip" if self.family == 4 else "ip6"

    @property
    def type(self) -> str:
        """The word for its addresses."""
        return "ipv4_addr" if self.family == 4 else "ipv6_addr"

    def host(self, number: int) -> str:
        """An address in words."""
        return str(IPv4Address(number) if self.family == 4 else IPv6Address(number))

    def net(self, number: int, free: int = 8) -> str:
        """A prefix in words, of so many free bits."""
        return f"{self.host(number >> free << free)}/{(32 if self.family == 4 else 128) - free}"

    def hosts(self) -> Iterator[tuple[int, int, tuple[Permission, ...]]]:
        """Each destination with its number and its permissions."""
        for place in range(0, len(self.permissions), PER_HOST):
            yield place // PER_HOST, self.permissions[place].destination, self.permissions[place : place + PER_HOST]


def world(family: Family, count: int) -> World:
    """Hosts of which every sixteenth address of a network is one, sources elsewhere."""
    random, base = Random(count), BASE[family]
    found = []
    for host in range(count // PER_HOST):
        nets = random.sample(range(4096), PER_HOST)
        found += [
            Permission(base + (1 << 23) + (net << 8), base + host * 16 + 5, random.randrange(1024, 60_000))
            for net in nets
        ]
    return World(family, tuple(found))


def traffic(one: World, count: int) -> list[Packet]:
    """Packets spread over all permissions, from anywhere in their networks."""
    random = Random(7)
    chosen = [random.choice(one.permissions) for _ in range(count)]
    return [
        Packet(one.family, p.source + random.randrange(256), p.destination, UDP, p.port, random.randrange(1024, 65_536))
        for p in chosen
    ]


def table(rules: str, before: str = "", family: str = "inet", policy: str = "drop") -> str:
    """A table with one forward chain."""
    hook = f"type filter hook forward priority filter; policy {policy};"
    return f"table {family} bench {{\n{before}\nchain forward {{\n{hook}\n{rules}\n}}\n}}\n"


def linear(one: World) -> str:
    """One rule a permission."""
    return table("\n".join(_rule(one, p) for p in one.permissions))


def _rule(one: World, p: Permission, extra: str = "") -> str:
    return (
        f"{one.ip} saddr {one.net(p.source)} {one.ip} daddr {one.host(p.destination)} udp dport {p.port} {extra}accept"
    )


def _leaf(one: World, p: Permission, extra: str = "") -> str:
    return f"{one.ip} saddr {one.net(p.source)} udp dport {p.port} {extra}accept"


def _leaves(one: World, rules: Callable[[tuple[Permission, ...]], list[str]]) -> str:
    return "\n".join(f"chain to_{n} {{\n" + "\n".join(rules(group)) + "\ndrop\n}" for n, _, group in one.hosts())


def _map(name: str, kind: str, elements: list[str], flags: str = "") -> str:
    return f"map {name} {{ type {kind} : verdict; {flags} elements = {{ {', '.join(elements)} }}; }}\n"


def hash_to_leaves(one: World) -> str:
    """Hash verdict map on the destination, then ten linear rules."""
    elements = [f"{one.host(address)} : goto to_{n}" for n, address, _ in one.hosts()]
    before = _leaves(one, lambda group: [_leaf(one, p) for p in group]) + "\n" + _map("to", one.type, elements)
    return table(f"{one.ip} daddr vmap @to", before)


def hash_to_leaves_counted(one: World) -> str:
    """The same with a counter and a comment in each rule."""
    elements = [f"{one.host(address)} : goto to_{n}" for n, address, _ in one.hosts()]
    before = _leaves(one, lambda group: [_leaf(one, p, "counter ") + ' comment "x"' for p in group])
    return table(f"{one.ip} daddr vmap @to", before + "\n" + _map("to", one.type, elements))


def hash_in_own_family(one: World) -> str:
    """The same in a table of one family, without the check of the family."""
    return hash_to_leaves(one).replace("table inet", f"table {one.ip}")


def family_chain_first(one: World) -> str:
    """The same behind `meta nfproto vmap`."""
    word = "ipv4" if one.family == 4 else "ipv6"
    return (
        hash_to_leaves(one)
        .replace(f"{one.ip} daddr vmap @to", f"meta nfproto vmap {{ {word} : goto own }}")
        .replace("chain forward {", f"chain own {{\n{one.ip} daddr vmap @to\ndrop\n}}\nchain forward {{")
    )


def interval_to_leaves(one: World) -> str:
    """Interval verdict map on the destination's network of sixteen, then ten linear rules."""
    elements = [f"{one.net(address, 4)} : goto to_{n}" for n, address, _ in one.hosts()]
    before = _leaves(one, lambda group: [_leaf(one, p) for p in group])
    return table(f"{one.ip} daddr vmap @to", before + "\n" + _map("to", one.type, elements, "flags interval;"))


def masked_to_leaves(one: World) -> str:
    """Hash verdict map on the destination with its last four bits cut off, then ten linear rules."""
    mask = one.host(((1 << (32 if one.family == 4 else 128)) - 1) >> 4 << 4)
    elements = [f"{one.host(address >> 4 << 4)} : goto to_{n}" for n, address, _ in one.hosts()]
    before = _leaves(one, lambda group: [_leaf(one, p) for p in group])
    return table(f"{one.ip} daddr & {mask} vmap @to", before + "\n" + _map("to", one.type, elements))


def leaves_as_interval_sets(one: World) -> str:
    """Hash verdict map on the destination, then one interval map on the source, then the port by one rule."""

    def rules(group: tuple[Permission, ...]) -> list[str]:
        inner = ", ".join(f"{one.net(p.source)} : goto port_{p.port}" for p in group)
        return [f"{one.ip} saddr vmap {{ {inner} }}"]

    ports = {p.port for p in one.permissions}
    small = "\n".join(f"chain port_{port} {{\nudp dport {port} accept\ndrop\n}}" for port in sorted(ports))
    elements = [f"{one.host(address)} : goto to_{n}" for n, address, _ in one.hosts()]
    return table(f"{one.ip} daddr vmap @to", small + "\n" + _leaves(one, rules) + "\n" + _map("to", one.type, elements))


def leaves_as_port_maps(one: World) -> str:
    """Hash verdict map on the destination, then a hash map on protocol and port, then the source by one rule."""

    def rules(group: tuple[Permission, ...]) -> list[str]:
        inner = ", ".join(
            f"udp . {p.port} : goto net_{p.source >> 8 & 4095}" for p in {p.port: p for p in group}.values()
        )
        return [f"meta l4proto . th dport vmap {{ {inner} }}"]

    nets = {p.source for p in one.permissions}
    small = "\n".join(
        f"chain net_{net >> 8 & 4095} {{\n{one.ip} saddr {one.net(net)} accept\ndrop\n}}" for net in sorted(nets)
    )
    elements = [f"{one.host(address)} : goto to_{n}" for n, address, _ in one.hosts()]
    return table(f"{one.ip} daddr vmap @to", small + "\n" + _leaves(one, rules) + "\n" + _map("to", one.type, elements))


def leaves_as_concatenation(one: World) -> str:
    """Hash verdict map on the destination, then one concatenated interval set of source, protocol and port."""

    def rules(group: tuple[Permission, ...]) -> list[str]:
        inner = ", ".join(f"{one.net(p.source)} . udp . {p.port}" for p in group)
        return [f"{one.ip} saddr . meta l4proto . th dport {{ {inner} }} accept"]

    elements = [f"{one.host(address)} : goto to_{n}" for n, address, _ in one.hosts()]
    return table(f"{one.ip} daddr vmap @to", _leaves(one, rules) + "\n" + _map("to", one.type, elements))


def exact_concatenation(one: World) -> str:
    """One hash set of destination, protocol and port, sources left out: what points alone would cost."""
    keys = sorted({f"{one.host(p.destination)} . udp . {p.port}" for p in one.permissions})
    kind = f"{one.type} . inet_proto . inet_service"
    before = f"set allowed {{ type {kind}; elements = {{ {', '.join(keys)} }}; }}\n"
    return table(f"{one.ip} daddr . meta l4proto . th dport @allowed accept", before)


def masked_concatenation(one: World) -> str:
    """One hash set of the source's network, destination, protocol and port."""
    mask = one.host(((1 << (32 if one.family == 4 else 128)) - 1) >> 8 << 8)
    keys = [f"{one.host(p.source)} . {one.host(p.destination)} . udp . {p.port}" for p in one.permissions]
    kind = f"{one.type} . {one.type} . inet_proto . inet_service"
    before = f"set allowed {{ type {kind}; elements = {{ {', '.join(keys)} }}; }}\n"
    return table(f"{one.ip} saddr & {mask} . {one.ip} daddr . meta l4proto . th dport @allowed accept", before)


def interval_concatenation(one: World) -> str:
    """One concatenated interval set of source, destination, protocol and port."""
    keys = [f"{one.net(p.source)} . {one.host(p.destination)} . udp . {p.port}" for p in one.permissions]
    kind = f"{one.type} . {one.type} . inet_proto . inet_service"
    before = f"set allowed {{ type {kind}; flags interval; elements = {{ {', '.join(keys)} }}; }}\n"
    return table(f"{one.ip} saddr . {one.ip} daddr . meta l4proto . th dport @allowed accept", before)


def masked_verdicts(one: World, misses: int = 0) -> str:
    """One hash verdict map of the source's network, destination, protocol and port, to a counting chain for each ten.

    Before it so many maps of the same size with other masks, which hold other elements.
    """
    most = (1 << (32 if one.family == 4 else 128)) - 1
    kind = f"{one.type} . {one.type} . inet_proto . inet_service"
    before, rules = "", []
    for number in range(misses + 1):
        free = 8 + number
        last = number == misses
        move = 0 if last else 1 << 22 << number
        mask, place = one.host(most >> 8 << 8 if last else most >> free << free), f"@by_mask_{number}"
        keys = {
            f"{one.host(p.source + move)} . {one.host(p.destination)} . udp . {p.port}": f"goto rule_{n}"
            for n, _, group in one.hosts()
            for p in group
        }
        before += _map(place[1:], kind, [f"{key} : {verdict}" for key, verdict in keys.items()])
        rules.append(f"{one.ip} saddr & {mask} . {one.ip} daddr . meta l4proto . th dport vmap {place}")
    chains = "\n".join(f'chain rule_{n} {{\ncounter accept comment "rule {n}"\n}}' for n, _, _ in one.hosts())
    return table("\n".join(rules), chains + "\n" + before)


def masked_verdicts_after_one(one: World) -> str:
    """The same after one such map without a hit."""
    return masked_verdicts(one, 1)


def masked_verdicts_after_three(one: World) -> str:
    """The same after three such maps without a hit."""
    return masked_verdicts(one, 3)


def masked_verdicts_after_seven(one: World) -> str:
    """The same after seven such maps without a hit."""
    return masked_verdicts(one, 7)


DISPATCH: tuple[Callable[[World], str], ...] = (
    hash_to_leaves,
    hash_to_leaves_counted,
    hash_in_own_family,
    family_chain_first,
    interval_to_leaves,
    masked_to_leaves,
    leaves_as_interval_sets,
    leaves_as_port_maps,
    leaves_as_concatenation,
    exact_concatenation,
    masked_concatenation,
    masked_verdicts,
    masked_verdicts_after_one,
    masked_verdicts_after_three,
    masked_verdicts_after_seven,
    interval_concatenation,
)
"""Every shape, the linear one aside, which is measured with few permissions only."""
SLOW_TO_LOAD = (leaves_as_interval_sets, leaves_as_port_maps, leaves_as_concatenation, masked_verdicts_after_seven)
"""Shapes with thousands of sets without a name, or of a million elements: many seconds to load 100,000 permissions."""
