"""The decisions of the language that the reader keeps, each by its number; the analysis keeps the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.catalog.services import catalog
from firewright.diagnostic import Report
from firewright.model.address import EVERYWHERE, MULTICAST, UNICAST, AddressSet
from firewright.model.moment import exact
from firewright.model.packet import FAMILIES, UDP
from firewright.model.policy import Action, Policy, Verb, ZoneKind
from firewright.model.transport import Transport, parse_transport
from firewright.readers.policy_yaml import load
from firewright.source import Source

EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"
NONE = "rules: none\n"


def policy(text: str, **settings: str) -> Policy:
    """The policy of a text that is right."""
    report = Report()
    found = load(Source("policy.yaml", text), report, settings=settings)
    assert found is not None, report.diagnostics
    return found


def errors(text: str, settings: Mapping[str, str] | None = None) -> list[str]:
    """The names of the errors of a text, in the order of their places."""
    report = Report()
    assert load(Source("policy.yaml", text), report, settings=settings) is None
    return [said.name for said in report.sorted() if said.severity == "error"]


def rule(text: str) -> str:
    """A policy of one rule."""
    return f"zones: {{home: 192.168.1.0/24}}\nrules:\n  - {{{text}}}\n"


# zones


_RANGES = st.lists(st.tuples(st.sampled_from((4, 4, 6)), st.integers(0, 14), st.integers(0, 4)), min_size=1, max_size=3)


def _written(family: int, low: int, more: int) -> str:
    return f"10.0.0.{low}-10.0.0.{low + more}" if family == 4 else f"2001:db8::{low:x}-2001:db8::{low + more:x}"


@settings(max_examples=300, deadline=None)
@given(st.lists(_RANGES, min_size=2, max_size=5))
def test_decision_01_two_zones_are_disjoint_or_nested(drawn: list[list[tuple[int, int, int]]]) -> None:
    """Law: a policy is refused for its zones if and only if two of them overlap in part or are equal, in both families."""
    written = [[_written(*one) for one in ranges] for ranges in drawn]
    sets = [AddressSet.of(*words) for words in written]
    listed = [", ".join(f'"{word}"' for word in dict.fromkeys(words)) for words in written]
    text = "zones:\n" + "".join(f"  z{k}: [{words}]\n" for k, words in enumerate(listed)) + NONE
    nested = all(not (a & b) or (a != b and (a <= b or b <= a)) for a, b in combinations(sets, 2))
    report = Report()
    assert (load(Source("policy.yaml", text), report) is not None) is nested
    assert {said.name for said in report.sorted()} <= {"overlapping-zones"}


def test_decision_01_an_overlap_is_shown_by_an_address_and_both_places() -> None:
    """The error about two zones names an address that both hold, one that only one holds, and both lines."""
    report = Report()
    text = "zones:\n  left: 10.0.0.0-10.0.0.9\n  right: 10.0.0.5-10.0.0.20\n" + NONE
    assert load(Source("policy.yaml", text), report) is None
    (said,) = report.sorted()
    assert "10.0.0.5 is in both, 10.0.0.10 only in right" in said.message
    assert [said.at.line, said.notes[0].at.line] == [3, 2]


def test_decision_01_both_families_count() -> None:
    """A zone whose IPv4 lies in another one, and whose IPv6 does not, overlaps it in part."""
    assert errors('zones: {outer: 10.0.0.0/8, inner: [10.0.0.0/24, "2001:db8::/32"]}\n' + NONE) == ["overlapping-zones"]
    assert policy('zones: {outer: [10.0.0.0/8, "2001:db8::/32"], inner: [10.0.0.0/24, "2001:db8:1::/48"]}\n' + NONE)


def test_decision_02_internet_is_what_no_zone_holds() -> None:
    """`internet` and the named zones make up every unicast address, private ones too, and share none."""
    found = policy('zones: {home: 192.168.1.0/24, six: "2001:db8::/48"}\n' + NONE)
    internet = found.zones["internet"].addresses
    held = found.zones["home"].addresses | found.zones["six"].addresses
    assert internet | held == UNICAST
    assert not internet & held
    assert AddressSet.of("10.0.0.0/8") <= internet


def test_decision_03_any_is_every_unicast_zone() -> None:
    """`any` holds neither multicast nor broadcast, which have names of their own; `local` is a kind, not addresses."""
    zones = policy(NONE).zones
    assert zones["any"].addresses == UNICAST
    assert zones["multicast"].addresses == MULTICAST
    assert zones["broadcast"].addresses == AddressSet.of("255.255.255.255")
    assert zones["local"].is_local
    assert zones["local"].addresses == EVERYWHERE
    assert {zone.kind for zone in zones.values()} == set(ZoneKind) - {ZoneKind.NAMED}


def test_decision_06_interfaces_belong_to_the_firewall() -> None:
    """A zone cannot name an interface; a firewall says behind which of its interfaces a zone lies."""
    assert errors("zones: {home: {interface: eth0}}\n" + NONE) == ["unknown-key"]
    found = policy(
        "zones: {home: 10.0.0.0/8}\nfirewalls: {a: {between: [internet, home], interfaces: {home: [eth0, ppp*]}}}\n"
        + NONE
    )
    assert found.firewalls["a"].interfaces == {"home": ("eth0", "ppp*")}


def test_decision_07_interfaces_are_given_for_legs_only() -> None:
    """What is no leg of a firewall lies behind none of its interfaces."""
    text = "zones: {home: 10.0.0.0/8, far: 192.0.2.0/24}\nfirewalls: {a: {between: [internet, home], interfaces: {far: e0}}}\n"
    assert errors(text + NONE) == ["unfit-leg"]


# rules


def test_decision_10_only_a_dated_permission_overrides() -> None:
    """`overrides` stands on allow or require, with an end, and names bans that exist."""
    ban = "rules:\n  - {name: no-ftp, from: any, to: local, deny: ftp}\n"
    dated = "  - {from: any, to: local, allow: ftp, until: 2027-01-31, overrides: [no-ftp]}\n"
    found = policy(ban + dated).rules[1]
    assert [one.value for one in found.overrides] == ["no-ftp"]
    assert found.until == date(2027, 1, 31)
    assert errors(ban + dated.replace(", until: 2027-01-31", "")) == ["unfit-overrides"]
    assert errors(ban + dated.replace("allow", "deny")) == ["unfit-overrides"]
    assert errors(ban + dated.replace("[no-ftp]", "[no-fpt]")) == ["unknown-rule"]


def test_decision_15_a_name_is_exactly_its_curated_row() -> None:
    """Every row of the catalog, written in a policy, is exactly its own transports."""
    names = catalog().names()
    listed = "".join(f"  - {{from: any, to: local, allow: {name}}}\n" for name in names)
    found = policy("rules:\n" + listed)
    for name, one in zip(names, found.rules, strict=True):
        assert one.terms[0].transports == catalog().rows[name].transports
        assert one.terms[0].names == (name,)


def test_decision_15_the_registry_alone_is_refused_with_what_to_write() -> None:
    """A name that only IANA's registry has is an error whose way out is the transports themselves, which are accepted."""
    report = Report()
    assert load(Source("policy.yaml", rule("from: home, to: any, allow: lotusnote")), report) is None
    (said,) = report.sorted()
    assert said.help == "write the ports: tcp/1352, udp/1352"
    assert policy(rule("from: home, to: any, allow: [tcp/1352, udp/1352]"))


def test_decision_16_a_rule_without_packets_is_an_error() -> None:
    """Zones that share no family, or a service that theirs has not, make a rule an error; one family is enough."""
    zones = 'zones: {four: 10.0.0.0/8, six: "2001:db8::/32", both: [192.0.2.0/24, "2001:db9::/32"]}\nrules:\n  - '
    assert errors(zones + "{from: four, to: six, allow: https}\n") == ["empty-rule"]
    assert errors(zones + "{from: four, to: both, allow: icmpv6}\n") == ["empty-rule"]
    assert errors(zones + "{within: four, allow: icmpv6/128}\n") == ["empty-rule"]
    assert errors(zones + "{between: [four, six], allow: https}\n") == ["empty-rule"]
    for fine in (
        "from: four, to: both, allow: https",
        "from: four, to: both, allow: icmp",
        "within: six, allow: icmpv6",
    ):
        assert policy(zones + f"{{{fine}}}\n")


def test_decision_17_otherwise_answers_for_what_no_rule_names() -> None:
    """`otherwise` says drop or reject, of no services."""
    (found,) = policy(rule("from: home, to: any, otherwise: reject")).rules
    assert (found.verb, found.default, found.terms) == (Verb.OTHERWISE, Action.REJECT, ())
    assert errors(rule("from: home, to: any, otherwise: [reject, https]")) == ["wrong-shape"]


def test_decision_18_a_bare_number_is_a_port_without_a_protocol() -> None:
    """443 alone is an error; so is what is left of [tcp/80,443], which YAML reads as two entries."""
    assert errors(rule("from: home, to: any, allow: 443")) == ["bare-port"]
    assert errors(rule("from: home, to: any, allow: [tcp/80,443]")) == ["bare-port"]


def test_decision_18_unfilled_zones_are_questions() -> None:
    """A zone that asks is loaded as a question, and so is one that is made of it; an answer fills both."""
    text = (
        "zones: {core: {fill-in: the core nodes}, site: [core, 10.1.0.0/16]}\nrules:\n  - {within: site, allow: ssh}\n"
    )
    asked = policy(text)
    assert [(zone.name, zone.question) for zone in asked.questions] == [
        ("core", "the core nodes"),
        ("site", "fill in core"),
    ]
    filled = policy(text, core="10.0.0.0/24, 2001:db8::/64")
    assert not filled.questions
    assert filled.zones["site"].addresses == AddressSet.of("10.0.0.0/24", "2001:db8::/64", "10.1.0.0/16")
    assert filled.zones["site"].members == ("core",)


def test_decision_27_the_work_around_can_be_written() -> None:
    """UDP from source port 53 is a service; UDP timeouts are given by firewall, in seconds."""
    (found,) = policy("rules:\n  - {from: any, to: local, allow: {udp: any, source-port: 53}}\n").rules
    assert found.terms[0].transports == (Transport(FAMILIES, UDP, source_ports=((53, 53),)),)
    host = policy("firewalls: {local: {timeouts: {udp-unreplied: 60s, udp-replied: 2m}}}\n" + NONE).firewalls["local"]
    assert host.is_host
    assert host.timeouts == {"udp-unreplied": 60, "udp-replied": 120}


def test_decision_33_a_machine_needs_no_firewalls() -> None:
    """Where no firewall is written there is one, the machine itself; where one is written, only that."""
    assert list(policy(NONE).firewalls) == ["local"]
    assert policy(NONE).firewalls["local"].is_host
    assert list(policy("zones: {a: 10.0.0.0/8}\nfirewalls: {edge: {between: [internet, a]}}\n" + NONE).firewalls) == [
        "edge"
    ]


# time and scope


def test_decision_34_until_is_a_day_in_the_policys_time_zone() -> None:
    """The last day is part of it; the time zone is UTC if nothing is said, and must exist."""
    found = policy("timezone: Europe/London\n" + rule("from: home, to: any, allow: https, until: 2027-03-31"))
    assert found.timezone == "Europe/London"
    assert found.rules[0].is_active(date(2027, 3, 31))
    assert not found.rules[0].is_active(date(2027, 4, 1))
    assert policy(NONE).timezone == "UTC"
    assert errors("timezone: Europe/Londno\n" + NONE) == ["bad-timezone"]


_FIRST = "it ends at the first of the two; write another time if that is too early"


@pytest.mark.parametrize(
    ("zone", "written", "means", "said"),
    [
        ("Europe/London", "2027-03-31T18:30", datetime(2027, 3, 31, 18, 30), ""),
        ("Europe/London", "2027-03-31T18:30:05", datetime(2027, 3, 31, 18, 30, 5), ""),
        ("Europe/London", "2027-03-31T00:00", date(2027, 3, 30), ""),
        ("Europe/London", "2027-03-28T01:30", datetime(2027, 3, 28, 2), "it ends when it shows 2027-03-28T02:00: write that"),
        ("Europe/London", "2027-10-31T01:30", datetime(2027, 10, 31, 1, 30), _FIRST),
        ("America/Havana", "2027-03-14T00:30", date(2027, 3, 13), "it ends on 2027-03-13, with the day: write that"),
        ("America/Havana", "2027-11-07T00:00", date(2027, 11, 6), _FIRST),
        ("UTC", "9998-12-31T23:59:59", datetime(9998, 12, 31, 23, 59, 59), ""),
    ],
)  # fmt: skip
def test_decision_34_until_may_be_a_time_on_the_policys_clock(zone: str, written: str, means: date, said: str) -> None:
    """A time is an end by itself; a midnight is the end of the day before; one that clocks skip or show twice is the earlier, and said."""
    report = Report()
    text = f"timezone: {zone}\n" + rule(f"from: home, to: any, allow: https, until: {written}")
    found = load(Source("policy.yaml", text), report)
    assert found is not None
    until = found.rules[0].until
    assert (type(until), until) == (type(means), means)
    assert [one.help for one in report.diagnostics] == ([said] if said else [])
    assert not found.rules[0].is_active(exact(datetime.fromisoformat(written), zone))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.datetimes().map(lambda one: one.isoformat()),
        st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9](:[0-6][0-9])?", fullmatch=True),
        st.dates().map(str),
        st.from_regex(r"[0-9]{1,4}[-./ ][0-9]{1,2}[-./ ][0-9]{1,4}", fullmatch=True),
        st.text(),
    )
)
def test_decision_35_a_malformed_date_is_an_error(text: str) -> None:
    """Law: a day, or a time of one, is read exactly where it is written as ISO 8601 and exists; all else is an error with a way out."""
    quoted = "'" + text.replace("'", "''") + "'"
    source = Source("policy.yaml", rule(f"from: home, to: any, deny: https, until: {quoted}"))
    try:
        expected = date.fromisoformat(text) if len(text) == 10 and text.count("-") == 2 and text.isascii() else None
        if re.fullmatch(r"[0-9]{4}-..-..T..:..(?::..)?", text, re.ASCII) and 1970 <= int(text[:4]) < 9999:
            clock = datetime.fromisoformat(text)
            expected = clock if clock.time() != time() else clock.date() - timedelta(days=1)
    except ValueError:
        expected = None
    report = Report()
    found = load(source, report)
    if expected is not None:
        assert found is not None
        assert found.rules[0].until == expected
    else:
        assert found is None
        assert all(said.help for said in report.diagnostics)


def test_decision_36_labels_are_words() -> None:
    """A label has one value or several, all of them texts as written: region 1 is the text 1."""
    assert policy("labels: {region: [1, 2], domain: yes}\n" + NONE).labels == {"region": ("1", "2"), "domain": ("yes",)}


def test_decision_37_names_are_local(tmp_path: Path) -> None:
    """A policy knows its own names, those of what it uses, and the zones of what it is behind, as it names them."""
    (tmp_path / "outer.yaml").write_text("zones: {tenants: 10.0.0.0/8}\nservices: {web: https}\n" + NONE)
    behind = "behind: outer.yaml\nzones: {mine: 10.1.0.0/16}\nrules:\n  - {from: tenants, to: mine, allow: https}\n"
    (tmp_path / "inner.yaml").write_text(behind)
    found = load(tmp_path / "inner.yaml", Report())
    assert found is not None
    assert found.behind is not None
    assert found.zones["tenants"] == found.behind.zones["tenants"]
    assert not found.zones["internet"].addresses & found.zones["tenants"].addresses
    (tmp_path / "inner.yaml").write_text(behind.replace("allow: https", "allow: web"))
    report = Report()
    assert load(tmp_path / "inner.yaml", report) is None
    assert [said.name for said in report.sorted()] == ["unknown-service"]
    (tmp_path / "user.yaml").write_text("uses: [outer.yaml]\nrules:\n  - {within: tenants, allow: web}\n")
    used = load(tmp_path / "user.yaml", Report())
    assert used is not None
    assert used.rules[0].terms[0].transports == parse_transport("tcp/443")


def test_decision_37_a_zone_of_behind_that_nobody_names_is_not_borrowed(tmp_path: Path) -> None:
    """A zone of the policy in front is part of `internet` as long as this policy does not speak of it."""
    (tmp_path / "outer.yaml").write_text("zones: {tenants: 10.0.0.0/8}\n" + NONE)
    (tmp_path / "inner.yaml").write_text("behind: outer.yaml\nzones: {mine: 10.1.0.0/16}\n" + NONE)
    found = load(tmp_path / "inner.yaml", Report())
    assert found is not None
    assert "tenants" not in found.zones
    assert AddressSet.of("10.2.0.0/16") <= found.zones["internet"].addresses


@pytest.mark.parametrize("key", ["program", "user", "uid", "application"])
def test_decision_40_rules_by_program_are_out(key: str) -> None:
    """A rule cannot name a program or a user: the key is unknown, never ignored."""
    assert errors(rule(f"from: home, to: any, allow: https, {key}: firefox")) == ["unknown-key"]


# the reference systems


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the example policies are not here")
def test_the_example_policies_load_without_a_word() -> None:
    """Each example is read without an error or a warning."""
    for path in sorted(EXAMPLES.glob("*.yaml")):
        report = Report()
        assert load(path, report) is not None, path
        assert not report.diagnostics, path
