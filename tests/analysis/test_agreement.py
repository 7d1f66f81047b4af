"""Observations against a policy: what agrees, what contradicts, and what cannot be said."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest

from firewright.analysis.agreement import Circumstances, Expected, agreement, judge
from firewright.analysis.observed import (
    Agreement,
    Answered,
    Judgement,
    Observation,
    Sight,
    Sightings,
    State,
    gathered,
)
from firewright.analysis.path import OWN
from firewright.analysis.question import Side
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges
from firewright.model.packet import ICMP, TCP, UDP
from firewright.model.policy import Action, Firewall, Policy, Verb
from tests.policies import DAY, INNER, OTHER, policy, rule, zones

OPEN = Observation(State.OPEN, Answered.REPLY)
RESET = Observation(State.CLOSED, Answered.RESET)
NEARER = Observation(State.CLOSED, Answered.RESET, is_nearer=True)
REFUSED = Observation(State.CLOSED, Answered.REFUSED)
PORT = Observation(State.CLOSED, Answered.ICMP, 3, 3)
PROTOCOL = Observation(State.CLOSED, Answered.ICMP, 3, 2)
PROHIBITED = Observation(State.CLOSED, Answered.ICMP, 3, 13)
ROUTER = Observation(State.CLOSED, Answered.ICMP, 3, 3, sender="192.0.2.1")
HIDDEN = Observation(State.HIDDEN)
LOST = Observation(State.UNDETERMINED, why="lost")
YES, NO, UNKNOWN = Agreement.CONFIRMED, Agreement.CONTRADICTED, Agreement.UNDETERMINED
ACCEPT, DROP, REJECT = Expected.ACCEPT, Expected.DROP, Expected.REJECT
ALONE, SILENT = Circumstances(True, True), Circumstances(True, False)
SHARED = Circumstances(True, True, "edge of provider")
DEAD = Circumstances(False, True)
ESP = 50


@pytest.mark.parametrize(
    ("expected", "seen", "protocol", "around", "verdict"),
    [
        (ACCEPT, OPEN, TCP, ALONE, YES), (DROP, OPEN, TCP, ALONE, NO), (REJECT, OPEN, TCP, ALONE, NO),
        (ACCEPT, RESET, TCP, ALONE, YES), (DROP, RESET, TCP, ALONE, NO), (REJECT, RESET, TCP, ALONE, YES),
        (ACCEPT, REFUSED, TCP, ALONE, YES), (DROP, REFUSED, TCP, ALONE, NO), (REJECT, REFUSED, TCP, ALONE, YES),
        (ACCEPT, NEARER, TCP, ALONE, NO), (ACCEPT, NEARER, TCP, SHARED, UNKNOWN), (DROP, NEARER, TCP, SHARED, UNKNOWN),
        (ACCEPT, PORT, TCP, ALONE, NO), (ACCEPT, PROHIBITED, TCP, ALONE, NO), (REJECT, PROHIBITED, TCP, ALONE, YES),
        (ACCEPT, PORT, UDP, ALONE, YES), (DROP, PORT, UDP, ALONE, NO), (REJECT, PORT, UDP, ALONE, YES),
        (ACCEPT, PROHIBITED, UDP, ALONE, NO), (ACCEPT, ROUTER, UDP, ALONE, NO), (ACCEPT, ROUTER, UDP, SHARED, UNKNOWN),
        (ACCEPT, PROTOCOL, ESP, ALONE, YES), (DROP, PROTOCOL, ESP, ALONE, NO), (ACCEPT, PROTOCOL, TCP, ALONE, NO),
        (ACCEPT, HIDDEN, TCP, ALONE, NO), (DROP, HIDDEN, TCP, ALONE, YES), (REJECT, HIDDEN, TCP, ALONE, NO),
        (ACCEPT, HIDDEN, TCP, SHARED, UNKNOWN), (DROP, HIDDEN, TCP, SHARED, YES), (REJECT, HIDDEN, TCP, SHARED, UNKNOWN),
        (ACCEPT, HIDDEN, UDP, SILENT, UNKNOWN), (DROP, HIDDEN, UDP, SILENT, UNKNOWN), (REJECT, HIDDEN, UDP, SILENT, NO),
        (ACCEPT, HIDDEN, UDP, ALONE, NO), (ACCEPT, HIDDEN, ICMP, ALONE, NO), (DROP, HIDDEN, ICMP, ALONE, YES),
        *((one, HIDDEN, TCP, DEAD, UNKNOWN) for one in Expected), *((one, LOST, TCP, ALONE, UNKNOWN) for one in Expected),
    ],
)  # fmt: skip
def test_what_agrees(
    expected: Expected, seen: Observation, protocol: int, around: Circumstances, verdict: Agreement
) -> None:
    """Each observation beside each action of a path has its verdict, and each verdict but agreement a reason (decision 38)."""
    found, why = agreement(expected, seen, protocol, around)
    assert found is verdict
    assert bool(why) == (found is not YES)


def counts(judgements: Iterable[Judgement]) -> dict[Agreement, int]:
    """How many services there are of each verdict."""
    found = dict.fromkeys(Agreement, 0)
    for one in judgements:
        found[one.agreement] += one.count
    return found


def tcp(*ports: int) -> Ranges:
    """TCP ports on the service axis."""
    return tuple((TCP << 16 | port, TCP << 16 | port) for port in sorted(ports))


SOURCE = Side("10.2.0.9", AddressSet.of("10.2.0.9"))
LOCAL = Side("local", OWN, is_local=True)
HOST = Side("10.1.1.5", AddressSet.of("10.1.1.5"))


def sightings(*sights: Sight, is_alive: bool = True) -> Sightings:
    """What was seen of one machine from the other network."""
    return Sightings("host", 4, "10.1.1.5", "10.2.0.9", sights, is_alive)


def machine() -> Policy:
    """One machine's policy: the other network may call 22 and 80, 23 is refused, 25 denied, the rest is closed."""
    table = zones(OTHER)
    local = table["local"]
    rules = [
        rule(5, Verb.ALLOW, [(OTHER, local)], "tcp/22", "tcp/80"),
        rule(6, Verb.REJECT, [(OTHER, local)], "tcp/23"),
        rule(7, Verb.DENY, [(OTHER, local)], "tcp/25"),
    ]
    return policy(table, [Firewall("local")], rules)


def test_each_contradiction_has_its_line() -> None:
    """The judgements together are exactly what was seen, and each names the rule's line, or none where the default decides."""
    seen = sightings(Sight(tcp(22, 25, 99), OPEN), Sight(tcp(23, 80), HIDDEN))
    found = {one.services: one for one in judge(machine(), DAY, seen, SOURCE, LOCAL)}
    assert {services: (one.agreement, one.at.line) for services, one in found.items()} == {
        tcp(22): (YES, 5), tcp(80): (NO, 5), tcp(23): (NO, 6), tcp(25): (NO, 7), tcp(99): (NO, 0),
    }  # fmt: skip
    assert found[tcp(99)].said == "no rule allows it, and the default is drop"
    assert counts(found.values()) == {YES: 1, NO: 4, UNKNOWN: 0}


def test_every_port_is_judged_once() -> None:
    """Whatever ranges were seen, each service is in exactly one judgement."""
    whole: Ranges = ((TCP << 16 | 1, TCP << 16 | 0xFFFF),)
    found = judge(machine(), DAY, sightings(Sight(whole, RESET)), SOURCE, LOCAL)
    pairs = sorted(pair for one in found for pair in one.services)
    assert pairs[0][0] == whole[0][0] and pairs[-1][1] == whole[0][1]
    assert all(after[0] == before[1] + 1 for before, after in pairwise(pairs))
    assert counts(found) == {YES: 3, NO: 65_532, UNKNOWN: 0}


def test_another_authority_on_the_path_takes_the_blame_off() -> None:
    """Silence where this policy accepts is contradicted alone, and undetermined behind another authority's firewall that accepts too."""
    table = zones(INNER, OTHER)
    edge = Firewall("edge", (table["inner"], table["internet"]))
    rules = [rule(5, Verb.ALLOW, [(table["internet"], table["inner"])], "tcp/22")]
    source = Side("9.9.9.9", AddressSet.of("9.9.9.9"))
    alone = policy(table, [edge], rules)
    behind = policy(table, [edge], rules, behind=policy(table, [Firewall("outer", edge.between)], rules))
    seen = sightings(Sight(tcp(22), HIDDEN))
    assert [one.agreement for one in judge(alone, DAY, seen, source, HOST)] == [NO]
    (one,) = judge(behind, DAY, seen, source, HOST)
    assert one.agreement is UNKNOWN
    assert "outer" in one.why


def test_what_no_firewall_sees_is_not_judged() -> None:
    """Traffic inside one network passes no firewall of the policy, so that nothing is confirmed and nothing contradicted."""
    table = zones(INNER, OTHER)
    guarded = policy(table, [Firewall("edge", (table["inner"], table["other"]))], [])
    inside = Side("10.1.1.9", AddressSet.of("10.1.1.9"))
    (one,) = judge(guarded, DAY, sightings(Sight(tcp(22), OPEN)), inside, HOST)
    assert (one.agreement, one.why) == (UNKNOWN, "no firewall of the policy is on the way")


def test_what_depends_on_the_source_is_not_guessed() -> None:
    """Where the caller is only known as a zone whose parts are treated differently, nothing is said."""
    table = zones(INNER, OTHER)
    guarded = policy(
        table,
        [Firewall("edge", (table["inner"], table["internet"]), default=Action.DROP)],
        [rule(5, Verb.ALLOW, [(table["other"], table["inner"])], "tcp/22")],
    )
    wide = Side("both", AddressSet.of("10.2.0.0/15"))
    (one,) = judge(guarded, DAY, sightings(Sight(tcp(22), HIDDEN)), wide, HOST)
    assert one.agreement is UNKNOWN and "source" in one.why


def test_without_a_sign_of_life_nothing_is_confirmed() -> None:
    """All silent and nobody there confirms no drop."""
    found = judge(machine(), DAY, sightings(Sight(tcp(25, 22), HIDDEN), is_alive=False), SOURCE, LOCAL)
    assert {one.agreement for one in found} == {UNKNOWN}


def test_services_seen_alike_are_one_sight() -> None:
    """Ranges that touch and were seen alike are merged, and nothing else."""
    found = gathered([((5, 5), RESET), ((3, 3), RESET), ((4, 4), RESET), ((6, 6), OPEN), ((7, 9), RESET)])
    assert found == (Sight(((3, 5), (7, 9)), RESET), Sight(((6, 6),), OPEN))
    assert not sightings(Sight(tcp(1), HIDDEN), is_alive=False).is_determined
    assert sightings(Sight(tcp(1), HIDDEN)).is_determined
