"""The search behind every yes or no: regions where a sentence holds, and the first that earlier steps do not cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from firewright.space.bdd import cover_by_diagram
from firewright.space.bitmap import members
from firewright.space.box import Box
from firewright.space.budget import Meter, Undecided, charge
from firewright.space.cover import cover
from firewright.space.index import AtomBox, Index, Region
from firewright.space.program import Program
from firewright.space.sample import guess
from firewright.space.sentence import AllOf, AnyOf, Decides, Sentence

Claim = tuple[int, Region, int]
"""The step that decides, a region of it, and the steps that come before: what they do not hold of the region is in the set."""
Places = Mapping[int, int]
"""For each program (by its `id`) its place in the index."""
_MANY, _GUESSES = 96, 16
"""Where this many steps come before, so many packets are tried before anything is proved."""
_TRIAL = 500
"""Boxes to look at before a hard claim is given to the second engine, once the budget is used up."""


def find(index: Index, places: Places, sentence: Sentence, within: Box | None, meter: Meter) -> AtomBox | None:
    """A box of packets for which the sentence holds inside the question; None if there is none.

    Exact. Undecided when the meter has run out twice, or the second engine gives up.
    """
    for claim in _claims(index, places, sentence, index.region(within), 0, meter):
        found = settle(index, claim, meter)
        if found is not None:
            return found
    return None


def by_step(
    index: Index,
    places: Places,
    place: int,
    words: Iterable[str],
    sentence: Sentence,
    within: Box | None,
    meter: Meter,
) -> dict[int, AtomBox]:
    """For each step of one program that decides with these words some packet of a sentence, such packets."""
    found: dict[int, AtomBox] = {}
    offset = index.lists[place].offset
    wanted = steps_deciding(index, place, words)
    for step, region, before in deciding(index, place, index.region(within), 0, wanted, offset, meter):
        if step - offset in found:
            continue
        for claim in _claims(index, places, sentence, region, before, meter):
            part = settle(index, claim, meter)
            if part is not None:
                found[step - offset] = part
                break
    return found


def settle(index: Index, claim: Claim, meter: Meter) -> AtomBox | None:
    """A part of a claim that no earlier step holds; None if they hold all of it. As `outside`."""
    _, region, before = claim
    return outside(index, region.atoms, before & region.overlapping, meter)


def outside(index: Index, box: AtomBox, before: int, meter: Meter, is_shown: bool = True) -> AtomBox | None:
    """A part of a box that none of the steps `before` holds; None if they hold all of it.

    A part that is to be shown is made wide, so that a packet can be chosen that looks like a real one.
    Within the budget by `cover`; beyond it by a short trial, then the second engine; Undecided at twice the budget. What it
    took is charged.
    """
    spent = meter.nodes
    try:
        return _outside(index, box, before, meter, is_shown)
    finally:
        charge(meter.nodes - spent)


def _outside(index: Index, box: AtomBox, before: int, meter: Meter, is_shown: bool) -> AtomBox | None:
    if before.bit_count() >= _MANY:
        guessed = guess(index, box, before, _GUESSES, is_shown)
        if guessed is not None:
            meter.nodes += 1
            return guessed
    candidates = members(before)
    spent = meter.nodes
    if spent < meter.limit:
        try:
            return cover(box, candidates, index.boxes, index.order, meter)
        except Undecided:
            return cover_by_diagram(box, candidates, index.boxes, index.order, meter.diagram)
    if spent > 2 * meter.limit:
        raise Undecided(f"the proof looked at {spent} boxes and is not at its end")
    trial = Meter(_TRIAL)
    try:
        return cover(box, candidates, index.boxes, index.order, trial)
    except Undecided:
        return cover_by_diagram(box, candidates, index.boxes, index.order, meter.diagram)
    finally:
        meter.nodes += trial.nodes


def deciding(
    index: Index, place: int, region: Region, before: int, wanted: int, at: int, meter: Meter, absent: int = 0
) -> Iterator[Claim]:
    """Claims whose union is where one of the wanted steps of a program decides, from step `at` on.

    A wanted step is taken as deciding even if it skips, one that is `absent` as if it were not in the program. Every skip
    that is followed is counted: Undecided at twice the budget.
    """
    listed = index.lists[place]
    follow = listed.skips | wanted
    present = listed.steps & ~absent
    frames = [(region, before, *_reached(index, present, region, at, follow))]
    while frames:
        region, before, reached, visit = frames.pop()
        while visit:
            bit = visit & -visit
            visit ^= bit
            step = bit.bit_length() - 1
            earlier = before | (reached & (bit - 1))
            if index.containers_of_part(region, step, earlier):
                continue
            clipped = index.clip(region, step)
            if clipped is None:
                continue
            target = listed.target.get(step)
            if target is None or wanted & bit:
                yield step, clipped, earlier
                continue
            meter.nodes += 1
            if meter.nodes > 2 * meter.limit:
                raise Undecided(f"the search followed {meter.nodes} skips and boxes and is not at its end")
            frames.append((region, before, reached, visit))
            frames.append((clipped, earlier, *_reached(index, present, clipped, target, follow)))
            break


def _reached(index: Index, present: int, region: Region, at: int, follow: int) -> tuple[int, int]:
    """The present steps from `at` on that may decide in a region, up to one that holds all of it; and those to look at."""
    reached = region.overlapping & present & -(1 << at)
    certain = index.containers(region, reached)
    if certain:
        reached &= ((certain & -certain) << 1) - 1
    return reached, reached & follow


def steps_deciding(index: Index, place: int, words: Iterable[str]) -> int:
    """The steps of a program that decide with one of these words."""
    wanted = 0
    for word in words:
        wanted |= index.lists[place].deciding.get(word, 0)
    return wanted


def _claims(
    index: Index, places: Places, sentence: Sentence, region: Region, before: int, meter: Meter
) -> Iterator[Claim]:
    match sentence:
        case Decides():
            place = places[id(sentence.programs[index.family])]
            wanted = steps_deciding(index, place, sentence.words)
            yield from deciding(index, place, region, before, wanted, index.lists[place].offset, meter)
        case AnyOf(parts):
            for part in parts:
                yield from _claims(index, places, part, region, before, meter)
        case AllOf(parts):
            narrowest_first = sorted(parts, key=lambda part: _breadth(index, places, part))
            yield from _product(index, places, narrowest_first, region, before, meter)
        case _:
            assert_never(sentence)


def _product(
    index: Index, places: Places, parts: list[Sentence], region: Region, before: int, meter: Meter
) -> Iterator[Claim]:
    """Depth first: each claim of the first part is the region in which the others are asked."""
    if not parts:
        yield -1, region, before
        return
    if len(parts) == 1:
        yield from _claims(index, places, parts[0], region, before, meter)
        return
    for _, clipped, earlier in _claims(index, places, parts[0], region, before, meter):
        yield from _product(index, places, parts[1:], clipped, earlier, meter)


def _breadth(index: Index, places: Places, sentence: Sentence) -> int:
    """How many steps may claim something; the narrowest part is asked first."""
    if isinstance(sentence, Decides):
        return steps_deciding(index, places[id(sentence.programs[index.family])], sentence.words).bit_count()
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
