"""`plan`, `apply`, `confirm` and `rollback` on a managed host of the test's own: what each says, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.workflows.steward import Done, needs_host, play

_POLICY = """policy: web
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: any, to: local, require: [%s], because: the pages}
  - {from: admins, to: local, require: ssh, because: administration}
  - {from: local, to: any, require: dns, because: names}
"""
_WEB = ("write", "web.yaml", _POLICY % "http, https")
_LESS = ("write", "less.yaml", _POLICY % "https")
_ENDING = (
    "write",
    "ending.yaml",
    _POLICY % "http" + "  - {from: any, to: local, allow: tcp/9000, until: 2099-12-31, because: x}\n",
)


def _do(*steps: Sequence[object]) -> list[Done]:
    """What became of the commands among some steps."""
    needs_host()
    done = play(*steps)
    return [one for step, one in zip(steps, done, strict=True) if step[0] == "firewright"]


def _firewright(*words: str) -> tuple[str, ...]:
    return ("firewright", *words)


def test_a_plan_is_said_as_a_tree() -> None:
    """What opens, closes, stays and ends has a packet and the line behind it, in JSON as in words, and nothing is changed by it."""
    plan, again, applied = _do(
        _WEB,
        _firewright("plan", "-p", "HERE/web.yaml", "--format", "json"),
        _firewright("plan", "-p", "HERE/web.yaml", "--verbose"),
        _firewright("confirm"),
    )
    tree = plan.json()
    assert (plan.code, tree["kind"], tree["refused"], tree["equal"], tree["mode"]) == (
        0,
        "plan",
        False,
        False,
        "enforce",
    )
    assert {one["rule"] for one in tree["stays"]} == {"require: http, https", "require: ssh", "require: dns"}
    (pages,) = (one for one in tree["stays"] if one["rule"] == "require: http, https")
    assert (pages["flow"], pages["at"]["line"]) == ("any -> local tcp/80, tcp/443", 4)
    assert pages["witness"].startswith("tcp ")
    assert "e.g. tcp " in again.out
    assert "now: no ruleset of firewright" in again.out
    assert applied.code == 2
    assert "nothing waits to be confirmed: nothing was ever applied to this host" in applied.err


def test_generations_open_and_close_exactly_what_differs() -> None:
    """A second policy shows what closes with the default behind it; taken back, the host has the first one again."""
    applied, confirmed, plan, waiting, refused, back, drift = _do(
        _WEB,
        _LESS,
        _firewright("apply", "-p", "HERE/web.yaml", "--format", "json"),
        _firewright("confirm", "--format", "json"),
        _firewright("plan", "-p", "HERE/less.yaml", "--format", "json"),
        _firewright("apply", "-p", "HERE/less.yaml"),
        _firewright("apply", "-p", "HERE/web.yaml"),
        _firewright("rollback"),
        _firewright("drift"),
    )
    assert [one.code for one in (applied, confirmed, plan, waiting, refused, back, drift)] == [0, 0, 0, 0, 1, 0, 0]
    step = applied.json()
    assert (step["kind"], step["step"], step["generation"], step["seconds_left"]) == ("step", "applied", 1, 120)
    assert step["plan"]["policy"] == "web"
    assert (confirmed.json()["step"], confirmed.json()["plan"]) == ("confirmed", None)
    tree = plan.json()
    assert tree["opens"] == []
    (closes,) = tree["closes"]
    assert closes["flow"] == "any -> local tcp/80"
    assert closes["rule"] == "no rule allows it, and the default is drop"
    assert tree["running"] == "generation 1, web local"
    assert "error[pending]: generation 2 waits to be confirmed" in refused.out
    assert back.out == "this machine: rolled back generation 2\n  the ruleset from before is back\n"


def test_an_apply_to_this_machine_can_be_confirmed_at_once() -> None:
    """Where no ssh is in play `--confirm` keeps it; the next plan says that nothing changes, and when a permission ends."""
    kept, plan = _do(
        _ENDING,
        _firewright("apply", "-p", "HERE/ending.yaml", "--confirm"),
        _firewright("plan", "-p", "HERE/ending.yaml"),
    )
    assert kept.code == 0, kept.out + kept.err
    assert "this machine: confirmed generation 1\n  loaded at boot by " in kept.out
    assert "nothing changes: what runs means the same" in plan.out
    assert "until   2100-01-01 00:00:00 UTC: allow: tcp/9000" in plan.out


def test_a_return_to_a_generation_waits_to_be_confirmed() -> None:
    """It is a new generation with the old one's meaning; one that the host has not is told."""
    done = _do(
        _WEB,
        _LESS,
        _firewright("apply", "-p", "HERE/web.yaml", "--confirm"),
        _firewright("apply", "-p", "HERE/less.yaml", "--confirm"),
        _firewright("rollback", "--to", "1", "--format", "json"),
        _firewright("confirm", "--generation", "3"),
        _firewright("plan", "-p", "HERE/web.yaml", "--format", "json"),
        _firewright("rollback", "--to", "9"),
    )
    assert [one.code for one in done] == [0, 0, 0, 0, 0, 2]
    assert (done[2].json()["step"], done[2].json()["generation"]) == ("applied", 3)
    assert done[4].json()["equal"] is True
    assert "error[no-generation]: this machine: there is no generation 9" in done[5].err


@pytest.mark.parametrize("words", [("-o", "nowhere/result"), ("-o", "."), ("--format", "sarif")])
def test_what_could_not_be_told_is_not_done(words: tuple[str, ...]) -> None:
    """An apply, a confirmation or a rollback whose result cannot be written, or not in that format, is not begun."""
    steps = [_firewright(*verb, *words) for verb in (("apply", "-p", "HERE/web.yaml"), ("confirm",), ("rollback",))]
    *failed, plan = _do(_WEB, *steps, _firewright("plan", "-p", "HERE/web.yaml"))
    for one in failed:
        assert (one.code, one.out) == (2, "")
        assert one.err.startswith("error: ")
    assert "now: no ruleset of firewright" in plan.out


@pytest.mark.parametrize("when", ["7", "soon", "2027-03-31", "2027-03-31T18:00:00", "-1d", "7w"])
def test_a_time_that_is_none_is_refused(when: str, tmp_path: Path) -> None:
    """A switch to enforcing names a span or an instant with its time zone; what to write is said."""
    done = run("apply", "-p", str(tmp_path), "--audit", "--enforce", when)
    assert done.exit_code == 2
    assert "error: invalid value for '--enforce'" in done.stderr


def test_a_plan_that_is_refused_is_a_tree_too() -> None:
    """A policy without a way in is refused with exit code 1, and JSON says so."""
    text = _POLICY.replace("require: [%s]", "allow: http").replace("require: ssh", "allow: ssh")
    (refused, forced) = _do(
        ("write", "open.yaml", text),
        _firewright("apply", "-p", "HERE/open.yaml", "--format", "json"),
        _firewright("apply", "-p", "HERE/open.yaml", "--force", "--format", "json"),
    )
    assert (refused.code, refused.json()["step"], refused.json()["plan"]["refused"]) == (1, "refused", True)
    assert [one["name"] for one in refused.json()["plan"]["findings"] if one["severity"] == "error"] == [
        "no-management"
    ]
    assert (forced.code, forced.json()["step"], forced.json()["plan"]["forced"] != []) == (0, "applied", True)
    assert json.loads(forced.out)["generation"] == 1
