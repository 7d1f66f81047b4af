"""Destinations that a firewall changes before it judges: asked about the address that callers name, answered for the one behind it."""

from __future__ import annotations

import pytest

from firewright.analysis.passage import MachineNamer, world
from firewright.analysis.question import parse_question
from firewright.analysis.rewriting import rewrite_of
from firewright.analysis.route import Part, Route
from firewright.analysis.running import Running
from firewright.analysis.station import Station
from firewright.diagnostic import Report
from firewright.model.address import UNICAST
from firewright.model.packet import Family
from firewright.source import Source
from firewright.space.ruleset import Line
from firewright.workflows.read import ruleset_in
from firewright.workflows.subject import families_of

NFT = """table ip nat {
  chain pre {
    type nat hook prerouting priority -100;
    ip saddr 198.51.100.66 accept
    ip daddr 203.0.113.7 tcp dport 8080 dnat to 10.0.0.5:80
    udp dport 53 redirect to :5353
    tcp dport 9000 dnat to 10.0.0.8-10.0.0.9
    tcp dport 9100 dnat to tcp sport map { 1-100 : 10.0.0.8 }
  }
}
table inet fw {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established accept
    ip daddr 10.0.0.5 tcp dport 80 accept
    ip daddr 10.0.0.8 tcp dport { 9000, 9100 } accept
    ip daddr 203.0.113.0/24 tcp dport 8000-9999 reject
  }
  chain input {
    type filter hook input priority 0; policy drop;
    udp dport 5353 accept
  }
}
"""
SAVED = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:PUBLISHED - [0:0]
-A PREROUTING -s 198.51.100.66/32 -j ACCEPT
-A PREROUTING -d 203.0.113.7/32 -j PUBLISHED
-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353
-A PREROUTING -p tcp -m tcp --dport 9000 -j DNAT --to-destination 10.0.0.8-10.0.0.9
-A PUBLISHED -p tcp -m tcp --dport 8080 -m comment --comment "to 1.2.3.4" -j DNAT --to-destination 10.0.0.5:80
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 80 -j ACCEPT
-A FORWARD -d 10.0.0.8/32 -p tcp -m tcp --dport 9000 -j ACCEPT
-A FORWARD -d 203.0.113.0/24 -p tcp -m tcp --dport 8000:9999 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p udp -m udp --dport 5353 -j ACCEPT
COMMIT
"""
BOTH = pytest.mark.parametrize("text", [NFT, SAVED], ids=["nftables", "iptables"])


def asked(question: str, text: str) -> tuple[Part, ...]:
    """The IPv4 parts of the answer of one firewall."""
    ruleset = ruleset_in(Source("a", text), Report())
    assert ruleset is not None
    route = Route((Station("a", Running((ruleset,)), families_of(ruleset)),))
    parts = route.parts(parse_question(question, world("a"))[0], MachineNamer(world("a"), UNICAST))
    return tuple(part for part in parts if part.witness.family == 4)


@BOTH
def test_the_answer_is_about_the_address_behind(text: str) -> None:
    """A published port is open although the address that callers name is refused, and the rules of both are told."""
    (open_, closed) = asked("internet -> 203.0.113.7 tcp/8079-8080", text)
    assert open_.is_open and open_.is_certain and [one.words for one in open_.rewrites] == ["10.0.0.5, port 80"]
    assert str(open_.words[0]).removesuffix(" (IPv4 only)").endswith("-> 203.0.113.7 tcp/8080")
    assert open_.witness.destination == int.from_bytes(bytes((203, 0, 113, 7)), "big")
    assert open_.witness.selector == 8080
    line = open_.judgements[0].line
    assert line is not None and "10.0.0.5" in line.text
    assert open_.replies and all(one.is_open for one in open_.replies)
    assert not closed.is_open and closed.judgements[0].verdict == "reject" and not closed.rewrites


@BOTH
def test_whom_an_earlier_rule_takes_is_not_translated(text: str) -> None:
    """The first rule of NAT that matches decides, even where it is one that leaves the packet as it is."""
    (only,) = asked("198.51.100.66 -> 203.0.113.7 tcp/8080", text)
    assert not only.is_open and not only.rewrites and only.judgements[0].verdict == "reject"


@BOTH
def test_a_redirected_packet_is_for_the_machine_itself(text: str) -> None:
    """What is redirected passes input with its new port, whatever it was sent to."""
    for question in ("internet -> local udp/53", "internet -> 203.0.113.7 udp/53"):
        (only,) = asked(question, text)
        assert only.is_open and [one.words for one in only.rewrites] == ["the machine itself, port 5353"]


@BOTH
def test_a_target_of_several_is_no_certain_one(text: str) -> None:
    """Where one of several addresses may be the new one, and they are judged differently, neither answer is certain."""
    parts = asked("192.0.2.1 -> 203.0.113.9 tcp/9000", text)
    assert sorted((part.is_open, part.is_certain) for part in parts) == [(False, False), (True, False)]
    assert all(part.rewrites for part in parts)


@BOTH
def test_replies_and_what_the_machine_sends_are_not_translated(text: str) -> None:
    """Rules of NAT at prerouting are asked of what comes in and begins a flow only."""
    assert not any(part.rewrites for part in asked("local -> internet udp/53, tcp/9000", text))
    for part in asked("10.0.0.9 -> 10.0.0.5 tcp/80", text):
        assert part.is_open and not part.rewrites and all(reply.is_open for reply in part.replies)


def test_a_target_that_is_not_understood_may_be_anything() -> None:
    """Where a rule's words do not say where it sends packets, what is behind it is possible and not certain."""
    parts = asked("internet -> 203.0.113.9 tcp/9100", NFT)
    assert {part.is_open for part in parts} == {True, False}
    assert not any(part.is_certain for part in parts)


@pytest.mark.parametrize(
    ("text", "family", "words"),
    [
        ("dnat to 10.0.0.8/31:90-99", 4, "10.0.0.8-10.0.0.9, port 90-99"),
        ("dnat ip6 to [fd00::5]:80", 6, "fd00::5, port 80"),
        ("dnat ip6 to fd00::5", 6, "fd00::5"),
        ("dnat to 10.0.0.1 random,persistent", 4, "10.0.0.1"),
        ("-A P -j DNAT --to-destination [fd00::1]-[fd00::9]:80", 6, "fd00::1-fd00::9, port 80"),
        ("-A P -j DNAT --to-destination 10.0.0.1:80-90 --random", 4, "10.0.0.1, port 80-90"),
        ('-A P -m comment --comment "a -j REDIRECT" -j DNAT --to-destination 10.0.0.5', 4, "10.0.0.5"),
        ('dnat to 10.0.0.5 comment "redirect"', 4, "10.0.0.5"),
    ],
)
def test_targets_are_read_in_either_dialect(text: str, family: Family, words: str) -> None:
    """Addresses, prefixes, ranges and ports of nft and of iptables-save are the targets that they say."""
    found = rewrite_of(Line("t", "c", 1, text), family)
    ports = "" if found.ports is None else "-".join(map(str, dict.fromkeys(found.ports)))
    assert ", ".join(filter(None, (found.address_words, f"port {ports}" if ports else ""))) == words


@pytest.mark.parametrize(
    "text", ["dnat to @targets", "-A P -j NETMAP --to 10.0.0.0/24", "dnat to fd00::1", "dnat to :80"]
)
def test_other_words_are_not_guessed(text: str) -> None:
    """A map, a whole network, another family's address: not known."""
    assert not rewrite_of(Line("t", "c", 1, text), 4).is_known
