"""A session that manages a machine is proved to stay open, packet by packet, or one of its packets shows where it does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import enforce
from firewright.analysis.management import SOURCE_PORTS, Connection, parse_connection, stays_open, without_management
from firewright.live.nft import list_back
from firewright.model.packet import FAMILIES, ConntrackState, Family, Packet
from firewright.model.policy import Policy, Verb
from firewright.readers.nftables import encode, parse
from firewright.space.axis import HOST, interface, point
from firewright.space.box import EVERY_BOX, box
from firewright.space.encode import encode_enforced
from firewright.space.program import Program
from firewright.space.ruleset import machine
from tests.language.world import edge
from tests.language.world import machine as host
from tests.policies import DAY, TABLE, policies, rule

SSH = {4: "192.0.2.1 50000 192.0.2.2 22", 6: "2001:db8:f::1 50000 2001:db8:f::2 22"}
"""Sessions by family, from outside every zone of EDGE."""
NEW, ESTABLISHED = ConntrackState.NEW, ConntrackState.ESTABLISHED
ACK, SYN, SYN_ACK, PUSH, FIN = 0x10, 0x02, 0x12, 0x18, 0x11


def session(text: str) -> Connection:
    """The session that a text tells of."""
    found = parse_connection(text)
    assert found is not None
    return found


def enforced(found: Policy) -> dict[Family, Program]:
    """What a policy's only firewall does."""
    (firewall,) = found.firewalls.values()
    return encode_enforced(found, firewall, DAY)


def segments(connection: Connection, source_port: int, name: str) -> list[Packet]:
    """Packets of a session by an interface: how it begins, and how it goes on in both directions."""
    to = Packet(connection.family, connection.client, connection.server, 6, connection.port, source_port)
    back = replace(to, source=to.destination, destination=to.source, selector=source_port, source_port=connection.port)
    to, back = replace(to, in_interface=name), replace(back, out_interface=name)
    return [
        replace(to, conntrack_state=NEW, tcp_flags=SYN),
        replace(back, conntrack_state=ESTABLISHED, tcp_flags=SYN_ACK),
        *(
            replace(one, conntrack_state=ESTABLISHED, tcp_flags=flags)
            for one in (to, back)
            for flags in (ACK, PUSH, FIN)
        ),
    ]


@pytest.mark.parametrize(
    ("text", "client", "server", "port", "interfaces"),
    [
        ("192.0.2.1 50000 192.0.2.2 22", "192.0.2.1", "192.0.2.2", 22, ()),
        ("2001:db8::1 50000 2001:db8::2 2222", "2001:db8::1", "2001:db8::2", 2222, ()),
        ("::ffff:192.0.2.1 50000 ::ffff:192.0.2.2 22", "192.0.2.1", "192.0.2.2", 22, ()),
        ("fe80::1%eth0 50000 fe80::2%eth0 22", "fe80::1", "fe80::2", 22, ("eth0",)),
        ("fe80::1%eth0 50000 fe80::2 22", "fe80::1", "fe80::2", 22, ("eth0",)),
        ("fe80::1%2 50000 fe80::2%2 22", "fe80::1", "fe80::2", 22, ()),
    ],
)
def test_a_session_is_read(text: str, client: str, server: str, port: int, interfaces: tuple[str, ...]) -> None:
    """SSH_CONNECTION's four words give the ends as the filter sees them; a zone that is a number names no interface."""
    ends = ip_address(client), ip_address(server)
    assert parse_connection(text) == Connection(ends[0].version, int(ends[0]), int(ends[1]), port, interfaces)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.1 50000 192.0.2.2",
        "192.0.2.1 50000 192.0.2.2 22 1",
        "UNKNOWN 65535 UNKNOWN 65535",
        "192.0.2.1 50000 2001:db8::2 22",
        "192.0.2.1 50000 192.0.2.2 0",
        "192.0.2.1 70000 192.0.2.2 22",
        "192.0.2.1 50000 192.0.2.2 ²²",
        "192.0.2.01 50000 192.0.2.2 22",
        "fe80::1%eth0 50000 fe80::2%eth1 22",
        "fe80::1%a-name-of-16-byt 50000 fe80::2 22",
    ],
)
def test_what_is_no_session_is_none(text: str) -> None:
    """A text that does not name two ends of one family and two ports is no session, and so proves nothing."""
    assert parse_connection(text) is None


@settings(max_examples=80, deadline=None)
@given(
    policies(),
    st.sampled_from(FAMILIES),
    st.sampled_from([80, 85, 22]),
    st.sampled_from([(), ("eth0",), ("eth1", "eth2")]),
    st.sampled_from(["10.1.1.7", "10.2.0.9", "192.0.2.1"]),
    st.booleans(),
)
def test_open_is_what_the_specification_accepts_of_every_segment(
    found: Policy, family: Family, port: int, interfaces: tuple[str, ...], client: str, is_required: bool
) -> None:
    """Law: of a session that is proved open the specification accepts all; else it refuses the packet that is shown."""
    if is_required:
        found = replace(found, rules=(*found.rules, rule(9, Verb.REQUIRE, [(TABLE["any"], TABLE["local"])], "tcp")))
    source = {"10.1.1.7": "2001:db8:1:1::7", "10.2.0.9": "2001:db8:2::9", "192.0.2.1": "2001:db8:9::1"}[client]
    ends = (client, "192.0.2.250") if family == 4 else (source, "2001:db8:9::250")
    connection = replace(session(f"{ends[0]} 50000 {ends[1]} {port}"), interfaces=interfaces)
    (firewall,) = found.firewalls.values()
    shown = stays_open(enforced(found), connection)
    if shown is not None:
        assert enforce(found, firewall, shown, DAY).action.value != "accept"
        assert {shown.source, shown.destination} == {connection.client, connection.server}
        assert shown.in_interface in interfaces or shown.out_interface in interfaces or not interfaces
        return
    for source_port in (1024, 50000, 65535):
        for name in interfaces or ("eth0", "eth1", "eth2", "ppp3", "x"):
            for packet in segments(connection, source_port, name):
                assert enforce(found, firewall, packet, DAY).action.value == "accept"


@pytest.mark.parametrize("family", FAMILIES)
def test_each_way_to_lose_a_session_is_found(family: Family) -> None:
    """A session is open by an ordinary rule, and lost by a missing one, by a ban on a part of its ports, by a wrong interface."""
    ssh = session(SSH[family])
    inside = replace(ssh, client=int(ip_address({4: "192.0.2.7", 6: "2001:db8:1::7"}[family])))
    assert stays_open(enforced(edge("from: internet, to: local, require: ssh")), replace(ssh, client=9 << 24)) is None
    assert stays_open(enforced(edge("from: inside, to: local, require: ssh")), inside) is None
    assert stays_open(enforced(edge("from: internet, to: local, require: ssh")), inside) is not None
    assert stays_open(enforced(edge("from: any, to: inside, require: ssh")), inside) is not None
    tied = enforced(
        replace(
            one := edge("from: any, to: local, require: ssh"),
            firewalls={"edge": replace(one.firewalls["edge"], interfaces={"inside": ("eth1",)})},
        )
    )
    assert stays_open(tied, replace(inside, interfaces=("eth1",))) is None
    for interfaces in ((), ("eth0",), ("eth0", "eth1")):
        shown = stays_open(tied, replace(inside, interfaces=interfaces))
        assert shown is not None
        assert shown.in_interface not in ("", "eth1", "lo")


def ruleset(family: Family, *steps: tuple[bool, ConntrackState, str, str]) -> dict[Family, Program]:
    """A foreign ruleset: whether a step is for what comes in, for which state, under which literal, and what it decides."""
    program = Program(family)
    for is_inbound, state, literal, word in steps:
        side = {"out_interface": HOST} if is_inbound else {"in_interface": HOST}
        one = box(family, conntrack_state=((state, state),), **side)
        assert one is not None
        program.add(one, word, None, ((literal, True),) if literal else ())
    program.add(EVERY_BOX, "drop")
    return {family: program.seal()}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_foreign_ruleset_must_surely_let_both_directions_pass(family: Family) -> None:
    """A session needs its answers too, and a match that is not understood, such as a rate, never makes it open."""
    ssh = session(SSH[family])
    ways = [(True, NEW), (True, ESTABLISHED), (False, ESTABLISHED)]
    whole = [(*way, "", "accept") for way in ways]
    assert stays_open(ruleset(family, *whole), ssh) is None
    for place, (is_inbound, state) in enumerate(ways):
        for broken in (whole[:place] + whole[place + 1 :], [*whole[:place], (is_inbound, state, "limit 3", "accept")]):
            rest = whole[place + 1 :] if broken[-1][2] else []
            shown = stays_open(ruleset(family, *broken, *rest), ssh)
            assert shown is not None
            assert (not shown.out_interface, shown.conntrack_state) == (is_inbound, state)
        assert stays_open(ruleset(family, (is_inbound, state, "limit 3", "drop"), *whole), ssh) is not None


@pytest.mark.parametrize("family", FAMILIES)
def test_every_segment_of_a_session_is_asked_about(family: Family) -> None:
    """A ruleset that drops one kind of segment loses the session: its first, its answer, or one with data in either direction."""
    kinds = [(True, NEW, SYN), (False, ESTABLISHED, SYN_ACK), (True, ESTABLISHED, PUSH), (False, ESTABLISHED, FIN)]
    for is_inbound, state, flags in kinds:
        program = Program(family)
        side = {"out_interface": HOST} if is_inbound else {"in_interface": HOST}
        dropped = box(family, tcp_flags=((flags, flags),), **side)
        assert dropped is not None
        program.add(dropped, "drop")
        program.add(EVERY_BOX, "accept")
        shown = stays_open({family: program}, session(SSH[family]))
        assert shown is not None
        assert (not shown.out_interface, shown.conntrack_state, shown.tcp_flags) == (is_inbound, state, flags)


def test_only_the_family_that_is_asked_decides() -> None:
    """A session over IPv4 says nothing of IPv6: what only the other family's ruleset accepts is not open."""
    whole = [(True, NEW, "", "accept"), (True, ESTABLISHED, "", "accept"), (False, ESTABLISHED, "", "accept")]
    for family, other in ((4, 6), (6, 4)):
        both = {**ruleset(family), **ruleset(other, *whole)}
        assert stays_open(both, session(SSH[family])) is not None
        assert stays_open(both, session(SSH[other])) is None


def test_an_unknown_interface_is_any_but_loopback() -> None:
    """A ruleset that drops what comes by `lo` loses no session from elsewhere; one that drops another interface does."""
    for name, is_open in (("lo", True), ("eth7", False)):
        program = Program(4)
        dropped = box(4, in_interface=interface(name))
        assert dropped is not None
        program.add(dropped, "drop")
        program.add(EVERY_BOX, "accept")
        assert (stays_open({4: program}, session(SSH[4])) is None) is is_open


def test_a_session_of_the_machine_with_itself_passes_loopback() -> None:
    """A session from a loopback address, or from the machine's own, is no wire's: a closed policy leaves it open."""
    closed = enforced(host("from: local, to: any, allow: dns"))
    for text in ("127.0.0.1 50000 127.0.0.1 22", "::1 50000 ::1 22", "192.0.2.2 50000 192.0.2.2 22"):
        assert stays_open(closed, session(text)) is None
    assert stays_open(closed, session("192.0.2.3 50000 192.0.2.2 22")) is not None


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is not installed")
@pytest.mark.parametrize(
    ("line", "is_open"),
    [
        ("tcp dport 22 accept", True),
        ("tcp dport 22 limit rate 3/minute accept", False),
        ("tcp dport 22 tcp sport 1024-40000 accept", False),
        ('iifname "eth0" tcp dport 22 accept', False),
        ('iifname "eth*" tcp dport 22 accept', False),
        ("ip protocol tcp accept\nmeta nfproto ipv6 accept", True),
        ("tcp flags & (syn | ack) == syn tcp dport 22 accept", True),
        ("meta mark 7 drop\ntcp dport 22 accept", False),
    ],
)
def test_a_ruleset_that_nft_lists_is_judged(line: str, is_open: bool) -> None:
    """What nft itself understood of a foreign table decides, whoever wrote it."""
    text = (
        "table inet theirs { chain input { type filter hook input priority 0; policy drop; "
        f"ct state established accept\n{line}\n}}\n}}\n"
    )
    listed = list_back(text)
    programs = machine(encode(parse(listed.json, "theirs", listed.text), 0.0))
    for family in FAMILIES:
        assert (stays_open(programs, session(SSH[family])) is None) is is_open


@pytest.mark.parametrize(
    ("rules", "is_without"),
    [
        (["from: internet, to: local, require: ssh"], False),
        (["from: inside, to: local, require: any"], False),
        (["from: inside, to: local, require: [ping, ssh]"], False),
        (["from: inside, to: local, require: protocol/esp"], False),
        (["from: inside, to: local, require: ping"], True),
        (["from: inside, to: local, allow: ssh"], True),
        (["from: local, to: inside, require: ssh"], True),
        (["from: internet, to: inside, require: ssh"], True),
        (["from: inside, to: local, require: ssh, until: 2030-01-01"], True),
        (["from: local, to: inside, require: ssh", "from: inside, to: local, require: ssh"], False),
    ],
)
def test_a_way_in_is_required_for_good(rules: list[str], is_without: bool) -> None:
    """Only a rule without an end that requires more than ICMP of the machine itself is a way to manage it."""
    found = edge(*rules)
    (firewall,) = found.firewalls.values()
    assert without_management(found, firewall) is is_without


def test_a_rule_that_is_switched_off_is_no_way_in() -> None:
    """A rule of an option that is off, or one that ended, leaves a machine without management."""
    found = edge("from: inside, to: local, require: ssh")
    (firewall,) = found.firewalls.values()
    for change in ({"is_on": False}, {"until": date(2020, 1, 1)}, {"verb": Verb.DENY}):
        changed = replace(found, rules=tuple(replace(one, **change) for one in found.rules))
        assert without_management(changed, firewall)


def test_ports_that_a_client_may_have_are_all_proved() -> None:
    """The ports of the client are those that no system keeps to itself, each of them."""
    assert SOURCE_PORTS == ((1024, 65535),)
    found = edge("from: any, to: local, require: ssh")
    programs = enforced(found)
    shown = stays_open({4: programs[4]}, session("10.0.0.1 50000 10.0.0.2 23"))
    assert shown is not None
    assert point(shown)[6] in range(1024, 65536)
