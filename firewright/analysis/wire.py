"""Packets as they come over wires: from outside the machine by real interfaces, and those of new flows from somebody's address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from firewright.analysis.running import openings
from firewright.analysis.validate import LOOPBACK_INTERFACE, real
from firewright.model.address import UNICAST
from firewright.model.interval import Ranges, difference, size, union
from firewright.model.packet import ConntrackState, Family
from firewright.space.axis import ANY_INTERFACE, HOST, interface
from firewright.space.box import Box, box, meet_box
from firewright.space.flow import Flow

_NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
_LO: Ranges = interface(LOOPBACK_INTERFACE)
REAL: Ranges = difference(ANY_INTERFACE, _LO)
"""Every interface of a machine but the one that is the machine itself."""


def beginnings(family: Family) -> Iterator[Box]:
    """Every packet of a family with which a flow can begin, as disjoint products."""
    new = box(family, source=UNICAST.ranges(family), conntrack_state=_NEW)
    yield from seen_openings(family, [new] if new is not None else [])


def seen_openings(family: Family, boxes: Iterable[Box]) -> Iterator[Box]:
    """The packets of some products with which a flow can begin, and that a machine can see: none comes by `lo` from outside."""
    whole = real(family)
    for one in boxes:
        within = meet_box(whole, one, family)
        if within is not None:
            yield from openings(family, within)


def by_any(flow: Flow) -> Flow:
    """The flow in which `lo` is with those that come or go by most interfaces, so that nobody is told that it is left out."""
    return replace(flow, in_interface=_wide(flow.in_interface), out_interface=_wide(flow.out_interface))


def _wide(ranges: Ranges) -> Ranges:
    return union(ranges, _LO) if size(ranges) * 2 > size(ANY_INTERFACE) else ranges


def real_ways(ranges: Ranges | None) -> Ranges:
    """The interfaces of a question, None for all and the machine itself, without the one that is the machine itself."""
    return union(HOST, REAL) if ranges is None else difference(ranges, _LO)
