"""Where addresses are: words for the ranges of a chain's name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from firewright.model.interval import Ranges, size
from firewright.model.packet import Family
from firewright.model.policy import Zone, ZoneKind

_NAMING = (ZoneKind.NAMED, ZoneKind.INTERNET, ZoneKind.MULTICAST, ZoneKind.BROADCAST)


class Places:
    """The innermost zone of every address of a family, by name."""

    def __init__(self, zones: Iterable[Zone], family: Family) -> None:
        self.family = family
        held = [(size(zone.addresses.ranges(family)), zone) for zone in zones if zone.kind in _NAMING]
        held.sort(key=lambda pair: -pair[0])
        changes: dict[int, list[tuple[int, str]]] = {}
        for rank, (_, zone) in enumerate(held):
            for low, high in zone.addresses.ranges(family):
                changes.setdefault(low, []).append((rank, zone.name))
                changes.setdefault(high + 1, []).append((rank, zone.name))
        self._starts, self._words = [-1], ["elsewhere"]
        inside: dict[int, str] = {}
        for start in sorted(changes):
            for rank, name in changes[start]:
                if rank in inside:
                    del inside[rank]
                else:
                    inside[rank] = name
            self._starts.append(start)
            self._words.append(inside[max(inside)] if inside else "elsewhere")

    def word(self, ranges: Ranges) -> str:
        """What to call some addresses: the innermost zone of the first of them."""
        return self._words[bisect_right(self._starts, ranges[0][0]) - 1]
