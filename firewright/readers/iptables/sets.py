"""The sets of `ipset save` in the same text as a dump: `-m set` is exact where their elements are addresses that stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from firewright.diagnostic import harmless
from firewright.model.interval import Range, Ranges, canonical
from firewright.model.packet import Family
from firewright.readers.iptables.numbers import network, span
from firewright.readers.iptables.words import BadLine

_FAMILIES: Mapping[str, Family] = {"inet": 4, "inet6": 6}
_EXACT = ("hash:ip", "hash:net", "bitmap:ip")
"""Kinds whose elements are addresses alone."""
_CHANGED = re.compile(r"\s--(?:add|del)-set\s+(\S+)|\s--map-set\s+(\S+)")


@dataclass(frozen=True, slots=True)
class KnownSet:
    """The addresses of a set that nothing changes but its owner."""

    family: Family
    ranges: Ranges


NO_SETS: Mapping[str, KnownSet] = MappingProxyType({})
"""What is known of sets where a text has none."""


@dataclass(slots=True)
class _Started:
    family: Family
    is_exact: bool
    ranges: list[Range] = field(default_factory=list)


class SetReader:
    """Collects the lines of `ipset save`; `sets` are those that are known exactly."""

    def __init__(self) -> None:
        self._started: dict[str, _Started] = {}

    def line(self, text: str) -> None:
        """`create NAME KIND [OPTION VALUE]…` or `add NAME ELEMENT [OPTION VALUE]…`. Raises BadLine."""
        command, *words = text.split()
        if len(words) < 2:
            raise BadLine(f"{command} needs a set and what comes into it")
        name, what, options = words[0], words[1], words[2:]
        if command == "create":
            if name in self._started:
                raise BadLine(f"set {harmless(name, 40)} is created twice")
            given = dict(zip(options[::2], options[1::2], strict=False))
            family = _FAMILIES.get(given.get("family", "inet"), 4)
            # A timeout lets elements go by themselves, and a mask widens what is asked.
            self._started[name] = _Started(
                family, what in _EXACT and not {"timeout", "netmask", "bitmask"} & set(options)
            )
            return
        started = self._started.get(name)
        if started is None:
            raise BadLine(f"no set is called {harmless(name, 40)!r} yet")
        if started.is_exact:
            # Left so by an element that cannot be read.
            started.is_exact = False
            started.ranges += _element(started.family, what)
            started.is_exact = not {"nomatch", "timeout"} & set(options)

    def sets(self, text: str) -> Mapping[str, KnownSet]:
        """The sets whose addresses are known and that no rule of the text changes."""
        changed = {name for pair in _CHANGED.findall(text) for name in pair}
        return {
            name: KnownSet(one.family, canonical(one.ranges))
            for name, one in self._started.items()
            if one.is_exact and name not in changed
        }


def _element(family: Family, text: str) -> Ranges:
    """The addresses of an element: one, a network, or a range."""
    if "-" in text:
        return span(family, text)
    ranges, holes = network(family, text)
    if holes:
        raise BadLine(f"{text!r} is no network")
    return ranges
