"""Sockets that were seen to listen against a policy: each by the law of observations, packet by packet."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from firewright.analysis.decide import decide
from firewright.analysis.running import Running
from firewright.diagnostic import Diagnostic, Report, Severity
from firewright.model.packet import FAMILIES, Packet
from firewright.model.policy import Action
from firewright.readers.listening import listing_of
from firewright.source import Source
from firewright.space.budget import budget
from firewright.workflows.against import Standard, standard_in
from firewright.workflows.contradicted import say_contradicted
from firewright.workflows.heard import heard_targets
from firewright.workflows.read import running_in
from firewright.workflows.selection import Wanted

POLICY = """policy: host
zones: {home: [192.0.2.0/24, "2001:db8::/64"]}
rules:
  - {from: local, to: any, allow: any}
  - {from: home, to: local, allow: [ssh, http]}
  - {from: any, to: local, require: https}
  - {from: any, to: local, reject: ident}
"""
RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 113 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 9090 -m limit --limit 5/sec -j ACCEPT
COMMIT
"""
LISTING = """Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=612,fd=3))
tcp   LISTEN 0      128          0.0.0.0:113       0.0.0.0:*    users:(("identd",pid=613,fd=3))
tcp   LISTEN 0      511          0.0.0.0:9090      0.0.0.0:*    users:(("prom",pid=4322,fd=6))
tcp   LISTEN 0      511          0.0.0.0:9091      0.0.0.0:*    users:(("prom",pid=4322,fd=7))
tcp   LISTEN 0      128                *:80              *:*    users:(("nginx",pid=9,fd=4))
tcp   LISTEN 0      128                *:443             *:*    users:(("nginx",pid=9,fd=5))
tcp   LISTEN 0      128        127.0.0.1:6379      0.0.0.0:*    users:(("redis",pid=10,fd=4))
"""


def standard() -> Standard:
    """The policy at its machine."""
    wanted = Wanted(Path(), datetime(2026, 11, 21, tzinfo=timezone.utc))  # noqa: UP017
    found = standard_in(Source("-", POLICY), wanted, "", Report())
    assert found is not None
    return found


def running(rules: str = RULES) -> Running:
    """The ruleset of the machine."""
    found = running_in(Source("rules.v4", rules), Report())
    assert found is not None
    return found


def said(rules: str = RULES) -> list[Diagnostic]:
    """What contradicts the policy, of the families that a dump of iptables describes."""
    source, report = Source("ss.txt", LISTING), Report()
    found = listing_of(source.text)
    listing = found.read(source) if found is not None else None
    assert listing is not None
    say_contradicted(standard().subject, running(rules), heard_targets(listing), (4,), report)
    return report.diagnostics


def test_each_socket_is_open_or_hidden_against_the_policy() -> None:
    """Open against drop and reject is an error, possibly so a warning; hidden against a requirement a warning, else a note."""
    found = {one.message.partition(" at ")[0]: (one.severity, one.message.rpartition("listens: ")[2]) for one in said()}
    assert found == {
        "tcp/22": (Severity.ERROR, "it is open to internet, and the policy says drop (IPv4 only)"),
        "tcp/113": (Severity.ERROR, "it is open to any, and the policy says reject (IPv4 only)"),
        "tcp/9090": (Severity.WARNING, "it is possibly open to any, and the policy says drop (IPv4 only)"),
        "tcp/80": (Severity.NOTE, "it is hidden from home, and the policy says accept (IPv4 only)"),
        "tcp/443": (Severity.WARNING, "it is hidden from any, and the policy says accept (IPv4 only)"),
    }
    assert {one.name for one in said()} == {"contradicted"}


def test_the_packet_of_each_shows_it() -> None:
    """The specification decides the packet as is said, and it passes the ruleset or does not."""
    against, now = standard(), running()
    (firewall,) = against.policy.firewalls.values()
    for one in said():
        packet = _packet(one.witness)
        action = decide(against.policy, firewall, packet, against.day).action
        assert f"the policy says {action.value}" in one.message
        is_open = action is not Action.ACCEPT
        assert (packet in now.possibly) is is_open
        assert not is_open or (packet in now.surely) is ("possibly" not in one.message)


def _packet(words: str) -> Packet:
    """`tcp 203.0.113.10:49152 -> 198.51.100.20:22` as it arrives."""
    from ipaddress import IPv4Address

    _, source, _, destination = words.split()
    (here, port), (there, service) = source.split(":"), destination.split(":")
    ends = int(IPv4Address(here)), int(IPv4Address(there))
    return Packet(4, *ends, 6, selector=int(service), source_port=int(port), in_interface="eth0", out_interface="")


def test_a_family_that_the_rules_do_not_describe_contradicts_nothing() -> None:
    """A dump of iptables says nothing of IPv6: neither that it is open nor that it is hidden."""
    assert all("(IPv4 only)" in one.message for one in said()) and len(FAMILIES) == 2


def test_what_agrees_is_not_said() -> None:
    """A socket that is hidden as the policy wants it, or open as it wants it, or on loopback, is no finding."""
    kept = RULES.replace(
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT"
    )
    services = {one.message.partition(" at ")[0] for one in said(kept)}
    assert not services & {"tcp/22", "tcp/9091", "tcp/6379"}


def test_what_is_not_decided_is_an_error() -> None:
    """Where the budget ends, the socket is named, and nothing is taken for agreement."""
    many = "".join(
        f"-A INPUT -s 10.{n}.0.0/16 -p tcp -m multiport --dports {n + 1},9000 -j ACCEPT\n" for n in range(40)
    )
    with budget(nodes=1, cells=1, diagram=1):
        found = said(RULES.replace("COMMIT", f"{many}COMMIT"))
    assert "undecided" in {one.name for one in found}
