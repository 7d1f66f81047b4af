"""Exceptions may name addresses that no zone is called after: narrower than a zone, and what `internet` means stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide
from firewright.diagnostic import Report
from firewright.model.packet import TCP, Family, Packet
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.workflows.compile import compile_firewall

POLICY = """\
policy: edge
zones:
  shop: [203.0.113.0/24, "2001:db8:1::/48"]
  till: [203.0.113.64/26, "2001:db8:1:7::/64"]
firewalls: {edge: {between: [internet, shop], within: [shop]}}
rules:
  - {from: internet, to: shop, allow: https, because: the shop}
  - {name: no-db, from: any, to: shop, deny: postgresql, because: nobody}
"""
RULE = "{{from: {from_}, to: {to}, allow: {what}, because: moving, owner: shop-team, until: 2027-03-31{more}}}"
DAY = date(2026, 11, 21)


def loaded(folder: Path, *rules: str) -> tuple[Policy | None, Report]:
    """The policy with an exception of these rules, and what is said of it."""
    (folder / "exceptions").mkdir(exist_ok=True)
    (folder / "edge.yaml").write_text(POLICY, encoding="utf-8")
    text = "policy: edge\nrules:\n" + "".join(f"  - {rule}\n" for rule in rules)
    (folder / "exceptions" / "move.yaml").write_text(text, encoding="utf-8")
    report = Report()
    return load(folder / "edge.yaml", report), report


def rule(from_: str, to: str, what: str = "ssh", more: str = "") -> str:
    """A rule of an exception."""
    return RULE.format(from_=from_, to=to, what=what, more=more)


@pytest.mark.parametrize(
    ("end", "name"),
    [
        ("203.0.112.0/23", "overlapping-zones"),
        ("203.0.113.60-203.0.113.70", ""),
        ("203.0.112.250-203.0.113.3", "overlapping-zones"),
        ("0.0.0.0/0", "bad-prefix"),
        ('"::1"', "bad-prefix"),
        ("224.0.0.1", "bad-prefix"),
        ("1.2.3", "bad-prefix"),
        ('"2001:db8:1:7::/65"', ""),
        ('"2001:db8::/32"', "overlapping-zones"),
        ("198.51.100.7", ""),
        ("nobody", "unknown-zone"),
    ],
)
def test_an_end_lies_in_one_zone_or_where_none_is(tmp_path: Path, end: str, name: str) -> None:
    """Addresses within one zone, or outside of all, are an end of an exception; all others are refused by name."""
    other = '"2001:db8:9::1"' if ":" in end else "192.0.2.1"
    found, report = loaded(tmp_path, rule(end, f"[{other}, shop]" if end != other else "shop"))
    assert [one.name for one in report.diagnostics if one.severity == "error"] == ([name] if name else [])
    assert (found is None) == bool(name)


def test_a_policy_itself_names_no_addresses(tmp_path: Path) -> None:
    """In a policy's own rules an address without a zone is the error that it was."""
    (tmp_path / "edge.yaml").write_text(POLICY + "  - {from: 192.0.2.1, to: shop, allow: ssh}\n", encoding="utf-8")
    report = Report()
    assert load(tmp_path / "edge.yaml", report) is None
    assert "unknown-zone" in [one.name for one in report.diagnostics] or report.has_errors()


def test_what_internet_means_stays(tmp_path: Path) -> None:
    """An address of the internet in an exception goes on being reached by what the internet may."""
    found, report = loaded(tmp_path, rule("192.0.2.9", "shop"))
    assert found is not None, report.diagnostics
    firewall = found.firewalls["edge"]
    plain = load(tmp_path / "edge.yaml", Report(), with_exceptions=False)
    assert plain is not None
    assert found.zones == plain.zones
    for port, is_open in ((22, True), (443, True), (23, False)):
        packet = Packet(
            4, (192 << 24) + (2 << 8) + 9, (203 << 24) + (113 << 8) + 5, TCP, port, in_interface="a", out_interface="b"
        )
        assert decide(found, firewall, packet, DAY).outcome.is_open is is_open
        assert not decide(found, firewall, replace(packet, source=packet.source + 1, selector=22), DAY).outcome.is_open


@settings(max_examples=15, deadline=None)
@given(
    low=st.integers(0, 200), size=st.integers(0, 40), inner=st.integers(0, 255), port=st.sampled_from([22, 5432, 8080]),
    is_six=st.booleans(),
)  # fmt: skip
def test_the_ruleset_is_proved_and_says_what_is_asked(
    tmp_path_factory: pytest.TempPathFactory, low: int, size: int, inner: int, port: int, is_six: bool
) -> None:
    """Whatever addresses an exception names, the compiled ruleset is proved, and just these pass that did not before."""
    folder = tmp_path_factory.mktemp("edge")
    if is_six:
        source, target = f'"2001:db8:9::{low:x}-2001:db8:9::{low + size:x}"', f'"2001:db8:1::{inner:x}"'
        first, last = (0x20010DB80009 << 80) + low, (0x20010DB80009 << 80) + low + size
        destination = (0x20010DB80001 << 80) + inner
    else:
        source, target = f"192.0.2.{low}-192.0.2.{low + size}", f"203.0.113.{inner}"
        first = (192 << 24) + (2 << 8) + low
        last, destination = first + size, (203 << 24) + (113 << 8) + inner
    more = ", overrides: no-db" if port == 5432 else ""
    found, report = loaded(folder, rule(source, target, f"tcp/{port}", more))
    assert found is not None, report.diagnostics
    firewall = found.firewalls["edge"]
    family: Family = 6 if is_six else 4
    plain = load(folder / "edge.yaml", Report(), with_exceptions=False)
    assert plain is not None
    for address in (first - 1, first, last, last + 1):
        for to in (destination - 1, destination, destination + 1):
            packet = Packet(family, address, to, TCP, port, in_interface="a", out_interface="b")
            is_named = first <= address <= last and to == destination
            was_open = decide(plain, plain.firewalls["edge"], packet, DAY).outcome.is_open
            assert decide(found, firewall, packet, DAY).outcome.is_open is (is_named or was_open)
    assert compile_firewall(found, firewall, DAY, report) is not None, report.diagnostics
