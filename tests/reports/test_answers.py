"""Answers on narrow terminals are whole; essentials come last; a rule and its reason are told apart."""

from __future__ import annotations

import json

import pytest

from firewright.diagnostic import Report
from firewright.reports import Answers, Comparison, Look
from firewright.reports.json import REPORT as JSON
from firewright.reports.markdown import REPORT as MARKDOWN
from firewright.reports.text import REPORT as TEXT
from firewright.source import Source
from firewright.workflows.ask import ask_policies
from firewright.workflows.compare import compare_policies
from firewright.workflows.selection import Wanted
from tests.reports.subjects import wanted

REASON = "agreed with everybody in a meeting that took longer than this line is wide on any terminal of today"
POLICY = f"""policy: edge
zones: {{ours: 192.0.2.0/24}}
firewalls: {{a-firewall-with-quite-a-long-name: {{between: [internet, ours]}}, inner: {{between: [internet, ours]}}}}
rules:
  - {{from: any, to: ours, allow: [https, tcp/1000, tcp/1002, tcp/1004, udp/2000-2999, smtp, imap], because: {REASON}}}
"""
HOST = "rules:\n  - {from: any, to: local, allow: https, because: the site}\n"


def answered(text: str, question: str) -> Answers:
    """What a policy says to a question."""
    found = ask_policies(question, Wanted(wanted().folder, wanted().now, (Source("edge.yaml", text),)), Report())
    assert found is not None
    return found


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    "question", ["internet -> ours", "internet <-> ours", "internet -> ours tcp/1000,udp/2000-2100"]
)
def test_a_narrow_terminal_gets_every_word(width: int, question: str) -> None:
    """On a terminal the same words stand in the same order as without one; only words of their own are wider than it."""
    answers = answered(POLICY, question)
    full, narrow = TEXT[Answers](answers, Look()), TEXT[Answers](answers, Look(width, is_cut=True))
    assert narrow.split() == full.split()
    assert REASON in " ".join(narrow.split())
    assert all(len(line) <= width or len(line.split()) <= 2 for line in narrow.split("\n"))


def test_a_narrow_comparison_gets_every_word() -> None:
    """What is different between two policies is told whole in 40 columns."""
    pair = Source("a.yaml", POLICY), Source("b.yaml", POLICY.replace("imap", "pop3"))
    found = compare_policies(*pair, wanted(), Report())
    assert found is not None
    full, narrow = TEXT[Comparison](found, Look()), TEXT[Comparison](found, Look(40, is_cut=True))
    assert narrow.split() == full.split()


def test_essentials_are_one_last_line() -> None:
    """The policy's own rules are answered first; what always passes is named in one line, and in full where much is wanted."""
    answers = answered(HOST, "any -> local")
    text, verbose = TEXT[Answers](answers, Look()), TEXT[Answers](answers, Look(is_verbose=True))
    *rest, last = text.rstrip().split("\n")
    assert last.startswith("always passes, as essentials (-v shows them): ")
    assert all(name in last for name in ("neighbour-discovery", "dhcp", "router-advertisement"))
    assert rest[0].startswith("any -> local tcp/443: open")
    assert "an essential" not in "\n".join(rest)
    assert "an essential: neighbour-discovery" in verbose
    assert "always passes" not in verbose
    assert "neighbour-discovery" in JSON[Answers](answers, Look())
    alone = TEXT[Answers](answered(HOST, "any -> local icmpv6/135"), Look())
    assert "an essential: neighbour-discovery" in alone


def test_a_rule_and_its_reason_are_told_apart() -> None:
    """JSON and Markdown have the rule as it is written, and the reason that somebody wrote behind it."""
    answers = answered(HOST, "any -> local https")
    ruling = json.loads(JSON[Answers](answers, Look()))["answers"][0]["parts"][0]["firewalls"][0]
    assert (ruling["rule"], ruling["because"]) == ("allow: https", "the site")
    assert "| `allow: https` | the site |" in MARKDOWN[Answers](answers, Look())
    answers = answered(HOST, "any -> local ssh")
    closed = json.loads(JSON[Answers](answers, Look()))["answers"][0]["parts"][0]["firewalls"][0]
    assert (closed["rule"], closed["because"]) == (None, "no rule allows it, and the default is drop")
