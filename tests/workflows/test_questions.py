"""Who is asked: those that define a question's zones themselves, else those that know them; a misspelt one nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.workflows.ask import ask_policies
from firewright.workflows.selection import Wanted
from tests.workflows.test_selection import NOW

OUTER = """zones: {tenants: 198.51.100.0/24}
firewalls: {outer: {between: [internet, tenants]}}
rules: [{from: any, to: tenants, allow: https}]
"""
INNER = """behind: outer.yaml
zones: {mine: 198.51.100.16/28}
firewalls: {inner: {between: [internet, mine]}}
rules: [{from: any, to: mine, allow: ssh}]
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outer authority, and one behind it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outer.yaml").write_text(OUTER)
    (tmp_path / "inner.yaml").write_text(INNER)


def asked(folder: Path, question: str, *policies: str) -> list[str]:
    """The policies that answer, one for each direction."""
    found = ask_policies(question, Wanted(folder, NOW, policies), Report())
    return [answer.policy.name for answer in found.answers] if found else []


def test_the_owner_of_the_names_is_asked(tmp_path: Path) -> None:
    """A zone's own policy answers alone, an address belongs to everybody, a borrowed name is answered where nobody owns it."""
    assert asked(tmp_path, "internet -> mine") == ["inner"]
    assert asked(tmp_path, "internet -> tenants") == ["outer"]
    assert asked(tmp_path, "internet -> tenants", "inner.yaml") == ["inner"]
    assert asked(tmp_path, "mine -> tenants") == ["inner"]
    assert sorted(asked(tmp_path, "8.8.8.8 -> 198.51.100.17 https")) == ["inner", "outer"]
    assert asked(tmp_path, "mine <-> internet") == ["inner", "inner"]


@pytest.mark.parametrize(
    ("question", "said"),
    [("internet -> tennants", "did you mean tenants?"), ("internet -> mien", "did you mean mine?"),
     ("internet -> tenants htps", "did you mean https?")],
)  # fmt: skip
def test_a_misspelt_name_has_the_nearest_of_all_policies(question: str, said: str, tmp_path: Path) -> None:
    """Whichever policy has the right name, it is the one that is offered."""
    report = Report()
    assert ask_policies(question, Wanted(tmp_path, NOW), report) is None
    assert [one.help for one in report.diagnostics] == [said]


def said(folder: Path, question: str, *policies: str) -> tuple[list[str], list[str]]:
    """The policies that answer, and what is said beside it."""
    report = Report()
    found = ask_policies(question, Wanted(folder, NOW, policies), report)
    names = [answer.policy.name for answer in found.answers] if found else []
    return names, [f"{one.severity}: {one.message}" for one in report.sorted()]


def test_who_owns_the_names_and_cannot_answer_does_not_vanish(tmp_path: Path) -> None:
    """Two policies that own `mine`, one of which has not filled it in or lacks the service: nobody's answer stands for both."""
    (tmp_path / "open.yaml").write_text("zones: {mine: {fill-in: our addresses}}\nrules: none\n")
    names, messages = said(tmp_path, "internet -> mine ssh")
    assert names == []
    assert messages == ["error: open cannot answer: nobody has filled in mine yet (our addresses)"]
    (tmp_path / "open.yaml").write_text("zones: {mine: 192.0.2.0/24}\nservices: {ours: tcp/99}\nrules: none\n")
    names, messages = said(tmp_path, "internet -> mine ours")
    assert names == []
    assert messages == ["error: inner cannot answer: there is no service 'ours'"]
    assert said(tmp_path, "internet -> mine ours", "open.yaml") == (["open"], [])


def test_who_only_knows_the_names_and_cannot_answer_is_told_of(tmp_path: Path) -> None:
    """Where nobody owns all names, those that know them and cannot answer are warned of beside the answers."""
    (tmp_path / "other.yaml").write_text(
        INNER.replace("rules:", "services: {ours: tcp/99}\nrules:").replace("mine", "hers")
    )
    names, messages = said(tmp_path, "internet -> tenants ours", "inner.yaml", "other.yaml")
    assert names == ["other"]
    assert messages == ["warning: inner cannot answer: there is no service 'ours'"]


def test_only_what_can_be_filled_in_is_asked_for(tmp_path: Path) -> None:
    """A zone made of open zones has nothing to be filled in, and is not offered."""
    (tmp_path / "open.yaml").write_text(
        "zones: {all-of-it: [core], core: {fill-in: the core}}\nrules: [{from: any, to: core, allow: ssh}]\n"
    )
    report = Report()
    assert ask_policies("internet -> local", Wanted(tmp_path, NOW, ("open.yaml",)), report) is None
    assert [one.help for one in report.diagnostics] == ["fill in core"]


def test_every_firewall_on_the_way_is_a_line(tmp_path: Path) -> None:
    """An inner authority's answer names the outer one's firewall first, coming in, and last, going out."""
    found = ask_policies("internet <-> mine ssh", Wanted(tmp_path, NOW), Report())
    assert found is not None
    ways = [[ruling.decision.firewall.name for ruling in answer.parts[0].rulings] for answer in found.answers]
    assert ways == [["outer", "inner"], ["inner", "outer"]]


def test_a_question_about_nothing_is_no_question(tmp_path: Path) -> None:
    """No packet goes from an IPv4 address to an IPv6 address: that is said, and not answered as if it were closed or open."""
    report = Report()
    assert ask_policies("10.0.0.1 -> 2001:db8::1", Wanted(tmp_path, NOW), report) is None
    assert [one.message for one in report.diagnostics] == ["no packet is asked about"]
