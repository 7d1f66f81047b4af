"""Rulesets made up for measuring: deterministic, shaped like what people run, with known kinds of anomalies put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from firewright.model.interval import Ranges, canonical
from firewright.model.packet import ICMP, TCP, UDP, Family
from firewright.space.axis import PORTED_SERVICES
from firewright.space.box import EVERY_BOX, box
from firewright.space.program import Program

EVERYWHERE: Ranges = ((0, (1 << 32) - 1),)
ALL_PORTS: Ranges = ((0, 65535),)
WELL_KNOWN = (
    *(22, 25, 53, 80, 88, 110, 123, 135, 143, 161, 389, 443, 445, 465, 514, 587, 636, 993, 995, 1433, 1521, 1883),
    *(2049, 3128, 3306, 3389, 5060, 5432, 5672, 5900, 6379, 6443, 8000, 8080, 8443, 9092, 9200, 11211, 27017),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A rule in words that every contestant understands: sets of addresses and ports, protocols, states, and a decision."""

    source: Ranges = EVERYWHERE
    destination: Ranges = EVERYWHERE
    protocols: tuple[int, ...] = ()
    ports: Ranges = ALL_PORTS
    source_ports: Ranges = ALL_PORTS
    states: Ranges = ((0, 4),)
    word: str = "accept"

    @property
    def boxes(self) -> int:
        """How many products of single ranges the rule is."""
        return (
            len(self.source)
            * len(self.destination)
            * max(1, len(self.protocols))
            * len(self.ports)
            * len(self.source_ports)
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """How often what is written in a rule: weights of prefix lengths, open ports, source ports, denies."""

    source: tuple[float, ...]
    destination: tuple[float, ...]
    source_ports: float
    any_port: float
    accepts: float = 0.65


LENGTHS = (0, 8, 16, 20, 24, 28, 32)
ACCESS_LIST = Shape((0.1, 0.02, 0.12, 0.08, 0.34, 0.06, 0.28), (0.03, 0.01, 0.08, 0.06, 0.32, 0.1, 0.4), 0.03, 0.18)
FIREWALL = Shape((0.4, 0.03, 0.1, 0.05, 0.15, 0.05, 0.22), (0.28, 0.03, 0.1, 0.05, 0.19, 0.05, 0.3), 0.2, 0.22)


class _Addresses:
    """A site plan: /8s, /16s in them, and so on down to hosts, so that prefixes nest as they do in life."""

    def __init__(self, random: Random, rules: int) -> None:
        sites = max(8, rules // 60)
        self.random = random
        self.pools: dict[int, list[int]] = {0: [0]}
        self.pools[8] = [random.randrange(1, 223) << 24 for _ in range(max(2, sites // 8))]
        for length, above, count in ((16, 8, sites), (20, 16, 4 * sites), (24, 20, 8 * sites), (28, 24, 8 * sites)):
            free = length - above
            self.pools[length] = [
                random.choice(self.pools[above]) | random.randrange(1 << free) << (32 - length) for _ in range(count)
            ]
        self.pools[32] = [random.choice(self.pools[24]) | random.randrange(256) for _ in range(24 * sites)]

    def prefix(self, weights: Sequence[float]) -> tuple[int, int]:
        length = self.random.choices(LENGTHS, weights)[0]
        low = self.random.choice(self.pools[length])
        return low, low + (1 << (32 - length)) - 1


def flat(count: int, shape: Shape, seed: int = 1) -> list[Row]:
    """Rules of one prefix, one protocol, one range of ports, the specific ones mostly first; anomalies put in."""
    random = Random(seed)
    addresses = _Addresses(random, count)
    rows = [_flat_row(random, addresses, shape) for _ in range(count)]
    weight = {id(row): _breadth(row) + random.gauss(0, 3) for row in rows}
    rows.sort(key=lambda row: weight[id(row)])
    for _ in range(count // 33):
        early, late = sorted(random.sample(range(count), 2))
        rows[late] = replace(rows[early], word=random.choice(("accept", "drop")))
    for _ in range(count // 33):
        first, second, whole = sorted(random.sample(range(count), 3))
        (low, high), *_ = rows[whole].destination
        if low < high:
            middle = (low + high) // 2
            rows[first] = replace(rows[whole], destination=((low, middle),))
            rows[second] = replace(rows[whole], destination=((middle + 1, high),))
    return rows


def _flat_row(random: Random, addresses: _Addresses, shape: Shape) -> Row:
    source, destination = addresses.prefix(shape.source), addresses.prefix(shape.destination)
    if source[1] - source[0] > 1 << 24 and destination[1] - destination[0] > 1 << 24 and random.random() < 0.95:
        destination = addresses.prefix((0, 0, 0, 0, 1, 0, 0))
    protocols = random.choices(((), (TCP,), (UDP,), (ICMP,)), (0.13, 0.59, 0.21, 0.07))[0]
    has_ports = protocols in ((TCP,), (UDP,))
    states = random.choices((((0, 4),), ((0, 0),), ((0, 1),)), (0.5, 0.35, 0.15))[0]
    return Row(
        (source,),
        (destination,),
        protocols,
        (_ports(random, shape.any_port),) if has_ports else ALL_PORTS,
        _source_ports(random) if has_ports and random.random() < shape.source_ports else ALL_PORTS,
        states,
        "accept" if random.random() < shape.accepts else "drop",
    )


def _ports(random: Random, any_port: float) -> tuple[int, int]:
    kind = random.random()
    if kind < any_port:
        return 0, 65535
    if kind < any_port + 0.1:
        return 1024, 65535
    if kind < any_port + 0.2:
        low = random.randrange(1, 60000)
        return low, low + random.choice((2, 5, 10, 100, 1000, 5000))
    port = random.choice(WELL_KNOWN) if random.random() < 0.8 else random.randrange(1, 65535)
    return port, port


def _source_ports(random: Random) -> Ranges:
    if random.random() < 0.7:
        return ((1024, 65535),)
    port = random.choice(WELL_KNOWN)
    return ((port, port),)


def _breadth(row: Row) -> float:
    sizes = (row.source[0], row.destination[0], row.ports[0], row.source_ports[0], row.states[0])
    return sum((high - low + 1).bit_length() for low, high in sizes) + (8 if not row.protocols else 0)


def grouped(count: int, seed: int = 1) -> list[Row]:
    """Rules of address groups and service groups: each some dozens or hundreds of products of single ranges."""
    random = Random(seed)
    addresses = _Addresses(random, count)
    groups = [_group(random, addresses) for _ in range(max(20, count // 8))]
    services = [
        canonical((port, port) for port in random.sample(WELL_KNOWN, random.choice((1, 1, 2, 3, 5, 8))))
        for _ in range(60)
    ]
    rows = []
    for _ in range(count):
        source = EVERYWHERE if random.random() < 0.15 else random.choice(groups)
        destination = EVERYWHERE if random.random() < 0.05 and source != EVERYWHERE else random.choice(groups)
        protocols = random.choices(((TCP,), (UDP,), (TCP, UDP), (ICMP,), ()), (0.6, 0.15, 0.1, 0.07, 0.08))[0]
        has_ports = bool(protocols) and ICMP not in protocols
        rows.append(
            Row(
                source,
                destination,
                protocols,
                random.choice(services) if has_ports else ALL_PORTS,
                states=random.choices((((0, 4),), ((0, 0),), ((0, 1),)), (0.5, 0.35, 0.15))[0],
                word="accept" if random.random() < 0.7 else "drop",
            )
        )
    for _ in range(count // 25):
        early, late = sorted(random.sample(range(count), 2))
        part = rows[early].destination[: max(1, len(rows[early].destination) // 2)]
        rows[late] = replace(rows[early], destination=part, word=random.choice(("accept", "drop")))
    return rows


def _group(random: Random, addresses: _Addresses) -> Ranges:
    size = random.choice((1, 2, 4, 8, 12, 20, 30, 50))
    return canonical(addresses.prefix((0, 0, 0.03, 0.05, 0.3, 0.12, 0.5)) for _ in range(size))


def program_of(rows: Sequence[Row], family: Family = 4) -> Program:
    """The rows as a program of this project, all else dropped."""
    out = Program(family)
    for place, row in enumerate(rows):
        one = box(
            family,
            source=row.source,
            destination=row.destination,
            service=_services(row),
            source_port=None if row.source_ports == ALL_PORTS else row.source_ports,
            conntrack_state=row.states,
        )
        if one is None:
            raise ValueError(f"row {place} matches nothing")
        out.add(one, row.word, place)
    out.add(EVERY_BOX, "drop", "default")
    return out


def _services(row: Row) -> Ranges | None:
    if not row.protocols:
        return None if row.source_ports == ALL_PORTS else PORTED_SERVICES
    return canonical(
        (protocol << 16 | low, protocol << 16 | high) for protocol in row.protocols for low, high in row.ports
    )


def edited(rows: Sequence[Row], edits: int = 20, seed: int = 3) -> list[Row]:
    """The rows after a day's work: some removed, some added, some with another decision, port or group."""
    random = Random(seed)
    out = list(rows)
    for _ in range(edits):
        place = random.randrange(len(out))
        kind = random.randrange(4)
        row = out[place]
        if kind == 0:
            del out[place]
        elif kind == 1:
            out.insert(place, replace(random.choice(out), word=random.choice(("accept", "drop"))))
        elif kind == 2:
            out[place] = replace(row, word="drop" if row.word == "accept" else "accept")
        else:
            other = random.choice(out)
            out[place] = replace(row, destination=other.destination)
    return out
