"""How flows begin at a firewall, one way through the machine at a time, as far as connection tracking tells of them.

It knows neither the interfaces nor what a packet carries beside the header's axes: what some reading of them accepts, may begin.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from firewright.analysis.validate import real
from firewright.model.interval import Ranges, intersection
from firewright.model.packet import SYN, ConntrackState, Family
from firewright.space.atoms import Atoms
from firewright.space.axis import ANY_INTERFACE, HOST, TOPS, Axis
from firewright.space.bitmap import lowest
from firewright.space.box import Box, Value, intern, meet, minus, ranges_in
from firewright.space.budget import Undecided
from firewright.space.program import Program, specialise
from firewright.space.ruleset import Hook

WAYS = {"": (HOST, HOST), Hook.INPUT: (ANY_INTERFACE, HOST), Hook.OUTPUT: (HOST, ANY_INTERFACE)} | {
    Hook.FORWARD: (ANY_INTERFACE, ANY_INTERFACE)
}
"""Interfaces of a packet by the hook of its way; the machine's talk to itself has none of its own."""
Way = str
"""A key of WAYS."""
TOLD = (Axis.SOURCE, Axis.DESTINATION, Axis.SERVICE, Axis.SOURCE_PORT)
"""What connection tracking knows of a flow."""
_MOST_READINGS = 100_000
HELPER = "ct helper "
"""How the literal begins by which an expected connection is known."""


def box_of(family: Family, way: Way) -> Box:
    """Every packet on a way: `lo` is the machine itself and no interface beside it."""
    out = list(real(family))
    for axis, interfaces in zip((Axis.IN_INTERFACE, Axis.OUT_INTERFACE), WAYS[way], strict=True):
        out[axis] = value_of(intersection(interfaces, ranges_in(out[axis], TOPS[family][axis])), family, axis)
    return tuple(out)


def value_of(ranges: Ranges, family: Family, axis: Axis) -> Value:
    """The value of a set on an axis. The set is not empty."""
    found = intern(ranges, TOPS[family][axis])
    if found is None:
        raise AssertionError("a value holds something")
    return found


def opening(program: Program, way: Way, state: ConntrackState = ConntrackState.NEW) -> Program:
    """A program as it is for packets of a state that begin a flow on a way. The flags are TCP's: of others no step asks for any."""
    fixed = list(box_of(program.family, way))
    fixed[Axis.CONNTRACK_STATE] = value_of(((state, state),), program.family, Axis.CONNTRACK_STATE)
    fixed[Axis.TCP_FLAGS] = value_of(((SYN, SYN),), program.family, Axis.TCP_FLAGS)
    return specialise(program, tuple(fixed))


@dataclass(frozen=True, slots=True)
class Tracked:
    """A flow that connection tracking holds, by its first packet as the filter saw it: after DNAT, before SNAT.

    So `destination` and `port` are where answers come from (the source of conntrack's reply tuple). `port` is ICMP type << 8 | code
    for ICMP; of what has neither, it and `source_port` decide nothing.
    """

    family: Family
    protocol: int
    source: int
    source_port: int
    destination: int
    port: int


class Openings:
    """The packets that begin something on one way: which steps hold those of a flow, and whether they accept any of them."""

    def __init__(self, program: Program, way: Way) -> None:
        self._program, top = program.seal(), TOPS[program.family]
        self._top = top[Axis.IN_INTERFACE]
        self._atoms = [Atoms([box[axis] for box in program.box], top[axis]) for axis in TOLD]
        within = box_of(program.family, way)
        self._ends = within[Axis.IN_INTERFACE], within[Axis.OUT_INTERFACE]
        self._by_atoms: dict[tuple[int, ...], bool] = {}
        self._by_steps: dict[int, bool] = {}

    def accepts(self, flow: Tracked) -> bool:
        """Whether a packet of the flow is accepted by some interfaces, under some reading of what is not known of it."""
        numbers = (flow.source, flow.destination, flow.protocol << 16 | flow.port, flow.source_port)
        places = tuple(
            axis.atom[bisect_right(axis.starts, number) - 1] for axis, number in zip(self._atoms, numbers, strict=True)
        )
        known = self._by_atoms.get(places)
        if known is None:
            holding = -1
            for axis, place in zip(self._atoms, places, strict=True):
                holding &= axis.held[place]
            known = self._by_steps.get(holding)
            if known is None:
                known = self._by_steps[holding] = self._is_accepted(holding)
            self._by_atoms[places] = known
        return known

    def _is_accepted(self, holding: int) -> bool:
        """Whether some interfaces and some reading of what is not understood lead to an accept, by these steps alone."""
        program, todo = self._program, [(holding, *self._ends)]
        seen = set(todo)
        while todo:
            if len(seen) > _MOST_READINGS:
                raise Undecided("too many readings of what is not known of a flow")
            held, into, out = todo.pop()
            step = lowest(held)
            box, verdict, rest = program.box[step], program.verdict[step], held & (held - 1)
            shared_in, shared_out = (
                meet(mine, box[axis], self._top)
                for mine, axis in ((into, Axis.IN_INTERFACE), (out, Axis.OUT_INTERFACE))
            )
            after: list[tuple[int, Value | None, Value | None]] = [(rest, into, out)]
            if shared_in is not None and shared_out is not None:
                if verdict == "accept":
                    return True
                if not program.literals[step]:
                    beside_in, beside_out = minus(into, shared_in, self._top), minus(out, shared_out, self._top)
                    after = [(rest, beside_in, out), (rest, shared_in, beside_out)]
                if isinstance(verdict, int):
                    after.append((held & -(1 << verdict), shared_in, shared_out))
            for steps, one, other in after:
                if one is not None and other is not None and (state := (steps, one, other)) not in seen:
                    seen.add(state)
                    todo.append(state)
        return False
