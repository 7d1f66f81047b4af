"""Exact shares of services as a reader of a published page wants them: names with ports, in bands and categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from firewright.analysis.status import Direction, Share, Stand, Standing
from firewright.catalog.services import catalog
from firewright.diagnostic import harmless
from firewright.model.interval import Range, Ranges, difference, intersection, is_within, size, union
from firewright.model.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE, Family
from firewright.model.policy import Policy
from firewright.model.protocol import PING_FAMILY, SPOKEN_PROTOCOLS
from firewright.model.service_words import words
from firewright.model.transport import EVERY_SELECTOR

CATEGORIES = ("All", "TCP", "UDP", "VPN", "ICMP", "Other")
"""The rows within a band, in their order."""
REST = "all other "
"""How an item begins that stands for what no other band of its category lists."""

_VPN_PORTS = {UDP: ((500, 500), (1194, 1194), (1701, 1701), (4500, 4500), (51820, 51820)), TCP: ((1194, 1194), (1723, 1723))}
_VPN_PROTOCOLS = (47, 50, 51, 115)
_PROTOCOL_NAMES = {SCTP: "SCTP", DCCP: "DCCP", UDPLITE: "UDP-Lite"}
_NAMED_SIZE = 64
"""Ports of the widest service of the catalog whose name a port gets without the policy having named it."""
_SINGLY = 16
"""Neighbouring ports up to this many are looked up one by one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list: a name or nothing, its ports or what it stands for, and what is special about it."""

    name: str
    ports: str
    marks: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = " ".join(part for part in (self.name, self.ports) if part)
        return f"{text} ({', '.join(self.marks)})" if self.marks else text


@dataclass(frozen=True, slots=True)
class Row:
    """The items of one category in one band."""

    category: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    """A direction in words: for each standing its rows, those without items left out."""

    direction: Direction
    bands: tuple[tuple[Standing, tuple[Row, ...]], ...]

    def rows(self, standing: Standing) -> tuple[Row, ...]:
        """The rows of one band."""
        return dict(self.bands).get(standing, ())


@dataclass(frozen=True, slots=True)
class _Cell:
    """Selectors of one unit (a protocol, or all other protocols by number) that fare alike, in all families or in one."""

    stands: tuple[Stand, ...]
    families: tuple[Family, ...]
    ranges: Ranges


def roster(direction: Direction, policy: Policy) -> Roster:
    """The direction in words. Exact: what a row calls *all other* is all that no other band lists in its category."""
    bands: dict[Standing, dict[str, list[Item]]] = {standing: {} for standing in Standing}
    for stands, families, category, item in _entries(direction, policy):
        for stand in stands:
            marked = Item(item.name, item.ports, (*item.marks, *_marks(stand, stands, families, direction)))
            bands[stand.standing].setdefault(category, []).append(marked)
    return Roster(
        direction,
        tuple(
            (standing, tuple(Row(name, tuple(rows[name])) for name in CATEGORIES if name in rows))
            for standing, rows in bands.items()
            if rows
        ),
    )


def _marks(stand: Stand, stands: tuple[Stand, ...], families: tuple[Family, ...], direction: Direction) -> Iterator[str]:
    if stand.is_required:
        yield "required"
    if stand.is_answered:
        yield "answered"
    if families != direction.families:
        yield f"IPv{families[0]} only"
    if len(stands) > 1:
        yield "in part"


_Entry = tuple[tuple[Stand, ...], tuple[Family, ...], str, Item]


def _entries(direction: Direction, policy: Policy) -> Iterator[_Entry]:
    """Every item with its category and its stands."""
    alike = {share.stands for share in direction.shares}
    if len(alike) == 1:
        yield alike.pop(), direction.families, "All", Item("", "every port of every protocol")
        return
    preferred = _named_in(policy)
    for protocol, category in ((TCP, "TCP"), (UDP, "UDP")):
        yield from _port_entries(_cells(direction, protocol), protocol, category, preferred)
    yield from _icmp_entries(direction)
    yield from _other_entries(direction, preferred)


def _named_in(policy: Policy) -> tuple[str, ...]:
    """The catalog's names that the policy uses, each once, in the order of the rules."""
    rules = (rule for one in reversed(list(policy.authorities())) for rule in one.rules)
    return tuple(dict.fromkeys(name for rule in rules for term in rule.terms for name in term.names))


def _selectors(share: Share, protocol: int) -> Ranges:
    base = protocol << 16
    here = intersection(share.services, ((base, base | 0xFFFF),))
    return tuple((low - base, high - base) for low, high in here)


def _cells(direction: Direction, protocol: int) -> list[_Cell]:
    """One protocol's selectors by how they fare, both families together where they agree."""
    by_stands: dict[tuple[Stand, ...], dict[Family, Ranges]] = {}
    for share in direction.shares:
        ranges = _selectors(share, protocol)
        if ranges:
            by_stands.setdefault(share.stands, {})[share.family] = ranges
    return list(_merged(by_stands, direction.families))


def _merged(by_stands: dict[tuple[Stand, ...], dict[Family, Ranges]], families: tuple[Family, ...]) -> Iterator[_Cell]:
    for stands, found in by_stands.items():
        shared = found.get(families[0], ())
        for family in families[1:]:
            shared = intersection(shared, found.get(family, ()))
        if shared:
            yield _Cell(stands, families, shared)
        for family in families:
            own = difference(found.get(family, ()), shared)
            if own:
                yield _Cell(stands, (family,), own)


def _rest_of(cells: list[_Cell], whole: int) -> _Cell | None:
    """The cell that is told as *all other*: the one that holds most, if that is more than half and both families'."""
    largest = max(cells, key=lambda cell: (len(cell.families), size(cell.ranges)), default=None)
    return largest if largest is not None and size(largest.ranges) * 2 > whole else None


def _port_entries(cells: list[_Cell], protocol: int, category: str, preferred: tuple[str, ...]) -> Iterator[_Entry]:
    rest = _rest_of(cells, 65536)
    vpn = _VPN_PORTS.get(protocol, ())
    for cell in cells:
        if cell is rest:
            word = "all ports" if cell.ranges == EVERY_SELECTOR else f"{REST}ports"
            yield cell.stands, cell.families, category, Item("", word)
            continue
        for item in _port_items(difference(cell.ranges, vpn), protocol, preferred):
            yield cell.stands, cell.families, category, item
        for item in _port_items(intersection(cell.ranges, vpn), protocol, preferred):
            yield cell.stands, cell.families, "VPN", Item(item.name, f"{category} {item.ports}")


def _port_items(ranges: Ranges, protocol: int, preferred: tuple[str, ...]) -> list[Item]:
    """The ports under the names of services, by their lowest port; what has no name only by number."""
    named: dict[str, Ranges] = {}
    left = ranges
    for name in preferred:
        row = catalog().service(name)
        ports = _row_ports(row.services(4), protocol) if row is not None else ()
        if row is not None and ports and is_within(ports, ranges) and intersection(ports, left):
            label = _label(row.title)
            named[label] = union(named.get(label, ()), intersection(ports, left))
            left = difference(left, ports)
    for low, high in left:
        for port in range(low, high + 1) if high - low < _SINGLY else ():
            label = _common_name(protocol, port)
            if label:
                named[label] = union(named.get(label, ()), ((port, port),))
                left = difference(left, ((port, port),))
    found = [(ports[0][0], Item(label, _spans(ports))) for label, ports in _gathered(named).items()]
    found += ((low, Item("", _spans(((low, high),)))) for low, high in left)
    return [item for _, item in sorted(found, key=lambda pair: (pair[0], pair[1].ports))]


def _row_ports(services: Ranges, protocol: int) -> Ranges:
    base = protocol << 16
    return tuple((low - base, high - base) for low, high in intersection(services, ((base, base | 0xFFFF),)))


def _common_name(protocol: int, port: int) -> str:
    """What commonly has a port, by the catalog; empty where nothing that is narrow enough does."""
    rows = catalog().by_port(protocol, port)
    if rows and size(_row_ports(rows[0].services(4), protocol)) <= _NAMED_SIZE:
        return _label(rows[0].title)
    return ""


def _label(title: str) -> str:
    return harmless(title.partition(",")[0].strip(), 60)


def _gathered(named: dict[str, Ranges]) -> dict[str, Ranges]:
    """The same ports, names that only go on from another one put under it: *HTTP on the alternate port* under *HTTP*."""
    found: dict[str, Ranges] = {}
    for label in sorted(named, key=len):
        head = next((other for other in found if label.startswith(f"{other} on ")), label)
        found[head] = union(found.get(head, ()), named[label])
    return found


def _spans(ranges: Iterable[Range]) -> str:
    return ", ".join(
        str(low) if low == high else f"{low}, {high}" if high == low + 1 else f"{low}–{high}" for low, high in ranges
    )


def _icmp_entries(direction: Direction) -> Iterator[_Entry]:
    """Each family's own ICMP, told together where both have the same."""
    by_stands: dict[tuple[Stand, ...], dict[Family, Ranges]] = {}
    for share in direction.shares:
        ranges = _selectors(share, PING_FAMILY[share.family])
        if ranges:
            by_stands.setdefault(share.stands, {})[share.family] = ranges
    most = max((sum(map(size, found.values())) for found in by_stands.values()), default=0)
    for stands, found in by_stands.items():
        total = sum(map(size, found.values()))
        if len(by_stands) == 1:
            yield stands, direction.families, "ICMP", Item("", "all ICMP")
        elif total == most and total > 32768 * len(direction.families):
            yield stands, direction.families, "ICMP", Item("", f"{REST}ICMP")
        else:
            services = union(*(_own_icmp(family, ranges) for family, ranges in found.items()))
            only = direction.families[0] if len(direction.families) == 1 else None
            for word in words(services, only).split(", "):
                yield stands, direction.families, "ICMP", Item("", word.replace("icmp/", "").replace("-", " "))


def _own_icmp(family: Family, ranges: Ranges) -> Ranges:
    base = PING_FAMILY[family] << 16
    return tuple((base | low, base | high) for low, high in ranges)


def _other_entries(direction: Direction, preferred: tuple[str, ...]) -> Iterator[_Entry]:
    """Protocols that are neither TCP nor UDP nor the family's own ICMP."""
    numbers = [number for number in range(256) if number not in (TCP, UDP, ICMP, ICMPV6)]
    whole: dict[tuple[tuple[Stand, ...], tuple[Family, ...]], list[int]] = {}
    for number in numbers:
        cells = _cells(direction, number)
        if len(cells) == 1 and cells[0].ranges == EVERY_SELECTOR:
            whole.setdefault((cells[0].stands, cells[0].families), []).append(number)
        else:
            yield from _split_protocol(cells, number, preferred)
    foreign = _foreign_icmp(direction)
    rest = max(whole, key=lambda key: len(whole[key]), default=None)
    is_all = rest is not None and len(whole[rest]) == len(numbers) and set(foreign) <= {rest[0]}
    for key, held in whole.items():
        stands, families = key
        if key == rest and len(held) > 128:
            yield stands, families, "Other", Item("", "all other protocols" if not is_all else "all protocols")
        else:
            for number in held:
                yield stands, families, "VPN" if number in _VPN_PROTOCOLS else "Other", _protocol_item(number)
    for stands, apart in foreign.items():
        if rest is None or stands != rest[0]:
            yield stands, tuple(apart), "Other", Item("the other family's ICMP", "")


def _split_protocol(cells: list[_Cell], number: int, preferred: tuple[str, ...]) -> Iterator[_Entry]:
    """A protocol whose ports or families fare differently."""
    name = _PROTOCOL_NAMES.get(number, "")
    rest = _rest_of(cells, 65536) if name else None
    for cell in cells:
        if not name:
            yield cell.stands, cell.families, "VPN" if number in _VPN_PROTOCOLS else "Other", _protocol_item(number)
        elif cell.ranges == EVERY_SELECTOR or cell is rest:
            word = "all ports" if cell.ranges == EVERY_SELECTOR else f"{REST}ports"
            yield cell.stands, cell.families, "Other", Item(name, word)
        else:
            for item in _port_items(cell.ranges, number, preferred):
                yield cell.stands, cell.families, "Other", Item(item.name, f"{name} {item.ports}")


def _protocol_item(number: int) -> Item:
    name = _PROTOCOL_NAMES.get(number) or SPOKEN_PROTOCOLS.get(number, "").upper()
    return Item(name, f"protocol {number}")


def _foreign_icmp(direction: Direction) -> dict[tuple[Stand, ...], list[Family]]:
    """How the number of the other family's ICMP fares, which is a mere number in this one."""
    found: dict[tuple[Stand, ...], list[Family]] = {}
    for share in direction.shares:
        if _selectors(share, ICMPV6 if share.family == 4 else ICMP):
            found.setdefault(share.stands, []).append(share.family)
    return found


def count_open(direction: Direction) -> int:
    """How many ports, ICMP types and codes taken as one, and protocols are permitted, in the family that has most."""
    return max((_count(direction.services(family, Standing.PERMITTED)) for family in direction.families), default=0)


def _count(services: Ranges) -> int:
    ported = ((TCP << 16, TCP << 16 | 0xFFFF), (UDP << 16, UDP << 16 | 0xFFFF))
    protocols = {number for low, high in difference(services, ported) for number in range(low >> 16, (high >> 16) + 1)}
    return size(intersection(services, ported)) + len(protocols)
