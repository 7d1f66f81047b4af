"""Questions to a sentence: the index they need, which engine answers, and the answer in numbers again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from threading import Lock
from typing import assert_never

from firewright.model.interval import Ranges
from firewright.model.packet import Family, Packet
from firewright.space.axis import AXES
from firewright.space.box import EVERY_BOX, Box
from firewright.space.budget import Meter, current
from firewright.space.diagram import Diagram, decider
from firewright.space.flow import Flow, merged
from firewright.space.index import AtomBox, Index
from firewright.space.program import Literals, Program
from firewright.space.search import by_step, find, programs_in
from firewright.space.sentence import AllOf, AnyOf, Decides, Sentence
from firewright.space.witness import packet_in

_KEPT_STEPS = 60_000
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
        while len(_INDEXES) > 1 and sum(kept.count for kept in _INDEXES.values()) > _KEPT_STEPS:
            _INDEXES.popitem(last=False)
        while len(_INDEXES) > 64:
            _INDEXES.popitem(last=False)
    return index


def find_packet(sentence: Sentence, family: Family, within: Box | None) -> tuple[Packet, dict[str, bool]] | None:
    """A packet of the sentence inside the question and how literals read for it; None if there is none."""
    programs = programs_in(sentence, family)
    index = index_of(programs, family)
    places = {id(program): place for place, program in enumerate(programs)}
    found = find(index, places, sentence, within, Meter.now())
    if found is None:
        return None
    product = index.product(found, within)
    return packet_in(family, product[:AXES]), {
        text: ranges[0][0] == 1 for text, ranges in zip(index.names, product[AXES:], strict=True)
    }


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
        case Decides(programs, words, _):
            place = places[id(programs[index.family])]
            listed = index.lists[place]
            return listed.program.verdict[decider(index, place, holding) - listed.offset] in words
        case AllOf(parts):
            return all(_holds(index, places, part, holding) for part in parts)
        case AnyOf(parts):
            return any(_holds(index, places, part, holding) for part in parts)
        case _:
            assert_never(sentence)
