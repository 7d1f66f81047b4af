"""Small policies from their texts, and what becomes of single packets: by the specification and by the sets, which must agree."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address
from pathlib import Path

from firewright.analysis.decide import decide
from firewright.audits._audit import AUDITS, Context
from firewright.diagnostic import Diagnostic, Report
from firewright.model.decision import Decision
from firewright.model.packet import ConntrackState, Packet
from firewright.model.policy import Policy
from firewright.model.transport import parse_transport
from firewright.readers.policy_yaml import load
from firewright.source import Source
from firewright.space.axis import point
from firewright.space.encode import encode

DAY = date(2026, 11, 21)
INSIDE = {4: "192.0.2.7", 6: "2001:db8:1::7"}
"""An address of the zone `inside` of EDGE, by family."""
OUTSIDE = {4: "203.0.113.9", 6: "2001:db8:f::9"}
"""An address that no zone of EDGE holds."""
EDGE = """
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, inside]}}
rules:
"""
"""A policy of one firewall between the internet and a zone, up to its rules."""


def policy(text: str) -> Policy:
    """The policy of a text that is right."""
    report = Report()
    found = load(Source("policy.yaml", text), report)
    assert found is not None, [said.message for said in report.diagnostics]
    return found


def loaded(folder: Path, name: str, **texts: str) -> Policy:
    """The policy NAME of several files; `a_b` is the file a-b.yaml."""
    for stem, text in texts.items():
        (folder / f"{stem.replace('_', '-')}.yaml").write_text(text, encoding="utf-8")
    report = Report()
    found = load(folder / f"{name}.yaml", report)
    assert found is not None, [said.message for said in report.diagnostics]
    return found


def edge(*rules: str) -> Policy:
    """EDGE with these rules."""
    return policy(EDGE + "".join(f"  - {{{rule}}}\n" for rule in rules))


def machine(*rules: str) -> Policy:
    """A policy for one machine with these rules."""
    return policy("rules:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules))


def packet(
    source: str,
    destination: str,
    service: str,
    into: str = "eth0",
    out: str = "eth1",
    source_port: int = 49152,
    state: ConntrackState = ConntrackState.NEW,
) -> Packet:
    """A packet of a transport; `into=""` is sent by the machine itself, `out=""` is delivered to it."""
    here, there = ip_address(source), ip_address(destination)
    transport = next(one for one in parse_transport(service) if here.version in one.families)
    port = source_port if transport.protocol in (6, 17) else 0
    return Packet(
        here.version, int(here), int(there), transport.protocol, transport.selectors[0][0], port, state, into, out
    )


def fate(found: Policy, asked: Packet, day: date = DAY) -> Decision:
    """The decision of a policy's only firewall, by the specification; the sets must say the same."""
    (firewall,) = found.firewalls.values()
    decision = decide(found, firewall, asked, day)
    program = encode(found, firewall, day)[asked.family]
    by_sets = program.origin[program.decide(point(asked))]
    assert isinstance(by_sets, Decision)
    assert (by_sets.outcome, by_sets.action, by_sets.rule) == (decision.outcome, decision.action, decision.rule)
    return decision


def inbound(found: Policy, service: str, family: int = 4, day: date = DAY) -> str:
    """What becomes of a new flow from the internet to the inside."""
    return fate(found, packet(OUTSIDE[family], INSIDE[family], service), day).outcome.value


def outbound(found: Policy, service: str, family: int = 4, day: date = DAY) -> str:
    """What becomes of a new flow from the inside to the internet."""
    return fate(found, packet(INSIDE[family], OUTSIDE[family], service, into="eth1", out="eth0"), day).outcome.value


def audited(found: Policy, name: str, day: date = DAY) -> list[Diagnostic]:
    """What an audit says of a policy."""
    return list(AUDITS.load(name)(found, Context(day)))
