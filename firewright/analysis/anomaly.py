"""Steps of a first-match list that could go: shadowed ones decide no packet, redundant ones change no decision.

Exact and complete: by unions of other steps, not by pairs. A few sampled packets only ever prove that a step is alive.
"""

from __future__ import annotations

from collections.abc import Iterator

from firewright.analysis._flat import Anomaly, Flat, Kind
from firewright.analysis._stretched import Stretched, cut
from firewright.model.packet import Packet
from firewright.space.axis import AXES
from firewright.space.bitmap import bits, members
from firewright.space.budget import Meter
from firewright.space.index import AtomBox, Index
from firewright.space.program import Program
from firewright.space.question import index_of
from firewright.space.search import Claim, deciding, settle
from firewright.space.witness import packet_in

__all__ = ["Anomaly", "Kind", "anomalies", "mattering", "reaching"]


def anomalies(program: Program) -> tuple[Anomaly, ...]:
    """Every shadowed or redundant step of a program, in order, each judged with all others in place.

    The last step, which decides what is left, is not judged; nor is redundancy of steps that skip. Undecided where the
    budget of one step's proofs does not suffice.
    """
    in_stretches = cut(program.seal())
    if in_stretches is not None:
        return tuple(Stretched(program, *in_stretches).judged())
    index = index_of([program], program.family)
    walking = (_judge_walking(index, step) for step in range(len(program) - 1))
    found: Iterator[Anomaly | None] = walking if index.lists[0].skips else Flat(index).judged()
    return tuple(anomaly for anomaly in found if anomaly is not None)


def reaching(program: Program, step: int) -> Packet | None:
    """A packet that a step decides (or lets skip); None if it is shadowed."""
    index = index_of([program.seal()], program.family)
    meter = Meter.now()
    for claim in _claims_of(index, step, meter):
        part = settle(index, claim, meter)
        if part is not None:
            return packet_in(program.family, index.product(part, None)[:AXES])
    return None


def mattering(program: Program, step: int) -> Packet | None:
    """A packet that would be decided otherwise if a deciding step were gone; None if there is none."""
    index = index_of([program.seal()], program.family)
    found = _changed(index, step, Meter.now())
    return None if found is None else packet_in(program.family, index.product(found, None)[:AXES])


def _claims_of(index: Index, step: int, meter: Meter) -> Iterator[Claim]:
    """Claims whose union is what reaches a step and matches it."""
    own = index.clip(index.region(), step)
    if own is None:
        raise AssertionError("a box is never empty")
    return deciding(index, 0, own, 0, 1 << step, 0, meter)


def _changed(index: Index, step: int, meter: Meter) -> AtomBox | None:
    listed = index.lists[0]
    own = listed.program.verdict[step]
    if not isinstance(own, str) or step == len(listed.program) - 1:
        raise ValueError(f"step {step} is not one that could go: it skips, or decides what is left")
    others = listed.steps & ~listed.skips & ~listed.deciding[own]
    for _, region, before in _claims_of(index, step, meter):
        for claim in deciding(index, 0, region, before, others, step + 1, meter):
            part = settle(index, claim, meter)
            if part is not None:
                return part
    return None


def _judge_walking(index: Index, step: int) -> Anomaly | None:
    """Judge one step of a program that skips."""
    program = index.lists[0].program
    meter = Meter.now()
    if all(settle(index, claim, meter) is None for claim in _claims_of(index, step, meter)):
        before = _overlapping(index, step) & ((1 << step) - 1)
        return Anomaly(step, Kind.SHADOWED, tuple(bits(before)))
    verdict = program.verdict[step]
    if isinstance(verdict, str) and _changed(index, step, meter) is None:
        return Anomaly(step, Kind.REDUNDANT, _successors(index, step, verdict))
    return None


def _overlapping(index: Index, step: int) -> int:
    return index.meeting(step, index.every_step & ~(1 << step))


def _successors(index: Index, step: int, verdict: str) -> tuple[int, ...]:
    """Later steps with this verdict that overlap a step, up to the first step that holds all of it."""
    later = _overlapping(index, step) & -(2 << step)
    holding = index.holding(step, later)
    if holding:
        later &= ((holding & -holding) << 1) - 1
    return tuple(members(later & index.lists[0].deciding[verdict]))
