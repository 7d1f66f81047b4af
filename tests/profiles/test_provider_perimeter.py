"""The provider's perimeter, counted: every port and every protocol number, both families, both directions."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pytest

import firewright
from firewright.analysis.ask import ask
from firewright.analysis.compare import compare
from firewright.analysis.decide import decide
from firewright.analysis.path import passing, path
from firewright.analysis.question import parse_question
from firewright.diagnostic import Report
from firewright.model.address import AddressSet
from firewright.model.decision import Outcome
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, TCP, UDP, Packet
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.space.flow import Flow

DAY = date(2026, 11, 21)
PROFILE = Path(firewright.__file__).parent / "profiles" / "provider-perimeter"

BOTH_WAYS = {(TCP, port) for port in (22, 25, 53, 80, 8080, 443, 444, 8443, 465, 587, 989, 990, 993, 995)}
BOTH_WAYS |= {(UDP, port) for port in (53, 1194, 500, 4500)} | {(50, 0), (51, 0)}
INBOUND = BOTH_WAYS | {(TCP, 3389)}
OUTBOUND = BOTH_WAYS | {(TCP, 1688), (UDP, 123)}


@cache
def policy(name: str) -> Policy:
    """A policy of the profile."""
    report = Report()
    found = load(PROFILE / f"{name}.yaml", report)
    assert found is not None, report.diagnostics
    return found


def listed(services: Ranges) -> set[tuple[int, int]]:
    """Each service of some ranges as protocol and port; a protocol that has no ports is one service."""
    found: set[tuple[int, int]] = set()
    for low, high in services:
        for protocol in range(low >> 16, (high >> 16) + 1):
            first, last = max(low, protocol << 16) & 65535, min(high, protocol << 16 | 65535) & 65535
            found |= (
                {(protocol, port) for port in range(first, last + 1)} if protocol in (TCP, UDP) else {(protocol, 0)}
            )
    return found


def permitted(question: str) -> dict[int, set[tuple[int, int]]]:
    """For each family what the policy permits of a question, from the exact parts of the answer."""
    perimeter = policy("provider-perimeter")
    (one,) = parse_question(question, perimeter)
    flows: list[Flow] = [
        flow
        for part in ask(perimeter, one, DAY).parts
        if part.outcome in (Outcome.ALLOWED, Outcome.REQUIRED)
        for flow in part.flows
    ]
    return {
        family: listed(tuple(r for flow in flows if flow.family == family for r in flow.service)) for family in FAMILIES
    }


@pytest.mark.parametrize(
    ("question", "expected", "count"),
    [
        ("internet -> tenants", INBOUND, 21),
        ("tenants -> internet", OUTBOUND, 22),
        ("tenants -> tenants", BOTH_WAYS, 20),
    ],
)
def test_exactly_the_published_flows_are_permitted(question: str, expected: set[tuple[int, int]], count: int) -> None:
    """Exactly 21 flows come in, 22 go out and 20 pass between tenants, the same in IPv4 and IPv6."""
    assert len(expected) == count
    assert permitted(question) == {4: expected, 6: expected}


@pytest.mark.parametrize(
    ("source", "destination", "expected"), [("internet", "tenants", INBOUND), ("tenants", "internet", OUTBOUND)]
)
def test_every_port_and_protocol_number_is_counted(
    source: str, destination: str, expected: set[tuple[int, int]]
) -> None:
    """Asked packet by packet, by the specification and not by the engine, all 65,536 ports and 256 protocols agree."""
    perimeter = policy("provider-perimeter")
    (firewall,) = perimeter.firewalls.values()
    for family in FAMILIES:
        ends = {"internet": ("203.0.113.9", "2a00::9"), "tenants": ("198.51.100.7", "2001:db8:10::7")}
        here, there = (_number(ends[name][family == 6]) for name in (source, destination))
        asked = [(protocol, port) for protocol in (TCP, UDP) for port in range(65536)]
        asked += [(protocol, 0) for protocol in range(256) if protocol not in (TCP, UDP)]
        asked += [(protocol, number << 8) for protocol in (ICMP, ICMPV6) for number in range(256)]
        found = set()
        for protocol, selector in asked:
            packet = Packet(family, here, there, protocol, selector, 49152, in_interface="in", out_interface="out")
            if decide(perimeter, firewall, packet, DAY).outcome in (Outcome.ALLOWED, Outcome.REQUIRED):
                found.add((protocol, selector))
        assert found == expected


def _number(text: str) -> int:
    found = AddressSet.of(text)
    return (found.v4 or found.v6)[0][0]


def outcomes(name: str, question: str) -> dict[str, set[Outcome]]:
    """For each part of an answer its services and outcome."""
    found: dict[str, set[Outcome]] = {}
    for one in parse_question(question, policy(name)):
        for part in ask(policy(name), one, DAY).parts:
            for line in part.lines:
                found.setdefault(line.service, set()).add(part.outcome)
    return found


def test_what_is_denied_and_what_may_be_asked_for() -> None:
    """NetBIOS, SMB, databases, NTP and FTP are denied inwards; everything else that is not permitted is on request."""
    denied = "internet -> tenants tcp/139, tcp/445, tcp/1433, tcp/1521, udp/123, tcp/21"
    assert set().union(*outcomes("provider-perimeter", denied).values()) == {Outcome.DENIED}
    assert set().union(*outcomes("provider-perimeter", "internet -> tenants tcp/23").values()) == {Outcome.REQUESTED}
    assert set().union(*outcomes("provider-perimeter", "tenants -> internet tcp/445").values()) == {Outcome.REQUESTED}


def test_regions_5_and_6_are_open_and_elevated_is_shut() -> None:
    """Regions 5 and 6 allow every protocol both ways; in the Elevated domain nothing passes, not even on request."""
    for question in ("internet <-> tenants", "tenants -> tenants"):
        assert outcomes("provider-regions-5-6", question) == {"any": {Outcome.ALLOWED}}
        assert outcomes("provider-elevated", question) == {"any": {Outcome.CLOSED}}
    hops = path(policy("provider-elevated"), DAY)
    for one in parse_question("internet <-> tenants", policy("provider-elevated")):
        for family, boxes in one.within().items():
            assert all(passing(hops).is_empty({family: each}) for each in boxes)


def test_the_perimeter_allows_and_the_edge_closes() -> None:
    """`internet -> tenant-a tcp/3389`: one part, allowed at the perimeter and closed at the edge, each with its line."""
    edge = policy("tenant-edge")
    (question,) = parse_question("internet -> tenant-a tcp/3389", edge)
    (part,) = ask(edge, question, DAY).parts
    rulings = [(ruling.decision.firewall.name, ruling.decision.outcome) for ruling in part.passing]
    assert rulings == [("perimeter", Outcome.ALLOWED), ("edge-a", Outcome.CLOSED)]
    assert [Path(ruling.at.path).name for ruling in part.passing] == ["provider-perimeter.yaml", "tenant-edge.yaml"]
    assert all(ruling.at.line for ruling in part.passing)


def test_private_and_forged_sources_are_denied() -> None:
    """A source that is not globally reachable never gets in, by a rule that can be read."""
    for source in ("10.0.0.1", "192.168.7.7", "fd00::1"):
        assert outcomes("provider-perimeter", f"{source} -> tenants tcp/443") == {"tcp/443": {Outcome.DENIED}}


def test_the_older_picture_lacks_mail_submission() -> None:
    """`compare` finds what the picture leaves out of the text: tcp/587, in each direction, and nothing else closes."""
    report = Report()
    picture = load(Path(__file__).parent / "picture-v1-3.yaml", report)
    assert picture is not None, report.diagnostics
    found = compare(policy("provider-perimeter"), picture, DAY)
    closed = [str(line) for change in found.closes for line in change.lines]
    assert closed == ["internet -> tenants tcp/587", "tenants -> internet tcp/587", "tenants -> tenants tcp/587"]
