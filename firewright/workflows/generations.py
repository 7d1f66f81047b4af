"""The generations that a host keeps: listed, shown, and two of them compared by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from firewright.analysis.passage import MachineNamer, passage_words, world
from firewright.analysis.running import openings, witness
from firewright.analysis.validate import real
from firewright.diagnostic import Report, harmless
from firewright.live.host import Host
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges
from firewright.model.interval import difference as without
from firewright.model.moment import Instant
from firewright.model.packet import FAMILIES, Family
from firewright.reports._drift import Side
from firewright.reports._generations import Generations, GenerationsCompared, GenerationText, Kept, Moved
from firewright.space.axis import ANY_INTERFACE, interface
from firewright.space.box import Box, box, meet_box
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.workflows.drift import gap, known_state, side, stored
from firewright.workflows.meaning import Meaning, Unjudged, deed, difference, meaning_of
from firewright.workflows.selection import Saying, silent
from firewright.workflows.targets import NEW

_STOPPED = ("drop", "reject")
_WIRES: Ranges = without(ANY_INTERFACE, interface("lo"))


def generations(host: Host, report: Report, saying: Saying = silent) -> Generations | None:
    """Every generation that a host keeps; None after saying in the report why nobody knows. Raises HostError."""
    saying(f"asking {harmless(host.name)}")
    state = known_state(host, report)
    if state is None:
        return None
    kept = (
        Kept(
            one.number,
            one.state,
            one.policy,
            one.facts.get("firewall", ""),
            one.made,
            one.facts.get("by", ""),
            one.facts.get("mode", "enforce"),
            one.number == state.running,
            one.number == state.confirmed,
            bool(state.boot_way),
        )
        for one in state.generations
    )
    return Generations(host.name, tuple(kept))


def shown(number: int, host: Host, report: Report, saying: Saying = silent) -> GenerationText | None:
    """The ruleset of a generation; None after saying in the report that it is not what was stored. Raises HostError."""
    saying(f"fetching generation {number} of {harmless(host.name)}")
    text = stored(host, number, report)
    return None if text is None else GenerationText(host.name, number, text)


def compared(
    before: int, after: int, host: Host, report: Report, saying: Saying = silent
) -> GenerationsCompared | None:
    """What two generations of a host do differently, at the first instant from now on at which they do, by the host's clock.

    None after saying in the report why nobody knows. Raises HostError.
    """
    saying(f"fetching generations {before} and {after} of {harmless(host.name)}")
    state = known_state(host, report)
    if state is None:
        return None
    texts = [stored(host, number, report) for number in (before, after)]
    if texts[0] is None or texts[1] is None:
        return None
    saying(f"comparing generation {before} with {after}")
    try:
        first, second = meaning_of(texts[0], f"generation {before}"), meaning_of(texts[1], f"generation {after}")
        found = difference(first, second, state.time)
        if found is None:
            return GenerationsCompared(host.name, before, after, state.time)
        shifted = tuple(moved(first, second, found.instant)) if found.packet is not None else ()
    except Unjudged as error:
        report.error(error.name, f"{harmless(host.name)}: {error.message}", help=error.help)
        return None
    except Undecided as error:
        report.error("undecided", f"the comparison was not decided: {harmless(str(error))}", help="compare in parts")
        return None
    return GenerationsCompared(host.name, before, after, int(found.instant), shifted, gap(found))


def moved(before: Meaning, after: Meaning, instant: Instant) -> Iterator[Moved]:
    """The flows that begin and are treated differently, by the lines that decide them. Raises Undecided, Unjudged."""
    first, second = before.programs(instant), after.programs(instant)
    namer = MachineNamer(world("this host"), AddressSet())
    for kind, packets in _kinds(first, second):
        groups: dict[tuple[Side, Side], list[Flow]] = {}
        for family in FAMILIES:
            for opening in _beginning(family):
                for flow in packets.flows(family, {family: opening}):
                    for part in partition([first[family], second[family]], family, flow.box):
                        one, other = part.deciders
                        if first[family].verdict[one] == second[family].verdict[other]:
                            continue  # Another reading of what the packet carries beside the axes.
                        sides = _side(one, first[family], before), _side(other, second[family], after)
                        groups.setdefault(sides, []).extend(part.flows)
        for (old, new), flows in groups.items():
            words = passage_words(map(_without_lo, flows), namer)
            yield Moved(kind, tuple(map(str, words)), str(witness(flows[0])), old, new)


def _kinds(first: Mapping[Family, Program], second: Mapping[Family, Program]) -> Iterator[tuple[str, PacketSet]]:
    """What opens and closes, what is told now that it is stopped, and what is not any more."""
    was, becomes = PacketSet.decided(first, "accept"), PacketSet.decided(second, "accept")
    yield "opens", becomes - was
    yield "closes", was - becomes
    dropped, refused = _STOPPED
    yield "answers", PacketSet.decided(first, dropped) & PacketSet.decided(second, refused)
    yield "hides", PacketSet.decided(first, refused) & PacketSet.decided(second, dropped)


def _side(step: int, program: Program, meaning: Meaning) -> Side:
    """What a step does, and by which line."""
    return side(deed(str(program.verdict[step]), program.origin[step], meaning))


def _beginning(family: Family) -> Iterator[Box]:
    """The packets with which flows begin on a real machine."""
    whole = box(family, conntrack_state=NEW)
    met = None if whole is None else meet_box(whole, real(family), family)
    if met is not None:
        yield from openings(family, met)


def _without_lo(flow: Flow) -> Flow:
    """The flow without the words that it does not come by `lo`, where it comes by every other interface."""
    came, went = (ANY_INTERFACE if one == _WIRES else one for one in (flow.in_interface, flow.out_interface))
    return replace(flow, in_interface=came, out_interface=went)
