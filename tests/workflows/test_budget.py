"""A total budget for questions about rulesets: what was decided before it ended stands, what was not is said, nothing passes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from firewright.diagnostic import Report, Severity
from firewright.source import Source
from firewright.space.budget import Spent, charge, purse
from firewright.workflows.against import standard_in
from firewright.workflows.audit import audit_running
from firewright.workflows.contrast import compare_subjects
from firewright.workflows.read import running_in
from firewright.workflows.route import Asked, ask_rulesets
from firewright.workflows.selection import Wanted
from tests.cli.running import run

WANTED = Wanted(Path("/"), datetime(2026, 11, 21, tzinfo=UTC))
POLICY = """policy: shop
zones:
  lan: 10.0.0.0/8
firewalls:
  local: {default: drop}
rules:
  - {from: lan, to: local, require: [ssh, mysql]}
"""


def dump(first: int = 22) -> str:
    """A dump of 240 rules about 120 machines; every second one of them hangs on a hardware address."""
    rules = (
        f"-A FORWARD -d 10.0.{number}.1/32 -p tcp -m tcp --dport {port} {condition}-j ACCEPT\n"
        for number in range(120)
        for port, condition in ((first, ""), (443, "-m mac --mac-source 02:00:00:00:00:01 "))
    )
    return f"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{''.join(rules)}COMMIT\n"


def test_a_purse_that_is_empty_says_so_and_gives_no_more() -> None:
    """What is charged beyond the purse raises, and one opened inside another is that other."""
    with purse(10) as outer:
        charge(10)
        with purse(1_000) as inner, pytest.raises(Spent, match="10 was used up"):
            assert inner is outer
            charge(1)
    charge(1_000_000)


@pytest.mark.parametrize("budget", [1, 1_000, 6_000])
def test_a_comparison_that_ran_out_is_neither_equivalent_nor_silent(budget: int) -> None:
    """What a small budget did not suffice for is named, and no sort of difference is told that the whole answer lacks."""
    pair = Source("before", dump()), Source("after", dump(23))
    whole = compare_subjects(*pair, WANTED, Report())
    part = compare_subjects(*pair, WANTED, Report(), budget=budget)
    assert whole is not None and part is not None
    assert not whole.undecided and part.undecided and not part.is_equivalent
    assert all(f"budget of {budget} " in one for one in part.undecided)
    known = {(one.sort, one.is_certain) for one in whole.changes}
    assert {(one.sort, one.is_certain) for one in part.changes} <= known


def test_an_equal_pair_is_not_called_equivalent_without_a_proof() -> None:
    """Two dumps that differ in the order of their rules are equivalent, which a spent budget does not claim."""
    lines = dump().splitlines(keepends=True)
    turned = "".join((*lines[:4], *reversed(lines[4:-1]), lines[-1]))
    pair = Source("before", dump()), Source("after", turned)
    whole, part = (compare_subjects(*pair, WANTED, Report(), budget=budget) for budget in (4_000_000, 10))
    assert whole is not None and whole.is_equivalent
    assert part is not None and not part.is_equivalent and part.undecided and not part.changes


@pytest.mark.parametrize("budget", [1, 2_000, 6_000])
def test_an_answer_that_ran_out_keeps_what_was_decided(budget: int) -> None:
    """Each part that a small budget tells has the verdict and the rule that the whole answer has for its packet; the rest is named."""
    asked = [Asked("", Source("dump", dump()))]
    whole = ask_rulesets("internet -> private tcp", asked, "", WANTED, Report())
    part = ask_rulesets("internet -> private tcp", asked, "", WANTED, Report(), budget=budget)
    assert whole is not None and part is not None
    assert not whole.undecided and part.undecided
    known = {(one.verdict, one.judged) for _, parts in whole.answers for one in parts}
    assert {(one.verdict, one.judged) for _, parts in part.answers for one in parts} <= known


def test_an_audit_that_ran_out_is_not_whole() -> None:
    """Against a policy, what the budget did not suffice for is an error, and the audit is not whole."""
    standard = standard_in(Source("shop.yaml", POLICY), WANTED, "", Report())
    running = running_in(Source("dump", dump()), Report())
    assert standard is not None and running is not None
    for budget, is_whole in ((4_000_000, True), (500, False)):
        audit = audit_running(running, "dump", Report(), standard, budget=budget)
        said = [one for one in audit.findings.diagnostics if one.name == "undecided"]
        assert audit.is_whole is is_whole and bool(said) is not is_whole
        assert all(one.severity is Severity.ERROR for one in said)


def test_every_command_ends_in_2_where_its_budget_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """compare, ask and audit with a budget of one unit end in 2, say which budget was spent, and prove nothing."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("a.rules", dump()), ("b.rules", dump(23)), ("shop.yaml", POLICY)):
        Path(name).write_text(text)
    for words in (
        ("compare", "a.rules", "b.rules"),
        ("ask", "internet -> private tcp", "-r", "a.rules"),
        ("audit", "a.rules", "-p", "shop.yaml"),
    ):
        done = run(*words, "--budget", "1")
        assert done.exit_code == 2, done.output
        assert "the budget of 1 was" in done.output
        assert "equivalent" not in done.output
