"""Exact shares of services as a reader of a published page wants them: names with ports, in bands and categories."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from firewright.analysis.status import Direction, Share, Stand, Standing
from firewright.drawing.naming import Item, named_in, port_items, short_runs
from firewright.model.interval import Ranges, canonical, difference, intersection, size, union
from firewright.model.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE, Family
from firewright.model.policy import Policy
from firewright.model.protocol import PING_FAMILY, SPOKEN_PROTOCOLS
from firewright.model.service_words import words
from firewright.model.transport import EVERY_SELECTOR, EVERY_SERVICE

CATEGORIES = ("All", "TCP", "UDP", "VPN", "ICMP", "Other")
"""The rows within a band, in their order."""
REST = "all other "
"""How an item begins that stands for what no other band of its category lists."""

_VPN_PORTS = {
    UDP: ((500, 500), (1194, 1194), (1701, 1701), (4500, 4500), (51820, 51820)),
    TCP: ((1194, 1194), (1723, 1723)),
}
_VPN_PROTOCOLS = (47, 50, 51, 115)
_PROTOCOL_NAMES = {SCTP: "SCTP", DCCP: "DCCP", UDPLITE: "UDP-Lite"}


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
        for stand in told(stands):
            marked = Item(item.name, item.ports, (*item.marks, *_marks(stand, stands, families, direction)))
            bands[stand.standing].setdefault(category, []).append(marked)
    return Roster(
        direction,
        tuple(
            (standing, tuple(Row(name, tuple(sorted(rows[name], key=_place))) for name in CATEGORIES if name in rows))
            for standing, rows in bands.items()
            if rows
        ),
    )


def _place(item: Item) -> tuple[bool, bool, int, str]:
    """Where an item stands in its row: protocols by number, then ports by number, then what is only words."""
    found = re.search(r"\d+", item.ports)
    is_sentence = not item.is_numbered
    return is_sentence, not item.ports.startswith("protocol"), int(found[0]) if found else 0, str(item)


def told(stands: tuple[Stand, ...]) -> tuple[Stand, ...]:
    """The stands of a service that are told: closed by default goes without saying where some of its flows are not."""
    spoken = tuple(stand for stand in stands if stand.standing is not Standing.CLOSED)
    return spoken or stands


def _marks(
    stand: Stand, stands: tuple[Stand, ...], families: tuple[Family, ...], direction: Direction
) -> Iterator[str]:
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
    preferred = named_in(policy)
    for protocol, category in ((TCP, "TCP"), (UDP, "UDP")):
        yield from _port_entries(direction, protocol, category, preferred)
    yield from _icmp_entries(direction)
    yield from _other_entries(direction, preferred)


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


def _rests(cells: list[_Cell], families: tuple[Family, ...], whole: int) -> list[_Cell]:
    """The cells that are told as *all other*: in each family the one that holds most, if that is more than half."""
    found = []
    for family in families:
        mine = [cell for cell in cells if family in cell.families]
        largest = max(mine, key=lambda cell: (size(cell.ranges), len(cell.families)), default=None)
        if largest is not None and size(largest.ranges) * 2 > whole and largest not in found:
            found.append(largest)
    return found


def _port_entries(direction: Direction, protocol: int, category: str, preferred: tuple[str, ...]) -> Iterator[_Entry]:
    cells, families = _cells(direction, protocol), direction.families
    rests = _rests(cells, families, 65536)
    for cell in cells:
        if cell in rests:
            word = "all ports" if cell.ranges == EVERY_SELECTOR else f"{REST}ports"
            yield cell.stands, cell.families, category, Item("", word)
            continue
        vpn = intersection(short_runs(cell.ranges), _VPN_PORTS.get(protocol, ()))
        for item in port_items(difference(cell.ranges, vpn), protocol, preferred):
            yield cell.stands, cell.families, category, item
        for item in port_items(vpn, protocol, preferred):
            yield cell.stands, cell.families, "VPN", Item(item.name, f"{category} {item.ports}")


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
                yield stands, direction.families, "ICMP", Item("", _icmp_word(word))


def _own_icmp(family: Family, ranges: Ranges) -> Ranges:
    base = PING_FAMILY[family] << 16
    return tuple((base | low, base | high) for low, high in ranges)


def _icmp_word(word: str) -> str:
    """`icmp/echo-request` as *echo request*, `icmpv4` as *all ICMPv4*, `icmpv6/1/4` as *ICMPv6 1/4*."""
    head, slash, rest = word.partition("/")
    shown = head.upper().replace("V", "v")
    return (
        f"all {shown}"
        if not slash
        else rest.replace("-", " ")
        if head == "icmp"
        else f"{shown} {rest.replace('-', ' ')}"
    )


def _other_entries(direction: Direction, preferred: tuple[str, ...]) -> Iterator[_Entry]:
    """Protocols that are neither TCP nor UDP nor the family's own ICMP."""
    split = [
        number for number in _PROTOCOL_NAMES if any(cell.ranges != EVERY_SELECTOR for cell in _cells(direction, number))
    ]
    for number in split:
        yield from _split_protocol(direction, number, preferred)
    by_stands: dict[tuple[Stand, ...], dict[Family, Ranges]] = {}
    for share in direction.shares:
        numbers = canonical((number, number) for number in _other_protocols(share) if number not in split)
        if numbers:
            by_stands.setdefault(share.stands, {})[share.family] = numbers
    cells = list(_merged(by_stands, direction.families))
    rests = _rests(cells, direction.families, 256)
    for cell in cells:
        if cell in rests:
            is_all = not split and len(cells) == len(rests)
            yield cell.stands, cell.families, "Other", Item("", "all protocols" if is_all else f"{REST}protocols")
        else:
            for number in (number for low, high in cell.ranges for number in range(low, high + 1)):
                category = "VPN" if number in _VPN_PROTOCOLS else "Other"
                yield cell.stands, cell.families, category, _protocol_item(number)


def _other_protocols(share: Share) -> Iterator[int]:
    """The numbers of a share's protocols; that of the other family's ICMP, a mere number here, counts as `ICMP`."""
    foreign = ICMPV6 if share.family == 4 else ICMP
    for low, high in share.services:
        for number in range(low >> 16, (high >> 16) + 1):
            if number not in (TCP, UDP, PING_FAMILY[share.family]):
                yield ICMP if number == foreign else number


def _split_protocol(direction: Direction, number: int, preferred: tuple[str, ...]) -> Iterator[_Entry]:
    """A protocol with ports that fare differently."""
    cells, name = _cells(direction, number), _PROTOCOL_NAMES[number]
    rests = _rests(cells, direction.families, 65536)
    for cell in cells:
        if cell in rests:
            word = "all ports" if cell.ranges == EVERY_SELECTOR else f"{REST}ports"
            yield cell.stands, cell.families, "Other", Item(name, word)
        else:
            for item in port_items(cell.ranges, number, preferred):
                yield cell.stands, cell.families, "Other", Item(item.name, f"{name} {item.ports}")


def _protocol_item(number: int) -> Item:
    if number == ICMP:
        return Item("", "ICMP of the other family")
    name = _PROTOCOL_NAMES.get(number) or SPOKEN_PROTOCOLS.get(number, "").upper()
    return Item(name, f"protocol {number}")


def count_open(direction: Direction) -> int:
    """How many ports, ICMP types and codes taken as one, and protocols are permitted, in the family that has most."""
    return max((_count(direction.services(family, Standing.PERMITTED)) for family in direction.families), default=0)


def amount_open(direction: Direction) -> str:
    """How much is permitted, in a word: `everything` only where every service of every family both ends have is."""
    if all(direction.services(family, Standing.PERMITTED) == EVERY_SERVICE for family in direction.families):
        return "everything"
    return f"{count_open(direction):,}"


def opens_most(direction: Direction) -> bool:
    """Whether more than half of all ports of TCP and UDP are permitted, in each family."""
    return all(
        size(intersection(direction.services(family, Standing.PERMITTED), _PORTED)) > 65536
        for family in direction.families
    )


_PORTED = ((TCP << 16, TCP << 16 | 0xFFFF), (UDP << 16, UDP << 16 | 0xFFFF))


def _count(services: Ranges) -> int:
    rest = difference(services, _PORTED)
    protocols = {number for low, high in rest for number in range(low >> 16, (high >> 16) + 1)}
    return size(intersection(services, _PORTED)) + len(protocols)
