"""Rehearsing policies: what passes, what is found, and what is said where nothing can be tried out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

import pytest

from firewright.diagnostic import Report
from firewright.model.policy import Policy
from firewright.reports import Compiled, Look, Played, Rehearsal, Rehearsed, Way
from firewright.reports.json import REPORT as JSON
from firewright.reports.junit import REPORT as JUNIT
from firewright.reports.markdown import REPORT as MARKDOWN
from firewright.reports.text import REPORT as TEXT
from firewright.workflows.compile import compile_firewall
from firewright.workflows.rehearse import rehearse_firewall, rehearse_policies
from firewright.workflows.selection import Wanted, select
from tests.live.benches import needs_testbed

FOLDER = Path(__file__).parents[1] / "live" / "policies"
NOW = datetime.now(timezone.utc)  # noqa: UP017


def wanted(name: str, day: date | None = None) -> Wanted:
    """A wish to rehearse one of the policies kept for these tests."""
    return Wanted(FOLDER, NOW, (name,), day=day)


@pytest.fixture(scope="module")
def files() -> tuple[Policy, Compiled]:
    """A policy with FTP, DNS, a timeout and an end, and its proved ruleset."""
    needs_testbed()
    report = Report()
    policies = select(wanted("files.yaml"), report)
    assert policies is not None
    compiled = compile_firewall(policies[0], policies[0].firewalls["edge"], NOW.date(), report)
    assert compiled is not None, report.sorted()
    return policies[0], compiled


def rehearsed(files: tuple[Policy, Compiled], *changes: tuple[str, str]) -> Rehearsed:
    """What became of the ruleset with each of these texts put for another."""
    policy, compiled = files
    text = compiled.text
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    report = Report()
    found = rehearse_firewall(policy, policy.firewalls["edge"], replace(compiled, text=text), report)
    assert found is not None, report.sorted()
    return found


def test_a_right_ruleset_passes_with_every_scene(files: tuple[Policy, Compiled]) -> None:
    """Packets, counters, conversations, DNS, FTP both ways, the timeout and the end all go as the policy says, in both families."""
    found = rehearsed(files)
    assert [one for one in found.scenes if not one.holds] == []
    assert (found.differing, found.passed) == ((), True)
    names = {one.name for one in found.scenes}
    for family in (4, 6):
        for scene in (
            "a TCP conversation, and segments of none",
            "DNS over UDP",
            "DNS over UDP: an oversized answer, in fragments",
            "DNS over UDP: a late answer",
            "DNS: a truncated answer, then TCP",
            "FTP, passive",
            "FTP, active",
            "the timeout of an established connection",
            "the end of 2099-01-31 passes",
        ):
            assert f"{scene}, IPv{family}" in names


def test_what_only_a_scene_can_show_is_found(files: tuple[Policy, Compiled]) -> None:
    """Another timeout and a helper's rule that is lost are found by their scenes, by name."""
    found = rehearsed(
        files, ("established : 14400", "established : 7200"), ('ct helper "ftp" tcp dport', 'ct helper "ftp" udp dport')
    )
    wrong = {one.name for one in found.scenes if not one.holds}
    assert {f"{name}, IPv{family}" for name in ("FTP, passive", "FTP, active") for family in (4, 6)} <= wrong
    assert {f"the timeout of an established connection, IPv{family}" for family in (4, 6)} <= wrong
    assert not found.passed


def test_a_wrong_ruleset_is_found_with_the_line_that_says_otherwise(files: tuple[Policy, Compiled]) -> None:
    """A port one off is found by packets on both of its sides, each with what it should be, what it is, and the deciding place."""
    found = rehearsed(files, ("8080", "8081"))
    assert not found.passed
    said = {(one.expected, one.found, one.at.line) for one in found.differing}
    assert ("accepted (allowed)", "dropped", 10) in said
    assert any(expected == "dropped (closed)" and now == "accepted" for expected, now, _ in said)
    assert any(way.agreed < way.sent for way in found.ways)


def test_a_counter_that_counts_the_wrong_rule_is_found(files: tuple[Policy, Compiled]) -> None:
    """Where the verdicts are right but packets are counted for another rule, the rule is named."""
    found = rehearsed(
        files, ('counter accept comment "require: ssh (files.yaml:9)"', 'accept comment "require: ssh (files.yaml:9)"')
    )
    assert [one.packet for one in found.differing] == ["the counter of the rule"]
    assert found.differing[0].at.line == 9


def test_another_day_is_rehearsed_as_if_it_were_today(files: tuple[Policy, Compiled]) -> None:
    """After its end a permission is closed, though the kernel's clock has not got there."""
    result = rehearse_policies(wanted("files.yaml", date(2099, 2, 1)), Report())
    assert result is not None
    (found,) = result.rehearsed
    assert found.passed, (found.differing[:3], [one for one in found.scenes if not one.holds])
    assert not any("2099" in one.name for one in found.scenes)


def test_an_unknown_firewall_is_an_error_with_the_nearest_name() -> None:
    """A firewall that no policy has stops the rehearsal, and the name that was meant is offered."""
    report = Report()
    assert rehearse_policies(wanted("files.yaml"), report, ("egde",)) is None
    assert [(one.name, one.help) for one in report.diagnostics if one.name == "unknown-firewall"] == [
        ("unknown-firewall", "did you mean edge?")
    ]


def test_nothing_is_rehearsed_without_a_testbed(
    files: tuple[Policy, Compiled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a program is missing there is no result, but an error that names it."""
    from firewright.live import _child

    monkeypatch.setattr(_child, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    report = Report()
    assert rehearse_firewall(files[0], files[0].firewalls["edge"], files[1], report) is None
    assert "nft is not installed" in report.diagnostics[-1].message


RESULT = Rehearsal(
    (
        Rehearsed(
            "p",
            "p.yaml",
            "edge",
            date(2026, 11, 21),
            "6.18",
            (Way("a", "b", 10, 10),),
            (),
            (Played("scene, IPv4", True),),
            {},
            9,
        ),
        Rehearsed(
            "p",
            "p.yaml",
            "core",
            date(2026, 11, 21),
            "6.18",
            (Way("a", "b", 10, 10),),
            (),
            (Played("scene, IPv6", False, "no helper", is_played=False),),
            {},
            9,
        ),
        Rehearsed("p", "p.yaml", "empty", date(2026, 11, 21), "6.18", (), (), (), {}, 0),
    ),
    {},
)


def test_what_was_left_out_has_not_passed() -> None:
    """A scene that could not be played, and a firewall through which nothing was sent, are no pass in any format."""
    assert [one.passed for one in RESULT.rehearsed] == [True, False, False]
    text = TEXT[Rehearsal](RESULT, Look()).splitlines()
    assert [line.partition(":")[0] for line in text] == [
        "passed",
        "not rehearsed",
        "not all rehearsed (1 left out)",
        "failed",
    ]
    tree = json.loads(JSON[Rehearsal](RESULT, Look()))
    assert [one["passed"] for one in tree["firewalls"]] == [True, False, False]
    assert ElementTree.fromstring(JUNIT[Rehearsal](RESULT, Look())).get("failures") == "2"
    assert "not all rehearsed" in MARKDOWN[Rehearsal](RESULT, Look())
