"""The places where what becomes of packets changes: between two addresses, or two services, one packet on each side.

Addresses and services are cut into atoms that no box tells apart; for each two address atoms and each service atom the list of
boxes is asked once. Where a ruleset looks at addresses first, each of its branches is so seen with the services of all others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from firewright.analysis.ground import HOST, Ground
from firewright.model.packet import ConntrackState
from firewright.space.atoms import Atoms
from firewright.space.axis import TOPS, Axis, interface_number
from firewright.space.bitmap import bits
from firewright.space.box import ANY, has_number, ranges_in
from firewright.space.program import Program

Way = tuple[str | None, str | None]
"""Interfaces of a packet: a name, HOST, or None for the one that its address is behind."""
Place = tuple[int, int, int]
"""Source, destination and service of a packet."""
_FREE_PORT = 20_000
_AH = 51 << 16
_SERVICES_OF_EDGE = 32
"""Services with which one edge between two addresses is looked at, before one pair of atoms."""
_SERVICES_AWAY = 4
"""Services with which an address is looked at where it does not belong."""
_MOST = 3_000
"""Places between addresses, and between services, of one way (to the host, from it, through it); of more, so many, evenly."""
_MOST_CLOSED = 3_000
"""Places at which a service is looked at that is open elsewhere."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Numbers of an axis from low to high that are in one atom."""

    low: int
    high: int
    atom: int


class Boundaries:
    """Where what becomes of packets that open a flow changes, on one way, by a list of boxes; `named` are services to look at."""

    def __init__(self, program: Program, ground: Ground, way: Way, named: Sequence[int] = ()) -> None:
        self.program, self.ground, self.way, self.named = program, ground, way, named
        self.steps = [step for step in range(len(program)) if self._is_asked(step)]
        self.source = self._axis(Axis.SOURCE, way[0])
        self.destination = self._axis(Axis.DESTINATION, way[1])
        self.service = self._axis(Axis.SERVICE, None)
        self.known: dict[tuple[int, int], tuple[str, ...]] = {}

    def places(self) -> Iterator[Place]:
        """The places beside each boundary, as many as are looked at, in a fixed order.

        Where the way names an interface, only those between addresses, and where they may not do what they may at home.
        """
        kinds = [(self._between_addresses(), _MOST)]
        if any(self.way):
            kinds.append((self._away_from_home(), _MOST))
        else:
            kinds += [(self._between_services(), _MOST), (self._closed(), _MOST_CLOSED)]
        for found, most in kinds:
            places = list(dict.fromkeys(found))
            step = max(1.0, len(places) / most)
            yield from (places[int(number * step)] for number in range(min(len(places), most)))

    def _is_asked(self, step: int) -> bool:
        """Whether a step may hold an ordinary packet that opens a flow this way."""
        box = self.program.box[step]
        if (
            self.program.literals[step]
            or box[Axis.TCP_FLAGS] != ANY
            or not has_number(box[Axis.SOURCE_PORT], _FREE_PORT)
        ):
            return False
        ends = zip(self.way, (Axis.IN_INTERFACE, Axis.OUT_INTERFACE), strict=True)
        tops = TOPS[self.program.family]
        return has_number(box[Axis.CONNTRACK_STATE], ConntrackState.NEW) and all(
            has_number(box[axis], 0) if end == HOST else ranges_in(box[axis], tops[axis])[-1][1] > 0
            for end, axis in ends
        )

    def _axis(self, axis: Axis, end: str | None) -> _Cut:
        family = self.program.family
        atoms = Atoms([self.program.box[step][axis] for step in self.steps], TOPS[family][axis])
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

    def _at_home(self, interface: Axis, name: str | None, address: int) -> int:
        """The steps that hold an interface, or the one that an address is behind, as bits."""
        number = interface_number(name or self.ground.home(self.program.family, address))
        return sum(
            1 << place for place, step in enumerate(self.steps) if has_number(self.program.box[step][interface], number)
        )

    def _row(self, source: int, destination: int) -> tuple[str, ...]:
        """What becomes of the packets of two address atoms, for each service atom."""
        row = self.known.get((source, destination))
        if row is None:
            alive = self.source.held[source] & self.destination.held[destination]
            row = self.known[source, destination] = tuple(self._decided(alive & held) for held in self.service.held)
        return row

    def _decided(self, alive: int) -> str:
        at = 0
        for place in bits(alive):
            step = self.steps[place]
            if step >= at:
                verdict = self.program.verdict[step]
                if isinstance(verdict, str):
                    return verdict
                at = verdict or 0
        return ""

    def _between_addresses(self) -> Iterator[Place]:
        for number, (left, right) in enumerate(pairwise(self.source.stretches)):
            for other in self.destination.atoms:
                there = self.destination.edge(other, number)
                changed = self._changed(self._row(left.atom, other), self._row(right.atom, other))
                for service in self._some(changed, number + other):
                    yield from ((left.high, there, service), (right.low, there, service))
        for number, (left, right) in enumerate(pairwise(self.destination.stretches)):
            for other in self.source.atoms:
                here = self.source.edge(other, number)
                changed = self._changed(self._row(other, left.atom), self._row(other, right.atom))
                for service in self._some(changed, number + other):
                    yield from ((here, left.high, service), (here, right.low, service))

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

    @staticmethod
    def _changed(one: Sequence[str], other: Sequence[str]) -> list[int]:
        return [atom for atom, (word, changed) in enumerate(zip(one, other, strict=True)) if word != changed]

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
        for source in self.source.atoms:
            for destination in self.destination.atoms:
                row = self._row(source, destination)
                for number, (left, right) in enumerate(pairwise(self.service.stretches)):
                    if row[left.atom] != row[right.atom]:
                        ends = self._ends(source, destination, number)
                        yield from ((*ends, left.high), (*ends, right.low))

    def _ends(self, source: int, destination: int, number: int) -> tuple[int, int]:
        """An address of each of two atoms, two where an atom has two: nobody talks to himself over a wire."""
        here, there = self.source.edge(source, number), self.destination.edge(destination, number // 2)
        return here, there if here != there else self.destination.edge(destination, number // 2 + 1)

    def _closed(self) -> Iterator[Place]:
        """Services that are named anywhere, where they are not let through."""
        named = [(service, self.service.atom_of(service)) for service in self.named]
        for source in self.source.atoms:
            for destination in self.destination.atoms:
                row = self._row(source, destination)
                for number, (service, atom) in enumerate(named):
                    if row[atom] != "accept":
                        # Twice, with other addresses: one edge of an atom may be no address that can be sent.
                        yield *self._ends(source, destination, number), service
                        yield *self._ends(source, destination, number + 3), service


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
