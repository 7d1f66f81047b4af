"""What is made ready for a host: one firewall, proved, with what is loaded where it cannot be, and what ends when."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.live.nft import list_back
from firewright.workflows.prepare import Auditing, Prepared, facts, prepare
from firewright.workflows.selection import Wanted

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)
DAY = date(2026, 11, 21)
_NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)  # noqa: UP017 - shorter
_TEXT = """policy: web
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: any, to: local, require: [http, https], because: the pages}
  - {from: admins, to: local, require: ssh, because: administration}
  - {from: admins, to: local, allow: tcp/9000, until: 2026-12-24, because: a migration}
  - {from: admins, to: local, allow: tcp/9001, until: 2026-12-24, name: other, because: a migration}
  - {from: admins, to: local, allow: tcp/9002, until: 2026-10-01, because: it is over}
"""
_MIDNIGHT = 1_798_156_800
"""The instant at which the 25th of December 2026 begins in UTC."""


def _prepared(
    folder: Path, text: str = _TEXT, auditing: Auditing | None = None, now: datetime = _NOW
) -> tuple[Prepared | None, list[str]]:
    (folder / "web.yaml").write_text(text, encoding="utf-8")
    report = Report()
    found = prepare(Wanted(folder, now, ("web.yaml",)), report, auditing=auditing)
    return found, [f"{one.severity.value} {one.name}" for one in report.diagnostics]


def test_a_policy_is_ready_with_its_smallest_ruleset(tmp_path: Path) -> None:
    """Both texts load into an empty kernel: one with everything, one with the way in alone."""
    found, said = _prepared(tmp_path)
    assert found is not None and said == []
    assert (found.firewall.name, found.day, found.auditing) == ("local", DAY, None)
    whole, small = (list_back(text, "").text for text in (found.compiled.text, found.minimal))
    assert "443" in whole and "9000" in whole
    assert "443" not in small and "dport 22" in small and "9000" not in small


def test_what_ends_is_told_with_its_instant(tmp_path: Path) -> None:
    """A permission ends after its last day; what ended before is no end to come; the lines for the timer begin with the instant."""
    found, _ = _prepared(tmp_path)
    assert found is not None
    assert [one.instant for one in found.endings] == [_MIDNIGHT]
    assert found.ending_words(_MIDNIGHT) == "allow: tcp/9000, other"
    assert found.ending_words(_MIDNIGHT + 1) == ""
    assert {line.split()[0] for line in found.ends_text.splitlines()} == {str(_MIDNIGHT)}
    assert {line.split()[1] for line in found.ends_text.splitlines()} == {"4", "6"}


def test_on_the_evening_of_an_end_what_is_ready_begins_there(tmp_path: Path) -> None:
    """After an end with a time of day the ruleset of the same evening is without that permission, from that time on."""
    text = _TEXT.replace("2026-10-01", "2026-11-21T18:30:30")
    before, after = (_prepared(tmp_path, text, now=_NOW.replace(hour=18, minute=minute))[0] for minute in (30, 31))
    assert before is not None and after is not None
    end = 1_795_285_830
    assert [one.instant for one in before.endings] == [end, _MIDNIGHT]
    assert [one.instant for one in after.endings] == [_MIDNIGHT]
    assert f"meta time < {end}" in before.compiled.text
    assert "9002" not in after.compiled.text and f"meta time >= {end} meta time < {_MIDNIGHT}" in after.compiled.text
    assert (before.day, after.day) == (DAY, datetime(2026, 11, 21, 18, 30, 30))
    assert "day=2026-11-21T18:30:30\n" in facts(after, 1, "me")
    assert before.ending_words(end) == "allow: tcp/9002"


@pytest.mark.parametrize(
    ("auditing", "mode"),
    [(None, {"mode": "enforce"}), (Auditing(100, 200), {"mode": "audit", "since": "100", "until": "200"})],
    ids=["enforcing", "auditing"],
)
def test_what_is_kept_beside_a_ruleset(tmp_path: Path, auditing: Auditing | None, mode: dict[str, str]) -> None:
    """Who applied what when, for which firewall of which policy, and in which mode, a line each, whatever a name holds."""
    found, _ = _prepared(tmp_path, auditing=auditing)
    assert found is not None
    kept = dict(line.split("=", 1) for line in facts(found, 77, "me\nconfirmed=9").splitlines())
    own = {"policy": "web", "firewall": "local", "day": "2026-11-21", "made": "77", "ends": str(_MIDNIGHT)}
    assert kept.items() >= {**own, **mode}.items()
    assert "confirmed" not in kept


@pytest.mark.parametrize(
    "address", ["192.0.2.0/28", "198.51.100.7", "203.0.113.0/24", "2001:db8:7::/48", "3fff:1::/64"]
)
def test_addresses_of_examples_go_to_no_host(tmp_path: Path, address: str) -> None:
    """A zone with an address that stands in examples only is an error, in either family; others around it are not."""
    found, said = _prepared(tmp_path, _TEXT.replace('"fd00::/64"', f'"fd00::/64", "{address}"'))
    assert (found, said) == (None, ["error documentation-address"])


def test_one_firewall_goes_to_a_host(tmp_path: Path) -> None:
    """Of several firewalls none is chosen by chance; a name chooses one, and a name that none has is told."""
    text = (
        "zones: {a: 10.1.0.0/16, b: 10.2.0.0/16}\nfirewalls: {one: {between: [a, b]}, two: {between: [internet, a]}}\n"
    )
    text += (
        "rules:\n  - {from: a, to: b, require: https, because: x}\n  - {from: b, to: local, require: ssh, because: x}\n"
    )
    (tmp_path / "two.yaml").write_text(text)
    wanted = Wanted(tmp_path, _NOW, ("two.yaml",))
    report = Report()
    assert prepare(wanted, report) is None
    assert [one.name for one in report.diagnostics] == ["several-firewalls"]
    assert "one of two, two of two" in report.diagnostics[0].message
    chosen = prepare(wanted, report := Report(), ("one",))
    assert chosen is not None and chosen.firewall.name == "one"
    assert prepare(wanted, report := Report(), ("three",)) is None
    assert report.has_errors()
