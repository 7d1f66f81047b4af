"""The faults of docs/known-faults.md: what that page asks of commands is asked here of packets, with the page's own files."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest

from firewright.audits._audit import AUDITS, Context
from firewright.diagnostic import Report, Severity
from firewright.live._nft_errors import NftError
from firewright.live.nft import version
from firewright.model.interval import complement
from firewright.model.packet import TCP, Packet
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.source import Source
from firewright.space.axis import ANY_INTERFACE
from firewright.space.bounds import possibly, surely
from firewright.space.box import box
from firewright.space.encode import encode_enforced
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.space.ruleset import Hook, Ruleset
from firewright.workflows.read import is_whole, read_ruleset, ruleset_in
from tests.cli.running import run
from tests.docs.blocks import ROOT, blocks

PAGE = ROOT / "docs" / "known-faults.md"
DAY = date(2026, 11, 21)


@cache
def files() -> dict[str, str]:
    """The files that stand on the page, by name."""
    return {block.name: block.body for block in blocks(PAGE.read_text(encoding="utf-8")) if block.name}


def source(name: str) -> Source:
    """A file of the page."""
    return Source(name, files()[name])


def ruleset(name: str) -> Ruleset:
    """A ruleset of the page; skips where no nft can load it."""
    if name.endswith(".nft"):
        try:
            version()
        except NftError as error:
            pytest.skip(f"nft cannot list rulesets here: {error.message}")
    report = Report()
    found = ruleset_in(source(name), report)
    if found is None and "namespace" in report.diagnostics[0].message:
        pytest.skip(report.diagnostics[0].message)
    assert found is not None, report.diagnostics
    return found


def policy(name: str) -> Policy:
    """A policy of the page."""
    report = Report()
    found = load(source(name), report)
    assert found is not None, report.diagnostics
    return found


def opened(name: str) -> PacketSet:
    """What the firewall of a policy accepts."""
    read = policy(name)
    (firewall,) = read.firewalls.values()
    return PacketSet.decided(encode_enforced(read, firewall, DAY), "accept")


def packet(origin: str, target: str, port: int, *, came: str = "eth0", went: str = "") -> Packet:
    """A TCP packet that opens a flow."""
    first, second = ip_address(origin), ip_address(target)
    family = 4 if first.version == 4 else 6
    return Packet(family, int(first), int(second), TCP, port, 49152, in_interface=came, out_interface=went)


def test_a_source_without_ipv6_opens_nothing_there(tmp_path: Path) -> None:
    """A zone with IPv4 addresses only opens IPv4 alone; an IPv4 source among IPv6 rules is refused and exits 2."""
    inside = opened("office.yaml")
    asked = [
        packet("192.0.2.7", "198.51.100.10", 22, went="eth1"),
        packet("2001:db8:f::1", "2001:db8::10", 22, went="eth1"),
    ]
    assert [one in inside for one in asked] == [True, False]
    # Not one packet of IPv6 opens a flow to that port of the server, but its own, which pass no firewall.
    ssh, server = (TCP << 16 | 22, TCP << 16 | 22), int(ip_address("2001:db8::10"))
    new = box(
        6,
        source=complement(((server, server),), (1 << 128) - 1),
        destination=((server, server),),
        service=(ssh,),
        conntrack_state=((0, 0),),
        in_interface=ANY_INTERFACE,
        out_interface=ANY_INTERFACE,
    )
    assert (inside & PacketSet.of({6: [new]})).is_empty() and new is not None

    report = Report()
    reading = read_ruleset(source("server.ip6tables"), report, has_rules=True)
    assert reading is not None and not is_whole(reading)
    assert [(rule.state, rule.at.line) for rule in reading.rules] == [("refused", 4)]
    (tmp_path / "server.ip6tables").write_text(files()["server.ip6tables"])
    assert run("read", str(tmp_path / "server.ip6tables")).exit_code == 2
    programs = ruleset("server.ip6tables").hooks[Hook.INPUT]
    one = packet("2001:db8:f::1", "2001:db8::10", 22)
    assert one not in surely(programs, "accept") and one not in surely(programs, "drop")


def test_a_rule_under_two_bans_is_found() -> None:
    """A permission that no ban covers alone is dead under two, and both are named."""
    read = policy("halves.yaml")
    (found,) = list(AUDITS.load("dead-rule")(read, Context(DAY)))
    assert found.severity is Severity.WARNING
    assert [note.at.line for note in found.notes] == [7, 8]
    lower, upper = packet("192.0.2.7", "198.51.100.10", 22), packet("2001:db8:0:0:8000::7", "2001:db8:1::10", 22)
    assert lower not in opened("halves.yaml") and upper not in opened("halves.yaml")
    # Neither ban does it alone.
    for line in ("lower", "upper"):
        text = re.sub(rf"^.*from: {line}, to.*\n", "", files()["halves.yaml"], flags=re.MULTILINE)
        shorter = load(Source("halves.yaml", text), Report())
        assert shorter is not None and not list(AUDITS.load("dead-rule")(shorter, Context(DAY)))


def test_two_halves_are_everybody() -> None:
    """Two halves of all addresses and no source at all let the same packets pass, and the reading says any."""
    two, one = (surely(ruleset(name).hooks[Hook.INPUT], "accept") for name in ("two.nft", "one.nft"))
    assert (two - one).is_empty() and (one - two).is_empty() and not two.is_empty()
    reading = read_ruleset(source("two.nft"), Report(), has_rules=False)
    assert reading is not None
    assert "any -> local tcp/22 (IPv4 only)" in next(
        one.lines for one in reading.passages if one.title.startswith("input")
    )


def test_a_rule_for_itself_hides_no_rule_for_the_world() -> None:
    """Behind the rule for loopback stands one for all, and a stranger is let in by it."""
    programs = ruleset("self.nft").hooks[Hook.INPUT]
    for origin in ("203.0.113.9", "2001:db8:f::1"):
        target = "192.0.2.1" if "." in origin else "2001:db8::1"
        assert packet(origin, target, 5432) in surely(programs, "accept")
        assert packet(origin, target, 5433) not in possibly(programs, "accept")


def test_a_misspelt_zone_fails_its_assertion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assertion about no zone is an error with the nearest name, exits 2, and nothing passes."""
    for name in ("lan.yaml", "lan.test.yaml"):
        (tmp_path / name).write_text(files()[name])
    monkeypatch.chdir(tmp_path)
    done = run("test")
    assert done.exit_code == 2 and "unknown-zone" in done.output and "did you mean lan?" in done.output
    (tmp_path / "lan.test.yaml").write_text(files()["lan.test.yaml"].replace("lann", "lan"))
    assert run("test").exit_code == 1


def test_a_ban_that_ended_goes_on() -> None:
    """After its last day a ban still bans, and is a warning."""
    one = packet("192.0.2.7", "198.51.100.10", 445, went="eth1")
    assert one not in opened("worm.yaml")
    assert packet("192.0.2.7", "198.51.100.10", 444, went="eth1") in opened("worm.yaml")
    (found,) = list(AUDITS.load("ended-rule")(policy("worm.yaml"), Context(DAY)))
    assert found.severity is Severity.WARNING and found.at.line == 7


def test_a_packet_passes_every_base_chain() -> None:
    """What the first base chain of a hook accepts, the second one drops."""
    programs = ruleset("twice.nft").hooks[Hook.INPUT]
    ssh, https = (packet("203.0.113.9", "192.0.2.1", port) for port in (22, 443))
    assert ssh in surely(programs, "drop") and https in surely(programs, "accept")
    assert surely(programs, "accept") | surely(programs, "drop") == EVERYTHING


def test_translation_comes_before_the_filter() -> None:
    """The filter drops what DNAT makes of a packet, and the rule that makes it is named with the reading."""
    read = ruleset("nat.nft")
    programs = read.hooks[Hook.FORWARD]
    new = packet("203.0.113.9", "192.0.2.10", 80, went="eth1")
    old = packet("203.0.113.9", "192.0.2.10", 8080, went="eth1")
    assert new in surely(programs, "drop") and old in surely(programs, "accept")
    (line,) = read.translations
    assert line.place == "ip edge before rule 1" and "dnat to 192.0.2.10:80" in line.text


def test_the_page_names_tests_that_are_there() -> None:
    """Every test that the page names is in this file, and each fault of the page has one."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"^\| .* \| `(test_\w+)` \|$", text, re.MULTILINE)
    assert len(named) == len(set(named)) == len(re.findall(r"^## ", text, re.MULTILINE)) - 1 == 8
    assert set(named) <= globals().keys()
    assert (ROOT / "tests/corpus/test_known_faults.py").read_text(encoding="utf-8").count("\ndef test_") == len(
        named
    ) + 1
