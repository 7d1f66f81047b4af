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
from firewright.space.question import deciding_packets, find_packet, find_packet_in_parts, index_of
from firewright.space.search import deciding, outside, settle
from firewright.space.slices import only, steps_meeting
from firewright.space.witness import packet_in

_LONG = 3_000
"""Programs of this many steps together are compared in parts."""
Sides = tuple[int | None, int | None]
"""The place of a step in two programs, None where it is not there."""


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
    found = first_disagreement(before, after, within)
    return None if found is None else found[0]


def first_disagreement(
    before: Program, after: Program, within: Box = EVERY_BOX
) -> tuple[Packet, dict[str, bool]] | None:
    """One packet that the programs decide with different words, and how literals read for it; None if there is none, proved."""
    differing = _differing(before, after).sentence
    if len(before) + len(after) < _LONG:
        return find_packet(differing, before.family, None if within == EVERY_BOX else within)
    return find_packet_in_parts(differing, before.family, within)


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
    meet none of those are left out from the start. What is left of both lists is indexed as one, unchanged steps once.
    """
    whole, sides = _side_by_side(before, after)
    changed = [box for box, (old, new) in zip(whole.box, sides, strict=True) if old is None or new is None]
    if not changed:
        return ()
    kept = steps_meeting(whole, changed)
    pairs = _Pairs(Index([only(whole, kept)], before.family), [sides[place] for place in kept], within)
    return tuple(sorted(pairs.differences(), key=lambda one: (one.before, one.after)))


def _side_by_side(before: Program, after: Program) -> tuple[Program, list[Sides]]:
    """The steps of both programs in one list, each program's in its own order, the steps in common once; and their places."""
    only_before, only_after = _changed(before, after)
    whole = Program(before.family)
    sides: list[Sides] = []
    old = new = 0
    while old < len(before) or new < len(after):
        if old not in only_before and new in only_after:
            sides.append((None, new))
            program, step = after, new
            new += 1
        else:
            is_common = old not in only_before
            sides.append((old, new if is_common else None))
            program, step = before, old
            old, new = old + 1, new + is_common
        whole.add(program.box[step], str(program.verdict[step]), None, program.literals[step])
    return whole, sides


class _Pairs:
    """The pairs of steps that decide a packet differently, in an index of two lists side by side."""

    def __init__(self, index: Index, sides: Sequence[Sides], within: Box) -> None:
        self.index, self.sides, self.within = index, sides, within
        self.words = index.lists[0].program.verdict
        self.deciding = index.lists[0].deciding
        self.old = bitmap_of((place for place, (old, _) in enumerate(sides) if old is not None), index.count)
        self.new = bitmap_of((place for place, (_, new) in enumerate(sides) if new is not None), index.count)
        self.region = index.region(None if within == EVERY_BOX else within)

    def differences(self) -> Iterator[Difference]:
        """Every difference, by its step in the first list."""
        unchanged = self.old & self.new
        asked = self.old & ~self.new
        for step in bits(self.new & ~self.old):
            asked |= self.index.meeting(step, unchanged & ~self.deciding[str(self.words[step])])
        for step in bits(asked & self.region.overlapping):
            against = self.new & ~self.deciding[str(self.words[step])]
            if unchanged >> step & 1:
                against &= ~unchanged
            for other, part in self.of(step, against, Meter.now()):
                before, after = self.sides[step][0], self.sides[other][1]
                if before is not None and after is not None:
                    yield _difference(self.index, self.within, before, after, part)

    def of(self, step: int, against: int, meter: Meter) -> Iterator[tuple[int, AtomBox]]:
        """The steps among `against` that decide, in the second list, some packet that the step decides in the first."""
        index = self.index
        below = self.old & ((1 << step) - 1)
        if index.holding(step, below):
            return
        reached, nearest = index.meeting(step, self.new), index.holding(step, self.new)
        reached &= ((nearest & -nearest) << 1) - 1
        against &= reached
        own = tuple(mine & asked for mine, asked in zip(index.boxes[step], self.region.atoms, strict=True))
        if not against or not all(own):
            return
        before = index.meeting(step, below)
        is_alive = not before
        for other in bits(against):
            covering = index.meeting(other, before | reached & ((1 << other) - 1))
            if index.holding_both(step, other, covering):
                continue
            shared = tuple(mine & their for mine, their in zip(own, index.boxes[other], strict=True))
            if not all(shared):
                continue
            part = outside(index, shared, covering, meter)
            if part is not None:
                is_alive = True
                yield other, part
            elif not is_alive:
                # Perhaps none of its pairs can differ, since earlier steps of its own list take all of it.
                if outside(index, own, before, meter, is_shown=False) is None:
                    return
                is_alive = True


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
