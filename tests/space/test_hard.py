"""Proofs that are hard on purpose, both engines against each other, and the honest answer when neither may go on."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oxidd.bdd import BDDFunction, BDDManager

from firewright.model.interval import difference
from firewright.model.packet import FAMILIES, ConntrackState
from firewright.space.axis import ANY_INTERFACE, AXES, TOPS, Axis, interface
from firewright.space.bdd import cover_by_diagram
from firewright.space.bounds import possibly, surely
from firewright.space.box import EVERY_BOX, Box, box, intern
from firewright.space.budget import Meter, Undecided, budget, current
from firewright.space.chain import Chain, Final, Jump, Return, Rule, unfold
from firewright.space.cover import cover
from firewright.space.index import Index
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from tests.space.reference import random_list
from tests.space.translate import program_of

DIMENSIONS = (Axis.SOURCE, Axis.DESTINATION, Axis.SERVICE, Axis.CONNTRACK_STATE, Axis.IN_INTERFACE)


def guillotine(pieces: int, random: Random, family: int) -> list[Box]:
    """The whole space cut at random into boxes: only their union is everything, and no two can be merged at once."""
    tops = TOPS[family]
    rows = [[(0, top) for top in tops]]
    while len(rows) < pieces:
        place, axis = random.randrange(len(rows)), random.choice(DIMENSIONS)
        low, high = rows[place][axis]
        if low < high:
            middle = random.randrange(low, high)
            other = list(rows[place])
            rows[place][axis], other[axis] = (low, middle), (middle + 1, high)
            rows.append(other)
    random.shuffle(rows)
    return [tuple(intern((side,), top) or 0 for side, top in zip(row, tops, strict=True)) for row in rows]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pieces", [10, 60, 150])
def test_a_space_covered_by_many_pieces_is_covered_and_one_hole_is_found(pieces: int, family: int) -> None:
    """The union of all pieces is everything; without one of them, exactly that one is missing."""
    boxes = guillotine(pieces, Random(pieces), family)
    asked = {family: EVERY_BOX}
    whole = PacketSet.of({family: boxes})
    assert (EVERYTHING - whole).is_empty(asked)
    lost = boxes.pop(pieces // 2)
    missing = EVERYTHING - PacketSet.of({family: boxes})
    witness = missing.witness(asked)
    assert witness is not None
    assert witness in PacketSet.of({family: [lost]})
    assert [flow.box for flow in missing.flows(family)] == [lost]


@pytest.mark.parametrize("has_hole", [False, True])
def test_the_second_engine_takes_over_when_the_budget_is_used_up(has_hole: bool) -> None:
    """With a budget of one box the answer is the same, by the second engine."""
    boxes = guillotine(80, Random(5), 4)
    if has_hole:
        boxes.pop(40)
    missing = EVERYTHING - PacketSet.of({4: boxes})
    with budget(nodes=1):
        assert (missing.witness({4: EVERY_BOX}) is not None) == has_hole


@pytest.mark.parametrize("has_hole", [False, True])
def test_a_question_beyond_every_budget_is_neither_yes_nor_no(has_hole: bool) -> None:
    """Without budget every form of the question raises Undecided; none of them answers."""
    boxes = guillotine(80, Random(6), 6)
    if has_hole:
        boxes.pop(40)
    whole, asked = PacketSet.of({6: boxes}), {6: EVERY_BOX}
    with budget(nodes=1, diagram=0):
        with pytest.raises(Undecided):
            (EVERYTHING - whole).is_empty(asked)
        with pytest.raises(Undecided):
            (EVERYTHING - whole).witness(asked)
    with budget(nodes=1, diagram=64, cells=100), pytest.raises(Undecided, match="too long"):
        (EVERYTHING - whole).is_empty(asked)
    assert (EVERYTHING - whole).is_empty(asked) != has_hole


def test_an_answer_that_is_too_long_is_not_cut() -> None:
    """Flows and partitions beyond the budget's cells raise Undecided and give no part of the answer."""
    boxes = guillotine(80, Random(7), 4)
    program = Program(4)
    for place, one in enumerate(boxes):
        program.add(one, str(place))
    program.add(EVERY_BOX, "rest")
    with budget(cells=20):
        with pytest.raises(Undecided, match="too long"):
            PacketSet.of({4: boxes[:40]}).flows(4)
        with pytest.raises(Undecided, match="too long"):
            partition([program], 4)
    parts = partition([program], 4)
    assert [part.deciders for part in parts] == [(place,) for place in range(80)]
    assert [flow.box for part in parts for flow in part.flows] == boxes


def test_a_budget_ends_with_its_block() -> None:
    """What is set inside a block holds inside it, and nested blocks add to each other."""
    before = current()
    with budget(nodes=7), budget(cells=9):
        assert (current().nodes, current().cells, current().diagram) == (7, 9, before.diagram)
    assert current() == before


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES))
def test_both_engines_agree_about_middle_sized_unions(seed: int, family: int) -> None:
    """Law: cover and the diagrams give the same yes or no, and a part that is outside every candidate."""
    random = Random(seed)
    pieces = guillotine(random.randint(5, 60), random, family)
    if random.random() < 0.5:
        pieces.pop(random.randrange(len(pieces)))
    program = Program(family)
    for one in pieces:
        program.add(one, "in")
    program.add(EVERY_BOX, "out")
    index = Index([program], family)
    candidates = list(range(len(pieces)))
    region = index.region(random.choice(guillotine(3, random, family))).atoms
    answers = (
        cover(region, candidates, index.boxes, index.order, Meter(10**6)),
        cover_by_diagram(region, candidates, index.boxes, index.order, 1 << 20),
    )
    assert (answers[0] is None) == (answers[1] is None)
    for part in answers:
        if part is not None:
            assert all(part)
            assert all(one & ~other == 0 for one, other in zip(part, region, strict=True))
            for candidate in candidates:
                assert any(not one & other for one, other in zip(part, index.boxes[candidate], strict=True)), (
                    "the part is outside every candidate"
                )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(FAMILIES))
def test_whole_programs_agree_with_diagrams_of_them(seed: int, family: int) -> None:
    """Law: what a program decides is what folding its steps from the end into one diagram gives, on middle-sized lists."""
    random = Random(seed)
    lines = random_list(random, family, 40, skips=0, unknown=0)
    program = program_of(lines, family)
    index = Index([program], family)
    manager = BDDManager(1 << 18, 1 << 16, 1)
    widths = [max(1, (len(axis.held) - 1).bit_length()) for axis in index.axes]
    manager.add_vars(sum(widths))
    starts = [sum(widths[:axis]) for axis in range(AXES)]

    def number(axis: int, atom: int) -> BDDFunction:
        out = manager.true()
        for bit in range(widths[axis]):
            variable = starts[axis] + bit
            out = out & (manager.var(variable) if atom >> bit & 1 else manager.not_var(variable))
        return out

    def product(atoms: tuple[int, ...]) -> BDDFunction:
        out = manager.true()
        for axis in range(AXES):
            side = manager.false()
            for atom in range(len(index.axes[axis].held)):
                if atoms[axis] >> atom & 1:
                    side = side | number(axis, atom)
            out = out & side
        return out

    accepted = manager.false()
    for step in reversed(range(len(program))):
        held = product(index.boxes[step])
        accepted = held.ite(manager.true() if program.verdict[step] == "accept" else manager.false(), accepted)
    nothing = Program(10 - family)
    nothing.add(EVERY_BOX, "drop")
    packets = PacketSet.decided({family: program, 10 - family: nothing}, "accept")
    found = manager.false()
    for flow in packets.flows(family):
        found = found | product(index.region(flow.box).atoms)
    assert found == accepted


def test_a_witness_is_a_likely_packet() -> None:
    """Where the set leaves the choice, the packet is new, from an ephemeral port, a SYN, between host addresses."""
    one = box(4, source=((10 << 24, (11 << 24) - 1),), service=((6 << 16 | 8000, 6 << 16 | 8100),))
    assert one is not None
    witness = PacketSet.of({4: [one]}).witness()
    assert witness is not None
    assert witness.source_port == 49152
    assert witness.tcp_flags == 2
    assert witness.conntrack_state is ConntrackState.NEW
    assert witness.source & 0xFF not in (0, 255)
    assert witness.selector == 8000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abeht01.-", min_size=1, max_size=15), min_size=1, max_size=6), st.booleans())
def test_a_witness_enters_by_an_interface_that_can_exist(names: list[str], has_wildcards: bool) -> None:
    """Where a set leaves out some names, the witness has another that the kernel would accept, and never the host's."""
    taken = interface(*(name[:-1] + "*" if has_wildcards and len(name) > 1 else name for name in names))
    one = box(4, in_interface=difference(ANY_INTERFACE, taken), out_interface=taken)
    assert one is not None
    witness = PacketSet.of({4: [one]}).witness()
    assert witness is not None
    assert re.fullmatch(r"[!-~]{1,15}", witness.in_interface)
    assert witness.in_interface not in names
    assert re.fullmatch(r"[!-~]{1,15}", witness.out_interface)


def test_chains_that_return_in_every_combination_are_decided() -> None:
    """Forty chains, each left early by all but one source: 2^40 ways through, and still an exact answer at once."""
    chains = {"base": Chain(tuple(Rule((EVERY_BOX,), Jump(f"c{n}")) for n in range(40)), "accept")}
    for n in range(40):
        others = box(4, source=difference(((0, 99),), ((n, n),)))
        port = box(4, service=((6 << 16 | n, 6 << 16 | n),))
        assert others is not None
        assert port is not None
        chains[f"c{n}"] = Chain((Rule((others,), Return()), Rule((port,), Final("drop"))))
    nothing = Program(6)
    nothing.add(EVERY_BOX, "drop")
    packets = PacketSet.decided({4: unfold(chains, ["base"], 4), 6: nothing}, "drop")
    inside = box(4, source=((0, 39),))
    assert inside is not None
    known = [box(4, source=((n, n),), service=((6 << 16 | n, 6 << 16 | n),)) for n in range(40)]
    with budget(nodes=2000):
        assert PacketSet.of({4: known}) == packets & PacketSet.of({4: [inside]})
        assert (packets & PacketSet.of({4: [inside]}) - PacketSet.of({4: known})).is_empty()


def test_a_long_row_of_returns_is_no_deep_recursion() -> None:
    """Fifteen hundred chains in a row, each returned from, are walked without a deep stack."""
    chains = {
        "base": Chain((*(Rule((EVERY_BOX,), Jump(f"c{n}")) for n in range(1500)), Rule((EVERY_BOX,), Final("drop"))))
    }
    for n in range(1500):
        low = box(4, source=((0, n + 5),))
        assert low is not None
        chains[f"c{n}"] = Chain((Rule((low,), Return()), Rule((EVERY_BOX,), Final("accept"))))
    program = unfold(chains, ["base"], 4)
    nothing = Program(6)
    nothing.add(EVERY_BOX, "drop")
    first = box(4, source=((0, 5),))
    assert first is not None
    dropped = PacketSet.decided({4: program, 6: nothing}, "drop")
    assert dropped == PacketSet.of({4: [first], 6: [EVERY_BOX]})


def test_very_many_unknown_matches_are_undecided_in_an_answer_and_bounded() -> None:
    """A thousand matches that nobody understands make no readable answer; their bounds are exact all the same."""
    program, nothing = Program(4), Program(6)
    for number in range(1000):
        program.add(EVERY_BOX, "accept", literals=((f"match {number}", True),))
    program.add(EVERY_BOX, "drop")
    nothing.add(EVERY_BOX, "drop")
    programs = {4: program, 6: nothing}
    accepted = PacketSet.decided(programs, "accept")
    assert accepted.witness() is not None
    with pytest.raises(Undecided, match="not understood"):
        accepted.flows(4)
    assert (EVERYTHING - possibly(programs, "accept")).is_empty({4: EVERY_BOX})
    assert surely(programs, "accept").is_empty()
