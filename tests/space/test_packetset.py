"""Laws of packet sets, against brute force over every cell of a small world."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.model.packet import FAMILIES
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.packetset import EMPTY, EVERYTHING, PacketSet
from firewright.space.program import Program
from tests.space.reference import NAMES, TCP_ONLY, Cell, Line, cells, holds, random_list, random_match, run_list
from tests.space.translate import box_of, cell_of, cells_of, program_of

SEEDS = st.integers(0, 10**9)
WORDS = ("accept", "drop", "reject")
CELLS = {family: cells(family) for family in FAMILIES}
Known = dict[int, frozenset[Cell]]
"""For each family the cells of a set, counted without the engine."""


def worlds(random: Random) -> tuple[PacketSet, Known]:
    """A random set as the engine knows it, and its cells."""
    lists = {family: random_list(random, family, skips=0.3, unknown=0) for family in FAMILIES}
    words = random.sample(WORDS, random.randint(1, 2))
    if random.random() < 0.3:
        matches = {family: [random_match(random, family) for _ in range(random.randint(0, 4))] for family in FAMILIES}
        made = PacketSet.of({family: [box_of(one, family) for one in matches[family]] for family in FAMILIES})
        return made, {
            family: frozenset(cell for cell in CELLS[family] if any(holds(one, cell) for one in matches[family]))
            for family in FAMILIES
        }
    programs = {family: program_of(lists[family], family) for family in FAMILIES}
    return PacketSet.decided(programs, *words), {family: decided(lists[family], words, family) for family in FAMILIES}


def decided(lines: list[Line], words: list[str], family: int) -> frozenset[Cell]:
    """The cells that a list decides with one of the words."""
    return frozenset(cell for cell in CELLS[family] if lines[run_list(lines, cell, {})].verdict in words)


def sentences(a: PacketSet, b: PacketSet, c: PacketSet, x: Known, y: Known, z: Known) -> list[tuple[PacketSet, Known]]:
    """Sentences of three sets, and what they mean, said twice."""
    every = {family: frozenset(CELLS[family]) for family in FAMILIES}
    return [
        (a, x),
        (a | b, {f: x[f] | y[f] for f in FAMILIES}),
        (a & b, {f: x[f] & y[f] for f in FAMILIES}),
        (a - b, {f: x[f] - y[f] for f in FAMILIES}),
        (~a, {f: every[f] - x[f] for f in FAMILIES}),
        ((a - b) | (c & ~a), {f: (x[f] - y[f]) | (z[f] - x[f]) for f in FAMILIES}),
        (~((a | b) & ~(c - a)), {f: every[f] - ((x[f] | y[f]) - (z[f] - x[f])) for f in FAMILIES}),
    ]


@settings(max_examples=18, deadline=None)
@given(SEEDS)
def test_sentences_hold_exactly_the_packets_they_say(seed: int) -> None:
    """Law: every sentence has exactly the cells that counting gives, as disjoint flows, and a witness where there is one."""
    random = Random(seed)
    (a, x), (b, y), (c, z) = worlds(random), worlds(random), worlds(random)
    for sentence, known in sentences(a, b, c, x, y, z):
        for family in FAMILIES:
            found = cells_of(sentence.flows(family), family)
            assert len(found) == len(set(found)), "flows are disjoint"
            assert set(found) == known[family]
            witness = sentence.witness({family: EVERY_BOX})
            assert (witness is None) == (not known[family])
            if witness is not None:
                assert witness.family == family
                assert cell_of(witness) in known[family]


@settings(max_examples=18, deadline=None)
@given(SEEDS)
def test_comparisons_agree_with_counting(seed: int) -> None:
    """Law: <=, == and is_empty say what counting says, for both families at once."""
    random = Random(seed)
    (a, x), (b, y) = worlds(random), worlds(random)
    assert (a <= b) == all(x[family] <= y[family] for family in FAMILIES)
    assert (a == b) == (x == y)
    assert (a & b).is_empty() == all(not x[family] & y[family] for family in FAMILIES)
    assert a & b <= a <= a | b
    assert ((a - b) & b).is_empty()
    assert ~(a | b) == ~a & ~b


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_question_is_answered_inside_its_box_only(seed: int) -> None:
    """Law: flows, witness and emptiness within a box are those of the set's cells in that box."""
    random = Random(seed)
    a, x = worlds(random)
    for family in FAMILIES:
        match = random_match(random, family)
        within = {family: box_of(match, family)}
        known = {cell for cell in x[family] if holds(match, cell)}
        found = cells_of(a.flows(family, within), family)
        assert len(found) == len(set(found))
        assert set(found) == known
        assert a.is_empty(within) == (not known)
        witness = a.witness(within)
        assert witness is None or cell_of(witness) in known
        assert a.flows(10 - family, within) == (), "a family that is not asked has no answer"


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_equal_sets_have_equal_flows(seed: int) -> None:
    """Law: flows are canonical: a set written as cells, or by two roads, gives the same flows."""
    random = Random(seed)
    (a, x), (b, y) = worlds(random), worlds(random)
    one = (a | b) - (a & b)
    other = (b - a) | (a - b)
    for family in FAMILIES:
        assert one.flows(family) == other.flows(family)
        tcp = {family: box_of({"service": TCP_ONLY}, family)}
        known = [cell for cell in x[family] ^ y[family] if cell[5] in TCP_ONLY]
        if len(known) < 400:
            listed = PacketSet.of({family: [box_of(_only(cell), family) for cell in known]})
            assert listed.flows(family, tcp) == one.flows(family, tcp)


def _only(cell: Cell) -> dict[str, frozenset[int]]:
    return {name: frozenset((number,)) for name, number in zip(NAMES, cell, strict=True)}


def test_everything_is_one_flow_and_nothing_is_none() -> None:
    """The whole space is one free flow in each family, the empty set has no flow and no witness."""
    for family in FAMILIES:
        (flow,) = EVERYTHING.flows(family)
        assert flow.box == EVERY_BOX
        assert EMPTY.flows(family) == ()
    assert EMPTY.is_empty()
    assert not EVERYTHING.is_empty()
    assert ~EMPTY == EVERYTHING
    assert EMPTY <= EVERYTHING
    assert not EVERYTHING <= EMPTY


def test_a_family_without_a_program_is_refused() -> None:
    """What becomes of a family is never left open: both need a program that decides every packet."""
    four, six = Program(4), Program(6)
    four.add(EVERY_BOX, "accept")
    with pytest.raises(ValueError, match="IPv6"):
        PacketSet.decided({4: four}, "accept")
    with pytest.raises(ValueError, match="decide every packet"):
        PacketSet.decided({4: four, 6: six}, "accept")
    with pytest.raises(ValueError, match="cannot decide IPv6"):
        PacketSet.decided({4: four, 6: four}, "accept")


def test_a_packet_set_has_no_truth_value_and_no_hash() -> None:
    """`if a_set` would be a guess, and equality is by meaning, so both are refused."""
    with pytest.raises(TypeError):
        bool(EVERYTHING)
    with pytest.raises(TypeError):
        hash(EVERYTHING)


def test_none_among_the_boxes_adds_nothing() -> None:
    """A box that could not be built is no box, never a wide one."""
    assert PacketSet.of({4: [None], 6: [None]}).is_empty()


def test_a_family_that_does_not_exist_is_refused() -> None:
    """A box of no family would be lost without a word, so it is an error."""
    with pytest.raises(ValueError, match="IPv5"):
        PacketSet.of({5: [EVERY_BOX]})


def test_a_thousand_unions_are_one_union() -> None:
    """A set gathered piece by piece is as quick to ask as one written at once, and means the same."""
    ports = [box_of_port(port) for port in range(1000)]
    gathered, remaining = EMPTY, EVERYTHING
    for one in ports:
        gathered |= PacketSet.of({4: [one], 6: [one]})
        remaining -= PacketSet.of({4: [one], 6: [one]})
    assert gathered == PacketSet.of({4: ports, 6: ports})
    assert remaining == ~gathered
    assert [flow.service for flow in gathered.flows(4)] == [((6 << 16, 6 << 16 | 999),)]


def box_of_port(port: int) -> Box:
    """One TCP port."""
    found = box(4, service=((6 << 16 | port, 6 << 16 | port),))
    assert found is not None
    return found
