"""Comparing programs: every pair of steps that decide some packet differently, proofs within a set, and paths through several.

Exact, with a packet for every difference. Only steps that one side has and the other has not can take part in a difference,
so a few edits of a long list cost little.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.axis import AXES
from firewright.space.bitmap import bitmap_of, bits
from firewright.space.box import EVERY_BOX, Box
from firewright.space.budget import Meter
from firewright.space.index import AtomBox, Index
from firewright.space.packetset import PacketSet
from firewright.space.program import Hop, Program
from firewright.space.question import deciding_packets, find_packet, index_of
from firewright.space.search import deciding, outside, settle
from firewright.space.slices import only, steps_meeting
from firewright.space.witness import packet_in


@dataclass(frozen=True, slots=True)
class Difference:
    """A packet that step `before` of the first program decides and step `after` of the second decides otherwise."""

    before: int
    after: int
    witness: Packet


def differences(before: Program, after: Program, within: Box = EVERY_BOX) -> tuple[Difference, ...]:
    """Every pair of steps that decide some packet of the question with different words, each with such a packet.

    Sorted by steps. None: the programs decide alike there, proved. Undecided where the budget does not suffice.
    """
    if before.family != after.family:
        raise ValueError("programs of different families have no packet in common")
    if before is after:
        return ()
    skips = any(isinstance(verdict, int) for program in (before.seal(), after.seal()) for verdict in program.verdict)
    return _walked(before, after, within) if skips else _paired(before, after, within)


def first_difference(before: Program, after: Program, within: Box = EVERY_BOX) -> Packet | None:
    """One packet that the programs decide with different words; None if they decide alike, proved."""
    asked = None if within == EVERY_BOX else within
    found = find_packet(_differing(before, after).sentence, before.family, asked)
    return None if found is None else found[0]


def _differing(before: Program, after: Program) -> PacketSet:
    """The packets that two programs of one family decide with different words."""
    nothing = _deciding_nothing(10 - before.family)
    first = {before.family: before, nothing.family: nothing}
    second = {after.family: after, nothing.family: nothing}
    found = PacketSet.of({})
    for word in sorted(before.words | after.words):
        found |= PacketSet.decided(first, word) - PacketSet.decided(second, word)
    return found


def _deciding_nothing(family: Family) -> Program:
    program = Program(family)
    program.add(EVERY_BOX, "not asked")
    return program


def _walked(before: Program, after: Program, within: Box) -> tuple[Difference, ...]:
    """Programs that skip: where each step of the first decides, walk the second for other words."""
    index = index_of([before, after], before.family)
    meter = Meter.now()
    one, other = index.lists
    found: dict[tuple[int, int], AtomBox] = {}
    region = index.region(None if within == EVERY_BOX else within)
    for word in sorted(one.deciding):
        against = other.steps & ~other.skips & ~other.deciding.get(word, 0)
        for step, own, earlier in deciding(index, 0, region, 0, one.deciding[word], 0, meter):
            for claim in deciding(index, 1, own, earlier, against, other.offset, meter):
                pair = step, claim[0] - other.offset
                if pair not in found:
                    part = settle(index, claim, meter)
                    if part is not None:
                        found[pair] = part
    return tuple(_difference(index, within, *pair, part) for pair, part in sorted(found.items()))


def _difference(index: Index, within: Box, before: int, after: int, part: AtomBox) -> Difference:
    product = index.product(part, None if within == EVERY_BOX else within)
    return Difference(before, after, packet_in(index.family, product[:AXES]))


def _paired(before: Program, after: Program, within: Box) -> tuple[Difference, ...]:
    """Programs without skips: pairs of overlapping steps with different words, at least one of them changed.

    A packet that two unchanged steps decide is decided by the same step on both sides: the steps that both lists have in the
    same order stand in the same order on both sides. So every difference lies in the box of a changed step, and steps that
    meet none of those are left out from the start.
    """
    changed = _changed(before, after)
    boxes = [
        program.box[step] for program, steps in zip((before, after), changed, strict=True) for step in sorted(steps)
    ]
    if not boxes:
        return ()
    kept = [steps_meeting(program, boxes) for program in (before, after)]
    index = Index([only(program, steps) for program, steps in zip((before, after), kept, strict=True)], before.family)
    one, other = index.lists
    changed_before = bitmap_of((place for place, step in enumerate(kept[0]) if step in changed[0]), index.count)
    changed_after = bitmap_of(
        (place + other.offset for place, step in enumerate(kept[1]) if step in changed[1]), index.count
    )
    region = index.region(None if within == EVERY_BOX else within)
    found = []
    for step in bits(region.overlapping & one.steps):
        against = other.steps & ~other.deciding.get(str(one.program.verdict[step]), 0)
        if not changed_before >> step & 1:
            against &= changed_after
        for step_after, part in _pairs_of(index, step, against, region.atoms, Meter.now()):
            found.append(_difference(index, within, kept[0][step], kept[1][step_after - other.offset], part))
    return tuple(found)


def _pairs_of(index: Index, step: int, against: int, within: AtomBox, meter: Meter) -> Iterator[tuple[int, AtomBox]]:
    """The steps among `against` that decide on the other side some packet that the step decides on this one."""
    other = index.lists[1]
    below = (1 << step) - 1
    if _among(index, step, index.containing, below):
        return
    before = _among(index, step, index.overlapping, below)
    reached = _among(index, step, index.overlapping, other.steps)
    nearest = _among(index, step, index.containing, other.steps)
    reached &= ((nearest & -nearest) << 1) - 1
    against &= reached
    if not against:
        return
    own = tuple(mine & asked for mine, asked in zip(index.boxes[step], within, strict=True))
    if not all(own) or (before and outside(index, own, before, meter) is None):
        return
    values = index.values[step]
    for step_after in bits(against):
        covering = before | reached & ((1 << step_after) - 1)
        theirs = index.values[step_after]
        holding = covering
        for axis in index.order:
            containing = index.containing[axis]
            holding &= containing[values[axis]] | containing[theirs[axis]]
            if not holding:
                break
        if holding:
            continue
        shared = tuple(mine & their for mine, their in zip(own, index.boxes[step_after], strict=True))
        if all(shared):
            covering = _among(index, step_after, index.overlapping, covering)
            part = outside(index, shared, covering, meter)
            if part is not None:
                yield step_after, part


def _among(index: Index, step: int, relation: Sequence[Mapping[int, int]], steps: int) -> int:
    """Those of the steps that stand in a relation to a step on every axis."""
    values = index.values[step]
    for axis in index.order:
        steps &= relation[axis][values[axis]]
        if not steps:
            break
    return steps


def _changed(before: Program, after: Program) -> tuple[set[int], set[int]]:
    """The steps of either side that are not in a longest common list: its longest increasing run of equal steps."""
    where: dict[object, list[int]] = {}
    for place, meaning in enumerate(_meanings(after)):
        where.setdefault(meaning, []).append(place)
    for places in where.values():
        places.reverse()
    pairs = [(place, where[meaning].pop()) for place, meaning in enumerate(_meanings(before)) if where.get(meaning)]
    ends: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        previous.append(last[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            last.append(number)
        else:
            ends[length], last[length] = place, number
    only_before, only_after = set(range(len(before))), set(range(len(after)))
    number = last[-1] if last else -1
    while number >= 0:
        only_before.discard(pairs[number][0])
        only_after.discard(pairs[number][1])
        number = previous[number]
    return only_before, only_after


def _meanings(program: Program) -> Iterator[tuple[object, ...]]:
    return zip(program.box, program.literals, program.verdict, strict=True)


@dataclass(frozen=True, slots=True)
class Excess:
    """A packet outside the set that a step decides with one of the words asked for."""

    family: Family
    step: int
    witness: Packet


def excesses(programs: Mapping[Family, Program], allowed: PacketSet, *words: str) -> tuple[Excess, ...]:
    """The steps that decide with one of these words some packet outside a set, each with one: proof of an allowlist.

    None: all that is decided so is within the set, proved for both families. Undecided where the budget does not suffice.
    """
    forbidden = (~allowed).sentence
    return tuple(
        Excess(family, step, packet)
        for family in FAMILIES
        for step, packet in deciding_packets(programs[family], words, forbidden)
    )


@dataclass(frozen=True, slots=True)
class Stop:
    """A packet of the question that a firewall on the path does not let through, by which of its steps and with what word."""

    firewall: str
    step: int
    word: str
    witness: Packet


def stops(path: Program, within: Box = EVERY_BOX) -> tuple[Stop, ...]:
    """Where packets of a question end on a path (made by `series`) before its end, a packet for each such step.

    None: everything in the question gets through, proved. What gets through is `PacketSet.decided` "accept".
    """
    found = []
    everything = (~PacketSet.of({})).sentence
    for step, packet in deciding_packets(path, path.words - {"accept"}, everything, within):
        hop, word = path.origin[step], path.verdict[step]
        if not isinstance(hop, Hop) or not isinstance(word, str):
            raise ValueError("a path is made by `series`")
        found.append(Stop(hop.name, hop.step, word, packet))
    return tuple(found)
