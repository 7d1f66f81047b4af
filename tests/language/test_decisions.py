"""The decisions of the language that show in what becomes of packets, each by its number; docs/decisions.md names them all."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.ask import Answer, ask
from firewright.analysis.path import intervals
from firewright.analysis.question import parse_question
from firewright.catalog.services import catalog
from firewright.diagnostic import Severity
from firewright.model.decision import Outcome
from firewright.model.essential import ESSENTIALS
from firewright.model.packet import FAMILIES, ConntrackState
from firewright.model.policy import Action, Policy
from tests.language.world import (
    DAY,
    EDGE,
    INSIDE,
    OUTSIDE,
    audited,
    edge,
    fate,
    inbound,
    loaded,
    machine,
    outbound,
    packet,
    policy,
)

BY_STRENGTH = (
    ("deny: https", "denied", Action.DROP),
    ("reject: https", "rejected", Action.REJECT),
    ("require: https", "required", Action.ACCEPT),
    ("allow: https", "allowed", Action.ACCEPT),
    ("request: https", "on request", Action.DROP),
    ("otherwise: reject", "closed", Action.REJECT),
)
"""What a rule says, the strongest first, with the outcome and the action where it decides."""


def answer(found: Policy, text: str) -> Answer:
    """The answer to one question."""
    (question,) = parse_question(text, found)
    return ask(found, question, DAY)


# precedence


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(range(len(BY_STRENGTH))), min_size=1, max_size=5), st.sampled_from(FAMILIES))
def test_precedence_is_by_verb_and_never_by_order(drawn: list[int], family: int) -> None:
    """Law: the strongest verb decides, whatever else speaks of the packet and wherever it stands."""
    found = edge(*(f"from: internet, to: inside, {BY_STRENGTH[index][0]}" for index in drawn))
    _, outcome, action = BY_STRENGTH[min(drawn)]
    decision = fate(found, packet(OUTSIDE[family], INSIDE[family], "tcp/443"))
    assert (decision.outcome.value, decision.action) == (outcome, action)


# zones


def test_decision_02_internet_is_outside_every_zone_and_private_addresses_too() -> None:
    """A rule about `internet` speaks of private addresses that no zone holds, and not of a zone's own."""
    found = edge("from: internet, to: inside, allow: https")
    assert fate(found, packet("10.9.9.9", INSIDE[4], "tcp/443")).outcome.value == "allowed"
    inner = policy(
        EDGE.replace("{inside:", "{lab: 10.0.0.0/8, inside:") + "  - {from: internet, to: inside, allow: https}\n"
    )
    assert fate(inner, packet("10.9.9.9", INSIDE[4], "tcp/443")).outcome.value == "closed"


def test_decision_02_the_profile_denies_sources_that_are_not_global() -> None:
    """The perimeter profile has a visible rule against sources that cannot be on the internet (RFC 6890)."""
    text = (Path(__file__).parents[2] / "firewright/profiles/provider-perimeter/provider-perimeter.yaml").read_text()
    decision = fate(policy(text), packet("10.0.0.1", "198.51.100.7", "tcp/443"))
    assert decision.rule is not None
    assert (decision.outcome.value, decision.rule.name) == ("denied", "no-forged-sources")


def test_decision_03_any_opens_neither_the_machine_nor_groups() -> None:
    """`any` is every unicast zone: a rule about it opens nothing to local, multicast or broadcast."""
    found = edge("from: any, to: any, allow: any")
    assert inbound(found, "tcp/443") == outbound(found, "udp/53", 6) == "allowed"
    assert fate(found, packet(OUTSIDE[4], "192.0.2.1", "tcp/22", out="")).outcome.value == "closed"
    assert fate(found, packet("192.0.2.1", OUTSIDE[4], "tcp/22", into="")).outcome.value == "closed"
    assert fate(found, packet(OUTSIDE[4], "224.0.0.251", "udp/5353")).outcome.value == "closed"
    assert fate(found, packet(OUTSIDE[6], "ff02::fb", "udp/5353")).outcome.value == "closed"
    assert fate(found, packet(OUTSIDE[4], "255.255.255.255", "udp/9")).outcome.value == "closed"


def test_decision_04_the_hook_decides_what_is_local() -> None:
    """What is delivered to the machine is `local` whatever its address, and the same address passed on is not."""
    found = edge("from: internet, to: local, allow: https")
    for family in FAMILIES:
        assert fate(found, packet(OUTSIDE[family], INSIDE[family], "tcp/443", out="")).outcome.value == "allowed"
        assert inbound(found, "tcp/443", family) == "closed"
    assert fate(found, packet(OUTSIDE[4], "224.0.0.251", "tcp/443", out="")).outcome.value == "allowed"


def test_decision_05_input_is_to_local_and_output_from_local() -> None:
    """`any to local` speaks of what comes in, `local to any` of what goes out; neither of the other direction."""
    into, out = machine("from: any, to: local, allow: https"), machine("from: local, to: any, allow: https")
    for family in FAMILIES:
        received = packet(OUTSIDE[family], INSIDE[family], "tcp/443", out="")
        sent = packet(INSIDE[family], OUTSIDE[family], "tcp/443", into="")
        assert [fate(into, one).outcome.value for one in (received, sent)] == ["allowed", "closed"]
        assert [fate(out, one).outcome.value for one in (received, sent)] == ["closed", "allowed"]


@pytest.mark.parametrize(("family", "loopback"), [(4, "127.0.0.1"), (6, "::1")])
def test_decision_05_loopback_passes_only_inside(family: int, loopback: str) -> None:
    """The machine talks to itself under any policy; a loopback address from or to elsewhere is spoofed under any policy."""
    shut, wide = policy("rules: none"), machine("from: any, to: local, allow: any", "from: local, to: any, allow: any")
    for found in (shut, wide):
        assert fate(found, packet(loopback, loopback, "tcp/80", into="", out="")).outcome.value == "loopback"
        assert fate(found, packet(loopback, INSIDE[family], "tcp/80", out="")).outcome.value == "spoofed"
        assert fate(found, packet(INSIDE[family], loopback, "tcp/80", into="")).outcome.value == "spoofed"


INTERFACES = """
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"], lab: [192.0.2.128/25, "2001:db8:1:8::/64"]}
firewalls: {edge: {between: [internet, inside, lab], interfaces: {internet: eth0, inside: eth1, lab: "lab*"}}}
rules:
  - {from: any, to: any, allow: any}
"""


@pytest.mark.parametrize("state", ConntrackState)
def test_decision_07_address_and_interface_must_both_fit(state: ConntrackState) -> None:
    """An address at another interface than its innermost zone's is spoofed, before any rule and in every state."""
    found = policy(INTERFACES)
    fits = packet(OUTSIDE[4], INSIDE[4], "tcp/443", state=state)
    assert fate(found, fits).outcome.value == "allowed"
    for wrong in (
        packet(INSIDE[4], OUTSIDE[4], "tcp/443", into="eth0", out="eth0", state=state),
        packet(OUTSIDE[6], INSIDE[6], "tcp/443", into="eth1", out="eth1", state=state),
        packet("192.0.2.129", OUTSIDE[4], "tcp/443", into="eth1", out="eth0", state=state),
        packet(OUTSIDE[4], "192.0.2.129", "tcp/443", into="eth0", out="eth1", state=state),
    ):
        assert (fate(found, wrong).outcome.value, fate(found, wrong).action) == ("spoofed", Action.DROP)
    inner = packet("2001:db8:1:8::7", OUTSIDE[6], "tcp/443", into="lab7", out="eth0", state=state)
    assert fate(found, inner).outcome.value == "allowed"


def test_decision_08_a_machine_does_not_decide_what_it_forwards() -> None:
    """A policy without firewalls is the machine's own: what it passes on for others is not enforced by it."""
    found = machine("from: any, to: any, deny: any")
    for family in FAMILIES:
        assert inbound(found, "tcp/443", family) == "not enforced"


def test_decision_09_output_is_closed_by_default_too() -> None:
    """With `rules: none` nothing comes in and nothing goes out; `init` writes the line that opens outward."""
    found = policy("rules: none")
    for family in FAMILIES:
        assert fate(found, packet(OUTSIDE[family], INSIDE[family], "tcp/443", out="")).outcome.value == "closed"
        assert fate(found, packet(INSIDE[family], OUTSIDE[family], "tcp/443", into="")).outcome.value == "closed"
    text = (Path(__file__).parents[2] / "firewright/profiles/workstation/client.yaml").read_text()
    assert fate(policy(text), packet(INSIDE[4], OUTSIDE[4], "tcp/443", into="")).outcome.value == "allowed"


# rules


def test_decision_10_require_and_deny_cannot_both_hold() -> None:
    """`require` under a ban is an error with a packet; `allow` partly under one is normal, wholly under it a warning."""
    clash = edge("from: internet, to: inside, require: [http, ssh]", "from: any, to: inside, deny: ssh")
    (said,) = audited(clash, "require-denied")
    assert said.severity is Severity.ERROR
    assert said.witness.endswith(":22")
    partly = edge("from: internet, to: inside, allow: [http, ssh]", "from: any, to: inside, deny: ssh")
    assert not audited(partly, "require-denied") + audited(partly, "dead-rule")
    wholly = edge("from: internet, to: inside, allow: ssh", "from: any, to: inside, deny: [http, ssh]")
    assert [one.severity for one in audited(wholly, "dead-rule")] == [Severity.WARNING]


def test_decision_10_an_override_passes_the_named_ban_alone() -> None:
    """A dated rule passes the ban that it names; another ban over the same packet still holds, and so does the ban elsewhere."""
    ban, other = (
        "name: no-ftp, from: any, to: inside, deny: ftp",
        "name: no-old, from: internet, to: inside, deny: tcp/21",
    )
    dated = "from: internet, to: inside, allow: [ftp, ssh], until: 2027-03-31, overrides: [no-ftp]"
    for rules in permutations((ban, dated)):
        found = edge(*rules)
        assert inbound(found, "tcp/21") == inbound(found, "tcp/21", 6) == "allowed"
        assert inbound(found, "tcp/21", day=date(2027, 4, 1)) == "denied"
    assert inbound(edge(ban, other, dated), "tcp/21") == "denied"
    beside = edge(ban, dated.replace("from: internet", "from: inside").replace("to: inside", "to: internet"))
    assert inbound(beside, "tcp/21") == "denied"


def test_decision_11_request_is_closed() -> None:
    """What may be asked for is dropped like everything that nobody allows, and told apart from it."""
    found = edge("from: internet, to: inside, request: any")
    decision = fate(found, packet(OUTSIDE[4], INSIDE[4], "tcp/443"))
    assert (decision.outcome.value, decision.action) == ("on request", Action.DROP)
    assert outbound(found, "tcp/443") == "closed"


def test_decision_12_the_strongest_verb_then_the_first_is_credited() -> None:
    """Of several rules that speak of a packet the strongest is credited, of equals the first in the file; the action is one."""
    rules = [
        "name: wide, from: internet, to: inside, allow: any",
        "name: first, from: internet, to: inside, require: https",
        "name: second, from: any, to: inside, require: https",
    ]
    for order in permutations(rules):
        decision = fate(edge(*order), packet(OUTSIDE[4], INSIDE[4], "tcp/443"))
        first = next(rule for rule in order if "require" in rule)
        assert decision.action is Action.ACCEPT
        assert decision.rule is not None
        assert f"name: {decision.rule.name}," in first


OUTER = """
policy: outer
zones: {tenants: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {perimeter: {between: [internet, tenants]}}
rules:
  - {from: internet, to: tenants, allow: https}
  - {from: internet, to: tenants, request: ssh}
"""
INNER = """
policy: inner
behind: outer.yaml
zones: {mine: [192.0.2.0/28, "2001:db8:1:1::/64"]}
firewalls: {edge: {between: [internet, mine]}}
rules:
  - {from: internet, to: mine, require: [https, ssh]}
"""


def test_decision_13_require_opens_here_and_is_a_request_elsewhere(tmp_path: Path) -> None:
    """Within a policy `require` is also permission; another authority on the path must allow it, else it is the request to make."""
    inner = loaded(tmp_path, "inner", outer=OUTER, inner=INNER)
    assert fate(inner, packet(OUTSIDE[4], "192.0.2.7", "tcp/22")).outcome.value == "required"
    (said,) = audited(inner, "needs-request")
    assert said.severity is Severity.ERROR
    assert said.witness.endswith(":22")
    assert any("on request" in note.text and note.at.path.endswith("outer.yaml") for note in said.notes)


def test_decision_14_unneeded_is_judged_only_where_something_is_required() -> None:
    """A permission that nothing requires is noted for a zone pair with a `require`, and for no other."""
    rules = ("from: internet, to: inside, allow: [https, ssh]", "from: inside, to: internet, allow: ntp")
    assert not audited(edge(*rules), "unneeded")
    (said,) = audited(edge(*rules, "from: internet, to: inside, require: https"), "unneeded")
    assert (said.severity, said.witness.endswith(":22")) == (Severity.NOTE, True)


def test_decision_16_one_family_is_a_note_a_zone() -> None:
    """A zone described in one family is closed in the other, and one note says so."""
    found = policy(
        "zones: {lab: 10.0.0.0/8}\nfirewalls: {edge: {between: [internet, lab]}}\nrules:\n  - {from: any, to: lab, allow: any}\n"
    )
    (said,) = audited(found, "one-family")
    assert said.severity is Severity.NOTE
    assert said.message.startswith("IPv6 of lab")
    assert fate(found, packet("2001:db8::1", "2001:db8:a::1", "tcp/443")).outcome.value == "not enforced"


def test_decision_17_the_default_is_drop_and_otherwise_answers() -> None:
    """What no rule names is dropped; `default` and `otherwise` answer instead, and where two speak the silent one holds."""
    quiet = edge("from: inside, to: internet, allow: https")
    assert fate(quiet, packet(OUTSIDE[4], INSIDE[4], "tcp/80")).action is Action.DROP
    loud = policy(
        EDGE.replace("[internet, inside]}", "[internet, inside], default: reject}")
        + "  - {from: internet, to: inside, allow: https}\n"
    )
    assert fate(loud, packet(OUTSIDE[6], INSIDE[6], "tcp/80")).action is Action.REJECT
    for rules in permutations(
        ("from: any, to: inside, otherwise: reject", "from: internet, to: inside, otherwise: drop")
    ):
        assert fate(edge(*rules), packet(OUTSIDE[4], INSIDE[4], "tcp/80")).action is Action.DROP
    lone = edge("from: any, to: inside, otherwise: reject", "from: internet, to: inside, allow: https")
    assert fate(lone, packet(OUTSIDE[4], INSIDE[4], "tcp/80")).action is Action.REJECT
    assert inbound(lone, "tcp/443") == "allowed"


def test_decision_17_servers_answer_their_own_programs_at_once() -> None:
    """The server profiles refuse with an answer what the machine itself tries and may not."""
    for name in ("web-server", "mail-server", "kubernetes-node"):
        text = (Path(__file__).parents[2] / f"firewright/profiles/{name}/{name}.yaml").read_text()
        assert fate(policy(text), packet("192.0.2.50", OUTSIDE[4], "tcp/6667", into="")).action is Action.REJECT


def test_decision_18_what_nothing_uses_is_a_finding() -> None:
    """A zone, a service or an option that nothing uses is a warning each."""
    unused = "zones: {a: 10.0.0.0/8}\nservices: {web: https}\noptions: {on: no}\nrules:\n  - {from: local, to: any, allow: dns}\n"
    said = audited(policy(unused), "unused-definition")
    assert [one.severity for one in said] == [Severity.WARNING] * 3


# flows


def test_decision_19_a_rule_speaks_of_who_opens() -> None:
    """A permission one way opens no flow the other way, not even from the service's port."""
    found = edge("from: inside, to: internet, allow: https")
    for family in FAMILIES:
        assert outbound(found, "tcp/443", family) == "allowed"
        assert inbound(found, "tcp/443", family) == "closed"
        back = packet(OUTSIDE[family], INSIDE[family], "tcp/49152", source_port=443)
        assert fate(found, back).outcome.value == "closed"


def test_decision_20_the_longest_session_holds_and_is_said() -> None:
    """Rules over the same flows with sessions of different length are noted, with the length that holds."""
    found = edge(
        "from: internet, to: inside, allow: [https, ssh], sessions: 1h",
        "from: any, to: inside, allow: ssh, sessions: 4h",
    )
    (said,) = audited(found, "sessions-differ")
    assert said.severity is Severity.NOTE
    assert "14400 s holds" in said.message
    assert said.witness.endswith(":22")


def test_decision_23_the_protocol_is_the_last_header() -> None:
    """AH is protocol 51 with everything in it: a rule about TCP does not open it, and it has no ports to name."""
    found = edge("from: internet, to: inside, allow: tcp/443")
    assert inbound(found, "protocol/51") == "closed"
    assert inbound(edge("from: internet, to: inside, allow: ah"), "protocol/51", 6) == "allowed"
    assert inbound(edge("from: internet, to: inside, allow: ah"), "tcp/443", 6) == "closed"


def test_decision_24_essentials_are_above_the_rules_and_only_for_the_machine() -> None:
    """Neighbour discovery and address leases pass a machine that denies everything; the same packets passed on do not."""
    shut = machine(
        "from: any, to: local, deny: any", "from: local, to: any, deny: any", "from: any, to: local, deny: any"
    )
    ask_neighbour = packet("fe80::1", "fe80::2", "icmpv6/135", out="")
    tell_neighbour = packet("fe80::2", "fe80::1", "icmpv6/136", into="")
    leased = packet("192.0.2.1", "192.0.2.7", "udp/68", out="", source_port=67)
    for one in (ask_neighbour, tell_neighbour, leased):
        assert fate(shut, one).outcome.value == "essential"
    routed = edge("from: any, to: any, deny: any")
    assert fate(routed, packet("2001:db8:f::9", INSIDE[6], "icmpv6/135")).outcome.value == "denied"


def test_decision_24_echo_is_a_service_and_redirects_are_none() -> None:
    """Echo is opened by the name `ping`; redirects, which move routes, are dropped whatever the rules allow."""
    found = machine("from: any, to: local, allow: ping")
    for family, echo, redirect in ((4, "icmpv4/8", "icmpv4/redirect"), (6, "icmpv6/128", "icmpv6/137")):
        sent = packet(OUTSIDE[family], INSIDE[family], echo, out="")
        assert fate(found, sent).outcome.value == "allowed"
        assert fate(policy("rules: none"), sent).outcome.value == "closed"
        wide = machine("from: any, to: local, allow: any")
        assert fate(wide, packet(OUTSIDE[family], INSIDE[family], redirect, out="")).outcome.value == "denied"


def test_decision_24_the_list_is_of_both_directions() -> None:
    """What is asked for by the machine and what answers it are both on the list, with the hop limit where it proves a neighbour."""
    names = {(row.name, row.is_inbound) for row in ESSENTIALS}
    for name in ("neighbour-discovery", "multicast-listener", "igmp", "dhcp", "dhcpv6"):
        assert {(name, True), (name, False)} <= names
    assert {row.hop_limit for row in ESSENTIALS if row.name in ("neighbour-discovery", "router-advertisement")} == {255}


def test_decision_25_groups_are_opened_by_name_only() -> None:
    """Multicast and broadcast are closed under every rule about unicast zones, and open where they are named."""
    named = machine(
        "from: local, to: multicast, allow: tcp/5353",
        "from: local, to: broadcast, allow: any",
        "from: any, to: multicast, allow: udp/5353",
    )
    for group in ("224.0.0.251", "255.255.255.255"):
        wide = machine("from: local, to: any, allow: any")
        assert fate(wide, packet("192.0.2.7", group, "udp/5353", into="")).outcome.value == "closed"
    assert fate(named, packet("192.0.2.7", "255.255.255.255", "udp/9", into="")).outcome.value == "allowed"
    assert fate(named, packet("192.0.2.9", "224.0.0.251", "udp/5353", out="")).outcome.value == "allowed"
    assert fate(named, packet("192.0.2.9", "224.0.0.252", "udp/5355", out="")).outcome.value == "closed"


@pytest.mark.parametrize("service", ["esp", "ah"])
def test_decision_26_esp_and_ah_one_way_are_a_warning(service: str) -> None:
    """ESP or AH permitted one way is a warning with a packet; permitted both ways it is none."""
    there, back = f"from: internet, to: inside, allow: {service}", f"from: inside, to: internet, allow: {service}"
    (said,) = audited(edge(there), "one-way-vpn")
    assert said.severity is Severity.WARNING
    assert said.witness
    assert not audited(edge(there, back), "one-way-vpn")


def test_decision_27_the_work_around_by_source_port_is_a_finding() -> None:
    """To accept everything from source port 53 can be written, does what it says, and is a warning."""
    found = machine("from: any, to: local, allow: {udp: any, source-port: 53}")
    sent = packet(OUTSIDE[4], INSIDE[4], "udp/40000", out="", source_port=53)
    assert fate(found, sent).outcome.value == "allowed"
    assert [one.severity for one in audited(found, "open-by-source-port")] == [Severity.WARNING]


def test_decision_27_the_workstation_waits_a_minute_for_names() -> None:
    """The workstation profile remembers an unanswered UDP flow for 60 s and an answered one for 120 s."""
    text = (Path(__file__).parents[2] / "firewright/profiles/workstation/workstation.yaml").read_text()
    assert policy(text).firewalls["local"].timeouts == {"udp-unreplied": 60, "udp-replied": 120}


# paths

PATHS = """
zones:
  dmz: [192.0.2.0/25, "2001:db8:1::/64"]
  shop: [192.0.2.64/26, "2001:db8:1:0:8000::/66"]
  office: [192.0.2.128/25, "2001:db8:2::/64"]
  branch: [198.51.100.0/24, "2001:db8:3::/64"]
firewalls: {edge: {between: [internet, dmz, office], within: [dmz]}}
rules:
  - {between: [dmz, office, branch, internet], deny: any}
"""


@pytest.mark.parametrize(
    ("source", "destination", "passes"),
    [
        ("203.0.113.9", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.129", True),
        ("192.0.2.1", "192.0.2.2", True),
        ("192.0.2.1", "192.0.2.65", True),
        ("192.0.2.129", "192.0.2.130", False),
        ("198.51.100.1", "203.0.113.9", False),
        ("198.51.100.1", "192.0.2.129", True),
        ("2001:db8:3::1", "2001:db8:2::1", True),
        ("2001:db8:2::1", "2001:db8:2::2", False),
    ],
)
def test_decision_30_a_packet_passes_where_its_legs_differ(source: str, destination: str, passes: bool) -> None:
    """A packet passes a firewall between different legs, or inside a `within` zone; a zone on no leg is where the internet is."""
    for ends in ((source, destination), (destination, source)):
        assert (fate(policy(PATHS), packet(*ends, "tcp/443")).outcome.value != "not enforced") is passes


def test_decision_31_all_must_accept_and_the_first_stop_is_named(tmp_path: Path) -> None:
    """An answer names every firewall in the order of the way, the first that stops it, and how many more would."""
    inner = loaded(tmp_path, "inner", outer=OUTER, inner=INNER)
    (https,) = answer(inner, "internet -> mine https").parts
    assert https.is_open
    assert [one.decision.firewall.name for one in https.passing] == ["perimeter", "edge"]
    (ssh,) = answer(inner, "internet -> mine ssh").parts
    assert [one.decision.firewall.name for one in ssh.stops] == ["perimeter"]
    (ftp,) = answer(inner, "internet -> mine ftp").parts
    assert [one.decision.firewall.name for one in ftp.stops] == ["perimeter", "edge"]
    (back,) = answer(inner, "mine -> internet ftp").parts
    assert [one.decision.firewall.name for one in back.stops] == ["edge", "perimeter"]


def test_decision_32_what_no_firewall_can_enforce_is_said() -> None:
    """A permission inside one network is noted, a ban there is a warning, and an answer about it says so."""
    allowing, banning = edge("within: inside, allow: https"), edge("within: inside, deny: smb")
    assert [one.severity for one in audited(allowing, "unenforced")] == [Severity.NOTE]
    assert [one.severity for one in audited(banning, "unenforced")] == [Severity.WARNING]
    (part,) = answer(banning, "inside -> inside smb").parts
    assert part.outcome.value == "not enforced"


# time and scope


@settings(max_examples=40, deadline=None)
@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(-3, 3))
def test_decision_34_until_is_the_last_day(last: date, later: int) -> None:
    """Law: a permission is open up to and on its last day, and not after."""
    found = edge(f"from: internet, to: inside, allow: https, until: {last}")
    day = last + timedelta(days=later)
    assert inbound(found, "tcp/443", day=day) == ("allowed" if day <= last else "closed")


@settings(max_examples=40, deadline=None)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.integers(-3, 3))
def test_decision_34_until_may_be_a_time_of_day(end: datetime, later: int) -> None:
    """Law: a permission that ends at a time is open before it and closed from it on, to the second."""
    end = end.replace(microsecond=0)
    found = edge(f"from: internet, to: inside, allow: https, until: {end.isoformat()}")
    assert inbound(found, "tcp/443", day=end + timedelta(seconds=later)) == ("allowed" if later < 0 else "closed")
    assert inbound(found, "tcp/443", day=end.date()) == ("allowed" if end > datetime.combine(end, time()) else "closed")


def test_decision_34_proofs_are_of_each_interval() -> None:
    """Where permissions end on different days, each interval between them begins on a day of its own."""
    found = edge(
        "from: internet, to: inside, allow: https, until: 2027-01-31",
        "from: internet, to: inside, allow: http, until: 2027-03-31",
        "from: internet, to: inside, deny: ftp, until: 2027-02-28",
        "from: internet, to: inside, allow: tcp/8080, until: 2027-03-31T18:30",
    )
    beginnings = (DAY, date(2027, 2, 1), datetime(2027, 3, 31, 18, 30), date(2027, 4, 1))
    assert intervals(found, DAY) == beginnings
    assert intervals(found, beginnings[2]) == beginnings[2:]


@pytest.mark.parametrize("verb", ["deny", "reject"])
def test_decision_35_a_ban_never_ends_by_itself(verb: str) -> None:
    """A ban whose last day is past still bans, and is a finding; a permission that ended is a note."""
    found = edge(
        f"from: internet, to: inside, {verb}: https, until: 2026-01-31", "from: internet, to: inside, allow: any"
    )
    assert inbound(found, "tcp/443") == {"deny": "denied", "reject": "rejected"}[verb]
    assert [one.severity for one in audited(found, "ended-rule")] == [Severity.WARNING]
    over = edge("from: internet, to: inside, allow: https, until: 2026-01-31")
    assert [one.severity for one in audited(over, "ended-rule")] == [Severity.NOTE]


def test_decision_36_labels_change_no_decision() -> None:
    """Two policies that differ in their labels decide alike."""
    plain = edge("from: internet, to: inside, allow: https")
    labelled = policy("labels: {region: [1, 2]}\n" + EDGE + "  - {from: internet, to: inside, allow: https}\n")
    for service in ("tcp/443", "tcp/80"):
        assert inbound(plain, service) == inbound(labelled, service)


def test_decision_39_advice_is_a_note() -> None:
    """What the catalog advises against is a note, with the reason; what a `deny` takes back is not open."""
    assert catalog().rows["smb"].visibility.value == "vpn"
    open_smb = "from: internet, to: inside, allow: smb"
    (said,) = audited(edge(open_smb), "advice")
    assert said.severity is Severity.NOTE
    assert said.help
    assert not audited(edge(open_smb, "from: any, to: inside, deny: smb"), "advice")


def test_decision_07_an_interface_carries_only_the_zones_it_is_given_to() -> None:
    """A machine inside that pretends to be the internet is spoofed, though nobody wrote down the internet's interface."""
    text = (
        'zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"], dmz: [198.51.100.0/24, "2001:db8:2::/48"]}\n'
        "firewalls: {edge: {between: [internet, inside, dmz], interfaces: {inside: eth1}}}\n"
        "rules:\n  - {from: internet, to: dmz, allow: https}\n  - {from: inside, to: dmz, deny: any}\n"
    )
    said = policy(text)
    for source, target in (("203.0.113.9", "198.51.100.7"), ("2a00::9", "2001:db8:2::7")):
        assert fate(said, packet(source, target, "tcp/443", into="eth1", out="eth2")).outcome is Outcome.SPOOFED
        assert fate(said, packet(source, target, "tcp/443", into="eth0", out="eth2")).outcome is Outcome.ALLOWED


def test_decision_07_link_local_addresses_are_at_home_everywhere() -> None:
    """Neighbour discovery works on every link of a firewall whose interfaces are written down."""
    said = policy(
        'zones: {inside: "2001:db8:1::/48"}\n'
        "firewalls: {edge: {between: [internet, inside], interfaces: {inside: eth1, internet: eth0}}}\nrules: none\n"
    )
    for name in ("eth0", "eth1"):
        asked = packet("fe80::1", "fe80::2", "icmpv6/135", into=name, out="")
        assert fate(said, asked).outcome is Outcome.ESSENTIAL


def test_what_is_allowed_and_not_required_is_not_opened_where_only_that_is() -> None:
    """A firewall with `opens: required` stops what is only allowed, and an answer says so."""
    said = policy(
        'zones: {web: [192.0.2.0/28, "2001:db8::/64"]}\n'
        "firewalls: {edge: {between: [internet, web], opens: required}}\n"
        "rules:\n  - {from: internet, to: web, allow: http}\n  - {from: internet, to: web, require: https}\n"
    )
    for source, target in (("203.0.113.9", "192.0.2.1"), ("2a00::9", "2001:db8::1")):
        assert fate(said, packet(source, target, "tcp/80", into="a", out="b")).outcome is Outcome.UNOPENED
        assert fate(said, packet(source, target, "tcp/443", into="a", out="b")).outcome is Outcome.REQUIRED
