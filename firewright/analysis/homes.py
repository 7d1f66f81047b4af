"""Which addresses are behind which interfaces, as somebody said; and what that makes of packets: an address comes by its own.

A policy judges addresses. Where each interface has its addresses, and they come by no other, a rule by interface is one of
addresses. Link-local addresses are on every link, so they are behind none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network

from firewright.analysis.validate import LOOPBACK_INTERFACE
from firewright.analysis.wire import REAL
from firewright.model.address import UNICAST, AddressSet, merge
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, complement, difference, intersection
from firewright.model.packet import Family
from firewright.space.axis import ANY_INTERFACE, Axis, interface, interface_name, top
from firewright.space.box import ranges_in
from firewright.space.program import Program

_MOST = 8
"""Interfaces with addresses: pairs of them are judged one by one."""


class BadHomes(ValueError):
    """Interfaces and addresses that contradict each other; its text says how."""


@dataclass(frozen=True, slots=True)
class Home:
    """An interface, or all whose names begin so (`eth*`), and the addresses behind it.

    `is_asked` is whether nobody knows them yet: those here only stand in for the answer.
    """

    interface: str
    addresses: AddressSet
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Homes:
    """Interfaces with disjoint addresses, none of them link-local; `outward` are those behind which is all that no other has."""

    homes: tuple[Home, ...] = ()
    outward: tuple[str, ...] = ()

    @classmethod
    def of(cls, homes: Iterable[Home], outward: Iterable[str]) -> Homes:
        """Homes as somebody said them. Raises BadHomes."""
        listed = [replace(one, addresses=(one.addresses & UNICAST) - LINK_LOCAL) for one in homes]
        outer = tuple(dict.fromkeys(outward))
        names = [*(one.interface for one in listed), *outer]
        if len(names) > _MOST:
            raise BadHomes(f"{len(names)} interfaces, more than {_MOST}")
        for place, name in enumerate(names):
            for before in names[:place]:
                if intersection(interface(name), interface(before)):
                    raise BadHomes(f"{before} and {name} are the same interface")
        for place, one in enumerate(listed):
            if not one.addresses:
                raise BadHomes(f"behind {one.interface} is no address")
            for other in listed[:place]:
                if shared := one.addresses & other.addresses:
                    raise BadHomes(f"{next(iter(shared.prefixes()))} is behind {other.interface} and {one.interface}")
        return cls(tuple(listed), outer)

    def __bool__(self) -> bool:
        return bool(self.homes or self.outward)

    @property
    def rest(self) -> AddressSet:
        """What is behind no interface that has addresses of its own: the internet."""
        return UNICAST - LINK_LOCAL - merge(one.addresses for one in self.homes)

    def sets(self, family: Family, asked: Iterable[Ranges]) -> Iterator[Ranges]:
        """The addresses that must be zones so that some sets can be said, of which zones come by one interface each."""
        if not self:
            yield from asked
            return
        wholes = [LINK_LOCAL.ranges(family), *(one.addresses.ranges(family) for one in self.homes)]
        yield from wholes
        rest = self.rest.ranges(family)
        for one in asked:
            yield from (intersection(one, whole) for whole in wholes)
            if (part := intersection(one, rest)) != rest:
                yield part

    def regions(self, family: Family, side: Axis) -> Iterator[tuple[Ranges, Ranges]]:
        """Interfaces and addresses that go together at one end of a packet, disjoint, and all that may come without forgery.

        `side` is the axis of the addresses, SOURCE or DESTINATION. Without homes: everything by everything.
        """
        if not self:
            yield REAL, ((0, top(family, side)),)
            return
        for one in self.homes:
            if ranges := one.addresses.ranges(family):
                yield interface(one.interface), ranges
        named = interface(*self.outward) if self.outward else difference(REAL, interface(*self.names))
        if rest := self.rest.ranges(family):
            yield named, rest
        yield REAL, complement((UNICAST - LINK_LOCAL).ranges(family), top(family, side))

    @property
    def names(self) -> tuple[str, ...]:
        """Every interface of which something is known."""
        return (*(one.interface for one in self.homes), *self.outward)

    def interfaces_of(self, addresses: AddressSet) -> tuple[str, ...]:
        """By which interfaces the addresses of a zone come; none where that is not known, or they are behind several."""
        for one in self.homes:
            if addresses <= one.addresses:
                return (one.interface,)
        return self.outward if addresses <= self.rest else ()


def named_interfaces(programs: Iterable[Program]) -> tuple[str, ...]:
    """The interfaces that steps of some programs ask for or leave out, by name, without `lo`; a `*` for all that begin so."""
    found: dict[str, None] = {}
    for program in programs:
        for one in dict.fromkeys(value for box in program.box for value in box[: Axis.SOURCE]):
            ranges = ranges_in(one, top(program.family, Axis.IN_INTERFACE))
            gaps = difference(ANY_INTERFACE, ranges)
            for low, high in (*ranges, *gaps):
                if name := _name(low, high):
                    found.setdefault(name)
    return tuple(sorted(name for name in found if name != LOOPBACK_INTERFACE))


def _name(low: int, high: int) -> str:
    """The interface, or the beginning of names, that a range is of; empty for what is neither."""
    name = interface_name(low)
    for one in (name, f"{name}*"):
        if name and _is_of(one, low, high):
            return one
    return ""


def _is_of(name: str, low: int, high: int) -> bool:
    """Whether a range is of exactly the interfaces of a name."""
    try:
        return interface(name) == ((low, high),)
    except ValueError:
        return False


def stand_ins(programs: Iterable[Program], count: int, families: Iterable[Family]) -> tuple[AddressSet, ...]:
    """Networks that no rule tells apart from others, a network for each of some interfaces in each of some families.

    They are of what is kept for measurements (RFC 2544, RFC 5180). Raises BadHomes where rules name all of them.
    """
    asked = tuple(families)
    found: dict[Family, list[AddressSet]] = {4: [], 6: []}
    known = {program.family: _ends(program) for program in programs}
    for number in range(256):
        nets = {
            4: str(IPv4Network((0xC6120000 | number << 8, 24))),
            6: str(IPv6Network((0x20010002 << 96 | number << 64, 64))),
        }
        for family in asked:
            one = AddressSet.of(nets[family])
            ((low, high),) = one.ranges(family)
            if not any(low <= end <= high for end in known.get(family, ())):
                found[family].append(one)
    if any(len(found[family]) < count for family in asked):
        raise BadHomes("the rules name every network that could stand in for an answer")
    return tuple(merge(found[family][number] for family in asked) for number in range(count))


def _ends(program: Program) -> set[int]:
    """Where the addresses of steps begin and end."""
    values = {value for box in program.box for value in (box[Axis.SOURCE], box[Axis.DESTINATION])}
    ends = {end for one in values for pair in ranges_in(one, top(program.family, Axis.SOURCE)) for end in pair}
    return ends - {0, top(program.family, Axis.SOURCE)}
