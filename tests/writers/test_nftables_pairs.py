"""Keys between prefixes mean the policy wherever its rules overlap: nested, crossing, partly, one by one and in ranges."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.analysis.validate import Proof
from firewright.diagnostic import Report
from firewright.syntax.nftables import Table, VerdictMap, render
from firewright.workflows.compile import prove
from firewright.writers.nftables import dispatch, exact, lower, pairs
from firewright.writers.nftables.clause import Clause, Sets
from firewright.writers.nftables.prefix import Prefixes
from tests.language.world import policy
from tests.policies import DAY

needs_nft = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)
ZONES = """
zones:
  here: ["10.1.0.0/16", "2001:db8:1::/48"]
  desk: ["10.1.1.7", "2001:db8:1:1::7"]
  there: ["10.2.0.0/16", "2001:db8:2::/48"]
  shelf: ["10.2.1.9", "2001:db8:2:1::9"]
  ragged: ["10.1.1.0-10.1.1.9", "2001:db8:1:1::1-2001:db8:1:1::9"]
firewalls: {edge: {between: [internet, here, there]}}
rules:
"""
OVERLAPS = {
    "nested": ["{from: here, to: there, allow: tcp/443}", "{from: desk, to: shelf, deny: tcp/443}"],
    "crossing": ["{from: here, to: shelf, allow: tcp/443}", "{from: desk, to: there, deny: tcp/443}"],
    "crossing in ranges": [
        "{from: here, to: there, allow: [tcp/443, tcp/80]}",
        "{from: desk, to: there, deny: tcp/400-500}",
        "{from: here, to: shelf, reject: tcp/300-600}",
    ],
    "crossing with everything": [
        "{from: here, to: there, allow: tcp/443}",
        "{from: desk, to: there, reject: any}",
        "{from: here, to: shelf, require: any}",
    ],
    "partly": ["{from: here, to: shelf, allow: [tcp/443, udp/53]}", "{from: ragged, to: there, reject: tcp/443}"],
    "for a time": [
        "{from: here, to: there, allow: tcp/443, name: open}",
        "{from: desk, to: shelf, require: tcp/443, until: 2027-01-31}",
        "{from: here, to: shelf, allow: tcp/443}",
    ],
    "but for an exception": [
        "{from: here, to: there, deny: tcp/443, name: never}",
        "{from: desk, to: shelf, allow: tcp/443, overrides: [never], until: 2027-01-31}",
        "{from: desk, to: there, allow: tcp/443}",
    ],
    "from a port": [
        "{from: here, to: there, allow: tcp/443}",
        "{from: desk, to: shelf, allow: {tcp: 443, source-port: 1024-65535}}",
        "{from: here, to: shelf, deny: {tcp: 443, source-port: 1-1023}}",
    ],
}


def hashes(table: Table) -> list[VerdictMap]:
    """The maps of keys between prefixes."""
    return [
        one
        for chain in table.chains
        for rule in chain.rules
        for one in rule.statements
        if isinstance(one, VerdictMap) and len(one.fields) > 2
    ]


@needs_nft
@pytest.mark.parametrize("maps", [1, 4])
@pytest.mark.parametrize("overlap", OVERLAPS)
def test_overlapping_rules_mean_the_policy(overlap: str, maps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However rules overlap, and however few lengths have a map, the ruleset is proved equal to the policy."""
    monkeypatch.setattr(exact, "_FEWEST", 1)
    monkeypatch.setattr(exact, "_MOST_MAPS", maps)
    monkeypatch.setattr(pairs, "_MOST_PREFIXES", 2)
    plain = "{from: there, to: here, allow: [tcp/22, tcp/25]}"
    found = policy(ZONES + "\n".join(f"  - {rule}" for rule in (*OVERLAPS[overlap], plain)))
    (firewall,) = found.firewalls.values()
    table = lower(found, firewall, DAY, Report())
    assert hashes(table)
    assert isinstance(prove(found, firewall, DAY, render(table)), Proof)


def test_what_overlaps_too_often_is_left_to_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the budget there are no maps of keys, and every clause is still there."""
    monkeypatch.setattr(exact, "_FEWEST", 1)
    found = policy(ZONES + "\n".join(f"  - {rule}" for rule in OVERLAPS["crossing"]))
    (firewall,) = found.firewalls.values()
    assert hashes(lower(found, firewall, DAY, Report()))
    monkeypatch.setattr(dispatch, "_ELEMENTS", 0)
    monkeypatch.setattr(dispatch, "_ELEMENTS_A_CLAUSE", 0)
    assert not hashes(lower(found, firewall, DAY, Report()))


def test_two_rules_that_cross_have_a_pair_for_what_they_share() -> None:
    """Where one rule is from a host to a network and one from a network to a host, there is a pair from host to host."""
    sets = Sets(4)
    net, host, https = sets.number(((0, 255),)), sets.number(((7, 7),)), sets.number(((6 << 16 | 443,) * 2,))
    crossing = (Clause(net, host, https, 0, 0, 0, 1), Clause(host, net, https, 0, 0, 0, 2), Clause(0, 0, 0, 0, 0, 0, 3))
    found = {pair.lengths: pair for pair in pairs.Pairs(crossing, sets, 100)}
    assert set(found) == {(24, 32), (32, 24), (32, 32)}
    assert found[32, 32].every == [0, 1]
    assert {one.lengths for one in found[32, 32].around} == {(24, 32), (32, 24)}
    with pytest.raises(pairs.TooMany):
        pairs.Pairs(crossing, sets, 0)


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 8)), min_size=1, max_size=12),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_prefixes_know_what_meets_them(drawn: list[tuple[int, int]], one: int, other: int) -> None:
    """Law: the prefixes that a range meets, and those around each, are what looking at every one of them finds."""
    made = [(first >> 8 - length << 8 - length, length) for first, length in drawn]
    sets = [((first, first + (1 << 8 - length) - 1),) for first, length in made]
    found = Prefixes([(), *sets], range(1, len(sets) + 1), 8, 16)
    low, high = min(one, other), max(one, other)
    expected = {place for place, prefix in enumerate(found.all) if prefix.first <= high and low <= prefix.last}
    assert set(found.meeting(low, high)) == expected
    for place, prefix in enumerate(found.all):
        around = [
            outer for outer in found.all if outer.length < prefix.length and outer.first <= prefix.first <= outer.last
        ]
        assert [found.all[number] for number in found.around[place]] == sorted(around, key=lambda outer: -outer.length)
