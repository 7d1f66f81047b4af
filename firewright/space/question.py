"""Questions to a sentence: the index they need, which engine answers, and the answer in numbers again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import assert_never

from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.axis import AXES, TOPS, Axis
from firewright.space.box import ANY, EVERY_BOX, Box, Value, intern, meet
from firewright.space.budget import Meter, Spent, Undecided, current
from firewright.space.diagram import Diagram, decider
from firewright.space.flow import Flow, merged
from firewright.space.fold import fold_runs
from firewright.space.index import AtomBox, Index
from firewright.space.program import Literals, Program
from firewright.space.search import by_step, find, programs_in
from firewright.space.sentence import AllOf, AnyOf, Decides, Sentence
from firewright.space.slices import Slice, Slicing, blocks
from firewright.space.witness import packet_in

_KEPT = 20_000**2
"""Bound on the squares of the steps of all indexes that are remembered: an index may take that many bits on each axis.

The last of each family are always kept, or a question asked of one rule after another would build them anew each time.
"""
_MOST_INDEXES = 64
_LONG, _MOST_SLICES, _BLOCK = 2_000, 2_000, 1_000
"""Programs of this many steps together are sliced, unless that gives more slices than this, and then cut into such blocks."""
_INDEXES: OrderedDict[tuple[int, ...], Index] = OrderedDict()
_LOCK = Lock()


def index_of(programs: Sequence[Program], family: Family) -> Index:
    """The index of these programs; the last few are remembered, up to a bounded number of steps."""
    key = (family, *map(id, programs))
    with _LOCK:
        index = _INDEXES.get(key)
        if index is not None:
            _INDEXES.move_to_end(key)
            return index
    index = Index(programs, family)
    with _LOCK:
        # An index holds its programs, so an `id` in a key cannot be given to another program meanwhile.
        _INDEXES[key] = index
        while len(_INDEXES) > len(FAMILIES) and (
            len(_INDEXES) > _MOST_INDEXES or sum(kept.count**2 for kept in _INDEXES.values()) > _KEPT
        ):
            _INDEXES.popitem(last=False)
    return index


def forget() -> None:
    """Drop every remembered index: the next question builds its own. For measuring, and to give memory back."""
    with _LOCK:
        _INDEXES.clear()


@dataclass(frozen=True, slots=True)
class Found:
    """A box of packets for which a sentence holds, in an index inside a question; `fixed` are axes that the index leaves out."""

    index: Index
    box: AtomBox
    within: Box | None
    fixed: tuple[tuple[Axis, Ranges], ...] = ()

    def packet(self) -> tuple[Packet, dict[str, bool]]:
        """One of the packets, and how literals read for it."""
        product = list(self.index.product(self.box, self.within))
        for axis, ranges in self.fixed:
            product[axis] = ranges
        literals = zip(self.index.names, product[AXES:], strict=True)
        return packet_in(self.index.family, product[:AXES]), {text: ranges[0][0] == 1 for text, ranges in literals}


def find_packet(sentence: Sentence, family: Family, within: Box | None) -> tuple[Packet, dict[str, bool]] | None:
    """A packet of the sentence inside the question and how literals read for it; None if there is none."""
    found = find_box(sentence, family, within)
    return None if found is None else found.packet()


def find_packet_in_parts(
    sentence: Sentence, family: Family, within: Box = EVERY_BOX
) -> tuple[Packet, dict[str, bool]] | None:
    """As `find_packet`, of long programs that are asked once: cut into short ones, of which no index is kept.

    Each part has a budget of its own.
    """
    found = _find_in_parts(sentence, programs_in(sentence, family), family, within)
    return None if found is None else found.packet()


def find_box(sentence: Sentence, family: Family, within: Box | None) -> Found | None:
    """Packets of the sentence inside the question; None if there are none. Cheaper than naming one.

    Long programs that no index is kept of are cut into parts if the whole space is asked, each with a budget of its own.
    """
    programs = programs_in(sentence, family)
    within = None if within == EVERY_BOX else within
    if within is None and sum(map(len, programs)) >= _LONG and (family, *map(id, programs)) not in _INDEXES:
        return _find_in_parts(sentence, programs, family, EVERY_BOX)
    index = index_of(programs, family)
    box = _found(index, _places(programs), sentence, within, Meter.now())
    return None if box is None else Found(index, box, within)


def _places(programs: Sequence[Program]) -> dict[int, int]:
    return {id(program): place for place, program in enumerate(programs)}


def _found(
    index: Index, places: dict[int, int], sentence: Sentence, within: Box | None, meter: Meter
) -> AtomBox | None:
    """What `find` gives; where its budget is used up, what the diagram of the answer gives, which meets no state twice."""
    try:
        return find(index, places, sentence, within, meter)
    except Spent:
        raise
    except Undecided:
        if not meter.diagram:
            raise
    diagram = Diagram(index, lambda holding: _holds(index, places, sentence, holding), within, current().cells)
    return next((box for _, box in diagram.paths(lambda end: end is True)), None)


def _find_in_parts(sentence: Sentence, programs: Sequence[Program], family: Family, within: Box) -> Found | None:
    """Slice by slice, those still long in blocks of destinations; slices that mean the same are asked once."""
    places = _places(programs)
    asked: set[tuple[object, ...]] = set()
    for one in _slices([program.seal() for program in programs], family, within):
        meaning = one.meaning
        if meaning in asked:
            continue
        asked.add(meaning)
        inside = [ANY if any(axis == cut for cut, _ in one.fixed) else value for axis, value in enumerate(within)]
        whole = inside[Axis.DESTINATION]
        for ranges, parts in _blocks(one.programs, family):
            destination = whole if ranges is None else _meet(whole, ranges, family)
            if destination is None:
                continue
            inside[Axis.DESTINATION] = destination
            question = tuple(inside)
            index = Index([fold_runs(program) for program in parts], family)
            box = _found(index, places, sentence, None if question == EVERY_BOX else question, Meter.now())
            if box is not None:
                return Found(index, box, question, one.fixed)
    return None


def _slices(programs: Sequence[Program], family: Family, within: Box) -> Iterable[Slice]:
    slicing = Slicing(programs, family, within=within)
    return slicing if len(slicing) <= _MOST_SLICES else (Slice((), tuple(programs)),)


def _blocks(programs: Sequence[Program], family: Family) -> Iterable[tuple[Ranges | None, Sequence[Program]]]:
    return (
        blocks(programs, family, Axis.DESTINATION, _BLOCK) if sum(map(len, programs)) >= _LONG else ((None, programs),)
    )


def _meet(value: Value, ranges: Ranges, family: Family) -> Value | None:
    top = TOPS[family][Axis.DESTINATION]
    other = intern(ranges, top)
    return None if other is None else meet(value, other, top)


def deciding_packets(
    program: Program, words: Collection[str], sentence: Sentence, within: Box = EVERY_BOX
) -> list[tuple[int, Packet]]:
    """The steps that decide, with one of these words, a packet of the question for which a sentence holds; each with one."""
    family = program.family
    asked = None if within == EVERY_BOX else within
    programs = programs_in(sentence, family)
    if all(one is not program for one in programs):
        programs.append(program)
    index = index_of(programs, family)
    places = {id(one): place for place, one in enumerate(programs)}
    found = by_step(index, places, places[id(program)], words, sentence, asked, Meter.now())
    return [(step, packet_in(family, index.product(box, asked)[:AXES])) for step, box in sorted(found.items())]


def enumerate_flows(sentence: Sentence, family: Family, within: Box | None) -> tuple[Flow, ...]:
    """The sentence inside the question as disjoint products, read off its diagram."""
    programs = programs_in(sentence, family)
    index = index_of(programs, family)
    places = {id(program): place for place, program in enumerate(programs)}
    diagram = Diagram(index, lambda holding: _holds(index, places, sentence, holding), within, current().cells)
    return merged(family, [named(index, box, within) for _, box in diagram.paths(lambda end: end is True)])


def named(index: Index, box: AtomBox, within: Box | None) -> tuple[tuple[Ranges, ...], Literals]:
    """A box of atoms as ranges, and the literals that it reads one way only."""
    product = index.product(box, within)
    literals = zip(index.names, product[AXES:], strict=True)
    return product[:AXES], tuple((text, ranges == ((1, 1),)) for text, ranges in literals if ranges != ((0, 1),))


def _holds(index: Index, places: dict[int, int], sentence: Sentence, holding: int) -> bool:
    match sentence:
        case Decides(programs=programs, words=words):
            place = places[id(programs[index.family])]
            listed = index.lists[place]
            return listed.program.verdict[decider(index, place, holding) - listed.offset] in words
        case AllOf(parts):
            return all(_holds(index, places, part, holding) for part in parts)
        case AnyOf(parts):
            return any(_holds(index, places, part, holding) for part in parts)
        case _:
            assert_never(sentence)
