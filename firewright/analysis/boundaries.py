"""The places where what becomes of packets changes: between two addresses, or two services, one packet on each side.

Addresses and services are cut into atoms that no box tells apart; for each two address atoms and each service atom the list of
boxes is asked once. Where a ruleset looks at addresses first, each of its branches is so seen with the services of all others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise, product
from re import fullmatch
from typing import TypeVar

from firewright.analysis.ground import HOST, Ground
from firewright.analysis.states import ERRORS
from firewright.model.address import BROADCAST, MULTICAST
from firewright.model.interval import Ranges, canonical
from firewright.model.packet import ICMP, ICMPV6, UDP, ConntrackState
from firewright.space.atoms import Atoms
from firewright.space.axis import TOPS, Axis, interface_number
from firewright.space.box import ANY, Value, has_number, intern, ranges_in
from firewright.space.program import Program

Way = tuple[str | None, str | None]
"""Interfaces of a packet: a name, HOST, or None for the one that its address is behind."""
Row = tuple[str, ...]
"""What becomes of packets between two atoms of addresses, for each atom of services."""
_Found = TypeVar("_Found")
Place = tuple[int, int, int]
"""Source, destination and service of a packet."""
_FREE_PORT = 20_000
_HOP_LIMIT = 64
_MOST_KINDS = 16
"""Kinds of packets that are looked at apart, of one family."""
_OF_PAIR = 4
"""Services with which each of many pairs is looked at whose rows are the same."""
_AH = 51 << 16
_SERVICES_OF_EDGE = 32
"""Services with which one edge between two addresses is looked at, before one pair of atoms."""
_SERVICES_AWAY = 4
"""Services with which an address is looked at where it does not belong."""
_MOST = 3_000
"""Places between addresses, and between services, of one way (to the host, from it, through it); of more, so many, evenly."""
_MOST_FIRST = 6_000
"""Places between addresses of one way that are looked at with one service, before others are."""
_MOST_INSIDE = 300
"""Places of one way at which packets of a kind that is not the ordinary one are looked at, away from boundaries."""
_MOST_CLOSED = 3_000
"""Places at which a service is looked at that is open elsewhere."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Numbers of an axis from low to high that are in one atom."""

    low: int
    high: int
    atom: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What some packets have in common beside the way they go: state, hop limit, source port (0: one that nobody asks about).

    Of a kind that is not the ordinary one only some `services` are looked at.
    """

    state: ConntrackState = ConntrackState.NEW
    hop_limit: int = 0
    source_port: int = 0
    services: Ranges = ()


ORDINARY = Kind()


def kinds_of(program: Program) -> tuple[Kind, ...]:
    """The kinds of packets that a list of boxes judges apart, the ordinary one first.

    Those are packets of open flows, those that conntrack finds invalid, and packets with a hop limit or source port that some box
    asks for; of the latter those too that are let through though they are invalid.
    """
    found: dict[Kind, list[tuple[int, int]]] = {}
    passing = passing_invalid(program)
    top = TOPS[program.family][Axis.SERVICE]
    for step, (box, literals) in enumerate(zip(program.box, program.literals, strict=True)):
        limit = hop_limit_of(literals)
        port = 0 if box[Axis.SOURCE_PORT] == ANY else ranges_in(box[Axis.SOURCE_PORT], 65535)[0][0]
        if box[Axis.TCP_FLAGS] != ANY or not (limit or port) or (literals and not limit):
            continue
        for state in (ConntrackState.NEW, *((ConntrackState.INVALID,) if port and step in passing else ())):
            if has_number(box[Axis.CONNTRACK_STATE], state):
                found.setdefault(Kind(state, limit, port), []).extend(ranges_in(box[Axis.SERVICE], top))
    asked = (Kind(one.state, one.hop_limit, one.source_port, canonical(served)) for one, served in found.items())
    return ORDINARY, *_UNUSUAL[program.family], *islice(asked, _MOST_KINDS)


_UNUSUAL = {
    family: (
        *(
            Kind(state, services=((UDP << 16 | 9,) * 2,))
            for state in (ConntrackState.ESTABLISHED, ConntrackState.INVALID)
        ),
        Kind(ConntrackState.RELATED, services=tuple((icmp << 16 | kind << 8,) * 2 for kind in ERRORS[family])),
    )
    for family, icmp in ((4, ICMP), (6, ICMPV6))
}
"""What belongs to an open flow is let through whatever its service, what is invalid is not, so one service of each is enough;
errors are what can be related without a helper, and of those not all are let through."""


def passing_invalid(program: Program) -> frozenset[int]:
    """The steps of some services that let packets pass though conntrack finds them invalid: those before the step that ends it."""
    states = [box[Axis.CONNTRACK_STATE] for box in program.box]
    only_invalid = intern(((int(ConntrackState.INVALID),) * 2,), TOPS[program.family][Axis.CONNTRACK_STATE])
    end = states.index(only_invalid) if only_invalid in states else len(states)
    return frozenset(
        step
        for step in range(end)
        if program.verdict[step] == "accept"
        and has_number(states[step], ConntrackState.INVALID)
        and program.box[step][Axis.SERVICE] != ANY
    )


def hop_limit_of(literals: Sequence[tuple[str, bool]]) -> int:
    """The hop limit that a step asks for, 0 where it asks for none."""
    found = [fullmatch(r"ip6? (?:ttl|hoplimit) (\d+)", text) for text, is_so in literals if is_so]
    return next((int(one[1]) for one in found if one), 0)


class Boundaries:
    """Where what becomes of packets of a kind changes, on one way, by a list of boxes; `named` are services to look at."""

    def __init__(
        self, program: Program, ground: Ground, way: Way, named: Sequence[int] = (), kind: Kind = ORDINARY
    ) -> None:
        self.program, self.ground, self.way, self.named, self.kind = program, ground, way, named, kind
        self.steps = [step for step in range(len(program)) if self._is_asked(step)]
        self.is_apart = (
            kind.services == () or kind in _UNUSUAL[program.family] or any(self._asks_kind(step) for step in self.steps)
        )
        self.at_home: dict[tuple[Axis, str], int] = {}
        self.source = self._axis(Axis.SOURCE, way[0])
        self.destination = self._axis(Axis.DESTINATION, way[1])
        self.service = self._axis(Axis.SERVICE, None)
        self.looked_at = [atom for atom, held in enumerate(self.service.held) if held >> len(self.steps)]
        self.known: dict[int, Row] = {}

    def places(self) -> Iterator[Place]:
        """The places beside each boundary, as many as are looked at, in a fixed order.

        Where the way names an interface, only those between addresses, and where they may not do what they may at home; of kinds
        other than the ordinary one those between addresses, and some within.
        """
        if not self.is_apart:
            return
        kinds: list[Callable[[], Iterator[Place]]] = [self._addresses]
        if self.kind != ORDINARY:
            kinds.append(self._insides)
        elif any(self.way):
            kinds.append(self._strangers)
        else:
            kinds += [self._between_services, self._closed]
        for found in kinds:
            yield from dict.fromkeys(found())

    def _addresses(self) -> Iterator[Place]:
        """Each edge with one service, and some with more."""
        ranked = sorted(self._between_addresses(), key=lambda one: one[0])
        firsts = [place for rank, place in ranked if not rank]
        others = [place for rank, place in ranked if rank]
        yield from _evenly(firsts, _MOST_FIRST)
        yield from _evenly(others, max(_MOST - len(firsts), _MOST // 4))

    def _strangers(self) -> Iterator[Place]:
        return _evenly(list(dict.fromkeys(self._away_from_home())), _MOST)

    def _is_asked(self, step: int) -> bool:
        """Whether a step may hold a packet of the kind that goes this way."""
        box, literals, kind = self.program.box[step], self.program.literals[step], self.kind
        if (
            (literals and hop_limit_of(literals) != (kind.hop_limit or _HOP_LIMIT))
            or box[Axis.TCP_FLAGS] != ANY
            or not has_number(box[Axis.SOURCE_PORT], kind.source_port or _FREE_PORT)
        ):
            return False
        ends = zip(self.way, (Axis.IN_INTERFACE, Axis.OUT_INTERFACE), strict=True)
        tops = TOPS[self.program.family]
        return has_number(box[Axis.CONNTRACK_STATE], kind.state) and all(
            has_number(box[axis], 0) if end == HOST else ranges_in(box[axis], tops[axis])[-1][1] > 0
            for end, axis in ends
        )

    def _asks_kind(self, step: int) -> bool:
        """Whether a step asks for the hop limit or source port of the kind."""
        return bool(self.program.literals[step]) or self.program.box[step][Axis.SOURCE_PORT] != ANY

    def _axis(self, axis: Axis, end: str | None) -> _Cut:
        family = self.program.family
        values = [self.program.box[step][axis] for step in self.steps]
        atoms = Atoms([*values, *self._looked_at(axis, end)], TOPS[family][axis])
        starts = [*atoms.starts, atoms.top + 1]
        stretches = [
            _Stretch(low, after - 1, atom) for (low, after), atom in zip(pairwise(starts), atoms.atom, strict=True)
        ]
        held = list(atoms.held)
        if end == HOST:
            return _Cut(stretches, held, self.ground.interfaces[0].own(family))
        if axis is not Axis.SERVICE:
            interface = Axis.IN_INTERFACE if axis is Axis.SOURCE else Axis.OUT_INTERFACE
            first = {one.atom: one.low for one in reversed(stretches)}
            held = [steps & self._at_home(interface, end, first[atom]) for atom, steps in enumerate(held)]
        return _Cut(stretches, held)

    def _looked_at(self, axis: Axis, end: str | None) -> Iterator[Value]:
        """What is looked at apart, behind all steps as if it were one: some services, and groups, to which a host listens too."""
        family = self.program.family
        ranges: Ranges = ()
        if axis is Axis.SERVICE:
            ranges = self.kind.services
        elif axis is Axis.DESTINATION and end == HOST:
            ranges = (MULTICAST | BROADCAST).ranges(family)
        value = intern(ranges, TOPS[family][axis])
        if value is not None:
            yield value

    def _at_home(self, interface: Axis, name: str | None, address: int) -> int:
        """The steps that hold an interface, or the one that an address is behind, as bits."""
        home = name or self.ground.home(self.program.family, address)
        held = self.at_home.get((interface, home))
        if held is None:
            number = interface_number(home)
            held = self.at_home[interface, home] = sum(
                1 << place
                for place, step in enumerate(self.steps)
                if has_number(self.program.box[step][interface], number)
            )
        return held

    def _row(self, source: int, destination: int) -> Row:
        """What becomes of the packets of two address atoms, for each service atom; pairs that the same steps hold share theirs."""
        alive = self.source.held[source] & self.destination.held[destination]
        row = self.known.get(alive)
        if row is None:
            row = self.known[alive] = tuple(self._decided(alive & held) for held in self.service.held)
        return row

    def _decided(self, alive: int) -> str:
        at = 0
        while alive:
            lowest = alive & -alive
            step = self.steps[lowest.bit_length() - 1]
            if step >= at:
                verdict = self.program.verdict[step]
                if isinstance(verdict, str):
                    return verdict
                at = verdict or 0
            alive ^= lowest
        return ""

    def _between_addresses(self) -> Iterator[tuple[int, Place]]:
        """The places on both sides of each edge between addresses, and how many services the edge had before."""
        for number, (left, right) in enumerate(pairwise(self.source.stretches)):
            for other in self.destination.atoms:
                there = self.destination.edge(other, number)
                changed = self._changed(self._row(left.atom, other), self._row(right.atom, other))
                for rank, service in enumerate(self._some(changed, number + other)):
                    yield from ((rank, (left.high, there, service)), (rank, (right.low, there, service)))
        for number, (left, right) in enumerate(pairwise(self.destination.stretches)):
            for other in self.source.atoms:
                here = self.source.edge(other, number)
                changed = self._changed(self._row(other, left.atom), self._row(other, right.atom))
                for rank, service in enumerate(self._some(changed, number + other)):
                    yield from ((rank, (here, left.high, service)), (rank, (here, right.low, service)))

    def _away_from_home(self) -> Iterator[Place]:
        """Both ends of each stretch of addresses of which something else becomes here than by the interface that they are behind."""
        first, second = self.way
        home = Boundaries(self.program, self.ground, (None if first else first, None if second else second))
        for number, one in enumerate(self.source.stretches if first else self.destination.stretches):
            for other in (self.destination if first else self.source).atoms:
                ends = (one.atom, other) if first else (other, one.atom)
                fixed = self.destination.edge(other, number) if first else self.source.edge(other, number)
                here, there = (one.low, fixed) if first else (fixed, one.low)
                at_home = home._row(home.source.atom_of(here), home.destination.atom_of(there))
                row = self._row(*ends)
                changed = [
                    atom
                    for atom in self.service.atoms
                    if row[atom] != at_home[home.service.atom_of(self.service.edge(atom, 0))]
                ]
                for service in islice(self._some(changed, number + other), _SERVICES_AWAY):
                    for edge in (one.low, one.high):
                        yield (edge, fixed, service) if first else (fixed, edge, service)

    def _changed(self, one: Row, other: Row) -> Sequence[int]:
        if one is other:
            return ()
        atoms = self.looked_at or self.service.atoms
        return [atom for atom in atoms if one[atom] != other[atom]]

    def _some(self, atoms: Sequence[int], number: int) -> Iterator[int]:
        """An edge of each of some service atoms, of others for the next number where they are too many.

        AH is always looked at: nftables needs other words for it, so a ruleset judges it apart.
        """
        step = max(1, len(atoms) // _SERVICES_OF_EDGE)
        for place in range(min(len(atoms), _SERVICES_OF_EDGE)):
            yield self.service.edge(atoms[(number + place * step) % len(atoms)], number + place)
        if self.service.atom_of(_AH) in atoms:
            yield _AH

    def _between_services(self) -> Iterator[Place]:
        def changes(row: Row) -> list[int]:
            return [
                number
                for number, (left, right) in enumerate(pairwise(self.service.stretches))
                if row[left.atom] != row[right.atom]
            ]

        for source, destination, number in self._picked(changes, _MOST // 2):
            ends = self._ends(source, destination, number)
            yield *ends, self.service.stretches[number].high
            yield *ends, self.service.stretches[number + 1].low

    def _insides(self) -> Iterator[Place]:
        """Packets of the services that are looked at between pairs of atoms, whether or not something else becomes of them nearby."""
        for source, destination, atom in self._picked(lambda _: self.looked_at, _MOST_INSIDE):
            yield *self._ends(source, destination, atom), self.service.edge(atom, source + destination)

    def _picked(self, numbers_of: Callable[[Row], list[int]], most: int) -> Iterator[tuple[int, int, int]]:
        """Pairs of address atoms, each with one of the numbers of its row: so many at most, evenly.

        Pairs with the same row share its numbers between them, but each has a few.
        """
        pairs: dict[int, list[tuple[int, int]]] = {}
        rows: dict[int, Row] = {}
        for source, destination in product(self.source.atoms, self.destination.atoms):
            row = self._row(source, destination)
            rows[id(row)] = row
            pairs.setdefault(id(row), []).append((source, destination))
        groups = [(pairs[key], numbers) for key, row in rows.items() if (numbers := numbers_of(row))]
        counts = [min(len(ends) * len(numbers), max(len(numbers), _OF_PAIR * len(ends))) for ends, numbers in groups]
        starts = [0, *accumulate(counts)]
        for at in _evenly(range(starts[-1]), most):
            place = bisect_right(starts, at) - 1
            ends, numbers = groups[place]
            number = at - starts[place]
            yield *ends[(number + number // len(numbers)) % len(ends)], numbers[number % len(numbers)]

    def _ends(self, source: int, destination: int, number: int) -> tuple[int, int]:
        """An address of each of two atoms, two where an atom has two: nobody talks to himself over a wire."""
        here, there = self.source.edge(source, number), self.destination.edge(destination, number // 2)
        return here, there if here != there else self.destination.edge(destination, number // 2 + 1)

    def _closed(self) -> Iterator[Place]:
        """Services that are named anywhere, where they are not let through."""
        atoms = [self.service.atom_of(service) for service in self.named]

        def closed(row: Row) -> list[int]:
            return [number for number, atom in enumerate(atoms) if row[atom] != "accept"]

        for source, destination, number in self._picked(closed, _MOST_CLOSED // 2):
            # Twice, with other addresses: one edge of an atom may be no address that can be sent.
            yield *self._ends(source, destination, number), self.named[number]
            yield *self._ends(source, destination, number + 3), self.named[number]


def _evenly(found: Sequence[_Found], most: int) -> Iterator[_Found]:
    """As many as may be looked at, evenly."""
    step = max(1.0, len(found) / most)
    return (found[int(number * step)] for number in range(min(len(found), most)))


class _Cut:
    """An axis cut into stretches, and for each atom the steps that hold it as bits; `own` is the host's address, where it is one."""

    def __init__(self, stretches: list[_Stretch], held: list[int], own: int = -1) -> None:
        self.stretches, self.held, self.own = stretches, held, own
        self.of: dict[int, list[_Stretch]] = {}
        for one in stretches:
            self.of.setdefault(one.atom, []).append(one)

    @property
    def atoms(self) -> range:
        """The atoms by number."""
        return range(len(self.held))

    def atom_of(self, number: int) -> int:
        """The atom that holds a number."""
        return self.stretches[bisect_right(self.stretches, number, key=lambda one: one.low) - 1].atom

    def edge(self, atom: int, number: int) -> int:
        """The first or last number of one of an atom's stretches, another for each number; mostly the host's own, where it has it."""
        if self.own >= 0 and number % 4 and self.atom_of(self.own) == atom:
            return self.own
        stretches = self.of[atom]
        one = stretches[number // 2 % len(stretches)]
        return one.high if number & 1 else one.low
