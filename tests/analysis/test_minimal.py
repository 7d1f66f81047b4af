"""The least policy of a machine keeps its management open, lies within the whole policy, and compiles like any other."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import firewright
from firewright.analysis.management import Connection, stays_open, without_management
from firewright.analysis.minimal import minimal
from firewright.diagnostic import Report, Severity
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Action, Policy, Verb
from firewright.model.transport import BadTransport, parse_transport
from firewright.readers.policy_yaml import load
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import EVERY_BOX, box
from firewright.space.encode import encode, encode_enforced
from firewright.space.packetset import PacketSet
from firewright.workflows.compile import compile_firewall
from tests.language.world import DAY, edge, machine
from tests.policies import TABLE, policies, rule

needs_nft = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)
PROFILES = Path(firewright.__file__).parent / "profiles"
ADMIN = {4: 0x0A010207, 6: 0x2001_0DB8_0001_0002_0000_0000_0000_0007}
"""Somebody in the zone `outer` of the policies for tests, outside `inner`."""
SERVER = {4: 0xCB007107, 6: 0x2001_0DB8_00FF_0000_0000_0000_0000_0007}


def least(found: Policy, *words: str) -> Policy:
    """The least that a policy's only firewall may be left with."""
    (firewall,) = found.firewalls.values()
    return minimal(found, firewall, *((words,) if words else ()))


def accepted(found: Policy, day: date = DAY) -> PacketSet:
    """What a policy's only firewall lets pass, in every state."""
    (firewall,) = found.firewalls.values()
    return PacketSet.decided(encode_enforced(found, firewall, day), "accept")


def permitted(found: Policy, way: str) -> PacketSet:
    """The new flows that the rules of a policy let into the machine, out of it, or through it."""
    (firewall,) = found.firewalls.values()
    sides = {
        "in": (ANY_INTERFACE, HOST),
        "out": (HOST, ANY_INTERFACE),
        "through": (ANY_INTERFACE, ANY_INTERFACE),
    }[way]
    within = {family: [box(family, in_interface=sides[0], out_interface=sides[1])] for family in FAMILIES}
    return PacketSet.decided(encode(found, firewall, DAY), "allowed", "required") & PacketSet.of(within)


def services(family: Family, *words: str) -> PacketSet:
    """Every packet of a family that is of one of some transports."""
    found = [one for word in words for one in parse_transport(word) if family in one.families]
    return PacketSet.of({family: [box(family, service=one.services()) for one in found]})


@settings(max_examples=100, deadline=None)
@given(policies(), st.booleans(), st.sampled_from(["tcp/80", "tcp/22", "tcp/85"]))
def test_the_least_is_within_the_policy_and_keeps_its_sessions(found: Policy, is_required: bool, word: str) -> None:
    """Law: the least policy accepts nothing that the policy does not, on no day, and every session by its words that was open."""
    if is_required:
        found = replace(found, rules=(*found.rules, rule(9, Verb.REQUIRE, [(TABLE["outer"], TABLE["local"])], "tcp")))
    small = least(found, word)
    for day in (DAY, date(2027, 1, 2)):
        assert accepted(small, day) <= accepted(found, day)
    assert permitted(small, "through").is_empty()
    (whole,), (firewall,) = found.firewalls.values(), small.firewalls.values()
    for family in FAMILIES:
        port = int(word.partition("/")[2])
        for names in ((), ("eth1",)):
            session = Connection(family, ADMIN[family], SERVER[family], port, names)
            if stays_open(encode_enforced(found, whole, DAY), session) is None:
                assert stays_open(encode_enforced(small, firewall, DAY), session) is None


def test_only_management_stays_open() -> None:
    """Of a server SSH, ping and tunnels stay as far as they were open, and names, the time and logins as far as required."""
    small = least(
        machine(
            "from: any, to: local, require: [http, https]",
            "from: any, to: local, require: [ssh, ping]",
            "from: any, to: local, allow: udp/51820",
            "from: local, to: any, require: any",
            "from: local, to: any, otherwise: reject",
        )
    )
    ping = "icmp/echo-request"
    for family in FAMILIES:
        within = {family: EVERY_BOX}
        into, out = (permitted(small, way) for way in ("in", "out"))
        assert (into - services(family, "tcp/22", "udp/51820", ping)).is_empty(within)
        for word in ("tcp/22", "udp/51820", ping):
            assert not (services(family, word) & into).is_empty()
        for word in ("udp/53", "tcp/636", "protocol/esp"):
            assert not (services(family, word) & out).is_empty()
        assert (services(family, "tcp/443", "tcp/25", "tcp/22", ping) & out).is_empty()
    assert least(machine("from: local, to: any, allow: any", "from: any, to: local, allow: http")).rules == ()


def test_where_no_lasting_rule_names_the_words_all_that_is_required_stays() -> None:
    """A machine that is managed in a way nobody told us of keeps whatever is required of it, since one of these is the way."""
    rules = ["from: inside, to: local, require: [tcp/2222, https]", "from: any, to: local, allow: http"]
    for dated in ([], ["from: inside, to: local, require: ssh, until: 2027-01-31"]):
        small = least(edge(*rules, *dated))
        assert {term.word for one in small.rules for term in one.terms} >= {"tcp/2222", "https"}
        assert "http" not in {term.word for one in small.rules for term in one.terms}
    known = least(edge(*rules), "tcp/2222")
    assert {term.word for one in known.rules for term in one.terms} == {"tcp/2222"}
    lasting = least(edge(*rules, "from: inside, to: local, require: ssh"))
    assert {term.word for one in lasting.rules for term in one.terms} == {"tcp/22"}
    with pytest.raises(BadTransport):
        least(edge(*rules), "tcp/77777")


def test_bans_stay_where_they_stop_something_of_it() -> None:
    """A ban on SSH from somewhere stays with its name and whoever passes it; one on other services, or elsewhere, goes."""
    found = edge(
        "from: any, to: local, require: ssh",
        "from: internet, to: local, deny: ssh, name: no-ssh",
        "from: internet, to: local, require: tcp/22, until: 2027-01-31, overrides: [no-ssh, no-smb]",
        "from: internet, to: local, deny: smb, name: no-smb",
        "from: internet, to: inside, reject: ssh, name: elsewhere",
    )
    small = least(found)
    assert [one.name for one in small.rules if one.verb in (Verb.DENY, Verb.REJECT)] == ["no-ssh"]
    assert [name.value for one in small.rules for name in one.overrides] == ["no-ssh"]
    assert accepted(small) <= accepted(found)


def test_it_asks_little_of_the_kernel() -> None:
    """Timeouts, helpers, logging and answers are left out; spoofed addresses are not let in for that."""
    found = edge(
        "from: any, to: local, require: [ftp, ssh], sessions: 2h, log: yes", "from: any, to: local, require: ftp"
    )
    (firewall,) = found.firewalls.values()
    firewall = replace(
        firewall, timeouts={"tcp-established": 100}, default=Action.REJECT, interfaces={"inside": ("eth1",)}
    )
    for words in (("tcp/22",), ("tcp/2222",)):
        small = minimal(found, firewall, words)
        (alone,) = small.firewalls.values()
        assert (alone.timeouts, alone.default, alone.interfaces) == ({}, Action.DROP, firewall.interfaces)
        assert not any(one.log or one.sessions or term.helpers for one in small.rules for term in one.terms)


def compiled(found: Policy) -> str:
    """The text of a policy's only firewall, proved."""
    (firewall,) = found.firewalls.values()
    report = Report()
    done = compile_firewall(found, firewall, DAY, report)
    errors = [(one.name, one.message) for one in report.diagnostics if one.severity is Severity.ERROR]
    assert done is not None, errors
    assert not errors
    return done.text


@needs_nft
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies())
def test_it_compiles_and_is_proved(found: Policy) -> None:
    """Law: the least of any policy is a ruleset that nft takes and that means what it says."""
    assert compiled(least(found, "tcp/80"))


@needs_nft
@pytest.mark.parametrize("name", ["web-server", "mail-server", "kubernetes-node", "workstation"])
def test_the_least_of_a_profile_compiles_in_a_few_lines(name: str) -> None:
    """Of each profile of a machine the least compiles, has its way in where the profile requires one, and names no other module."""
    report = Report()
    found = load(PROFILES / name / f"{name}.yaml", report)
    assert found is not None
    small = least(found)
    text = compiled(small)
    assert not any(word in text for word in ("ct timeout", "ct helper", " log "))
    (firewall,), (whole,) = small.firewalls.values(), found.firewalls.values()
    assert without_management(small, firewall) == without_management(found, whole)
    assert accepted(small) <= accepted(found)


@needs_nft
def test_a_rule_of_both_directions_is_two_with_one_name() -> None:
    """A rule between the machine and a zone is kept in both directions, each for its own services, and compiles."""
    found = edge("between: [inside, local], require: [ssh, dns], name: both")
    small = least(found)
    assert [[term.word for term in one.terms] for one in small.rules] == [["tcp/22"], ["tcp/53", "udp/53"]]
    assert compiled(small)
