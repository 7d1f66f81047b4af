"""Whether a ruleset does the same without some of its rules: decides alike, and lets the same packets come to each effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from firewright.analysis.rulebook import Key, Marked
from firewright.model.packet import Packet
from firewright.space.axis import AXES
from firewright.space.bitmap import bits
from firewright.space.box import EVERY_BOX
from firewright.space.budget import Meter
from firewright.space.index import Index, Region
from firewright.space.program import Program
from firewright.space.search import Claim, deciding, settle
from firewright.space.witness import packet_in


def first_otherwise(before: Marked, after: Marked | None, gone: Collection[Key]) -> Packet | None:
    """A packet that two programs decide otherwise, or of which one alone comes to some effect; None: there is none, proved.

    `after` (None: it accepts everything) is `before` without the rules that are `gone`. A packet that comes to none of their
    steps goes its old way, so those that do are asked, all of them, and nothing else. Asked is whether a packet comes to an effect, not
    how often, where a chain is called twice: `Rulewise.removable` is stricter there. Raises Undecided.
    """
    steps = [step for key in gone for step in bits(before.own.get(key, 0))]
    if not steps:
        return None
    sides = _Sides(before, after, gone)
    return next((found for step in steps if (found := sides.unlike(step)) is not None), None)


class _Sides:
    """Two programs over common atoms, the second without some rules of the first."""

    def __init__(self, before: Marked, after: Marked | None, gone: Collection[Key]) -> None:
        new = _accepting(before.program) if after is None else after.program
        self.index = Index([before.program, new], before.program.family)
        self.old, self.new = self.index.lists
        self.before = before
        there = 0 if after is None else (after.effects | after.calls) << self.new.offset
        self.marks = before.effects | before.calls, there
        # The marks of each effect that stays, in both.
        self.effects = [
            (own & before.effects, 0 if after is None else (after.own.get(key, 0) & after.effects) << self.new.offset)
            for key, own in before.own.items()
            if own & before.effects and key not in gone
        ]

    def unlike(self, step: int) -> Packet | None:
        """A packet that comes to a step of the first, and with which the two do something else."""
        meter = Meter.now()
        region = self.index.clip(self.index.region(), step)
        if region is None:
            raise AssertionError("a box is never empty")
        for claim in deciding(self.index, 0, region, 0, 1 << step, 0, meter, self.marks[0] & ~(1 << step)):
            if settle(self.index, claim, meter) is not None:
                found = self._in(step, claim[1], claim[2])
                if found is not None:
                    return found
        return None

    def _in(self, step: int, region: Region, earlier: int) -> Packet | None:
        """Such a packet of a region, less what earlier steps hold; all of it comes to the step."""
        found = self._decided_otherwise(step, region, earlier)
        if found is not None:
            return found
        touched = self.index.meeting(step, self.marks[0] | self.marks[1])
        for own, other in self.effects:
            if (own | other) & touched:
                found = self._escaping(0, own, other, region, earlier) or self._escaping(1, other, own, region, earlier)
                if found is not None:
                    return found
        return None

    def _decided_otherwise(self, step: int, region: Region, earlier: int) -> Packet | None:
        """A packet of such a region that the two decide with different words."""
        index, meter, program = self.index, Meter.now(), self.before.program
        ends: Iterable[Claim] = ((step, region, earlier),)
        target = program.verdict[step]
        if isinstance(target, int):
            words = self.old.steps & ~self.old.skips
            ends = deciding(index, 0, region, earlier, words, target, meter, self.marks[0])
        for end, inner, before in ends:
            word = program.verdict[end]
            against = self.new.steps & ~self.new.skips
            against &= ~self.new.deciding.get(word, 0) if isinstance(word, str) else against
            for claim in deciding(index, 1, inner, before, against, self.new.offset, meter, self.marks[1]):
                part = settle(index, claim, meter)
                if part is not None:
                    return packet_in(index.family, index.product(part, None)[:AXES])
        return None

    def _escaping(self, place: int, ends: int, others: int, within: Region, before: int) -> Packet | None:
        """A packet that comes to one of `ends` in the one program, and in the other to none of `others`."""
        index, meter = self.index, Meter.now()
        here, there = (self.old, self.new) if place == 0 else (self.new, self.old)
        absent, absent_there = self.marks[place] & ~ends, self.marks[1 - place] & ~others
        wanted = (there.steps & ~there.skips) | others
        for first in deciding(index, place, within, before, ends, here.offset, meter, absent):
            if settle(index, first, meter) is None:
                continue
            for claim in deciding(index, 1 - place, first[1], first[2], wanted, there.offset, meter, absent_there):
                part = None if others >> claim[0] & 1 else settle(index, claim, meter)
                if part is not None:
                    return packet_in(index.family, index.product(part, None)[:AXES])
        return None


def _accepting(like: Program) -> Program:
    program = Program(like.family)
    program.add(EVERY_BOX, "accept")
    return program.seal()
