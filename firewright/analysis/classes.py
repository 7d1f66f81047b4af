"""Classes of addresses: the fewest zones, disjoint or nested, by which some sets of addresses can be said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from firewright.model.address import UNICAST, AddressSet
from firewright.model.interval import Ranges, canonical, difference, has, intersection, is_within, size, union
from firewright.model.packet import Family


class TooManyClasses(ValueError):
    """There are more sets of addresses than anybody could read as zones."""


MOST_CLASSES = 400


@dataclass(frozen=True, slots=True)
class Classes:
    """Zones of one family, disjoint or nested and each once, the largest first; `rest` is what no zone holds."""

    family: Family
    zones: tuple[Ranges, ...]
    rest: Ranges
    is_cut: bool = False

    def names_of(self, addresses: Ranges) -> tuple[tuple[int, ...], bool]:
        """The zones whose union is the addresses, the fewest of the largest, and whether the rest is in it.

        ValueError where they are no union of zones and rest. O(zones).
        """
        left, found = addresses, []
        for number, zone in enumerate(self.zones):
            if is_within(zone, addresses) and intersection(zone, left):
                found.append(number)
                left = difference(left, zone)
        has_rest = bool(self.rest) and is_within(self.rest, left)
        left = difference(left, self.rest) if has_rest else left
        if left:
            raise ValueError("these addresses are no union of zones")
        return tuple(found), has_rest

    @property
    def outer(self) -> tuple[int, ...]:
        """The zones that lie in no other."""
        return tuple(
            number
            for number, zone in enumerate(self.zones)
            if not any(is_within(zone, other) for other in self.zones[:number])
        )


def classes(family: Family, sets: Iterable[Ranges]) -> Classes:
    """The zones by which each of the sets can be said: the sets themselves where they nest, else their atoms.

    A set that is told in fewer prefixes by what it leaves out is told so. Raises TooManyClasses. O(sets² + sets x ends).
    """
    every = UNICAST.ranges(family)
    wanted = tuple(dict.fromkeys(one for one in sets if one))
    chosen = {_shorter(family, one, difference(every, one)) for one in wanted if one != every}
    if len(chosen) > MOST_CLASSES:
        raise TooManyClasses(f"{len(chosen)} different sets of IPv{family} addresses, more than {MOST_CLASSES}")
    told = sorted(chosen, key=lambda one: (-size(one), one))
    if _nest(told):
        nested = Classes(family, tuple(told), difference(every, union(*told)) if told else every)
        if _says(nested, wanted):
            return nested
    atoms = sorted(_atoms(told), key=lambda one: (-size(one), one))
    return Classes(family, tuple(atoms), difference(every, union(*atoms)), is_cut=True)


def _shorter(family: Family, one: Ranges, other: Ranges) -> Ranges:
    return min((one, other), key=lambda ranges: _length(family, ranges)) if other else one


def _length(family: Family, ranges: Ranges) -> int:
    addresses = AddressSet(v4=ranges) if family == 4 else AddressSet(v6=ranges)
    return len(tuple(addresses.prefixes()))


def _nest(told: list[Ranges]) -> bool:
    """Whether any two sets, the larger first, are disjoint or one within the other."""
    return all(
        not intersection(one, other) or is_within(other, one)
        for place, other in enumerate(told)
        for one in told[:place]
    )


def _says(found: Classes, wanted: Iterable[Ranges]) -> bool:
    try:
        for one in wanted:
            found.names_of(one)
    except ValueError:
        return False
    return True


def _atoms(told: list[Ranges]) -> list[Ranges]:
    """The addresses by which of the sets hold them, those that none holds left out."""
    ends = sorted({end for one in told for low, high in one for end in (low, high + 1)})
    found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for low, after in pairwise(ends):
        holding = tuple(number for number, one in enumerate(told) if has(one, low))
        if holding:
            found.setdefault(holding, []).append((low, after - 1))
    atoms = [canonical(pieces) for pieces in found.values()]
    if len(atoms) > MOST_CLASSES:
        raise TooManyClasses(f"{len(atoms)} classes of addresses, more than {MOST_CLASSES}")
    return atoms
