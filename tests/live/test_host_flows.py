"""Tracked flows in conntrack's words: read whole, said in words, and found again by what goes back to the host."""

from __future__ import annotations

import pytest

from firewright.live.conntrack_text import flow_lines, tracked_in

_TCP = (
    "tcp      6 431999 ESTABLISHED src=10.1.0.2 dst=10.1.0.1 sport=40000 dport=8080 "
    "src=172.17.0.2 dst=10.1.0.2 sport=80 dport=40000 [ASSURED] mark=0 use=1"
)
_UDP6 = "udp      17 29 src=fd20::2 dst=fd20::1 sport=5353 dport=53 [UNREPLIED] src=fd20::1 dst=fd20::2 sport=53 dport=5353 mark=0 use=1"
_PING = "icmp     1 29 src=10.1.0.2 dst=10.1.0.1 type=8 code=0 id=7 src=10.1.0.1 dst=10.1.0.2 type=0 code=0 id=7 mark=0 use=1"
_ESP = "unknown  50 599 src=10.1.0.2 dst=10.1.0.1 [UNREPLIED] src=10.1.0.1 dst=10.1.0.2 mark=0 use=1"


def test_a_flow_is_what_the_filter_saw_of_its_first_packet() -> None:
    """A port that was forwarded is the one that it arrived at, and the words that find it again are those of the sender."""
    (flow,) = tracked_in(_TCP)
    assert (flow.opening.protocol, flow.opening.source_port) == (6, 40000)
    assert str(flow) == "tcp 10.1.0.2:40000 -> 10.1.0.1:8080"
    assert flow.line == "4 6 10.1.0.2 10.1.0.1 40000 8080 - - -"


@pytest.mark.parametrize(
    ("line", "words", "back"),
    [
        (_UDP6, "udp [fd20::2]:5353 -> [fd20::1]:53", "6 17 fd20::2 fd20::1 5353 53 - - -"),
        (_PING, "icmp 10.1.0.2 -> 10.1.0.1", "4 1 10.1.0.2 10.1.0.1 - - 8 0 7"),
        (_ESP, "protocol 50 10.1.0.2 -> 10.1.0.1", "4 50 10.1.0.2 10.1.0.1 - - - - -"),
    ],
    ids=["udp6", "ping", "esp"],
)
def test_each_kind_of_flow_is_found_again(line: str, words: str, back: str) -> None:
    """Datagrams of IPv6, requests for an echo and protocols without ports are said in words, and named for conntrack."""
    (flow,) = tracked_in(line)
    assert (str(flow), flow.line) == (words, back)


@pytest.mark.parametrize(
    ("state", "is_over"), [("ESTABLISHED", False), ("CLOSE_WAIT", False), ("TIME_WAIT", True), ("CLOSE", True)]
)
def test_a_connection_that_both_ends_closed_is_over(state: str, is_over: bool) -> None:
    """What conntrack only remembers is told apart from what still carries data."""
    (flow,) = tracked_in(_TCP.replace("ESTABLISHED", state))
    assert flow.is_over is is_over


@pytest.mark.parametrize(
    "line",
    [
        "conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.",
        "",
        "tcp 6 10 ESTABLISHED src=10.1.0.2 dst=10.1.0.1 sport=1 dport=2",
        "tcp 6 10 ESTABLISHED src=here dst=there sport=1 dport=2 src=there dst=here sport=2 dport=1",
        "tcp 6 10 ESTABLISHED src=10.1.0.2 dst=10.1.0.1 sport=$(id) dport=2 src=10.1.0.1 dst=10.1.0.2 sport=2 dport=1",
    ],
)
def test_a_line_that_is_no_flow_is_passed_over(line: str) -> None:
    """Summaries, halves and anything that holds no addresses and numbers reach no host."""
    assert tracked_in(f"{line}\n{_TCP}\n") == tracked_in(_TCP)


def test_flows_go_to_a_host_a_line_each() -> None:
    """What is read back in the same order has as many lines as flows."""
    flows = tracked_in("\n".join((_TCP, _UDP6, _PING)))
    assert flow_lines(flows).splitlines() == [one.line for one in flows]
