"""A smaller ruleset does the same: against walking each packet by hand, and as the real nft reads it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.live import nft
from firewright.reports._tidy import Tidied
from firewright.source import Source
from firewright.workflows.anomalies import anomalies_of
from firewright.workflows.tidy import tidy
from tests.workflows.tidying import WORLD, Chains, chains_by, fate, saved, script, without

needs_nft = pytest.mark.skipif(shutil.which("nft") is None, reason="nft is not installed")


def tidied(text: str, path: str = "a.rules") -> Tidied:
    """What becomes of a text; no complaint is expected."""
    report = Report()
    found = tidy(Source(path, text), report)
    assert found is not None, report.diagnostics
    return found


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(("ACCEPT", "DROP")))
def test_every_packet_meets_the_same_without_what_is_left_out(seed: int, policy: str) -> None:
    """Law: each packet meets the same logs and the same verdict; and no plain rule that is left could go as well."""
    chains = chains_by(Random(seed), 14)
    assert_smallest(chains, policy, tidied(saved(chains, policy)).after)


@needs_nft
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(("ACCEPT", "DROP")))
def test_the_same_holds_of_what_nft_reads(seed: int, policy: str) -> None:
    """Law: the same of nftables, with rules that go to chains for good, edited in the script and read by the real nft."""
    chains = chains_by(Random(seed), 14)
    found = tidied(script(chains, policy), "a.nft")
    assert not found.note
    assert_smallest(chains, policy, found.after)


def assert_smallest(chains: Chains, policy: str, after: str) -> None:
    """What is left of the chains does the same, and no plain rule of it could go as well."""
    every = [rule for rules in chains.values() for rule in rules]
    kept = {rule.mark for rule in every if f'"{rule.mark}"' in after}
    smaller = without(chains, frozenset(rule.mark for rule in every) - kept)
    before = {packet: fate(chains, policy, packet) for packet in WORLD}
    assert {packet: fate(smaller, policy, packet) for packet in WORLD} == before
    for rule in every:
        if rule.mark in kept and rule.target in ("ACCEPT", "DROP", "RETURN"):
            rest = without(smaller, frozenset((rule.mark,)))
            assert any(fate(rest, policy, packet) != before[packet] for packet in WORLD), rule


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_the_rules_named_take_all_of_a_shadowed_one_and_fewer_do_not(seed: int) -> None:
    """Law: with only the named rules before it no packet comes to a shadowed rule; with any one of them left out some does."""
    chains = {"two": [], "one": [], "INPUT": chains_by(Random(seed), 30)["INPUT"]}
    plain = {name: [rule for rule in rules if rule.target in ("ACCEPT", "DROP")] for name, rules in chains.items()}
    report = Report()
    found = anomalies_of(Source("a.rules", saved(plain, "DROP")), report)
    assert found is not None
    rules = plain["INPUT"]
    shadowed = [one for one in found.oddities if one.kind == "shadowed"]
    for one in shadowed:
        own = next(rule for rule in rules if f'"{rule.mark}"' in one.rule.text)
        by = [next(rule for rule in rules if f'"{rule.mark}"' in other.text) for other in one.by]
        mine = [packet for packet in WORLD if own.holds(packet)]
        assert all(any(rule.holds(packet) for rule in by) for packet in mine)
        for left_out in by:
            rest = [rule for rule in by if rule is not left_out]
            assert not all(any(rule.holds(packet) for rule in rest) for packet in mine)


UNION = """*filter
:INPUT ACCEPT [0:0]
-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j DROP
-A INPUT -s 0.0.0.0/1 -p tcp --dport 22 -j DROP
-A INPUT -s 128.0.0.0/1 -p tcp --dport 22 -j DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""


def test_the_smallest_covering_set_is_named() -> None:
    """A rule that two halves of the internet shadow is said to be shadowed by those two, and to decide otherwise."""
    found = anomalies_of(Source("a.rules", UNION), Report())
    assert found is not None
    (shadowed,) = [one for one in found.oddities if one.kind == "shadowed"]
    assert shadowed.rule.at.line == 6 and shadowed.differs and shadowed.is_fewest
    assert [rule.at.line for rule in shadowed.by] == [4, 5]
    (redundant,) = [one for one in found.oddities if one.kind == "redundant"]
    assert redundant.rule.at.line == 3 and [rule.at.line for rule in redundant.by] == [4]


def test_pairs_come_with_a_packet_that_shows_that_order_matters() -> None:
    """An exception of a later rule is generalised, rules that overlap are correlated; each pair has a packet of both."""
    text = UNION.replace("-s 0.0.0.0/1", "-s 10.0.0.0/16").replace(
        "-s 128.0.0.0/1 -p tcp --dport 22", "-d 192.0.2.0/24"
    )
    text = text.replace("-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -s 10.0.0.0/8 -j ACCEPT")
    found = anomalies_of(Source("a.rules", text), Report())
    assert found is not None
    pairs = {(one.kind, one.rule.at.line, one.by[0].at.line): one.witness for one in found.oddities if one.witness}
    assert set(pairs) == {("generalised", 3, 6), ("correlated", 5, 6)}
    assert pairs["correlated", 5, 6].startswith("tcp 10.") and "192.0.2." in pairs["correlated", 5, 6]


def test_a_rule_of_one_family_does_not_shadow_the_other() -> None:
    """Dumps of both families are judged apart: what IPv4 drops leaves IPv6 alone."""
    head = "# Generated by ip{}tables-save v1.8.9 on Sat Jan  3 10:00:00 2026\n*filter\n:INPUT ACCEPT [0:0]\n"
    four = head.format("") + "-A INPUT -p tcp --dport 22 -j DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    six = head.format("6") + "-A INPUT -p tcp --dport 22 -j DROP\nCOMMIT\n"
    found = tidied(four + six)
    assert [one.rule.at.line for one in found.gone] == [5]
    assert found.after == (four + six).replace("-A INPUT -p tcp --dport 22 -j ACCEPT\n", "")


def test_what_is_not_understood_shadows_nothing_that_it_may_miss() -> None:
    """A rule behind one with a rate limit stays; so does one behind `-m recent`; the same words twice are not the same match."""
    text = """*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT
-A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT
-A INPUT -p tcp --dport 23 -m recent --rcheck --seconds 60 -j ACCEPT
-A INPUT -p tcp --dport 23 -s 10.0.0.1 -j ACCEPT
COMMIT
"""
    assert tidied(text).after == text


def test_a_rule_stays_whose_packets_would_meet_a_log() -> None:
    """A rule that only keeps packets from a log decides nothing and stays; the reason names the log."""
    text = """*filter
:INPUT DROP [0:0]
-A INPUT -p udp --dport 137 -j DROP
-A INPUT -j LOG --log-prefix "dropped "
COMMIT
"""
    found = tidied(text)
    assert found.after == text and not found.gone
    (stays,) = found.stays
    assert stays.rule.at.line == 3 and "INPUT rule 2" in stays.why


def test_rejects_that_answer_otherwise_are_not_the_same() -> None:
    """A reset and an unreachable are two verdicts: neither makes the other redundant."""
    text = """*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 113 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp --dport 114 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p tcp -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""
    assert [one.rule.at.line for one in tidied(text).gone] == [4]


def test_a_table_behind_nat_is_judged_alone() -> None:
    """Where a rule changes addresses, no table is said to shadow another: they do not see the same packets."""
    text = """*mangle
:OUTPUT ACCEPT [0:0]
-A OUTPUT -d 192.0.2.1 -j DROP
COMMIT
*nat
:OUTPUT ACCEPT [0:0]
{}COMMIT
*filter
:OUTPUT ACCEPT [0:0]
-A OUTPUT -d 192.0.2.1 -j DROP
COMMIT
"""
    rule = "-A OUTPUT -d 192.0.2.9 -j DNAT --to-destination 192.0.2.1\n"
    assert not tidied(text.format(rule)).gone
    assert len(tidied(text.format("")).gone) == 1


def test_lines_keep_their_ends_and_comments() -> None:
    """A text with CRLF and remarks loses whole lines and nothing else."""
    text = UNION.replace("COMMIT", "# the end\nCOMMIT").replace("\n", "\r\n")
    lines = text.split("\r\n")
    found = tidied(text)
    assert found.after.split("\r\n") == [line for number, line in enumerate(lines, 1) if number not in (3, 6)]


def test_tables_that_come_twice_are_refused() -> None:
    """A text of which only a part counts is not edited; the reason is said."""
    report = Report()
    assert tidy(Source("a.rules", UNION + UNION), report) is None
    assert [one.name for one in report.diagnostics if one.severity.value == "error"] == ["cannot-tidy"]


SCRIPT = """#!/usr/sbin/nft -f
flush ruleset
define web = { 80, 443 }   # what people see

table inet filter {
    # who may come in
    set admins { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
    set unused { type ipv4_addr; elements = { 10.0.0.9 } }
    set later { type ipv4_addr; }
    counter seen { }
    counter never { }

    chain input {
        type filter hook input priority 0; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        tcp dport $web counter name seen accept # the web
        tcp dport 80 accept   # dead
        ip saddr @later drop
        ip saddr @admins tcp dport 22 \\
            accept
        ip saddr 10.0.0.2 tcp dport 22 log prefix "twice" accept; udp dport 53 accept
        jump empty
        udp dport { 53, 123 } accept
        tcp dport 99 jump { accept; }
    }
    chain empty { tcp dport 9 drop; }
    chain lost { tcp dport 1 accept; jump lost2; }
    chain lost2 { drop; }
}
"""


@needs_nft
def test_an_nft_script_is_edited_where_it_stands() -> None:
    """Variables, comments, broken lines and order stay; rules, chains and objects go with their lines; the real nft agrees."""
    text = SCRIPT.replace("        tcp dport 99 jump { accept; }\n", "")
    found = tidied(text, "gateway.nft")
    expected = text
    for gone in (
        "    set unused { type ipv4_addr; elements = { 10.0.0.9 } }\n",
        "    counter never { }\n",
        "        tcp dport 80 accept   # dead\n",
        '        ip saddr 10.0.0.2 tcp dport 22 log prefix "twice" accept; udp dport 53 accept\n',
        "        jump empty\n",
        "    chain empty { tcp dport 9 drop; }\n",
        "    chain lost { tcp dport 1 accept; jump lost2; }\n",
        "    chain lost2 { drop; }\n",
    ):
        assert gone in expected
        expected = expected.replace(gone, "")
    assert found.after == expected and not found.note
    assert not tidied(found.after, "gateway.nft").gone


@needs_nft
def test_a_script_that_cannot_be_followed_becomes_a_listing() -> None:
    """Where rules are put at a place the file is not edited: nft's own listing is, and that is said."""
    text = (
        SCRIPT.replace("        tcp dport 99 jump { accept; }\n", "")
        + "insert rule inet filter input tcp dport 98 accept\n"
    )
    found = tidied(text, "gateway.nft")
    assert "nft's own listing" in found.note and "tcp dport 98 accept" in found.after and "lost2" not in found.after
    assert "# handle" not in found.after
    assert not tidied(found.after, "gateway.nft").gone


@needs_nft
def test_json_loses_the_same_objects() -> None:
    """nft's JSON stays JSON, laid out as it was, without the same rules and objects."""
    listing = nft.list_back(SCRIPT.replace("        tcp dport 99 jump { accept; }\n", ""))
    found = tidied(json.dumps(json.loads(listing.json), indent=2) + "\n", "listing.json")
    kinds = [kind for one in json.loads(found.after)["nftables"] for kind in one]
    assert (kinds.count("rule"), kinds.count("chain"), kinds.count("set"), kinds.count("counter")) == (5, 1, 2, 1)
    assert found.after.startswith('{\n  "nftables": [\n    {') and not found.note


@needs_nft
def test_a_set_that_is_empty_may_be_filled_later() -> None:
    """A rule that asks an empty named set stays, and shadows nothing: programs put addresses there while the ruleset runs."""
    text = """table ip t { set blocked { type ipv4_addr; }
 chain in { type filter hook input priority 0;
  ip saddr @blocked drop
  ip saddr 192.0.2.1 drop
 }
}
"""
    assert tidied(text, "a.nft").after == text


@needs_nft
def test_a_counter_stays_where_packets_come_to_it() -> None:
    """A redundant rule that counts stays; a rule before one that counts stays too; one that nothing comes to goes, counter or not."""
    text = """table ip t { chain in { type filter hook input priority 0; policy drop;
  tcp dport 22 accept
  tcp dport 22 counter accept
  tcp dport 23 counter drop
  tcp dport 24 drop
  tcp dport 20-30 counter drop
  tcp dport 40 drop
 }
}
"""
    found = tidied(text, "a.nft")
    assert [one.rule.text.split(" counter")[0] for one in found.gone] == ["tcp dport 22", "tcp dport 40 drop"]
    assert [one.rule.text.split(" counter")[0] for one in found.stays] == [
        "tcp dport 23",
        "tcp dport 24 drop",
        "tcp dport 20-30",
    ]


@needs_nft
def test_two_base_chains_on_a_hook_are_passed_one_after_the_other() -> None:
    """What the first base chain drops is dead in the second; what it accepts goes on to the second, and stays alive there."""
    text = """table ip t { chain first { type filter hook input priority 0; policy accept;
  tcp dport 22 drop
  tcp dport 23 accept
 }
 chain second { type filter hook input priority 10; policy drop;
  tcp dport 22 accept
  tcp dport 23 accept
 }
}
"""
    found = anomalies_of(Source("a.nft", text), Report())
    assert found is not None
    said = {(one.kind, one.rule.text, one.rule.place.split()[2]) for one in found.findings}
    assert said == {("shadowed", "tcp dport 22 accept", "second"), ("redundant", "tcp dport 23 accept", "first")}


@needs_nft
def test_who_falls_off_a_chain_that_was_gone_to_does_not_come_back() -> None:
    """A last accept in a chain that is gone to stays: without it packets meet the policy, not the rules behind the goto."""
    text = """table ip t {
 chain far { tcp dport 22 drop; accept; }
 chain in { type filter hook input priority 0; policy drop; ip saddr 10.0.0.0/8 goto far; accept; }
}
"""
    assert tidied(text, "a.nft").after == text


@needs_nft
def test_chains_that_are_not_judged_are_left_alone() -> None:
    """Rules of NAT are counted as not judged, never called dead, and stay; a chain that NAT calls too is not judged either."""
    text = """table ip t {
 chain shared { tcp dport 1 accept; tcp dport 1 accept; }
 chain nat { type nat hook prerouting priority -100; tcp dport 80 dnat to 10.0.0.1; tcp dport 80 dnat to 10.0.0.2; jump shared; }
 chain in { type filter hook input priority 0; jump shared; }
}
"""
    found = anomalies_of(Source("a.nft", text), Report())
    assert found is not None and found.not_judged == 5 and not found.findings
    assert tidied(text, "a.nft").after == text


@needs_nft
def test_a_text_that_does_not_load_is_refused_with_its_line(tmp_path: Path) -> None:
    """What nft does not take is an error at its line, and there is no proposal."""
    file = tmp_path / "bad.nft"
    file.write_text("table ip t {\n chain in { tcp dport nonsense accept; }\n}\n")
    report = Report()
    assert tidy(str(file), report) is None
    assert [(one.name, one.at.line) for one in report.diagnostics] == [("unreadable", 2)]
