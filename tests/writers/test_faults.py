"""Every kind of fault that a writer can have is caught by the proof, with a packet, and nothing is written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from itertools import islice

import pytest

from firewright.diagnostic import Report
from firewright.model.policy import Firewall, Policy
from firewright.syntax.nftables import Table, render
from firewright.workflows.compile import compile_firewall
from firewright.writers import Artifact
from firewright.writers.nftables import lower
from tests.language.world import policy
from tests.policies import DAY
from tests.writers.faults import FAULTS

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)

EDGE = policy("""
timezone: Europe/London
zones:
  inside: [192.0.2.0/24, "2001:db8:1::/48"]
  servers: [192.0.2.64/26, "2001:db8:1:5::/64"]
  partner: [203.0.113.0/28]
  office: ["2001:db8:2::/64"]
  staff: [198.51.100.0/24, "2001:db8:3::/48"]
firewalls:
  edge:
    between: [internet, inside]
    within: [servers]
    interfaces: {internet: [eth0, "ppp*"], inside: eth1}
rules:
  - {from: internet, to: servers, require: [https, ping, "icmpv4/3/4", "sctp/80-90", protocol/gre, ah]}
  - {from: any, to: servers, allow: {tcp: 6000-6010, source-port: 1024-65535}}
  - {from: any, to: inside, deny: [tcp/8000-8100, smb], name: never}
  - {from: any, to: inside, allow: [tcp/8000-9000, udp/53]}
  - {from: partner, to: inside, allow: tcp/8050, overrides: [never], until: 2027-03-31}
  - {from: office, to: inside, allow: ssh}
  - {from: staff, to: servers, reject: telnet}
  - {from: inside, to: internet, allow: [ftp, http, ntp]}
  - {from: inside, to: internet, otherwise: reject}
  - {from: staff, to: local, require: ssh}
  - {from: local, to: any, allow: [dns, ntp]}
  - {from: any, to: multicast, allow: udp/5353}
  - {between: [internet, inside], request: any}
""")
HOST = policy("""
zones: {home: [192.168.1.0/24, "2001:db8:7::/64"]}
firewalls: {local: {default: reject}}
rules:
  - {from: home, to: local, allow: [dns, ssh]}
  - {from: internet, to: local, deny: [smb, telnet]}
  - {from: any, to: local, allow: [https, http], until: 2026-12-31}
  - {from: local, to: any, allow: any}
""")
MOST = 120
"""How many places of a fault are tried before one must be caught."""


def planted(kind: str, table: Table) -> Iterator[str]:
    """Texts with the fault, at places spread over the table."""
    seen = set()
    for faulty in spread(list(FAULTS[kind](table))):
        text = render(faulty)
        if text not in seen:
            seen.add(text)
            yield text


def spread(tables: list[Table]) -> list[Table]:
    """At most MOST of them, from the beginning, the end and between."""
    return tables if len(tables) <= MOST else [tables[len(tables) * place // MOST] for place in range(MOST)]


def refusal(found: Policy, text: str) -> Report | None:
    """What is said where a writer emits this text for a policy, or None where it is proved to mean what the policy says."""
    (firewall,) = found.firewalls.values()
    report = Report()

    def faulty(policy: Policy, firewall: Firewall, day: date, report: Report) -> Artifact:
        return Artifact("nftables", policy.name, firewall.name, text)

    compiled = compile_firewall(found, firewall, DAY, report, faulty)
    assert (compiled is None) == report.has_errors()
    return report if compiled is None else None


def lowered(found: Policy) -> Table:
    """The tree that the writer makes."""
    (firewall,) = found.firewalls.values()
    return lower(found, firewall, DAY, Report())


@pytest.mark.parametrize("found", [EDGE, HOST], ids=["edge", "host"])
def test_what_the_writer_makes_is_proved(found: Policy) -> None:
    """Without a fault both policies compile."""
    assert refusal(found, render(lowered(found))) is None


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_a_fault_is_caught_and_nothing_is_written(kind: str) -> None:
    """A ruleset with the fault is refused with a packet and the place in the policy; it never compiles to something else."""
    caught = 0
    for found in (EDGE, HOST):
        for text in islice(planted(kind, lowered(found)), MOST):
            report = refusal(found, text)
            if report is None:
                continue  # this place makes no difference, which the proof has shown
            (said,) = [one for one in report.diagnostics if one.severity == "error"]
            if said.name == "miscompiled" and said.witness:
                assert said.at.line
                assert said.notes
                caught += 1
                break
    assert caught, f"no place of {kind!r} was caught with a packet"


TEXT_FAULTS = {
    "the policy of a chain accepts": (r"policy drop;", "policy accept;"),
    "a chain without its explicit end": (r"(?m)^\t\tcounter [^\n]*drop[^\n]*\n\t}\n", "\t}\n"),
    "a table of one family only": (r"(delete table|table) inet", r"\1 ip"),
    "a priority before connection tracking": (r"priority filter", "priority -300"),
    "a chain that sees only first packets": (
        r"type filter hook output priority filter",
        "type nat hook output priority -100",
    ),
    "an unlimited rule with a limit": (r"(?m)^(\t\t.*)\baccept\b", r"\1limit rate 10/second accept"),
    "a mark nobody sets": (r"(?m)^(\t\t.*)\baccept\b", r"\1meta mark 7 accept"),
}


@pytest.mark.parametrize("kind", sorted(TEXT_FAULTS))
def test_a_fault_of_the_text_is_caught(kind: str) -> None:
    """What the tree cannot even say is caught as well, wherever nft takes the text."""
    pattern, replacement = TEXT_FAULTS[kind]
    text = render(lowered(EDGE))
    faulty = re.sub(pattern, replacement, text)
    assert faulty != text, "the fault changes nothing"
    assert refusal(EDGE, faulty) is not None
