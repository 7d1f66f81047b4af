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
