"""Numbers under bit masks: which of them a comparison of masked bits holds."""

from __future__ import annotations

from firewright.model.interval import Ranges, size, union
from firewright.readers.nftables.domains import Domain
from firewright.readers.nftables.tree import Binary, Expression, Key

_MOST_RANGES = 4096
"""A bit mask with holes is written as so many ranges at most."""
_MOST_NUMBERS = 65
"""So many numbers are looked for behind a mask at most."""


def behind(mask: int, given: Ranges | None, top: int) -> Ranges | None:
    """The numbers that are one of these under a mask; None if they are not known, or too many ranges."""
    if given is None or size(given) > _MOST_NUMBERS:
        return None
    out: list[tuple[int, int]] = []
    for number in (number for low, high in given for number in range(low, high + 1)):
        found = _sharing(mask, number, top)
        if found is None or len(out) + len(found) > _MOST_RANGES:
            return None
        out += found
    return union(tuple(out))


def evaluated(expression: Expression, value: int, domain: Domain) -> int | None:
    """The number of an expression where its key has this value."""
    if isinstance(expression, Key):
        return value
    if isinstance(expression, Binary):
        left, right = evaluated(expression.left, value, domain), evaluated(expression.right, value, domain)
        if left is None or right is None:
            return None
        match expression.operator:
            case "&":
                return left & right
            case "|":
                return left | right
            case "^":
                return left ^ right
            case _:
                return None
    return domain.number(expression)


def _sharing(mask: int, number: int, top: int) -> list[tuple[int, int]] | None:
    """The numbers that have these bits under a mask, as ranges; None if they are too many."""
    if number & ~mask:
        return []
    width = top.bit_length()
    low_free = 0
    while low_free < width and not mask >> low_free & 1:
        low_free += 1
    holes = [bit for bit in range(low_free, width) if not mask >> bit & 1]
    if 1 << len(holes) > _MOST_RANGES:
        return None
    starts = [number]
    for bit in holes:
        starts += [start | 1 << bit for start in starts]
    return [(start, start | (1 << low_free) - 1) for start in sorted(starts)]
