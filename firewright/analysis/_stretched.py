"""Judging the steps of a long list stretch by stretch: the same answers from short bitmaps.

A step is shadowed if it is in every stretch that it meets, and one is needed that is needed in any. Most are met by one stretch
alone; of the others those are left that no stretch needs, and what they go by is put together of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from firewright.analysis._flat import Anomaly, Flat, Kind, beside, fewest
from firewright.space.axis import Axis
from firewright.space.bitmap import members
from firewright.space.box import ANY, EVERY_BOX, Box, is_within_box
from firewright.space.index import Index
from firewright.space.program import Program
from firewright.space.slices import boxes_met
from firewright.space.stretches import Stretch, bulk, in_stretch, stretches

_LONG, _SHORTEST = 20_000, 2_000
"""Lists of this many steps are cut, into stretches of no fewer than about so many."""
_GAIN = 0.75
"""A list is cut if what bitmaps take shrinks to this part of what it was: a step that meets several stretches is judged in each."""
_AXES = (Axis.DESTINATION, Axis.SOURCE)


def cut(program: Program) -> tuple[Axis, list[Stretch]] | None:
    """The axis and the stretches that a long list is best cut into; None where it is short, skips, is bounded or gains little."""
    if len(program) < _LONG or any(program.literals) or not all(isinstance(one, str) for one in program.verdict):
        return None
    cuts = []
    for axis in _AXES:
        everywhere = sum(1 for box in program.box if box[axis] == ANY)
        cuts.append((axis, stretches(program, axis, max(_SHORTEST, everywhere))))
    best = min(cuts, key=lambda one: bulk(one[1]))
    return best if bulk(best[1]) < _GAIN * len(program) ** 2 else None


class Stretched:
    """The steps of a program without skips, judged stretch by stretch."""

    def __init__(self, program: Program, axis: Axis, parts: Sequence[Stretch]) -> None:
        self.program, self.axis, self.parts = program, axis, parts
        self.meetings = Counter(step for part in parts for step in part.steps)
        self.needed: set[int] = set()
        self.found: dict[int, Anomaly] = {}
        self.alive: set[int] = set()
        self.by: dict[int, set[int]] = {}
        self.holding: dict[int, set[int]] = {}

    def judged(self) -> list[Anomaly]:
        """Every anomaly, in order of steps."""
        for part in self.parts:
            self._judge(part)
        several = [step for step in self.by if step not in self.needed]
        redundant = [step for step in several if step in self.alive]
        found = [*self.found.values(), *self._redundant(redundant)]
        found += [self._shadowed(step) for step in several if step not in self.alive]
        return sorted(found, key=lambda one: one.step)

    def _judge(self, part: Stretch) -> None:
        steps = part.steps
        index = Index([in_stretch(self.program, self.axis, part).seal()], self.program.family)
        flat = Flat(index)
        for place in range(len(steps) - 1):
            step = steps[place]
            if step in self.needed:
                continue
            one = flat.judge(place)
            if one is None:
                self.needed.add(step)
            elif self.meetings[step] == 1:
                self.found[step] = Anomaly(step, one.kind, tuple(steps[other] for other in one.by))
            elif one.kind is Kind.REDUNDANT:
                self.alive.add(step)
                self.by.setdefault(step, set())
            else:
                self.by.setdefault(step, set()).update(steps[other] for other in one.by)
                holding = {steps[other] for other in members(index.holding(place, (1 << place) - 1))}
                self.holding[step] = self.holding.get(step, holding) & holding

    def _shadowed(self, step: int) -> Anomaly:
        """A step that is shadowed in each of its stretches: by one that holds it in all, or by those of all together."""
        if self.holding[step]:
            return Anomaly(step, Kind.SHADOWED, (min(self.holding[step]),))
        candidates = sorted(self.by[step])
        few = Program(self.program.family)
        for one in (*candidates, step):
            few.add(self.program.box[one], "taken")
        few.add(EVERY_BOX, "left")
        index, place = Index([few.seal()], few.family), len(candidates)
        by = beside(index, place, (1 << place) - 1) or fewest(index, place, range(place))
        return Anomaly(step, Kind.SHADOWED, tuple(candidates[one] for one in by))

    def _redundant(self, steps: Sequence[int]) -> Iterable[Anomaly]:
        """Steps that some stretch has alive and none needs, with the later ones of their verdict up to one that holds them."""
        if not steps:
            return []
        program = self.program
        boxes: list[Box] = [program.box[step] for step in steps]
        by: list[list[int]] = [[] for _ in steps]
        still = (1 << len(steps)) - 1
        for other, met in boxes_met(program, boxes):
            for place in members(met & still):
                step = steps[place]
                if other <= step:
                    continue
                if program.verdict[other] == program.verdict[step]:
                    by[place].append(other)
                if is_within_box(boxes[place], program.box[other], program.family):
                    still &= ~(1 << place)
        return [Anomaly(step, Kind.REDUNDANT, tuple(later)) for step, later in zip(steps, by, strict=True)]
