"""Conditions as unions of boxes with literals, and the product of two of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firewright.model.interval import Ranges, complement, size
from firewright.model.packet import Family
from firewright.readers.nftables.expressions import short
from firewright.space.axis import AXES, TOPS, Axis
from firewright.space.box import ANY, EVERY_BOX, Box, intern, meet_box
from firewright.space.program import Literals, meet_literals

Term = tuple[Box, Literals]
"""The packets of a box for which the literals read so."""
Terms = tuple[Term, ...]
"""The union of terms; none at all holds no packet."""

ALWAYS: Terms = ((EVERY_BOX, ()),)
NEVER: Terms = ()
WIDEST = 200_000
"""Terms that one rule may have."""


class TooWide(Exception):
    """A rule that says more products than are read."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The packets in one of the terms and in none of those under `unless`."""

    terms: Terms
    unless: Terms = ()


def both(a: Terms, b: Terms, family: Family) -> Terms:
    """What two unions share. Raises TooWide."""
    if a == ALWAYS:
        return b
    if b == ALWAYS:
        return a
    if len(a) * len(b) > WIDEST:
        raise TooWide(f"it says more than {WIDEST:,} combinations")
    out: dict[Term, None] = {}
    for box, literals in a:
        for other, more in b:
            met = meet_box(box, other, family)
            if met is None:
                continue
            read = meet_literals(literals, more)
            if read is not None:
                out[met, read] = None
    return tuple(out)


def on(axis: Axis, ranges: Ranges, family: Family) -> Terms:
    """The packets with one of these numbers on an axis."""
    value = intern(ranges, TOPS[family][axis])
    if value is None:
        return NEVER
    return (((ANY,) * axis + (value,) + (ANY,) * (AXES - 1 - axis), ()),)


def literal(text: str, holds: bool = True) -> Terms:
    """A match that is not understood, by its text."""
    return ((EVERY_BOX, ((text, holds),)),)


def numbered(name: str, ranges: Ranges, top: int, *, may_break: bool) -> Terms:
    """A field that is no axis compared with a set of its numbers: the same literal for a set and for its complement.

    Where the field may be missing, nothing holds of it, so what is not in the set must be there.
    """
    rest = complement(ranges, top)
    if not ranges:
        return NEVER
    if not rest:
        return literal(f"{name} present") if may_break else ALWAYS
    if (len(ranges), size(ranges), ranges) <= (len(rest), size(rest), rest):
        if len(ranges) <= _APART:
            return tuple((EVERY_BOX, ((f"{name} {_say((one,))}", True),)) for one in ranges)
        return literal(f"{name} {_say(ranges)}")
    if len(rest) <= _APART:
        literals: Iterable[tuple[str, bool]] = ((f"{name} {_say((one,))}", False) for one in rest)
    else:
        literals = ((f"{name} {_say(rest)}", False),)
    return ((EVERY_BOX, tuple(sorted((*literals, *(((f"{name} present", True),) if may_break else ()))))),)


_APART = 8
"""A set of so few ranges is written as one literal each, so that rules about parts of it know of each other."""


def _say(ranges: Ranges) -> str:
    said = [str(low) if low == high else f"{low}-{high}" for low, high in ranges]
    return said[0] if len(said) == 1 else short("{ " + ", ".join(said) + " }")
