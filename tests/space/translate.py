"""From the small world of `reference` to the engine and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from firewright.model.interval import Ranges, canonical, intersection
from firewright.model.packet import Packet
from firewright.space.axis import point
from firewright.space.box import Box, box
from firewright.space.chain import Chain, Continue, Final, Goto, Jump, Return, Rule, Target
from firewright.space.flow import Flow
from firewright.space.program import Literals, Program
from tests.space import reference
from tests.space.reference import CUTS, NAMES, Cell, Line, Match, segment


def box_of(match: Match, family: int) -> Box:
    """A match as a box."""
    given: dict[str, Ranges] = {
        name: canonical(segment(family, NAMES.index(name), number) for number in segments)
        for name, segments in match.items()
    }
    found = box(family, **given)
    assert found is not None
    return found


def literals_of(line: Line) -> Literals:
    """What a line has that nobody understands."""
    return () if line.unknown is None else (line.unknown,)


def program_of(lines: Sequence[Line], family: int) -> Program:
    """A list of lines as a program."""
    out = Program(family)
    for place, line in enumerate(lines):
        is_skip = line.verdict.startswith("skip:")
        step = out.add(box_of(line.match, family), None if is_skip else line.verdict, place, literals_of(line))
        if is_skip:
            out.skip(step, int(line.verdict[5:]))
    return out


def chains_of(chains: Mapping[str, tuple[Sequence[Line], str]], family: int) -> dict[str, Chain]:
    """Chains as the engine knows them."""
    return {
        name: Chain(
            tuple(
                Rule((box_of(line.match, family),), target_of(line.verdict), line, literals_of(line)) for line in lines
            ),
            policy,
        )
        for name, (lines, policy) in chains.items()
    }


def target_of(verdict: str) -> Target:
    """A verdict as a target."""
    kind, _, name = verdict.partition(":")
    named: dict[str, Target] = {
        "jump": Jump(name),
        "goto": Goto(name),
        "return": Return(),
        "continue": Continue(),
    }
    return named.get(kind, Final(kind))


def cells_of(flows: Iterable[Flow], family: int, reading: Mapping[str, bool] | None = None) -> list[Cell]:
    """The cells of flows under a reading, once for each flow that holds them. Flows must not cut a cell."""
    found: list[Cell] = []
    for flow in flows:
        if any((reading or {}).get(text) != wanted for text, wanted in flow.literals):
            continue
        sides = []
        for axis, ranges in enumerate(flow.axes):
            side = []
            for number in range(len(CUTS[family][axis])):
                one = segment(family, axis, number)
                shared = intersection(ranges, (one,))
                assert shared in ((), (one,)), f"{flow} cuts a cell on axis {NAMES[axis]}"
                if shared:
                    side.append(number)
            sides.append(side)
        found += product(*sides)
    return found


def cell_of(packet: Packet) -> Cell:
    """The cell of a packet."""
    return reference.cell_of(packet.family, point(packet))
