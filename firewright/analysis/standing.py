"""What a step stands for in its program: the packets that come to it, and those that would meet another end without it.

Both are asked with some steps absent, so that one index serves however many rules are taken out one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from firewright.analysis.rulebook import Marked
from firewright.model.packet import Packet
from firewright.space.axis import AXES
from firewright.space.bitmap import lowest
from firewright.space.budget import Meter
from firewright.space.index import AtomBox, Index
from firewright.space.search import Claim, deciding, settle
from firewright.space.witness import packet_in

_SAMPLES = 24
"""Packets tried, to find one without a search; none found proves nothing."""


class Standing:
    """The questions to one marked program. Each may raise Undecided."""

    def __init__(self, marked: Marked) -> None:
        self.marked = marked
        self.index = Index([marked.program], marked.program.family)
        listed = self.index.lists[0]
        self.marks = marked.effects | marked.calls
        self.deciding = dict(listed.deciding)
        self.words = listed.steps & ~listed.skips
        self.target = listed.target
        self.last = 1 << (self.index.count - 1)
        self._random = Random(1)  # noqa: S311 (samples only find packets; nothing rests on their being hard to guess)

    def packet(self, part: AtomBox) -> Packet:
        """One packet of a part."""
        return packet_in(self.index.family, self.index.product(part, None)[:AXES])

    def coming(self, step: int, absent: int = 0) -> AtomBox | None:
        """Packets that come to a step and match it, with some steps absent, and every other mark; None if there are none."""
        absent = (absent | self.marks) & ~(1 << step)
        if not self.index.meeting(step, ~absent & ((1 << step) - 1)):
            return self.index.boxes[step]
        sampled = next(self._samples(step, absent), None)
        if sampled is not None:
            return sampled[0]
        meter = Meter.now()
        return next(
            (part for claim in self._claims(step, absent, meter) if (part := settle(self.index, claim, meter))), None
        )

    def overlap(self, step: int, other: int) -> AtomBox | None:
        """Packets of two steps that come to the first; None if there are none."""
        meter = Meter.now()
        own = self.index.clip(self.index.region(), step)
        both = None if own is None else self.index.clip(own, other)
        if both is None:
            return None
        claims = deciding(self.index, 0, both, 0, 1 << step, 0, meter, self.marks & ~(1 << step))
        return next((part for claim in claims if (part := settle(self.index, claim, meter))), None)

    def changing(self, step: int, own: int, gone: int, ends: int) -> tuple[AtomBox, int] | None:
        """Packets that come to a step and meet another end where the steps `own` are absent, and that end; None: there are none.

        `gone` is absent with and without. An end is a step that decides, by its word, or one of the steps `ends`, by itself:
        nothing is asked behind it.
        """
        meter, index = Meter.now(), self.index
        verdict = self.marked.program.verdict[step]
        before_it = gone | self.marks
        with_it = gone | self.marks & ~ends
        without_it = with_it | own
        for sample, holding in self._samples(step, before_it & ~(1 << step)):
            end = self._end(holding & ~with_it, verdict, ends) if isinstance(verdict, int) else step
            other = self._end(holding & ~without_it, step + 1, ends)
            if not self._alike(end) >> other & 1:
                return sample, other
        for _, region, before in self._claims(step, before_it & ~(1 << step), meter):
            met: Iterator[Claim] = iter(((step, region, before),))
            if isinstance(verdict, int):
                met = deciding(index, 0, region, before, self.words | ends, verdict, meter, with_it)
            for end, inner, earlier in met:
                alike = self._alike(end)
                # A mark that is an end is one here too, or what stands behind it would be taken for another end.
                wanted = (self.words | ends) & ~alike | alike & ends
                for claim in deciding(index, 0, inner, earlier, wanted, step + 1, meter, without_it):
                    part = None if alike >> claim[0] & 1 else settle(index, claim, meter)
                    if part is not None:
                        return part, claim[0]
        return None

    def takers(self, step: int, own: int, gone: int) -> set[int]:
        """The steps that decide the packets of a step where the steps `own` are absent."""
        meter, index, found = Meter.now(), self.index, set[int]()
        absent = gone | own | self.marks
        for _, region, before in self._claims(step, (gone | self.marks) & ~(1 << step), meter):
            for claim in deciding(index, 0, region, before, self.words, step + 1, meter, absent):
                if claim[0] not in found and settle(index, claim, meter) is not None:
                    found.add(claim[0])
        return found

    def holding(self, part: AtomBox, steps: int) -> int:
        """Those of the steps that hold a certain packet of a part: the first."""
        for axis in self.index.order:
            steps &= self.index.axes[axis].held[lowest(part[axis])]
        return steps

    def _alike(self, end: int) -> int:
        """The steps whose end is the same: those of its word, or it alone."""
        verdict = self.marked.program.verdict[end]
        return self.deciding[verdict] if isinstance(verdict, str) else 1 << end

    def _claims(self, step: int, absent: int, meter: Meter) -> Iterator[Claim]:
        own = self.index.clip(self.index.region(), step)
        if own is None:
            raise AssertionError("a box is never empty")
        return deciding(self.index, 0, own, 0, 1 << step, 0, meter, absent)

    def _samples(self, step: int, absent: int) -> Iterator[tuple[AtomBox, int]]:
        """Packets that come to a step, found by trying a few, each with the steps that hold it."""
        index, choose = self.index, self._random.random
        values = index.values[step]
        pools = [(axis, index.axes[axis].atoms[values[axis]], index.axes[axis].held) for axis in index.order]
        stop = 1 << step
        for _ in range(_SAMPLES):
            chosen = [(axis, pool[int(choose() * len(pool))]) for axis, pool, _ in pools]
            holding = index.every_step
            for (_, atom), (_, _, held) in zip(chosen, pools, strict=True):
                holding &= held[atom]
            if self._end(holding & ~absent | stop, 0, stop) == step:
                part = list(index.boxes[step])
                for axis, atom in chosen:
                    part[axis] = 1 << atom
                yield tuple(part), holding

    def _end(self, holding: int, at: int, ends: int) -> int:
        """Where a packet ends that these steps hold, from a step on: at one that decides, or at one of `ends`."""
        while True:
            step = lowest(holding >> at << at)
            if ends >> step & 1 or step not in self.target:
                return step
            at = self.target[step]
