"""Steps of a first-match list that could go: shadowed ones decide no packet, redundant ones change no decision.

Exact and complete: by unions of other steps, not by pairs. A few sampled packets only ever prove that a step is alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from firewright.model.packet import Packet
from firewright.space.axis import AXES
from firewright.space.bitmap import bitmap_of, bits, lowest, members
from firewright.space.budget import Meter, Undecided
from firewright.space.cover import cover
from firewright.space.index import AtomBox, Index
from firewright.space.program import Program, Verdict
from firewright.space.question import index_of
from firewright.space.search import Claim, deciding, outside, settle
from firewright.space.witness import packet_in

_SAMPLES, _SAMPLES_ALIVE = 30, 10
"""Packets tried to prove that a step is alive; and, once it is, that it is needed."""


class Kind(Enum):
    """What is wrong with a step."""

    SHADOWED = "shadowed"
    """Earlier steps take all of its packets."""
    REDUNDANT = "redundant"
    """Without it, later steps decide each of its packets the same."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A step that could go, all others staying.

    `by`: for a shadowed step, earlier steps that together hold all of it and of which none could be left out (in a program
    with skips: all earlier steps that overlap it); for a redundant one, the later steps with its verdict that overlap it, up
    to the first step that holds all of it.
    """

    step: int
    kind: Kind
    by: tuple[int, ...]


def anomalies(program: Program) -> tuple[Anomaly, ...]:
    """Every shadowed or redundant step of a program, in order, each judged with all others in place.

    The last step, which decides what is left, is not judged; nor is redundancy of steps that skip. Undecided where the
    budget of one step's proofs does not suffice.
    """
    index = index_of([program.seal()], program.family)
    walking = (_judge_walking(index, step) for step in range(len(program) - 1))
    found: Iterator[Anomaly | None] = walking if index.lists[0].skips else _Flat(index).judged()
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


class _Flat:
    """The steps of a program without skips, judged by bitmaps."""

    def __init__(self, index: Index) -> None:
        self.index = index
        program = index.lists[0].program
        self.verdicts: list[Verdict] = program.verdict
        self.alike = {word: index.lists[0].deciding[word] for word in program.words}
        self.random = Random(1)  # noqa: S311 (samples only find packets; nothing rests on their being hard to guess)

    def judged(self) -> Iterator[Anomaly | None]:
        for step in range(self.index.count - 1):
            yield self.judge(step)

    def judge(self, step: int) -> Anomaly | None:
        index = self.index
        below = (1 << step) - 1
        if earlier := index.holding(step, below):
            return Anomaly(step, Kind.SHADOWED, (lowest(earlier),))
        before = index.meeting(step, below)
        later = index.every_step ^ below ^ (1 << step)
        nearest = index.holding(step, later)
        after = index.meeting(step, later & ((nearest & -nearest) << 1) - 1)
        is_alive, is_needed = not before, False
        if before or after & ~self.same(step):
            is_alive, is_needed = self.sample(step, before, after)
        if is_needed:
            return None
        meter = Meter.now()
        if not is_alive and before:
            if beside := _beside(index, step, before):
                return Anomaly(step, Kind.SHADOWED, tuple(beside))
            if outside(index, index.boxes[step], before, meter, is_shown=False) is None:
                return Anomaly(step, Kind.SHADOWED, tuple(_fewest(index, step, members(before))))
        if self.is_needed(step, before, after, meter):
            return None
        return Anomaly(step, Kind.REDUNDANT, tuple(members(after & self.same(step))))

    def same(self, step: int) -> int:
        """The steps with a step's verdict."""
        verdict = self.verdicts[step]
        return self.alike[verdict] if isinstance(verdict, str) else 0

    def sample(self, step: int, before: int, after: int) -> tuple[bool, bool]:
        """Whether some packet proves that the step is alive, and that it is needed."""
        choose, same = self.random.random, self.same(step)
        axes, values = self.index.axes, self.index.values[step]
        pools = []
        for axis in self.index.order:
            pool = axes[axis].atoms[values[axis]]
            pools.append((axes[axis].held, pool, len(pool)))
        is_alive = not before
        for tried in range(_SAMPLES):
            if is_alive and tried >= _SAMPLES_ALIVE:
                break
            chosen = [held[pool[int(choose() * count)]] for held, pool, count in pools]
            holding = before
            for steps in chosen:
                holding &= steps
                if not holding:
                    break
            if holding:
                continue
            is_alive = True
            holding = after
            for steps in chosen:
                holding &= steps
            if not holding & -holding & same:
                return True, True
        return is_alive, False

    def is_needed(self, step: int, before: int, after: int, meter: Meter) -> bool:
        """Whether some packet of a step that is alive would be decided otherwise without it."""
        index = self.index
        same = self.same(step)
        box = index.boxes[step]
        for other in bits(after & ~same):
            covering = index.meeting(other, before | (after & same & ((1 << other) - 1)))
            if index.holding_both(step, other, covering):
                continue
            shared = tuple(one & two for one, two in zip(box, index.boxes[other], strict=True))
            if outside(index, shared, covering, meter, is_shown=False) is not None:
                return True
        return False


def _beside(index: Index, step: int, before: int) -> list[int]:
    """Some of the steps before that cover a step side by side: on all axes but one each of them holds all of it.

    None can be left out; earlier ones are preferred. Empty if there are none: then it takes `cover` to say.
    """
    values = index.values[step]
    for axis in index.order:
        besides = before
        for other in index.order:
            if other != axis and besides:
                besides &= index.containing[other][values[other]]
        wanted = index.boxes[step][axis]
        left = wanted
        parts = []
        for candidate in bits(besides):
            part = index.boxes[candidate][axis] & wanted
            if part & left:
                parts.append((candidate, part))
                left &= ~part
                if not left:
                    return _without_spare(parts, wanted)
    return []


def _without_spare(parts: list[tuple[int, int]], wanted: int) -> list[int]:
    """The parts of a covered set, from the last on, without those whose numbers all others hold too."""
    early = [0]
    for _, part in parts:
        early.append(early[-1] | part)
    late, kept = 0, []
    for place in range(len(parts) - 1, -1, -1):
        candidate, part = parts[place]
        if wanted & ~(early[place] | late):
            kept.append(candidate)
            late |= part
    return kept[::-1]


def _fewest(index: Index, step: int, candidates: Sequence[int]) -> list[int]:
    """A part of the candidates that still covers a step and of which none can be left out; earlier steps are preferred.

    By halving (U. Junker, QuickXplain, AAAI 2004): O(k log(n / k)) proofs for k steps of n.
    """
    box = index.boxes[step]
    used: set[int] = set()
    try:
        cover(box, candidates, index.boxes, index.order, Meter.now(), used)
        candidates = sorted(used)
    except Undecided:
        pass  # The second engine proved it, and does not say by which.

    def search(kept: list[int], rest: list[int], is_changed: bool) -> list[int]:
        if is_changed and outside(index, box, bitmap_of(kept, index.count), Meter.now(), False) is None:
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        late = search(kept + first, second, True)
        early = search(kept + late, first, bool(late))
        return early + late

    return sorted(search([], list(candidates), False))
