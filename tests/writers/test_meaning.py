"""What the writer makes of any policy means what the policy says: proved on nft's own listing, and nothing is left to a sample."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings

from firewright.diagnostic import Report, Severity
from firewright.model.policy import Policy
from firewright.workflows.compile import compile_firewall
from tests.policies import DAY, policies

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies())
def test_every_policy_compiles_to_what_it_says(found: Policy) -> None:
    """Law: the ruleset of a policy is proved equal to it, over every packet, state and instant."""
    (firewall,) = found.firewalls.values()
    report = Report()
    compiled = compile_firewall(found, firewall, DAY, report)
    said = [
        (one.name, one.message, one.witness, one.notes) for one in report.diagnostics if one.severity is Severity.ERROR
    ]
    assert compiled is not None, said
    assert compiled.stretches >= 1
