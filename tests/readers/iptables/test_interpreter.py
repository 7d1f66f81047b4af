"""Dumps with everything in them, read twice: as sets of packets and one packet at a time."""

from __future__ import annotations

from random import Random

import pytest

from firewright.readers.iptables import encode, parse
from firewright.space.axis import point
from firewright.space.ruleset import machine
from tests.readers.iptables.interpreter import PASSING, Interpreter, random_dump, random_packet

DUMPS, PACKETS = 120, 60


@pytest.mark.parametrize("family", [4, 6])
def test_sets_and_single_packets_agree(family: int) -> None:
    """At every hook the program decides each packet as the walk through its chains does."""
    random = Random(family)
    words = {"accept": 0, "drop": 0, "reject": 0}
    for number in range(DUMPS):
        text = random_dump(random, family)
        dump = parse(text, f"dump-{number}", family)
        assert not dump.diagnostics, (dump.diagnostics[0], text)
        ruleset, interpreter = encode(dump), Interpreter(text)
        for _ in range(PACKETS):
            packet, ttl = random_packet(random, family), random.choice((1, 64))
            literal = "ip ttl 1" if family == 4 else "ip6 hoplimit 1"
            for hook, programs in ruleset.hooks.items():
                program = programs[family]
                found = program.verdict[program.decide(point(packet), {literal: ttl == 1})]
                wanted = interpreter.decide(packet, hook.upper(), ttl)
                words[wanted] += 1
                assert found == wanted, (hook, packet, text)
    assert min(words.values()) > 100, words


@pytest.mark.parametrize("family", [4, 6])
def test_the_whole_machine_passes_every_hook_on_the_way(family: int) -> None:
    """`machine` lets a packet pass just if every hook on its way does."""
    ways = {
        (True, True): ("OUTPUT", "POSTROUTING", "PREROUTING", "INPUT"),
        (True, False): ("OUTPUT", "POSTROUTING"),
        (False, True): ("PREROUTING", "INPUT"),
        (False, False): ("PREROUTING", "FORWARD", "POSTROUTING"),
    }
    random = Random(10 + family)
    for number in range(DUMPS // 3):
        text = random_dump(random, family)
        program = machine(encode(parse(text, f"dump-{number}", family)))[family]
        interpreter = Interpreter(text)
        for _ in range(PACKETS):
            packet = random_packet(random, family)
            way = ways[not packet.in_interface, not packet.out_interface]
            words = [interpreter.decide(packet, hook, 64) for hook in way]
            wanted = next((word for word in words if word != "accept"), "accept")
            assert program.verdict[program.decide(point(packet))] == wanted, (packet, text)


def test_every_hook_is_walked() -> None:
    """The interpreter knows the hooks that the reader has, and no others."""
    dump = parse(random_dump(Random(1), 4), "dump", 4)
    assert {hook.upper() for hook in encode(dump).hooks} == set(PASSING)
