"""Judging the steps of a program without skips: which are shadowed, which redundant, and by which others. By bitmaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from firewright.space.bitmap import bitmap_of, bits, lowest, members
from firewright.space.budget import Meter, Undecided
from firewright.space.cover import cover
from firewright.space.index import Index
from firewright.space.program import Verdict
from firewright.space.search import outside

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


class Flat:
    """The steps of a program without skips, judged by bitmaps."""

    def __init__(self, index: Index) -> None:
        self.index = index
        program = index.lists[0].program
        self.verdicts: list[Verdict] = program.verdict
        self.alike = {word: index.lists[0].deciding[word] for word in program.words}
        self.random = Random(1)  # noqa: S311 (samples only find packets; nothing rests on their being hard to guess)

    def judged(self) -> Iterator[Anomaly | None]:
        """What is wrong with each step but the last, in order. Raises Undecided."""
        for step in range(self.index.count - 1):
            yield self.judge(step)

    def judge(self, step: int) -> Anomaly | None:
        """What is wrong with a step, None if nothing is. Undecided where the budget of its proofs does not suffice."""
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
            if side_by_side := beside(index, step, before):
                return Anomaly(step, Kind.SHADOWED, tuple(side_by_side))
            if outside(index, index.boxes[step], before, meter, is_shown=False) is None:
                return Anomaly(step, Kind.SHADOWED, tuple(fewest(index, step, members(before))))
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


def beside(index: Index, step: int, before: int) -> list[int]:
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
        for candidate in members(besides):
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


def fewest(index: Index, step: int, candidates: Sequence[int]) -> list[int]:
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
