"""What a match says, as an "or" of boxes under literals: the form in which rules reach the engine.

A negated match is made negated by whoever makes it, so nothing here has a complement to get wrong.
"""

from __future__ import annotations

from firewright.model.interval import Ranges, complement, difference, intersection
from firewright.model.packet import Family
from firewright.space.axis import AXES, TOPS, Axis, top
from firewright.space.box import ANY, EVERY_BOX, Box, box, intern, meet_box
from firewright.space.program import Literals, meet_literals

Clause = tuple[Box, Literals]
"""Packets of a box, where the literals read so."""
Clauses = tuple[Clause, ...]
"""Packets of one clause or another; none at all if it is empty."""

ALWAYS: Clauses = ((EVERY_BOX, ()),)
NEVER: Clauses = ()

_AH_SERVICES: Ranges = ((51 << 16, 51 << 16 | 65535),)


def both(one: Clauses, other: Clauses, family: Family) -> Clauses:
    """The packets of both, clause by clause. O(n x m)."""
    if one is ALWAYS:
        return other
    found: dict[Clause, None] = {}
    for first, read in one:
        for second, also in other:
            shared, literals = meet_box(first, second, family), meet_literals(read, also)
            if shared is not None and literals is not None:
                found[shared, literals] = None
    return tuple(found)


def boxes(*given: Box | None) -> Clauses:
    """The packets of these boxes, whatever the literals; None is no box."""
    return tuple((one, ()) for one in given if one is not None)


def literal(text: str, is_negated: bool = False) -> Clauses:
    """The packets for which a match that is not understood holds, or does not."""
    return ((EVERY_BOX, ((text, not is_negated),)),)


def address(family: Family, is_source: bool, ranges: Ranges, is_negated: bool = False) -> Clauses:
    """The packets with such a source, or such a destination; negated, with any other."""
    if is_negated:
        ranges = complement(ranges, top(family, Axis.SOURCE))
    return _on(Axis.SOURCE if is_source else Axis.DESTINATION, ranges, family)


def service(family: Family, ranges: Ranges, is_negated: bool = False, inside: Ranges | None = None) -> Clauses:
    """The packets with such a service; negated, with any other of those `inside` (of all, where it is left out)."""
    whole: Ranges = ((0, top(family, Axis.SERVICE)),) if inside is None else inside
    ranges = difference(whole, ranges) if is_negated else intersection(ranges, whole)
    return _on(Axis.SERVICE, ranges, family)


def _on(axis: Axis, ranges: Ranges, family: Family) -> Clauses:
    """The packets with one of these numbers, which are canonical, on one axis."""
    value = intern(ranges, TOPS[family][axis])
    return () if value is None else (((ANY,) * axis + (value,) + (ANY,) * (AXES - 1 - axis), ()),)


def behind_ah(clauses: Clauses, text: str, is_negated: bool) -> Clauses:
    """IPv6 clauses as they are for packets without an authentication header, and a literal for those that have one.

    The service axis calls the latter AH, whatever is behind it.
    """
    plain = boxes(box(6, service=complement(_AH_SERVICES, top(6, Axis.SERVICE))))
    hidden = boxes(box(6, service=_AH_SERVICES))
    return both(clauses, plain, 6) + both(hidden, literal(f"behind ah: {text}", is_negated), 6)
