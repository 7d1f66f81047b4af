"""What a compile says where there is nothing to prove."""

from __future__ import annotations

import shutil

import pytest

from firewright.analysis.validate import Mismatch, Proof
from firewright.diagnostic import Report, Severity
from firewright.workflows import compile as compiling
from firewright.workflows.compile import compile_firewall, prove
from firewright.writers import WRITERS, Artifact
from tests.language.world import DAY, edge

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)


def test_what_the_target_cannot_say_is_said_once() -> None:
    """An end that no ruleset can carry is the user's to change: it is not reported again as a fault of the compiler."""
    found = edge("from: internet, to: inside, allow: https, until: 9999-12-31")
    report = Report()
    assert compile_firewall(found, found.firewalls["edge"], DAY, report) is None
    assert [one.name for one in report.diagnostics if one.severity is Severity.ERROR] == ["end-not-said"]


@pytest.mark.parametrize("family", [4, 6])
def test_families_proved_at_the_same_time_are_proved_alike(family: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text, whose families have a process each, gets the same proof, and the same packet for a fault in either family."""
    found = edge("from: internet, to: inside, allow: https")
    firewall = found.firewalls["edge"]
    text = WRITERS.load("nftables").emit(found, firewall, DAY, Report()).text
    lines = text.splitlines()
    (place,) = (at for at, line in enumerate(lines) if "dport 443" in line and ("ip6 daddr" in line) == (family == 6))
    lines[place] = lines[place].replace("443", "444")
    wrong = "\n".join(lines) + "\n"
    here = prove(found, firewall, DAY, text), prove(found, firewall, DAY, wrong)
    monkeypatch.setattr(compiling, "_LONG", 0)
    there = prove(found, firewall, DAY, text), prove(found, firewall, DAY, wrong)
    assert there == here
    assert isinstance(there[0], Proof)
    assert isinstance(there[1], Mismatch) and there[1].packet.family == family


def test_what_nft_or_the_kernel_lacks_is_named_by_its_line() -> None:
    """A ruleset with something that is not known here is not proved, and the line that asks for it is shown."""
    found = edge("from: internet, to: inside, allow: https")
    report = Report()
    text = 'table inet firewright {\n\tchain input {\n\t\tct helper set "nobody"\n\t}\n}\n'
    emitted = Artifact("nftables", found.name, "edge", text)
    assert compile_firewall(found, found.firewalls["edge"], DAY, report, lambda *_: emitted) is None
    (said,) = report.diagnostics
    assert said.name == "not-proved"
    assert said.notes[0].text == 'it is about this line of the ruleset: ct helper set "nobody"'
    assert said.help
