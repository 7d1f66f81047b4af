"""Who made a table, and which packets belong to a flow that a policy opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide
from firewright.analysis.makers import MAKERS, makers
from firewright.analysis.neighbours import stops
from firewright.analysis.permissions import Surroundings, following
from firewright.analysis.running import Running
from firewright.model.address import AddressSet
from firewright.model.decision import Outcome
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, TCP, UDP, ConntrackState, Family, Packet
from firewright.model.policy import Firewall, Policy, Verb
from firewright.space.axis import HOST, Axis, interface, point
from firewright.space.box import EVERY_BOX, Box, box, has_point, ranges_of
from firewright.space.encode import encode
from firewright.space.flow import Flow, merged
from firewright.space.program import Program
from firewright.space.ruleset import Hook, Line, Ruleset, machine
from tests.policies import DAY, OUTER, TABLE, policy, rule


@pytest.mark.parametrize(
    ("table", "chains", "said"),
    [
        ("ip filter", ("INPUT", "FORWARD", "DOCKER-USER", "ufw-user-input"), ("Docker", "ufw")),
        ("ip docker-bridges", ("filter-FORWARD",), ("Docker",)),
        ("ip nat", ("PREROUTING", "KUBE-SERVICES", "cali-PREROUTING"), ("kube-proxy", "Calico")),
        ("inet firewalld", ("filter_INPUT",), ("firewalld",)),
        ("inet f2b-table", ("f2b-chain",), ("fail2ban",)),
        ("ip6 libvirt_network", ("forward",), ("libvirt",)),
        ("inet netavark", ("POSTROUTING",), ("Podman",)),
        ("ip crowdsec", ("crowdsec-chain",), ("CrowdSec",)),
        ("ip filter", ("INPUT", "FORWARD"), ("iptables",)),
        ("ip filter", ("input", "forward"), ()),
        ("inet filter", ("INPUT", "DOCKERISH", "my-f2b-sshd"), ()),
        ("inet firewalld2", (), ()),
    ],
)
def test_makers_are_told_by_whole_names(table: str, chains: tuple[str, ...], said: tuple[str, ...]) -> None:
    """A table's makers are those whose own names it or its chains have; a name that only resembles one is nobody's."""
    assert makers(table, chains) == said


def test_every_maker_has_a_name_of_its_own_and_something_to_be_told_by() -> None:
    """No row is written twice, and none recognises everything."""
    names = [one.name for one in MAKERS]
    assert len(set(names)) == len(names)
    for one in MAKERS:
        assert one.table or one.chain
        assert one.name not in makers("inet filter", ("input", "INPUT", "x"))


def flow(family: Family, service: tuple[int, int], source_port: tuple[int, int] | None = None) -> Flow:
    """New packets by eth0 to the machine."""
    addresses = {4: (0x0A000001, 0xC000020A), 6: (1 << 64, 2 << 64)}[family]
    one = box(
        family,
        in_interface=interface("eth0"),
        out_interface=HOST,
        source=(addresses[:1] * 2,),
        destination=(addresses[1:] * 2,),
        conntrack_state=((int(ConntrackState.NEW),) * 2,),
        service=(service,),
        source_port=None if source_port is None else (source_port,),
    )
    assert one is not None
    (found,) = merged(family, [(tuple(ranges_of(one, axis, family) for axis in Axis), ())])
    return found


def said(
    family: Family, boxes: Iterable[Box]
) -> list[tuple[bool, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]]:
    """Of each box whether it goes back, its services and its source ports; all are established, with their ends kept or turned."""
    found = []
    for one in boxes:
        came, went = ranges_of(one, Axis.IN_INTERFACE, family), ranges_of(one, Axis.OUT_INTERFACE, family)
        is_back = came == HOST
        assert (went if is_back else came) == interface("eth0")
        assert (came if is_back else went) == HOST
        assert ranges_of(one, Axis.CONNTRACK_STATE, family) == ((int(ConntrackState.ESTABLISHED),) * 2,)
        source = ranges_of(one, Axis.SOURCE, family)[0][0]
        assert (source in (0xC000020A, 2 << 64)) is is_back
        found.append((is_back, ranges_of(one, Axis.SERVICE, family), ranges_of(one, Axis.SOURCE_PORT, family)))
    return found


EVERY = ((0, 65535),)


@pytest.mark.parametrize(("family", "protocol"), [(4, TCP), (6, TCP), (4, UDP), (6, UDP)])
def test_what_follows_goes_both_ways_with_its_ports_turned(family: Family, protocol: int) -> None:
    """After a first packet come others to the same port, and answers from it to a port that programs call from."""
    call = protocol << 16
    assert said(family, following(flow(family, (call | 443, call | 443)))) == [
        (False, ((call | 443, call | 443),), ((1024, 65535),)),
        (True, ((call | 1024, call | 65535),), ((443, 443),)),
    ]
    assert said(family, following(flow(family, (call | 53, call | 53), (2000, 2000)))) == [
        (False, ((call | 53, call | 53),), ((2000, 2000),)),
        (True, ((call | 2000, call | 2000),), ((53, 53),)),
    ]


@pytest.mark.parametrize(("family", "protocol", "asked", "answer"), [(4, ICMP, 8, 0), (6, ICMPV6, 128, 129)])
def test_an_echo_is_answered_and_no_other_icmp(family: Family, protocol: int, asked: int, answer: int) -> None:
    """Of ICMP only an echo request has an answer, of the type that answers it."""
    echo = protocol << 16 | asked << 8
    reply = protocol << 16 | answer << 8
    assert said(family, following(flow(family, (echo, echo)))) == [(True, ((reply, reply),), EVERY)]
    other = protocol << 16 | (asked + 5) << 8
    assert said(family, following(flow(family, (other, other)))) == []


def test_what_has_no_ports_is_followed_by_the_same() -> None:
    """ESP goes on as ESP, both ways."""
    esp = 50 << 16
    assert said(4, following(flow(4, (esp, esp)))) == [(False, ((esp, esp),), EVERY), (True, ((esp, esp),), EVERY)]


def test_any_service_is_followed_by_all_of_them() -> None:
    """A flow of every service is followed by every protocol, each once a way."""
    found = said(6, following(flow(6, (0, (1 << 24) - 1))))
    back = [service for is_back, service, _ in found if is_back]
    assert (TCP << 16 | 1024, TCP << 16 | 65535) in [one for service in back for one in service]
    assert sum(high - low + 1 for service in back for low, high in service) > 200 * 65536


OWN = AddressSet.of("10.1.1.7", "192.0.2.1", "127.0.0.1", "2001:db8:1:1::7", "::1")
AROUND = interface("eth0", "eth1")
_PLACES = {4: ("10.1.0.0/16", "10.2.0.0/16", "0.0.0.0/0"), 6: ("2001:db8:1::/48", "2001:db8:2::/48", "::/0")}
_SERVICES = ((TCP << 16 | 80, TCP << 16 | 90), (UDP << 16, UDP << 16 | 65535), (0, (1 << 24) - 1))


@st.composite
def tables(draw: st.DrawFn, has_unknowns: bool) -> Ruleset:
    """A table with a chain at each of the three hooks that filter: a few rules, some under conditions that nobody knows."""
    hooks = {}
    for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
        programs = {}
        for family in FAMILIES:
            program = Program(family)
            for number in range(draw(st.integers(0, 3))):
                one = box(
                    family,
                    source=AddressSet.of(draw(st.sampled_from(_PLACES[family]))).ranges(family),
                    service=(draw(st.sampled_from(_SERVICES)),),
                    conntrack_state=draw(st.sampled_from((((0, 4),), ((int(ConntrackState.NEW),) * 2,)))),
                )
                text = f"{hook} {number} {family}"
                unknown = ((text, True),) if has_unknowns and draw(st.booleans()) else ()
                assert one is not None
                place = Line("inet other", hook.value, number + 1, text)
                program.add(one, draw(st.sampled_from(("accept", "drop", "reject"))), place, unknown)
            program.add(
                EVERY_BOX, draw(st.sampled_from(("accept", "accept", "drop"))), Line("inet other", hook.value, 0, "")
            )
            programs[family] = program.seal()
        hooks[hook] = programs
    return Ruleset("", hooks)


@st.composite
def guards(draw: st.DrawFn) -> Policy:
    """Policies of a host or of a firewall between networks, that open much and ban some of it."""
    wall = draw(st.sampled_from((Firewall("local"), Firewall("edge", (TABLE["internet"], OUTER), (OUTER,)))))
    ends = ("local", "any", "outer", "internet") if wall.is_host else ("outer", "internet", "any", "inner")
    rules = []
    for line in range(1, draw(st.integers(1, 4)) + 1):
        pair = tuple(TABLE[draw(st.sampled_from(ends))] for _ in range(2))
        verb = draw(st.sampled_from((Verb.ALLOW, Verb.REQUIRE, Verb.ALLOW, Verb.DENY)))
        services = draw(
            st.lists(st.sampled_from(("any", "tcp/80-90", "udp/53", "icmp", "tcp")), min_size=1, max_size=2)
        )
        rules.append(rule(line, verb, [(pair[0], pair[1])], *services))
    return policy(TABLE, [wall], rules)


_FAR = {4: ("10.1.2.7", "10.2.0.9", "203.0.113.9"), 6: ("2001:db8:1:2::7", "2001:db8:2::9", "2001:db8:f::9")}
_NEAR = {4: ("10.1.1.7", "192.0.2.1"), 6: ("2001:db8:1:1::7",)}
_KINDS = ((TCP, 80), (TCP, 85), (TCP, 443), (UDP, 53), (UDP, 9), (50, 0))


def met(is_host: bool) -> list[Packet]:
    """Packets that begin flows of every kind to a machine and from it, or through it, in both families."""
    found = []
    for family in FAMILIES:
        near, far = _NEAR[family], _FAR[family]
        ways = [("eth0", "", far, near), ("", "eth1", near, far)] if is_host else [("eth0", "eth1", far, far)]
        for (came, went, sources, destinations), (protocol, selector) in product(ways, _KINDS):
            for source, destination in product(sources, destinations):
                ends = int(ip_address(source)), int(ip_address(destination))
                port = 0 if protocol == 50 else 40_000
                found.append(
                    Packet(
                        family,
                        *ends,
                        protocol,
                        selector,
                        port,
                        in_interface=came,
                        out_interface=went,
                        tcp_flags=2 * (protocol == TCP),
                    )
                )
    return found


SEEN: Counter[tuple[bool, bool, bool]] = Counter()
"""How many packets were permitted, stopped under some reading, and under all: a law of nothing would hold, too."""


@pytest.mark.parametrize("has_unknowns", [False, True])
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_table_stops_of_a_policy_exactly_what_the_rules_say_of_each_packet(
    has_unknowns: bool, data: st.DataObject
) -> None:
    """A packet that begins a flow and that the policy permits is among what is stopped if and only if the table stops it."""
    about, table = data.draw(guards()), data.draw(tables(has_unknowns))
    (firewall,) = about.firewalls.values()
    around = Surroundings(OWN, AROUND, firewall.is_host)
    found = [one for one in stops(encode(about, firewall, DAY), around, Running((table,))) if one.what == "flows"]
    whole = machine(table)
    for packet in met(firewall.is_host):
        place, program = point(packet), whole[packet.family]
        is_permitted = decide(about, firewall, packet, DAY).outcome in (Outcome.ALLOWED, Outcome.REQUIRED)
        texts = sorted({text for literals in program.literals for text, _ in literals})
        readings = [dict(zip(texts, values, strict=True)) for values in product((False, True), repeat=len(texts))]
        stopped = [program.verdict[program.decide(place, reading)] != "accept" for reading in readings]
        kinds = {
            one.is_certain
            for one in found
            for flow in one.flows
            if flow.family == packet.family and has_point(flow.box, place)
        }
        SEEN[is_permitted, any(stopped), all(stopped)] += 1
        assert kinds == ({all(stopped)} if is_permitted and any(stopped) else set()), str(packet)


def test_the_law_was_about_something() -> None:
    """Packets of every kind were met: permitted or not, stopped surely, possibly and not at all."""
    if not SEEN:
        pytest.skip("the law itself did not run")
    for kind in ((True, True, True), (True, True, False), (True, False, False), (False, True, True)):
        assert SEEN[kind] > 10, kind
