"""Rulesets in series: what becomes of each packet at every firewall, of its replies, and where that hangs on a condition."""

from __future__ import annotations

import pytest

from firewright.analysis.passage import MachineNamer, world
from firewright.analysis.question import parse_question
from firewright.analysis.replies import reply_boxes
from firewright.analysis.route import Part, Route, with_own
from firewright.analysis.running import Running
from firewright.analysis.station import Station
from firewright.diagnostic import Report
from firewright.model.address import UNICAST, AddressSet
from firewright.model.packet import ConntrackState
from firewright.source import Source
from firewright.space.axis import TOPS, Axis
from firewright.space.box import ranges_of
from firewright.space.flow import Flow
from firewright.workflows.read import ruleset_in
from firewright.workflows.subject import families_of

EDGE = """table inet fw {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "wan0" ip daddr 192.0.2.0/24 tcp dport { 22, 443 } accept
    icmp type echo-request limit rate 5/second accept
  }
}
"""
STATELESS = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A OUTPUT -p tcp -m tcp --sport 443 ! --syn -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
UNTRACKED = """*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 443 -j NOTRACK
COMMIT
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
"""


def asked(question: str, *texts: str, own: str = "") -> tuple[Part, ...]:
    """The parts of an answer of firewalls in series, called a, b, … in the order of the way."""
    stations = []
    for name, text in zip("abc", texts, strict=False):
        ruleset = ruleset_in(Source(name, text), Report())
        assert ruleset is not None
        stations.append(Station(name, Running((ruleset,)), families_of(ruleset)))
    (one,) = parse_question(question, world("here"))
    mine = AddressSet.of(own) if own else AddressSet()
    return Route(tuple(stations)).parts(with_own(one, mine), MachineNamer(world("here"), mine if own else UNICAST))


def said(part: Part) -> list[tuple[str, str]]:
    """What each firewall does."""
    return [(one.firewall, one.verdict) for one in part.judgements]


def test_every_firewall_of_the_way_is_judged_and_the_first_stop_counts() -> None:
    """A port that one firewall lets and the next does not is closed by that one; a port that both let is open."""
    parts = asked("203.0.113.7 -> 192.0.2.10 tcp/443, tcp/80", EDGE, STATELESS, own="192.0.2.10")
    found = {
        str(line): (part.is_open, part.stop.firewall if part.stop else "", said(part))
        for part in parts
        for line in part.words
    }
    assert found["203.0.113.7 -> local tcp/443 by wan0 at a (IPv4 only)"] == (
        True,
        "",
        [("a", "accept"), ("b", "accept")],
    )
    closed = next(value for words, value in found.items() if "tcp/80" in words and not value[0])
    assert closed == (False, "a", [("a", "drop"), ("b", "drop")])


def test_replies_are_judged_at_every_firewall_on_the_way_back() -> None:
    """Replies that a stateless ruleset has a rule for come through; those that it has none for are stopped, and it is said by whom."""
    for port, is_open in ((443, True), (22, False)):
        part = next(
            one
            for one in asked(f"203.0.113.7 -> 192.0.2.10 tcp/{port}", EDGE, STATELESS, own="192.0.2.10")
            if one.is_open
        )
        (back,) = part.replies
        assert back.is_open is is_open
        assert [one.firewall for one in back.judgements] == ["b", "a"]
        assert back.witness.source_port == port
        assert back.witness.conntrack_state is ConntrackState.ESTABLISHED


def test_whether_replies_need_connection_tracking_is_said() -> None:
    """A rule for known flows lets replies as such; a rule that looks at the port alone lets them whatever is known."""
    (stateful,) = (one for one in asked("203.0.113.7 -> 192.0.2.10 tcp/443", EDGE) if one.is_open)
    (stateless,) = asked("203.0.113.7 -> local tcp/443", STATELESS)
    assert [one.is_stateful for one in stateful.replies] == [True]
    assert [one.is_stateful for one in stateless.replies] == [False]


def test_replies_to_flows_that_are_not_tracked_are_judged_as_well() -> None:
    """Where a rule takes flows out of connection tracking, replies are also judged as unknown: here they are then stopped."""
    (part,) = asked("203.0.113.7 -> local tcp/443", UNTRACKED)
    assert {(one.is_untracked, one.is_open) for one in part.replies} == {(False, True), (True, False)}


def test_only_what_hangs_on_a_condition_is_possible() -> None:
    """Of a range, what is decided whatever a limit does is certain; the rest names the limit's rule."""
    parts = asked("203.0.113.7 -> 192.0.2.10 icmp/echo-request, tcp/25", EDGE)
    certain = {str(line) for part in parts if part.is_certain for line in part.words}
    assert certain == {"203.0.113.7 -> 192.0.2.10 tcp/25 (IPv4 only)"}
    possible = [part for part in parts if not part.is_certain]
    assert {part.is_open for part in possible} == {True, False}
    for part in possible:
        assert [line.text for one in part.judgements for line in one.unknown] == [
            "icmp type echo-request limit rate 5/second accept"
        ]


def test_what_one_firewall_surely_stops_is_closed_for_certain() -> None:
    """A limit at the first firewall does not matter where the second drops."""
    parts = asked("203.0.113.7 -> 192.0.2.10 icmp/echo-request", EDGE, STATELESS, own="192.0.2.10")
    assert parts and all(part.is_certain and not part.is_open for part in parts)
    assert {part.stop.firewall for part in parts if part.stop} == {"b"}


def test_a_family_that_a_ruleset_says_nothing_of_is_not_answered() -> None:
    """A dump of IPv4 alone gives no answer about IPv6, instead of one that it is open."""
    assert {
        family
        for part in asked("internet -> local tcp/443", STATELESS)
        for line in part.words
        for family in line.families
    } == {4}
    assert asked("2001:db8::1 -> local tcp/443", STATELESS) == ()


@pytest.mark.parametrize(
    ("family", "service", "source_port", "answers"),
    [
        (4, ((6 << 16 | 443, 6 << 16 | 444),), ((1000, 2000),), [(((6 << 16 | 1000, 6 << 16 | 2000),), ((443, 444),))]),
        (4, ((1 << 16 | 8 << 8, 1 << 16 | 8 << 8 | 255),), ((0, 65535),), [(((1 << 16, 1 << 16 | 255),), ((0, 65535),))]),
        (
            6, ((58 << 16 | 128 << 8, 58 << 16 | 128 << 8),), ((0, 65535),),
            [(((58 << 16 | 129 << 8, 58 << 16 | 129 << 8 | 255),), ((0, 65535),))],
        ),
        (4, ((1 << 16 | 3 << 8, 1 << 16 | 3 << 8 | 255),), ((0, 65535),), []),
        (6, ((47 << 16, 47 << 16 | 65535),), ((0, 65535),), [(((47 << 16, 47 << 16 | 65535),), ((0, 65535),))]),
    ],
)  # fmt: skip
def test_replies_are_the_flow_turned_round(family: int, service: object, source_port: object, answers: object) -> None:
    """Ends and ports change places, an echo request is answered by a reply, an error by nothing, a protocol without ports by itself."""
    tops = TOPS[family]
    every = [((0, top),) for top in tops]
    every[Axis.SERVICE], every[Axis.SOURCE_PORT] = service, source_port  # type: ignore[call-overload]
    every[Axis.SOURCE], every[Axis.DESTINATION] = ((1, 1),), ((2, 2),)
    flow = Flow(family, *every)  # type: ignore[arg-type]
    boxes = list(reply_boxes(flow, ConntrackState.ESTABLISHED))
    assert [
        (ranges_of(one, Axis.SERVICE, family), ranges_of(one, Axis.SOURCE_PORT, family)) for one in boxes
    ] == answers
    for one in boxes:
        assert ranges_of(one, Axis.SOURCE, family) == ((2, 2),)
        assert ranges_of(one, Axis.DESTINATION, family) == ((1, 1),)
