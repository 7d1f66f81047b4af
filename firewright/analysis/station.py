"""One firewall on a way: what it does with packets, and which of them it gives another destination first."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace

from firewright.analysis.rewriting import Rewrite, rewritten
from firewright.analysis.running import Running
from firewright.analysis.wire import REAL
from firewright.model.interval import Ranges, union
from firewright.model.packet import FAMILIES, ConntrackState, Family
from firewright.space.axis import ANY_INTERFACE, HOST, Axis, top
from firewright.space.box import Box, box, intern, meet_box, minus_box
from firewright.space.flow import Flow
from firewright.space.ruleset import Line


@dataclass(frozen=True, slots=True)
class Station:
    """A firewall on the way: its name, the rulesets on its hooks, and the families that these say something of."""

    name: str
    running: Running
    families: tuple[Family, ...] = FAMILIES

    @property
    def has_untracked(self) -> bool:
        """Whether some rule takes packets out of connection tracking."""
        return any("notrack" in line.text.lower() for line in self.running.lines)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a firewall does with some packets: the word and the rule behind it, None where no base chain judges them.

    `is_certain` is whether it is so however what is not understood is read; where it is not, `unknown` are the rules on whose
    reading it hangs.
    """

    firewall: str
    verdict: str
    is_certain: bool
    line: Line | None
    unknown: tuple[Line, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it lets them through."""
        return self.verdict == "accept"

    @property
    def identity(self) -> Hashable:
        """Equal for judgements by the same rule, in both families."""
        place = None if self.line is None else (self.line.place, self.line.text)
        return self.firewall, self.verdict, self.is_certain, place, tuple(line.place for line in self.unknown)


def judged(station: Station, family: Family, within: Box) -> Iterator[tuple[Flow, Judgement]]:
    """A box of packets by what a firewall surely does with them, and where that hangs on a reading by what it may. Raises Undecided."""
    for inner, running in station.running.regions(family, within):
        yield from _judged(station, running, family, inner)


def _judged(station: Station, running: Running, family: Family, within: Box) -> Iterator[tuple[Flow, Judgement]]:
    if not running.bounded:
        for flows, verdict, line in running.decided(family, within):
            yield from ((flow, Judgement(station.name, verdict, True, line)) for flow in flows)
        return
    sure, possible = running.surely, running.possibly
    for packets, is_certain in ((sure, True), (~possible, True), (possible - sure, False)):
        for region in packets.flows(family, {family: within}):
            for flows, verdict, line in running.decided(family, region.box):
                for flow in flows:
                    unknown = () if is_certain else running.unknown_in(flow)
                    yield flow, Judgement(station.name, verdict, is_certain, line, unknown)


def passed(
    station: Station, family: Family, within: Box
) -> Iterator[tuple[Flow, Judgement, tuple[Rewrite, Flow] | None]]:
    """A box of packets by what a firewall does with them; of those with another destination behind it, what they were before."""
    program = station.running.rewriting.get(family)
    began = meet_box(within, _COMING[family], family)
    if program is None or began is None:
        yield from ((flow, judgement, None) for flow, judgement in judged(station, family, within))
        return
    for rest in minus_box(within, _COMING[family], family):
        yield from ((flow, judgement, None) for flow, judgement in judged(station, family, rest))
    for before, rewrite in rewritten(program, began):
        if rewrite is None:
            for flow, judgement in judged(station, family, before.box):
                yield _under(flow, before), _hanging(judgement, before, station), None
        else:
            yield from _rewritten(station, before, rewrite)


def _rewritten(
    station: Station, flow: Flow, rewrite: Rewrite
) -> Iterator[tuple[Flow, Judgement, tuple[Rewrite, Flow] | None]]:
    """A flow that a rule gives another destination: judged with its own before that, and with the new one behind it."""
    family = flow.family
    for before, first in judged(replace(station, running=station.running.before_rewriting), family, flow.box):
        if not first.is_open:
            yield _under(before, flow), _hanging(first, flow, station), None
            continue
        whole = _under(before, flow)
        destination, service = rewrite.applied(whole)
        went = HOST if rewrite.is_local else REAL if rewrite.is_known else union(HOST, REAL)
        changed = replace(whole, destination=destination, service=service)
        asked = at_interfaces(changed, whole.in_interface, went)
        found = list(judged(replace(station, running=station.running.behind_rewriting), family, asked))
        is_one = rewrite.is_exact or len(found) == 1
        for behind, second in found:
            unknown = tuple(dict.fromkeys((*first.unknown, *second.unknown, *(() if is_one else (rewrite.line,)))))
            both = replace(second, is_certain=first.is_certain and second.is_certain and is_one, unknown=unknown)
            yield behind, _hanging(both, flow, station), (rewrite, whole)


def _under(flow: Flow, conditions: Flow) -> Flow:
    """A flow under the conditions of another as well."""
    return replace(flow, literals=tuple(sorted({*flow.literals, *conditions.literals})))


def _hanging(judgement: Judgement, flow: Flow, station: Station) -> Judgement:
    """A judgement, which is not certain where the flow has conditions that no header tells."""
    if not flow.literals:
        return judgement
    unknown = tuple(dict.fromkeys((*judgement.unknown, *station.running.unknown_in(flow))))
    return replace(judgement, is_certain=False, unknown=unknown)


def only_state(state: ConntrackState) -> Ranges:
    """The place of one state on its axis."""
    return ((int(state), int(state)),)


_COMING: Mapping[Family, Box] = {
    family: whole
    for family in FAMILIES
    if (whole := box(family, in_interface=ANY_INTERFACE, conntrack_state=only_state(ConntrackState.NEW))) is not None
}
"""What comes in by an interface and begins a flow: only of that rules are asked for another destination before it is routed."""


def at_interfaces(flow: Flow, came: Ranges, went: Ranges) -> Box:
    """A flow's box with the interfaces that it has at a firewall."""
    values = list(flow.box)
    for axis, ranges in ((Axis.IN_INTERFACE, came), (Axis.OUT_INTERFACE, went)):
        value = intern(ranges, top(flow.family, axis))
        if value is None:
            raise AssertionError("a packet comes and goes by something")
        values[axis] = value
    return tuple(values)
