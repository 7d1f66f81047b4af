"""Rulesets for the tests of managed hosts, each compiled and proved from a few lines of policy."""

from __future__ import annotations

from datetime import date, datetime, timezone
from functools import cache
from pathlib import Path

from firewright.diagnostic import Report
from firewright.model.policy import Policy
from firewright.source import Source
from firewright.workflows.audited import audited_text
from firewright.workflows.compile import compile_firewall
from firewright.workflows.selection import Wanted, select

WEB = """policy: web
zones:
  office: [9.9.9.0/25, "2a00:db8:1::/64"]
firewalls: {local: {}}
rules:
  - {from: office, to: local, require: ssh, sessions: 4h, log: true, because: administration}
  - {from: any, to: local, require: https, because: the public site}
  - {from: office, to: local, allow: tcp/8080, until: 2090-12-31, because: a test}
  - {from: local, to: any, require: [https, dns], because: updates}
"""
OTHER = WEB.replace("9.9.9.0/25", "9.9.8.0/24")
"""The same with another office."""
NOW = datetime.now(timezone.utc)  # noqa: UP017
END = 3818448000
"""The first second of 2091: the dated rule has ended."""


def policy_of(text: str) -> Policy:
    """The one policy in a text."""
    report = Report()
    found = select(Wanted(Path.cwd(), NOW, (Source("web.yaml", text),)), report)
    assert found is not None, report.sorted()
    return found[0]


@cache
def ruleset(text: str = WEB, audit: tuple[int, int] | None = None) -> str:
    """What it compiles to, in audit mode between two instants if they are given."""
    report, policy, today = Report(), policy_of(text), date.today()
    if audit is None:
        found = compile_firewall(policy, policy.firewalls["local"], today, report)
    else:
        found = audited_text(policy, policy.firewalls["local"], today, *audit, report)
    assert found is not None, report.sorted()
    return found.text
