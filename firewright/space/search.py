"""The search behind every yes or no: regions where a sentence holds, and the first that earlier steps do not cover."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from firewright.space.bitmap import lowest, members
from firewright.space.box import Box
from firewright.space.budget import Meter
from firewright.space.cover import cover
from firewright.space.index import AtomBox, Index, Region
from firewright.space.program import Program
from firewright.space.sentence import AllOf, AnyOf, Decides, Sentence

Claim = tuple[Region, int]
"""A region, and the steps that come before it: what they do not hold of the region is in the set."""
Places = Mapping[int, int]
"""For each program (by its `id`) its place in the index."""


def find(index: Index, places: Places, sentence: Sentence, within: Box | None, meter: Meter) -> AtomBox | None:
    """A box of packets for which the sentence holds inside the question; None if there is none.

    Exact. Undecided when the meter runs out.
    """
    for region, before in _claims(index, places, sentence, index.region(within), 0):
        candidates = members(before & region.overlapping)
        outside = cover(region.atoms, candidates, index.boxes, index.order, meter)
        if outside is not None:
            return outside
    return None


def deciding(index: Index, place: int, region: Region, before: int, words: frozenset[str], at: int) -> Iterator[Claim]:
    """Claims whose union is where a program decides with one of these words, from step `at` on."""
    listed = index.lists[place]
    reached = region.overlapping & listed.steps & -(1 << at)
    certain = index.containers(region, reached)
    if certain:
        reached &= ((certain & -certain) << 1) - 1
    visit = listed.skips
    for word in words:
        visit |= listed.deciding.get(word, 0)
    visit &= reached
    while visit:
        step = lowest(visit)
        bit = 1 << step
        visit ^= bit
        clipped = index.clip(region, step)
        if clipped is None:
            continue
        earlier = before | (reached & (bit - 1))
        if index.containers(clipped, earlier):
            continue
        target = listed.target.get(step)
        if target is None:
            yield clipped, earlier
        else:
            yield from deciding(index, place, clipped, earlier, words, target)


def _claims(index: Index, places: Places, sentence: Sentence, region: Region, before: int) -> Iterator[Claim]:
    match sentence:
        case Decides():
            place = places[id(sentence.programs[index.family])]
            yield from deciding(index, place, region, before, sentence.words, index.lists[place].offset)
        case AnyOf(parts):
            for part in parts:
                yield from _claims(index, places, part, region, before)
        case AllOf(parts):
            yield from _product(
                index, places, sorted(parts, key=lambda part: _breadth(index, places, part)), region, before
            )
        case _:
            assert_never(sentence)


def _product(index: Index, places: Places, parts: list[Sentence], region: Region, before: int) -> Iterator[Claim]:
    """Depth first: each claim of the first part is the region in which the others are asked."""
    if not parts:
        yield region, before
        return
    for clipped, earlier in _claims(index, places, parts[0], region, before):
        yield from _product(index, places, parts[1:], clipped, earlier)


def _breadth(index: Index, places: Places, sentence: Sentence) -> int:
    """How many steps may claim something; the narrowest part is asked first."""
    if isinstance(sentence, Decides):
        listed = index.lists[places[id(sentence.programs[index.family])]]
        return sum(listed.deciding.get(word, 0).bit_count() for word in sentence.words)
    sizes = [_breadth(index, places, part) for part in sentence.parts]
    return min(sizes, default=0) if isinstance(sentence, AllOf) else sum(sizes)


def programs_in(sentence: Sentence, index_family: int) -> list[Program]:
    """The programs of a family that a sentence speaks of, each once."""
    if isinstance(sentence, Decides):
        return [sentence.programs[index_family]]
    found: dict[int, Program] = {}
    for part in sentence.parts:
        for program in programs_in(part, index_family):
            found.setdefault(id(program), program)
    return list(found.values())
