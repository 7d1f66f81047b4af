"""Hand-written nftables: linear rules, the same through `nft -o`, and concatenated interval sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network

from benchmarks.compile.clauses import Clause, clauses, is_internet, prefixes
from benchmarks.compile.contestant import NFT, Step
from benchmarks.dataplane.traffic import DAY
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Policy, Zone

IP = {4: "ip", 6: "ip6"}
TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}
STATES = """\t\tct state established,related accept
\t\tct state invalid drop
\t\ttcp flags & (fin | syn | rst | ack) != syn drop
"""


def linear(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """One rule for each clause, in a chain for each family, with named sets for groups and for the internet."""
    return (Step(NFT, linear_text(policy)),)


def optimised(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """The same text through nft's own optimiser."""
    return (Step(("nft", "-o", "-f", "-"), linear_text(policy)),)


def linear_text(policy: Policy) -> str:
    """The ruleset of `linear`."""
    all_clauses = clauses(policy, DAY)
    sets = {
        f"{zone.name}_v{family}": _set(zone, family)
        for one in all_clauses
        for zone in (one.source, one.destination)
        for family in FAMILIES
        if len(prefixes(zone)[family]) > 1
    }
    chains = []
    for family in FAMILIES:
        lines = [_rule(one, family) for one in all_clauses if family in one.families]
        chains.append(f"\tchain rules_v{family} {{\n{''.join(lines)}\t}}\n")
    families = "\t\tmeta nfproto vmap { ipv4 : jump rules_v4, ipv6 : jump rules_v6 }\n"
    return _table("".join([*sets.values(), *chains]), families)


def _set(zone: Zone, family: Family) -> str:
    elements = ", ".join(prefixes(zone)[family])
    return f"\tset {zone.name}_v{family} {{ type {TYPE[family]}; flags interval; elements = {{ {elements} }}; }}\n"


def _rule(one: Clause, family: Family) -> str:
    """One rule, single values before sets, since most packets are told apart by the first match."""
    service = f"{one.protocol} dport {port_words(one.ports)}"
    matches = [(len(one.ports) > 1, service)]
    for word, zone in (("daddr", one.destination), ("saddr", one.source)):
        found = prefixes(zone)[family]
        if not found:
            return ""
        end = found[0] if len(found) == 1 else f"@{zone.name}_v{family}"
        matches.append((len(found) > 1, f"{IP[family]} {word} {end}"))
    words = " ".join(words for _, words in sorted(matches, key=lambda one: one[0]))
    return f'\t\t{words} counter {one.verdict} comment "{one.label}"\n'


def port_words(ports: Ranges) -> str:
    """Ports as nft's one value or set."""
    words = [str(low) if low == high else f"{low}-{high}" for low, high in ports]
    return words[0] if len(words) == 1 else f"{{ {', '.join(words)} }}"


def _table(sets: str, rules: str) -> str:
    hook = "\t\ttype filter hook forward priority filter; policy drop;\n"
    return f"table inet contest {{\n{sets}\tchain forward {{\n{hook}{STATES}{rules}\t\tcounter drop\n\t}}\n}}\n"


def concatenated(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """As few concatenated interval sets as the kernel takes, for each verdict and family; the internet by a set of its own.

    Elements go narrow before broad; one whose first or last value lies in an element that is there already is refused by
    the kernel (EEXIST), so it goes into a further set.
    """
    found = clauses(policy, DAY)
    sets: list[str] = []
    rules = []
    internet = next((one.source for one in found if is_internet(one.source)), None)
    if internet is not None:
        sets += [_set(internet, family) for family in FAMILIES]
    for verdict in ("drop", "accept"):
        for is_outside in (False, True):
            chosen = [one for one in found if one.verdict == verdict and is_internet(one.source) is is_outside]
            for family in FAMILIES:
                rules += _layered(chosen, family, f"{verdict}_{'internet' if is_outside else 'inside'}_v{family}", sets)
    return (Step(NFT, _table("".join(sets), "".join(rules))),)


def _layered(chosen: Sequence[Clause], family: Family, name: str, sets: list[str]) -> list[str]:
    rules = []
    is_outside = bool(chosen) and is_internet(chosen[0].source)
    for place, elements in enumerate(_layers(chosen, family, is_outside)):
        key, kind = f"{IP[family]} daddr . meta l4proto . th dport", f"{TYPE[family]} . inet_proto . inet_service"
        words = [f"{one.destination} . {one.protocol} . {one.port_words}" for one in elements]
        before = f"{IP[family]} saddr @internet_v{family} "
        if not is_outside:
            key, kind, before = f"{IP[family]} saddr . {key}", f"{TYPE[family]} . {kind}", ""
            words = [f"{one.source} . {word}" for one, word in zip(elements, words, strict=True)]
        sets.append(f"\tset {name}_{place} {{ type {kind}; flags interval; elements = {{ {', '.join(words)} }}; }}\n")
        rules.append(f"\t\t{before}{key} @{name}_{place} counter {chosen[0].verdict}\n")
    return rules


@dataclass(frozen=True, slots=True)
class _Element:
    source: str
    destination: str
    protocol: str
    low: int
    high: int

    @property
    def port_words(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def _layers(chosen: Iterable[Clause], family: Family, is_outside: bool) -> list[list[_Element]]:
    """The elements, each in the first set that the kernel lets it into."""
    found = dict.fromkeys(
        _Element(
            ("0.0.0.0/0" if family == 4 else "::/0") if is_outside else source, destination, one.protocol, low, high
        )
        for one in chosen
        if family in one.families
        for source in (("",) if is_outside else prefixes(one.source)[family])
        for destination in prefixes(one.destination)[family]
        for low, high in one.ports
    )
    layers: list[_Layer] = []
    for one in sorted(found, key=lambda one: _free(one, family)):
        if not any(layer.took(one) for layer in layers):
            layers.append(_Layer(family))
            layers[-1].took(one)
    return [layer.elements for layer in layers]


def _free(one: _Element, family: Family) -> int:
    bits = 32 if family == 4 else 128
    return 2 * bits - _span(one.source)[2] - _span(one.destination)[2] + (one.high - one.low + 1).bit_length()


@cache
def _span(prefix: str) -> tuple[int, int, int]:
    """First address, last address, length."""
    network = ip_network(prefix)
    return int(network.network_address), int(network.broadcast_address), network.prefixlen


class _Layer:
    """One set, and what the kernel would say of one more element."""

    def __init__(self, family: Family) -> None:
        self.bits, self.elements = (32 if family == 4 else 128), list[_Element]()
        self._ports: dict[tuple[int, int, int, int, str], list[tuple[int, int]]] = {}
        self._lengths: dict[tuple[int, int], None] = {}

    def took(self, one: _Element) -> bool:
        """Take it, unless one of its corners is in an element that is here."""
        source, destination = _span(one.source), _span(one.destination)
        corners = ((source[0], destination[0], one.low), (source[1], destination[1], one.high))
        if any(self._holds(*corner, one.protocol) for corner in corners):
            return False
        self._lengths[source[2], destination[2]] = None
        self._ports.setdefault((*source[::2], *destination[::2], one.protocol), []).append((one.low, one.high))
        self.elements.append(one)
        return True

    def _holds(self, source: int, destination: int, port: int, protocol: str) -> bool:
        for a, b in self._lengths:
            key = (self._cut(source, a), a, self._cut(destination, b), b, protocol)
            if any(low <= port <= high for low, high in self._ports.get(key, ())):
                return True
        return False

    def _cut(self, address: int, length: int) -> int:
        return address >> (self.bits - length) << (self.bits - length)
