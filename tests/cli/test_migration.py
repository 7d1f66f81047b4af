"""`read --as policy` on rulesets, as people call it: exit codes, and that the policy goes on through check and compile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import run
from tests.workflows.subjects import SAVED, SAVED_SIX


def test_a_ruleset_becomes_a_policy_that_checks_and_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal ends with 0, what differs with 1 and is told, what cannot be read with 2; the policy passes check and compile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.rules").write_text(SAVED + SAVED_SIX)
    done = run("read", "old.rules", "--as", "policy", "-o", "new.yaml")
    assert done.exit_code == 0, done.output
    assert run("check", "new.yaml").exit_code == 0
    assert run("compile", "new.yaml").exit_code == 0
    (tmp_path / "bounded.rules").write_text(SAVED.replace("--dports 80,443", "--dports 80,443 -m limit --limit 5/sec"))
    told = run("read", "bounded.rules", "--as", "policy")
    assert told.exit_code == 1
    assert "the policy possibly stops what the ruleset lets through" in told.stdout
    (tmp_path / "broken.rules").write_text(SAVED.replace("-j ACCEPT", "-j", 1))
    assert run("read", "broken.rules", "--as", "policy").exit_code == 2


def test_interfaces_are_for_policies_and_must_make_sense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zones by interface are proved and end with 0, a question with 1; what contradicts itself, or is for nothing, with 2."""
    monkeypatch.chdir(tmp_path)
    text = SAVED.replace("-A INPUT -s 10.0.0.0/8 ", "-A INPUT -i eth1 ")
    assert "-i eth1" in text
    (tmp_path / "old.rules").write_text(text)
    known = ("--interfaces", "eth1=10.0.0.0/8", "--interfaces", "eth0=internet")
    done = run("read", "old.rules", "--as", "policy", *known, "-o", "new.yaml")
    assert done.exit_code == 0, done.output
    assert run("compile", "new.yaml").exit_code == 0
    assert run("read", "old.rules", "--as", "policy").exit_code == 1
    assert run("read", "old.rules", "--as", "policy", "--interfaces", "ask").exit_code == 1
    assert run("read", "old.rules", "--as", "policy", *known, "--interfaces", "eth2=10.1.0.0/16").exit_code == 2
    assert run("read", "old.rules", "--interfaces", "ask").exit_code == 2
