"""Sets of services in the words of a policy: `tcp/22, tcp/80-443, udp, protocol/esp, icmp/echo-request, protocol/99`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firewright.model.interval import Range, Ranges, difference, intersection, is_within
from firewright.model.packet import FAMILIES, Family
from firewright.model.protocol import ICMP_TYPES, PING_FAMILY, PORTED_NAMES, SHARED_ICMP_TYPES, SPOKEN_PROTOCOLS

_WHOLE: Ranges = ((0, 0xFFFF),)
_LONG_RUN = 4
"""So many neighbouring protocols, all of them whole, are said as one range of numbers."""

Remaining = dict[Family, Ranges]
"""What of each family's own ICMP is still to be said, as type << 8 | code."""


def words(services: Ranges, family: Family | None = None) -> str:
    """The set in the words of a policy, so that parsing them gives it back; empty for the empty set. O(length of the answer).

    Without a family the set is one for both: `icmp/echo-request` where each family's own echo request is in it,
    `icmpv4/echo-request` where only that of IPv4 is. With a family, its own ICMP is `icmp`, and the other family's
    protocol number is only a number. A protocol without ports and types that is in the set in part, which no policy and
    no firewall can say, is called `part of protocol/N`.
    """
    by_protocol = _by_protocol(services)
    runs = list(_long_runs(by_protocol))
    if runs == [(0, 255)]:
        return "any"
    within_runs = {number for low, high in runs for number in range(low, high + 1)}
    single = {number: ranges for number, ranges in by_protocol.items() if number not in within_runs}
    said = [word for name, number in PORTED_NAMES.items() for word in _ports(name, single.pop(number, ()))]
    own = FAMILIES if family is None else (family,)
    remaining = {each: single.pop(PING_FAMILY[each], ()) for each in own}
    spoken = [f"protocol/{name}" for number, name in SPOKEN_PROTOCOLS.items() if single.get(number) == _WHOLE]
    numbered = [
        f"{'' if ranges == _WHOLE else 'part of '}protocol/{number}"
        for number, ranges in single.items()
        if ranges != _WHOLE or number not in SPOKEN_PROTOCOLS
    ]
    return ", ".join((*said, *_icmp(remaining), *spoken, *numbered, *(f"protocol/{low}-{high}" for low, high in runs)))


def _by_protocol(services: Ranges) -> dict[int, Ranges]:
    """Each protocol's selectors, in order of its number."""
    found: dict[int, Ranges] = {}
    for low, high in services:
        for number in range(low >> 16, (high >> 16) + 1):
            base = number << 16
            here = (max(low, base) - base, min(high, base | 0xFFFF) - base)
            found[number] = (*found.get(number, ()), here)
    return found


def _long_runs(by_protocol: Mapping[int, Ranges]) -> Iterator[Range]:
    whole = [number for number, ranges in by_protocol.items() if ranges == _WHOLE]
    yield from (run for run in _runs(whole) if run[1] - run[0] + 1 >= _LONG_RUN)


def _runs(numbers: list[int]) -> list[Range]:
    """Sorted numbers as closed ranges."""
    runs: list[Range] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low}-{high}"


def _ports(name: str, ranges: Ranges) -> list[str]:
    return [name] if ranges == _WHOLE else [f"{name}/{_span(low, high)}" for low, high in ranges]


def _icmp(remaining: Remaining) -> Iterator[str]:
    """Shared names first, then what is left, family by family."""
    if all(ranges == _WHOLE for ranges in remaining.values()):
        yield "icmp"
        return
    said = dict(remaining)
    for name in SHARED_ICMP_TYPES:
        pairs: Remaining = {each: (_pair(each, name),) for each in remaining}
        new = any(intersection(pairs[each], remaining[each]) for each in remaining)
        if new and all(is_within(pairs[each], said[each]) for each in remaining):
            yield f"icmp/{name}"
            remaining = {each: difference(remaining[each], pairs[each]) for each in remaining}
    for each, ranges in remaining.items():
        yield from _own_icmp(each, said[each] if said[each] == _WHOLE else ranges)


def _pair(family: Family, name: str) -> Range:
    kind, first, last = ICMP_TYPES[family][name]
    return kind << 8 | first, kind << 8 | last


def _own_icmp(family: Family, ranges: Ranges) -> Iterator[str]:
    """One family's ICMP by its types; neighbouring whole types as one range."""
    word = f"icmpv{family}"
    if ranges == _WHOLE:
        yield word
        return
    names = {_pair(family, name): name for name in ICMP_TYPES[family]}
    pieces = list(_by_type(ranges))
    whole = [low >> 8 for low, high in pieces if high - low == 255]
    for first, last in _runs(whole):
        yield (
            f"{word}/{names.get((first << 8, first << 8 | 255), first)}" if first == last else f"{word}/{first}-{last}"
        )
    for low, high in pieces:
        if high - low != 255:
            yield f"{word}/{names.get((low, high)) or f'{low >> 8}/{_span(low & 255, high & 255)}'}"


def _by_type(ranges: Ranges) -> Iterator[Range]:
    """The same selectors, no range across two types."""
    for low, high in ranges:
        for kind in range(low >> 8, (high >> 8) + 1):
            yield max(low, kind << 8), min(high, kind << 8 | 255)
