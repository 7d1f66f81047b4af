"""Canonical sets of integers: sorted, disjoint, non-touching closed ranges, so that equal sets are equal values."""

from bisect import bisect_right
from collections.abc import Iterable

Range = tuple[int, int]
Ranges = tuple[Range, ...]


def canonical(pairs: Iterable[Range]) -> Ranges:
    """The one way to write the union of these closed ranges. O(n log n)."""
    kept: list[Range] = []
    for low, high in sorted(pairs):
        if low > high:
            raise ValueError(f"range upside down: {low}-{high}")
        if kept and low <= kept[-1][1] + 1:
            if high > kept[-1][1]:
                kept[-1] = (kept[-1][0], high)
        else:
            kept.append((low, high))
    return tuple(kept)


def union(*sets: Ranges) -> Ranges:
    """Every integer that is in one of the sets."""
    return canonical(pair for one in sets for pair in one)


def intersection(a: Ranges, b: Ranges) -> Ranges:
    """Every integer that is in both sets. O(n + m); O(n log m) where the first is the far shorter."""
    if len(a) * _FAR < len(b):
        return _intersection_of_few(a, b)
    if len(b) * _FAR < len(a):
        return _intersection_of_few(b, a)
    out: list[Range] = []
    i = j = 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if low <= high:
            out.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


_FAR = 8
"""A set that is so many times shorter than another is looked up in it, range by range."""


def _intersection_of_few(few: Ranges, many: Ranges) -> Ranges:
    out: list[Range] = []
    for low, high in few:
        for place in range(_first_reaching(many, low), len(many)):
            if many[place][0] > high:
                break
            out.append((max(low, many[place][0]), min(high, many[place][1])))
    return tuple(out)


def _first_reaching(a: Ranges, number: int) -> int:
    """The place of the first range that does not end before a number. O(log n)."""
    place = bisect_right(a, (number, _ENDLESS)) - 1
    return place if place >= 0 and a[place][1] >= number else place + 1


_ENDLESS = float("inf")


def difference(a: Ranges, b: Ranges) -> Ranges:
    """Every integer of the first set that is not in the second. O(n + m); less where one is far shorter than the other."""
    if len(b) * _FAR < len(a):
        return _less_few(a, b)
    out: list[Range] = []
    j = 0
    is_short = len(a) * _FAR < len(b)
    for low, high in a:
        if is_short:
            j = _first_reaching(b, low)
        while j < len(b) and b[j][1] < low:
            j += 1
        k = j
        while k < len(b) and b[k][0] <= high:
            if b[k][0] > low:
                out.append((low, b[k][0] - 1))
            low = b[k][1] + 1
            k += 1
        if low <= high:
            out.append((low, high))
    return tuple(out)


def _less_few(many: Ranges, few: Ranges) -> Ranges:
    """What is left of many ranges without a few: whatever lies between these stays as it is."""
    out: list[Range] = []
    place = 0
    for low, high in few:
        first = max(place, _first_reaching(many, low))
        out += many[place:first]
        place = first
        while place < len(many) and many[place][0] <= high:
            begin, end = many[place]
            if begin < low:
                out.append((begin, low - 1))
            if end > high:
                # the rest may meet the next one too
                many = ((high + 1, end), *many[place + 1 :])
                place = 0
                break
            place += 1
    return (*out, *many[place:])


def complement(a: Ranges, top: int) -> Ranges:
    """Every integer from 0 to top that is not in the set."""
    return difference(((0, top),), a)


def is_within(a: Ranges, b: Ranges) -> bool:
    """Whether every integer of the first set is in the second."""
    return not difference(a, b)


def has(a: Ranges, number: int) -> bool:
    """Whether the set holds the number. O(log n)."""
    k = bisect_right(a, (number, float("inf"))) - 1
    return k >= 0 and a[k][1] >= number


def size(a: Ranges) -> int:
    """How many integers the set holds."""
    return sum(high - low + 1 for low, high in a)
