"""Every shape that the writer chooses by size means the policy, small policies too: hashes, maps and rules one by one."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings

from firewright.analysis.validate import Proof
from firewright.diagnostic import Report
from firewright.model.policy import Policy
from firewright.syntax.nftables import VerdictMap, render
from firewright.workflows.compile import prove
from firewright.writers.nftables import dispatch, exact, lower, pairs
from tests.language.world import policy
from tests.policies import DAY, policies

needs_nft = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)
SHAPES = {
    "hashes from the first key on": ((exact, "_FEWEST", 0), (dispatch, "_MANY", 0)),
    "one hash, of single prefixes": (
        (exact, "_FEWEST", 0),
        (exact, "_MOST_MAPS", 1),
        (pairs, "_MOST_PREFIXES", 1),
        (dispatch, "_MANY", 0),
    ),
    "maps wherever something can be told apart": ((dispatch, "_LIGHT", 0),),
    "rules one by one": ((dispatch, "_LIGHT", 10**9), (dispatch, "_MANY", 0)),
}
NESTED = """
zones:
  site: ["10.1.0.0/16", "2001:db8:1::/48"]
  net: ["10.1.1.0/24", "2001:db8:1:1::/64"]
  host: ["10.1.1.7", "2001:db8:1:1::7"]
  far: ["10.2.1.0/24", "2001:db8:2:1::/64"]
firewalls: {edge: {between: [internet, site, far]}}
rules:
  - {from: far, to: net, allow: [tcp/80, tcp/81, udp/53]}
  - {from: far, to: host, deny: tcp/70-90}
  - {from: far, to: host, allow: [tcp/443, tcp/80]}
  - {from: far, to: site, allow: [tcp/25, udp/53], until: 2027-01-31}
  - {from: any, to: host, reject: tcp/25}
  - {from: host, to: far, allow: any}
  - {from: net, to: far, allow: [tcp/80, tcp/443]}
"""


@needs_nft
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_means_the_policy(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: whatever is taken for cheaper, the ruleset of a policy is proved equal to it."""
    for module, name, value in SHAPES[shape]:
        monkeypatch.setattr(module, name, value)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(policies())
    def law(found: Policy) -> None:
        (firewall,) = found.firewalls.values()
        text = render(lower(found, firewall, DAY, Report()))
        assert isinstance(prove(found, firewall, DAY, text), Proof)

    law()


@needs_nft
def test_an_outer_key_gives_way_to_what_an_inner_zone_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a host is closed for a port that its network has open, the network's key does not open it for the host."""
    monkeypatch.setattr(exact, "_FEWEST", 1)
    found = policy(NESTED)
    (firewall,) = found.firewalls.values()
    table = lower(found, firewall, DAY, Report())
    assert isinstance(prove(found, firewall, DAY, render(table)), Proof)
    hashes = [
        one
        for chain in table.chains
        for rule in chain.rules
        for one in rule.statements
        if isinstance(one, VerdictMap) and len(one.fields) == 4
    ]
    assert len(hashes) >= 4
