"""Flows: products of canonical ranges, in which answers are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from firewright.model.interval import Ranges, union
from firewright.model.packet import Family
from firewright.space.axis import TOPS, Axis
from firewright.space.box import Box, intern, ranges_in
from firewright.space.program import Literals


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """Every packet of a family whose place on each axis is in that axis's ranges, where the literals read so."""

    family: Family
    in_interface: Ranges
    out_interface: Ranges
    source: Ranges
    destination: Ranges
    conntrack_state: Ranges
    service: Ranges
    source_port: Ranges
    tcp_flags: Ranges
    literals: Literals = ()

    @property
    def axes(self) -> tuple[Ranges, ...]:
        """The ranges of each axis, in the order of `Axis`."""
        return (
            self.in_interface,
            self.out_interface,
            self.source,
            self.destination,
            self.conntrack_state,
            self.service,
            self.source_port,
            self.tcp_flags,
        )

    def on(self, axis: Axis) -> Ranges:
        """The ranges of one axis."""
        return self.axes[axis]

    def is_free(self, axis: Axis) -> bool:
        """Whether the flow holds everything on an axis."""
        return self.on(axis) == _whole(self.family)[axis]

    @property
    def box(self) -> Box:
        """The flow as a box, without its literals."""
        values = [intern(ranges, top) for ranges, top in zip(self.axes, TOPS[self.family], strict=True)]
        return tuple(value for value in values if value is not None)


@cache
def _whole(family: Family) -> tuple[Ranges, ...]:
    return tuple(((0, top),) for top in TOPS[family])


_MERGING = (
    Axis.SERVICE,
    Axis.SOURCE_PORT,
    Axis.DESTINATION,
    Axis.SOURCE,
    Axis.CONNTRACK_STATE,
    Axis.TCP_FLAGS,
    Axis.IN_INTERFACE,
    Axis.OUT_INTERFACE,
)


def merged(family: Family, products: Iterable[tuple[tuple[Ranges, ...], Literals]]) -> tuple[Flow, ...]:
    """Disjoint products as few flows: those that differ on one axis only become one, axis by axis, until none does.

    Disjoint stays disjoint; equal input in any order gives equal output.
    """
    rows = sorted(products)
    shrunk = True
    while shrunk and len(rows) > 1:
        shrunk = False
        for axis in _MERGING:
            alike: dict[tuple[tuple[Ranges, ...], Literals], list[Ranges]] = {}
            for axes, literals in rows:
                alike.setdefault(((*axes[:axis], *axes[axis + 1 :]), literals), []).append(axes[axis])
            if len(alike) < len(rows):
                shrunk = True
                rows = sorted(
                    ((*rest[:axis], union(*parts), *rest[axis:]), literals) for (rest, literals), parts in alike.items()
                )
    return tuple(_flow(family, axes, literals) for axes, literals in rows)


def flow_of(family: Family, box: Box) -> Flow:
    """A box as a flow. The reverse of `Flow.box`."""
    axes = tuple(ranges_in(value, top) for value, top in zip(box, TOPS[family], strict=True))
    return _flow(family, axes, ())


def _flow(family: Family, axes: tuple[Ranges, ...], literals: Literals) -> Flow:
    in_interface, out_interface, source, destination, state, service, source_port, tcp_flags = axes
    return Flow(
        family, in_interface, out_interface, source, destination, state, service, source_port, tcp_flags, literals
    )
