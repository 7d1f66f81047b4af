"""Programs of hooks, joined to what a whole machine decides."""

from __future__ import annotations

from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.axis import interface, point
from firewright.space.box import EVERY_BOX, box
from firewright.space.program import Program
from firewright.space.ruleset import Hook, Line, Ruleset, machine

_TCP = 6 << 16


def _ports(family: Family, *ports: int, word: str = "accept", rest: str = "drop", literal: str = "") -> Program:
    """These TCP ports by a skip over the rest, so that joining has skips to carry."""
    program = Program(family)
    named = box(family, service=tuple((_TCP | port, _TCP | port) for port in ports))
    assert named is not None
    entering = program.add(named, None)
    program.add(EVERY_BOX, rest, Line("inet t", "c", 0, "policy"))
    program.skip(entering, len(program))
    if literal:
        program.add(EVERY_BOX, rest, literals=((literal, True),))
    program.add(EVERY_BOX, word, Line("inet t", "c", 1, "rule"))
    return program


def _both(*ports: int, **said: str) -> dict[Family, Program]:
    return {family: _ports(family, *ports, **said) for family in FAMILIES}


def _decided(ruleset: Ruleset, family: Family, port: int, inside: str, outside: str, **assumed: bool) -> str:
    program = machine(ruleset)[family]
    packet = Packet(family, 1, 2, 6, port, in_interface=inside, out_interface=outside)
    verdict = program.verdict[program.decide(point(packet), assumed)]
    assert isinstance(verdict, str)
    return verdict


def test_without_base_chains_everything_passes() -> None:
    """A machine without a ruleset accepts every packet of both families."""
    for family in FAMILIES:
        assert machine(Ruleset("empty", {}))[family].words == {"accept"}


def test_each_packet_is_judged_by_the_hooks_on_its_way() -> None:
    """Input judges what comes in, forward what passes, output what is sent, and none of them the others' packets."""
    ruleset = Ruleset("r", {Hook.INPUT: _both(22), Hook.FORWARD: _both(80, rest="reject"), Hook.OUTPUT: _both(25)})
    for family in FAMILIES:
        told = {
            (22, "eth0", ""): "accept",
            (80, "eth0", ""): "drop",
            (80, "eth0", "eth1"): "accept",
            (22, "eth0", "eth1"): "reject",
            (25, "", "eth1"): "accept",
            (22, "", "eth1"): "drop",
        }
        for (port, inside, outside), word in told.items():
            assert _decided(ruleset, family, port, inside, outside) == word


def test_what_the_host_sends_itself_passes_output_and_then_input() -> None:
    """Over loopback both must accept, and the first that does not has the word."""
    ruleset = Ruleset("r", {Hook.INPUT: _both(22, 25, rest="reject"), Hook.OUTPUT: _both(25, 80)})
    assert _decided(ruleset, 4, 25, "", "") == "accept"
    assert _decided(ruleset, 4, 22, "", "") == "drop"
    assert _decided(ruleset, 6, 80, "", "") == "reject"


def test_hooks_before_and_behind_are_passed_as_well() -> None:
    """Prerouting and postrouting judge forwarded packets beside forward, whose accept is not the last word."""
    ruleset = Ruleset(
        "r", {Hook.PREROUTING: _both(22, 25), Hook.FORWARD: _both(22, 80), Hook.POSTROUTING: _both(22, 25, 80)}
    )
    assert [_decided(ruleset, 6, port, "eth0", "eth1") for port in (22, 25, 80)] == ["accept", "drop", "drop"]
    assert [_decided(ruleset, 6, port, "", "eth1") for port in (22, 25, 443)] == ["accept", "accept", "drop"]


def test_literals_stay_with_their_steps() -> None:
    """A match that is not understood keeps its text, its sign and its place in the joined program."""
    ruleset = Ruleset("r", {Hook.INPUT: _both(22, literal="odd")})
    assert _decided(ruleset, 4, 22, "eth0", "", odd=True) == "drop"
    assert _decided(ruleset, 4, 22, "eth0", "", odd=False) == "accept"
    assert _decided(ruleset, 4, 22, "eth0", "eth1", odd=True) == "accept"


def test_steps_that_a_way_never_meets_are_left_out() -> None:
    """A step for other interfaces than those of a way is not in it, and skips across it land behind."""
    program = Program(4)
    strange = box(4, in_interface=interface("eth0"))
    assert strange is not None
    over = program.add(EVERY_BOX, None, literals=(("odd", True),))
    program.add(strange, "reject")
    program.skip(over, len(program))
    program.add(EVERY_BOX, "accept")
    six = Program(6)
    six.add(EVERY_BOX, "accept")
    ruleset = Ruleset("r", {Hook.OUTPUT: {4: program, 6: six}})
    assert "reject" not in machine(ruleset)[4].words
    assert _decided(ruleset, 4, 1, "", "eth0", odd=True) == "accept"


def test_a_line_says_where_it_stands() -> None:
    """A rule is named by table, chain and number; a policy by its chain; the place in a text decides no equality."""
    assert Line("inet t", "c", 3, "drop").place == "inet t c rule 3"
    assert Line("inet t", "c", 0, "policy drop").place == "inet t c policy"
    bounded = Line("inet t", "c", 1, "x", unknown=("odd",))
    assert Ruleset("r", {}, (Line("inet t", "c", 2, "y"), bounded)).bounded == (bounded,)
