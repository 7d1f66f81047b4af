"""`ask -r` and `compare` on files of rules, as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.workflows.subjects import LISTED, PAGE, POLICY, SAVED, SAVED_SIX


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of each kind, and the program in it."""
    for name, text in (
        ("four.rules", SAVED),
        ("both.rules", SAVED + SAVED_SIX),
        ("new.nft", LISTED),
        ("edge.yaml", POLICY),
        ("page.md", PAGE),
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_ruleset_answers_with_the_rule_and_its_line(folder: Path) -> None:
    """The answer has what becomes of the flows, the file and line that decide, and the replies; both formats answer alike."""
    saved = run("ask", "-r", "both.rules", "192.0.2.1 -> local tcp/443")
    assert saved.exit_code == 0
    assert saved.stdout.splitlines()[0] == "192.0.2.1 -> local tcp/443 (IPv4 only): open"
    assert "both.rules:8:1 iptables filter INPUT rule 3" in saved.stdout
    assert "replies come through" in saved.stdout
    listed = run("ask", "-r", "new.nft", "192.0.2.1 -> local tcp/443")
    assert listed.stdout.splitlines()[0] == saved.stdout.splitlines()[0]
    assert "inet fw input rule 2  tcp dport 443 accept" in listed.stdout


def test_a_question_to_rulesets_takes_the_zones_of_a_policy(folder: Path) -> None:
    """With a policy beside it, a ruleset is asked in the policy's zones; without one they are unknown."""
    alone = run("ask", "-r", "new.nft", "internet -> tenants tcp/443")
    assert alone.exit_code == 2
    assert "tenants" in alone.stderr
    named = run("ask", "-r", "edge=new.nft", "internet -> tenants tcp/443", "edge.yaml", "--format", "json")
    assert named.exit_code == 0
    tree = json.loads(named.stdout)
    assert tree["firewalls"] == [{"name": "edge", "file": "new.nft"}]
    (part,) = tree["answers"][0]["parts"]
    assert (part["verdict"], part["stopped_by"], part["certain"]) == ("drop", "edge", True)


def test_calls_that_make_no_sense_are_refused(folder: Path) -> None:
    """Files and this machine at once, addresses without a file, a file that is not there, a name twice: exit code 2 each."""
    for words in (
        ("ask", "--live", "-r", "new.nft", "any -> local"),
        ("ask", "--own", "192.0.2.1", "any -> local"),
        ("ask", "-r", "nosuch.nft", "any -> local"),
        ("ask", "-r", "a=new.nft", "-r", "a=both.rules", "any -> local"),
        ("ask", "-r", "new.nft", "--own", "none", "any -> local"),
        ("compare", "new.nft", "nosuch.nft"),
    ):
        assert run(*words).exit_code == 2, words


def test_formats_are_compared_with_an_exit_code_for_gates(folder: Path) -> None:
    """Equivalent ends with 0, a difference with 1, and what one file does not describe with 1 unless it is left out."""
    equal = run("compare", "both.rules", "new.nft")
    assert (equal.exit_code, equal.stdout.splitlines()[-1]) == (
        0, "both.rules -> new.nft: equivalent, proved for every packet that begins a flow of IPv4 and IPv6"
    )  # fmt: skip
    assert run("compare", "both.rules", "new.nft", "--states", "all").exit_code == 0
    part = run("compare", "four.rules", "new.nft")
    assert part.exit_code == 1
    assert "IPv6: four.rules says nothing of it" in part.stdout
    assert run("compare", "four.rules", "new.nft", "--family", "4").exit_code == 0
    (folder / "open.nft").write_text(LISTED.replace("tcp dport 80 ", "tcp dport 1-80 "))
    differs = run("compare", "both.rules", "open.nft", "--rule", "--format", "json")
    assert differs.exit_code == 1
    tree = json.loads(differs.stdout)
    assert tree["equivalent"] is False
    assert all(one["after"]["rule"] == "tcp dport 1-80 accept" for one in tree["opens"])
    assert tree["closes"] == []


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "junit", "github"])
def test_the_page_against_the_policy_is_shown_in_every_format(folder: Path, format_: str) -> None:
    """The port that the page forgot stands in each format, and the run fails."""
    done = run("compare", "page.md", "edge.yaml", "--format", format_)
    assert done.exit_code == 1
    assert "tcp/587" in done.stdout
