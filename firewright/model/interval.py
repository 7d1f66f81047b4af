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
    """Every integer that is in both sets. O(n + m)."""
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


def difference(a: Ranges, b: Ranges) -> Ranges:
    """Every integer of the first set that is not in the second. O(n + m)."""
    out: list[Range] = []
    j = 0
    for low, high in a:
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
