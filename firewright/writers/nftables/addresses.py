"""Maps from addresses to verdicts: a hash of the prefixes of one length, for which most are, and rules or intervals for the rest."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from typing import NamedTuple

from firewright.model.address import LOOPBACK
from firewright.model.interval import Range, Ranges, canonical, is_within
from firewright.syntax.nftables import Field, Kind, Masked, Match, Rule, Verdict, VerdictMap

_LINEAR = {Kind.ADDRESS4: 8, Kind.ADDRESS6: 4}
"""Ranges up to which rules are cheaper than a map; an IPv6 address takes three times as long to compare."""
_WIDTH = {Kind.ADDRESS4: 32, Kind.ADDRESS6: 128}


class _Element(NamedTuple):
    low: int
    high: int
    verdict: Verdict


def dispatch_addresses(field: Field, groups: Iterable[tuple[Ranges, Verdict]]) -> list[Rule]:
    """Rules that give each address the verdict of its group; the groups share nothing and hold every address there is.

    The group of most ranges comes last, as what all the others are not. Loopback addresses do not get as far.
    """
    merged: dict[Verdict, list[Range]] = {}
    for ranges, verdict in groups:
        merged.setdefault(verdict, []).extend(ranges)
    default = max(merged, key=lambda verdict: len(merged[verdict]))
    never = LOOPBACK.ranges(4 if field.kind is Kind.ADDRESS4 else 6)
    asked = sorted(
        _Element(low, high, verdict)
        for verdict, ranges in merged.items()
        if verdict != default
        for low, high in canonical(ranges)
        if not is_within(((low, high),), never)
    )
    rules = _one_by_one(field, asked) if len(asked) <= _LINEAR[field.kind] else _by_map(field, asked)
    return [*rules, Rule((default,))]


def _one_by_one(field: Field, asked: list[_Element]) -> list[Rule]:
    return [Rule((Match(field, ((one.low, one.high),)), one.verdict)) for one in asked]


def _by_map(field: Field, asked: list[_Element]) -> list[Rule]:
    """A hash where all but a few are prefixes of one length, else one map of intervals."""
    width = _WIDTH[field.kind]
    tally = Tally(length for one in asked if (length := _length(one, width)))
    length = max(tally, key=lambda one: (tally[one], one), default=0)
    even = [one for one in asked if _length(one, width) == length]
    if not length or len(asked) - len(even) > _LINEAR[field.kind]:
        return [Rule((VerdictMap((Masked(field),), tuple((((one.low, one.high),), one.verdict) for one in asked)),))]
    elements = tuple((((one.low, one.low),), one.verdict) for one in even)
    odd = [one for one in asked if _length(one, width) != length]
    return [Rule((VerdictMap((Masked(field, length % width),), elements),)), *_one_by_one(field, odd)]


def _length(one: _Element, width: int) -> int:
    """The length of the prefix that a range is, 0 where it is none."""
    size = one.high - one.low + 1
    is_prefix = size & (size - 1) == 0 and one.low & (size - 1) == 0
    return width - size.bit_length() + 1 if is_prefix else 0
