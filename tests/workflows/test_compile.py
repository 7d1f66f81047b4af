"""What a compile says where there is nothing to prove."""

from __future__ import annotations

import shutil

import pytest

from firewright.diagnostic import Report, Severity
from firewright.workflows.compile import compile_firewall
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
