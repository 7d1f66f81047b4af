"""The decisions that show in a compiled ruleset; that it means what the policy says is proved by every compile."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import datetime

import pytest

from firewright.analysis.validate import first_instant
from firewright.diagnostic import Report, Severity
from firewright.model.policy import Policy
from firewright.workflows.compile import compile_firewall
from tests.language.world import DAY, edge, machine, policy

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)


def compiled(found: Policy, report: Report | None = None) -> str:
    """The ruleset of a policy's only firewall."""
    (firewall,) = found.firewalls.values()
    said = Report() if report is None else report
    result = compile_firewall(found, firewall, DAY, said)
    assert result is not None, said.diagnostics
    return result.text


def chain(text: str, word: str) -> str:
    """The one chain whose name begins so."""
    (found, *_) = re.findall(rf"(?ms)^\tchain ({word}\w* ?\{{.*?)^\t\}}", text)
    return str(found)


def test_decision_08_a_machine_hooks_no_forward_chain() -> None:
    """The ruleset of a machine hooks input and output and nothing that it forwards; a firewall's hooks all three."""
    own = compiled(machine("from: any, to: local, allow: https"))
    assert re.findall(r"hook (\w+)", own) == ["input", "output"]
    assert sorted(re.findall(r"hook (\w+)", compiled(edge("from: internet, to: inside, allow: https")))) == [
        "forward",
        "input",
        "output",
    ]


def test_decision_09_every_hooked_chain_is_closed_twice() -> None:
    """Each base chain drops by its policy and by an explicit last rule, for output too."""
    text = compiled(edge("from: internet, to: inside, allow: https"))
    for hook in ("input", "output", "forward"):
        lines = chain(text, hook).strip().splitlines()
        assert "policy drop" in lines[1]
        assert re.match(r"\t\tcounter drop\b", lines[-1])


def test_decision_11_what_is_asked_for_has_a_counter_of_its_own() -> None:
    """Traffic that may be requested is counted in a chain that names the rule, apart from what is closed."""
    text = compiled(edge("from: internet, to: inside, request: any, name: ask-us"))
    asked, closed = chain(text, "ask_us"), chain(text, "closed")
    assert re.search(r'counter drop comment "ask-us', asked)
    assert "counter drop" in closed
    assert "ask-us" not in closed


def test_decision_20_timeouts_and_sessions_reach_the_kernel() -> None:
    """A firewall's timeouts are objects of both families with the seconds in their names; a rule's sessions are longer for its flows."""
    found = policy("""
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, inside], timeouts: {tcp-established: 4h, udp-replied: 5m}}}
rules:
  - {from: internet, to: inside, allow: [https, ntp]}
  - {from: internet, to: inside, allow: dns, sessions: 2d}
""")
    text = compiled(found)
    assert set(re.findall(r"policy = \{ established : (\d+)", text)) == {"14400", "172800"}
    assert set(re.findall(r"policy = \{ replied : (\d+)", text)) == {"300", "172800"}
    assert re.findall(r"ct timeout (tcp_established_14400_v\d)", text) == [
        "tcp_established_14400_v4",
        "tcp_established_14400_v6",
    ]
    assert "172800" in chain(text, "allow_dns")
    assert "172800" not in chain(text, "allow_https")


def test_decision_22_fragments_are_judged_reassembled() -> None:
    """Every family of every hook asks connection tracking, for which the kernel reassembles first; no rule asks for fragments."""
    text = compiled(edge("from: internet, to: inside, allow: https"))
    for hook in ("input", "output", "forward"):
        for family in (4, 6):
            assert "ct state established" in chain(text, f"{hook}_v{family}")
    assert "frag" not in text


def test_decision_25_nothing_is_logged_unless_a_rule_says_so() -> None:
    """A rule that logs does so behind a limit, with its name; groups and late answers are dropped without a word."""
    silent = compiled(edge("from: internet, to: inside, deny: smb"))
    assert " log " not in silent
    loud = compiled(edge("from: internet, to: inside, deny: smb, log: yes, name: no-smb"))
    assert re.search(r'limit rate 10/second burst 20 packets log prefix "firewright no-smb: "', chain(loud, "no_smb"))


@pytest.mark.parametrize(
    ("rule", "is_said"),
    [
        ("from: internet, to: inside, allow: ssh", True),
        ("from: internet, to: local, allow: ssh", True),
        ("from: internet, to: local, require: ssh", False),
    ],
)
def test_decision_33_nobody_to_manage_it_is_a_warning(rule: str, is_said: bool) -> None:
    """A firewall without a `require` into `local` compiles with a warning that it may lock everybody out."""
    report = Report()
    compiled(edge(rule), report)
    assert [(one.name, one.severity) for one in report.diagnostics] == [("no-management", Severity.WARNING)] * is_said


def test_decision_34_an_end_is_in_the_ruleset_as_seconds() -> None:
    """A dated permission holds from the compile's day to the end of its last day where the policy is, in epoch seconds."""
    found = policy("""
timezone: America/New_York
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, inside]}}
rules: [{from: internet, to: inside, allow: ssh, until: 2027-03-31}]
""")
    text = compiled(found)
    begins, ends = int(first_instant(DAY, found)), 1806552000  # 2027-04-01 04:00 UTC
    assert text.count(f"meta time >= {begins} meta time < {ends}") == text.count("meta time >= ") == 2
    assert not re.search(r"meta time[^\n]*\d{4}-\d{2}-\d{2}", text)
    timed = replace(found, rules=(replace(found.rules[0], until=datetime(2027, 3, 31, 18, 30)),))
    assert compiled(timed).count(f"meta time >= {begins} meta time < 1806532200") == 2  # 2027-03-31 22:30 UTC
