"""A rehearsal: a right ruleset agrees with every witness, and a wrong one does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firewright.analysis.witnesses import Witness, witnesses
from firewright.live.rehearsal import rehearse, waves
from firewright.live.testbed import Testbed
from firewright.model.packet import ICMP, ICMPV6, Packet
from tests.live.benches import needs_testbed
from tests.live.mutants import Score, firewalls, mutants, score
from tests.policies import DAY

POLICIES = Path(__file__).parent / "policies"
MUTANTS = 45
"""Faults that the suite plants; `python -m tests.live.mutants POLICY --count N` plants as many as you like."""


@pytest.fixture(scope="module")
def rehearsed() -> Iterator[tuple[Testbed, str, tuple[Witness, ...]]]:
    """A testbed for a small policy with every verb, its compiled text, and its witnesses."""
    needs_testbed()
    policy, firewall, ground, text = next(firewalls(str(POLICIES / "edge.yaml"), DAY))
    with Testbed(ground) as bed:
        yield bed, text, witnesses(policy, firewall, DAY, ground).found


def test_the_compiled_ruleset_agrees_with_every_witness(rehearsed: tuple[Testbed, str, tuple[Witness, ...]]) -> None:
    """Every packet is sent and treated as the policy says, none twice, at the first look."""
    bed, text, chosen = rehearsed
    outcome = rehearse(bed, text, chosen)
    assert [(str(one.witness.packet), one.found) for one in outcome.disagreements] == []
    assert (outcome.unsent, outcome.again, sum(outcome.agreed)) == ((), 0, len(chosen))


def test_the_witnesses_find_planted_faults(rehearsed: tuple[Testbed, str, tuple[Witness, ...]]) -> None:
    """Of faults of every kind at least 99 of 100 are found; those that no packet can show are proved to be none."""
    bed, text, chosen = rehearsed
    came: Score = score(bed, text, chosen, MUTANTS, seed=20)
    assert came.found >= MUTANTS // 3
    assert came.share >= 0.99, [(one.kind, one.before, one.after, why) for one, why in came.survivors]


def test_faults_are_of_every_kind_and_the_same_each_time() -> None:
    """The faults planted are different texts, of at least twelve kinds, and the same for the same seed."""
    text = next(firewalls(str(POLICIES / "edge.yaml"), DAY))[3]
    found = list(mutants(text, 80, seed=3))
    assert len({one.text for one in found} | {text}) == 81
    assert len({one.kind for one in found}) >= 12
    assert found == list(mutants(text, 80, seed=3))


def test_no_packet_of_a_wave_answers_another(rehearsed: tuple[Testbed, str, tuple[Witness, ...]]) -> None:
    """Every witness is in one wave, and none has the ends of another of it turned around."""
    chosen = [one for one in rehearsed[2] if not one.before]
    found = list(waves(chosen, range(len(chosen))))
    assert sorted(number for wave in found for number in wave) == list(range(len(chosen)))
    for wave in found:
        packets = [chosen[number].packet for number in wave if chosen[number].packet.protocol not in (ICMP, ICMPV6)]
        ends = {_ends(packet) for packet in packets if packet.source != packet.destination}
        assert not any(_ends(packet, is_turned=True) in ends for packet in packets)


def _ends(packet: Packet, is_turned: bool = False) -> tuple[int, ...]:
    forth = (packet.source, packet.destination, packet.source_port, packet.selector)
    turned = (packet.destination, packet.source, packet.selector, packet.source_port)
    return packet.family, packet.protocol, packet.protocol, *(turned if is_turned else forth)
