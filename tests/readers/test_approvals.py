"""`approvals.yaml`: what it says is kept, and what is wrong with it is said at its line and column."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from firewright import document
from firewright.diagnostic import Report
from firewright.model.approval_rules import ApprovalRules, Growth
from firewright.readers.policy_yaml.approvals import load_approvals
from firewright.readers.policy_yaml.schema import approvals_schema, plain
from firewright.source import Source

APPROVE = "approve: {low: {count: 1}}\n"


def _read(text: str) -> tuple[ApprovalRules | None, list[str]]:
    report = Report()
    rules = load_approvals(Source("approvals.yaml", text), report)
    return rules, [f"{one.at.line}:{one.at.column} {one.name} {one.message} {one.help}" for one in report.sorted()]


def _fits(text: str) -> bool:
    tree = document.parse(Source("x.yaml", text), Report())
    assert tree is not None and tree.root is not None
    return bool(Draft202012Validator(approvals_schema()).is_valid(plain(tree.root)))


@pytest.mark.parametrize(
    ("text", "growth"), [("", Growth.APPROVE), ("growth: approve\n", Growth.APPROVE), ("growth: tell\n", Growth.TELL)]
)
def test_growth_is_approved_unless_it_is_only_told(text: str, growth: Growth) -> None:
    """Where nothing is said what grew is approved again; the schema takes each word too."""
    rules, said = _read(APPROVE + text)
    assert said == [] and rules is not None and rules.growth is growth
    assert _fits(APPROVE + text)


@pytest.mark.parametrize("value", ["maybe", "Tell", "[tell]", "yes", "''"])
def test_another_word_for_growth_is_refused_at_its_place(value: str) -> None:
    """No rules are made of it, so that nobody decides by others than were meant; the schema refuses it too."""
    rules, said = _read(f"{APPROVE}growth: {value}\n")
    assert rules is None and len(said) == 1 and said[0].startswith("2:9 "), said
    assert not _fits(f"{APPROVE}growth: {value}\n")


def test_growth_said_twice_or_under_another_name_is_refused() -> None:
    """A key that stands twice, or that people take for it, is said with its place and what to write."""
    assert _read(f"{APPROVE}growth: tell\ngrowth: approve\n")[0] is None
    rules, said = _read(f"{APPROVE}grows: tell\n")
    assert rules is None and said[0].startswith("2:1 ") and "growth" in said[0], said


@pytest.mark.parametrize("count", ["0", "21", "two", "-1", "1.5", "²"])
def test_a_count_that_is_none_is_refused_at_its_place(count: str) -> None:
    """How many must agree is a number from 1 to 20."""
    rules, said = _read(f"approve:\n  low: {{count: {count}}}\n")
    assert rules is None and said[0].startswith("2:16 bad-count"), said
