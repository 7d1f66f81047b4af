"""Every command sees the exceptions beside a policy, from the time of its day on that is asked about; none takes one for a policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import run

EDGE = """policy: edge
timezone: Europe/London
zones: {shop: [192.0.2.0/24, "2001:db8:1::/48"], office: [198.51.100.0/24, "2001:db8:2::/48"]}
firewalls: {edge: {between: [internet, shop, office]}}
rules:
  - {from: internet, to: shop, allow: https}
"""
EXCEPTION = """policy: edge
owner: the shop
rules:
  - {name: EX-1, from: office, to: shop, allow: tcp/11371, because: keys, until: 2027-03-31T18:30}
"""
QUESTION = "office -> shop tcp/11371"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a policy, its tests and an exception."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.yaml").write_text(EDGE)
    (tmp_path / "exceptions").mkdir()
    (tmp_path / "exceptions" / "EX-1.yaml").write_text(EXCEPTION)
    (tmp_path / "edge.test.yaml").write_text(
        "tests:\n"
        "  - {from: office, to: shop, service: tcp/11371, expect: allowed, at: 2027-03-31T18:29:59}\n"
        "  - {from: office, to: shop, service: tcp/11371, expect: closed, at: 2027-03-31T18:30}\n"
    )


def asked(at: str) -> tuple[str, list[str], str]:
    """What becomes of the flow then, in both families: the time, the outcomes, and where it is decided."""
    tree = json.loads(run("ask", QUESTION, "--at", at, "--format", "json").stdout)
    (answer,) = tree["answers"]
    places = {part["firewalls"][-1]["at"]["file"] for part in answer["parts"]}
    return answer["day"], [part["outcome"] for part in answer["parts"]], places.pop()


def test_a_question_is_answered_by_the_exception_until_its_end() -> None:
    """Before its time the exception lets through, at its own place; from then on nothing does; a midnight is a day."""
    assert asked("2027-03-31T18:29:59") == ("2027-03-31T18:29:59", ["allowed"], "exceptions/EX-1.yaml")
    assert asked("2027-03-31T18:30") == ("2027-03-31T18:30", ["closed"], "edge.yaml")
    assert asked("2027-03-31T00:00")[0] == "2027-03-31"
    done = run("ask", QUESTION, "--at", "2027-03-31T18:30Z")
    assert done.exit_code == 2 and "names a time zone of its own; write 2027-03-31T18:30" in done.stderr


def test_every_command_sees_it(tmp_path: Path) -> None:
    """Check, test, compile, compare, explain, lock and a picture say what they say of the policy with its exception."""
    checked = run("check", "--at", "2027-03-31T18:30")
    assert "EX-1 ended at 2027-03-31T18:30 and opens nothing" in checked.stdout
    assert "exceptions/EX-1.yaml:4:42" in checked.stdout
    assert run("test").exit_code == 0
    made = run("compile", "--at", "2027-03-31")
    assert "meta time < 1806514200" in made.stdout and "from 2027-03-31T00:00" not in made.stdout
    assert "meta time <" not in run("compile", "--at", "2027-03-31T18:30").stdout
    (tmp_path / "other.yaml").write_text(EDGE.replace("policy: edge", "policy: other"))
    compared = run("compare", "other.yaml", "edge.yaml", "--at", "2027-03-31")
    assert "EX-1: until 2027-03-31T18:30: now" in compared.stdout and "office -> shop tcp/11371" in compared.stdout
    assert "exceptions/EX-1.yaml" in run("explain", "tcp/11371", "-p", "edge.yaml", "--at", "2027-03-31").stdout
    (tmp_path / "exceptions" / "EX-2.yaml").write_text(EXCEPTION.replace("EX-1", "EX-2").replace("tcp/11371", "ssh"))
    run("lock", "edge.yaml")
    assert "ssh" in (tmp_path / "edge.yaml.lock").read_text()
    drawn = run("draw", "edge.yaml", "--at", "2027-03-31T18:00", "-o", "edge.svg")
    assert drawn.exit_code == 0, drawn.stderr
    assert "As of 2027-03-31T18:00" in (tmp_path / "edge.svg").read_text()


def test_a_broken_exception_stops_every_command(tmp_path: Path) -> None:
    """Where a file of the folder names no policy, each command ends with 2 and its place, and nothing is answered."""
    (tmp_path / "exceptions" / "EX-2.yaml").write_text(EXCEPTION.replace("policy: edge\n", ""))
    for words in (["check"], ["ask", QUESTION], ["compile"], ["test"], ["compare", "edge.yaml", "edge.yaml"], ["lock"]):
        done = run(*words)
        assert done.exit_code == 2, words
        assert "the exception names no policy" in done.stdout + done.stderr
        assert "exceptions/EX-2.yaml:1:1" in done.stdout + done.stderr


def test_an_exception_is_no_policy_and_has_a_schema() -> None:
    """Who asks about its file, or its folder, is told which policy has it; editors get its schema."""
    for named in ("exceptions/EX-1.yaml", "exceptions"):
        done = run("check", named)
        assert done.exit_code == 2
        assert "this is an exception of the policy edge, and no policy" in done.stdout + done.stderr
        assert "ask about edge.yaml, which has it" in done.stdout + done.stderr
    schema = json.loads(run("schema", "exception").stdout)
    assert schema["required"] == ["policy", "rules"]
    assert run("fmt", "--check", "exceptions/EX-1.yaml").exit_code == 0
