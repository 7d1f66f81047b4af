"""`firewright tidy` and `read --anomalies` as people run them: what is shown, what is written, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import run

RULES = """*filter
:INPUT ACCEPT [0:0]
-A INPUT -s 0.0.0.0/1 -p tcp --dport 22 -j DROP
-A INPUT -s 128.0.0.0/1 -p tcp --dport 22 -j DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 80 -j DROP
COMMIT
"""
SMALLER = RULES.replace("-A INPUT -p tcp --dport 22 -j ACCEPT\n", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a ruleset, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.rules").write_text(RULES)
    return tmp_path


def test_the_difference_is_shown_and_nothing_is_written(folder: Path) -> None:
    """Without -o there is a difference and what was proved; the file stays as it was."""
    done = run("tidy", "a.rules")
    assert done.exit_code == 0
    assert "\n--A INPUT -p tcp --dport 22 -j ACCEPT\n" in done.stdout
    assert "proved: a.rules does the same without 1 of 4 rules" in done.stdout
    assert (folder / "a.rules").read_text() == RULES and [path.name for path in folder.iterdir()] == ["a.rules"]


def test_the_whole_text_goes_to_another_file_and_never_to_the_same(folder: Path) -> None:
    """-o writes the smaller text, `-o -` prints it; -o with the file itself is refused, by whatever path it is named."""
    assert run("tidy", "a.rules", "-o", "b.rules").exit_code == 0
    assert (folder / "b.rules").read_text() == SMALLER
    assert run("tidy", "a.rules", "-o", "-").stdout == SMALLER
    (folder / "link.rules").symlink_to("a.rules")
    for same in ("a.rules", "./a.rules", "link.rules"):
        assert run("tidy", "a.rules", "-o", same).exit_code == 2
    assert (folder / "a.rules").read_text() == RULES


def test_every_format_says_what_goes(folder: Path) -> None:
    """JSON has the whole text and each rule with its reason, Markdown a table; standard input is read as a file is."""
    tree = json.loads(run("tidy", "a.rules", "--format", "json").stdout)
    assert tree["text"] == SMALLER and [one["at"]["line"] for one in tree["gone"]] == [5]
    assert "| left out | words | why |" in run("tidy", "a.rules", "--format", "markdown").stdout
    assert json.loads(run("tidy", "-", "--format", "json", stdin=RULES).stdout)["text"] == SMALLER


def test_anomalies_are_findings(folder: Path) -> None:
    """What could be better ends with 1, and names the smallest set of rules that cause it; a ruleset without ends with 0."""
    done = run("read", "a.rules", "--anomalies", "--format", "json")
    assert done.exit_code == 1
    (shadowed,) = [one for one in json.loads(done.stdout)["anomalies"] if one["kind"] == "shadowed"]
    assert shadowed["decides_otherwise"] and [one["at"]["line"] for one in shadowed["by"]] == [3, 4]
    (folder / "b.rules").write_text(SMALLER)
    assert run("read", "b.rules", "--anomalies").exit_code == 0
    text = run("read", "a.rules", "--anomalies").stdout
    assert (
        "a.rules:5:1: iptables" in text and "these rules together take all of its packets, not all as it would" in text
    )
    assert "| rule | words | finding | by |" in run("read", "a.rules", "--anomalies", "--format", "markdown").stdout


def test_what_cannot_be_read_ends_with_2(folder: Path) -> None:
    """A file that is not there, and a text that is no ruleset, leave nothing behind."""
    assert run("tidy", "nobody.rules", "-o", "b.rules").exit_code == 2
    (folder / "c.json").write_text('{"nftables": 3}')
    assert run("tidy", "c.json", "-o", "b.rules").exit_code == 2
    assert not (folder / "b.rules").exists()


POLICY = """zones:
  office: [192.0.2.0/24, "2001:db8::/64"]
  desks: 192.0.2.0/25
  server: [198.51.100.10, "2001:db8:1::10"]
firewalls: {edge: {between: [internet, office, server]}}
rules:
  - {from: office, to: server, allow: http}   # all of them
  - {from: desks, to: server, allow: http}
  - {from: office, to: server, allow: ntp, until: 2026-06-30}
"""


def test_a_policy_is_tidied_and_proved(folder: Path) -> None:
    """The difference and what was proved from which day on; what ends later than the day that is asked about stays until then."""
    (folder / "office.yaml").write_text(POLICY)
    done = run("tidy", "office.yaml", "--at", "2026-11-21")
    assert done.exit_code == 0
    assert "\n-  - {from: desks, to: server, allow: http}\n" in done.stdout
    assert "proved: office.yaml means the same without 2 of 3 rules and 1 definition, for every packet" in done.stdout
    earlier = json.loads(run("tidy", "office.yaml", "--at", "2026-06-30", "--format", "json").stdout)
    assert [one["at"]["line"] for one in earlier["gone"]] == [8, 3]
    assert earlier["of"] == "policy" and earlier["scope"].endswith("from 2026-06-30 on")
    assert run("tidy", "office.yaml", "-o", "office.yaml").exit_code == 2
    assert run("tidy", "office.yaml", "--at", "2026-06-30", "-o", "smaller.yaml").exit_code == 0
    assert (folder / "smaller.yaml").read_text() == earlier["text"]
    assert run("compare", "office.yaml", "smaller.yaml", "--at", "2026-06-30").exit_code == 0
    assert (folder / "office.yaml").read_text() == POLICY


def test_anomalies_of_a_policy_are_findings(folder: Path) -> None:
    """A policy by name or piped in: 1 for what could be better, 0 for none, 2 for what is no policy; markdown and JSON alike."""
    (folder / "office.yaml").write_text(POLICY)
    done = run("read", "office.yaml", "--anomalies")
    assert done.exit_code == 1
    assert "office.yaml:8:31: rule 2: redundant: without it each of its packets is decided the same" in done.stdout
    tree = json.loads(run("read", "-", "--anomalies", "--format", "json", stdin=POLICY).stdout)
    assert tree["of"] == "policy" and tree["counts"]["redundant"] == 1
    assert "| rule | words | finding | by |" in run("read", "office.yaml", "--anomalies", "--format", "markdown").stdout
    lines = [line for line in POLICY.splitlines(keepends=True) if "desks" not in line and "ntp" not in line]
    (folder / "office.yaml").write_text("".join(lines))
    assert run("read", "office.yaml", "--anomalies").exit_code == 0
    (folder / "office.yaml").write_text("rules: [\n")
    assert run("read", "office.yaml", "--anomalies").exit_code == run("tidy", "office.yaml").exit_code == 2


def test_an_audit_of_a_ruleset_tells_what_is_odd(folder: Path) -> None:
    """What decides nothing is a note of an audit, with a rule of SARIF; of many of a kind five are shown, and all in JSON."""
    same = "".join(f"-A INPUT -s 10.{number}.0.0/16 -p tcp --dport 22 -j DROP\n" for number in range(9))
    (folder / "many.rules").write_text(RULES.replace("COMMIT", f"{same}COMMIT"))
    shown = run("audit", "many.rules").stdout
    assert shown.count("note[needless-rule]") == 5 and "and 4 more of needless-rule; -v shows all" in shown
    assert run("audit", "many.rules", "-v").stdout.count("note[needless-rule]") == 9
    tree = json.loads(run("audit", "many.rules", "--format", "json").stdout)
    found = [one for one in tree["findings"] if one["name"] in ("shadowed-rule", "needless-rule")]
    assert [one["name"] for one in found] == ["shadowed-rule", *["needless-rule"] * 9]
    assert {one["severity"] for one in found} == {"note"} and found[0]["at"]["line"] == 5
    log = json.loads(run("audit", "many.rules", "--format", "sarif").stdout)["runs"][0]
    assert {"shadowed-rule", "needless-rule", "unused-object"} <= {one["id"] for one in log["tool"]["driver"]["rules"]}
    results = [one for one in log["results"] if one["ruleId"] == "shadowed-rule"]
    assert len(results) == 1 and len(results[0]["relatedLocations"]) == 2
    assert "and 4 more of needless-rule" in run("audit", "many.rules", "--format", "markdown").stdout.lower()
