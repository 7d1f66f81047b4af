"""A flow ends only where nothing lets it begin anew, and every flow that a permission's end closes is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from ipaddress import ip_address, ip_network
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis._openings import box_of, value_of
from firewright.analysis.decide import enforce
from firewright.analysis.ending import MOST_RECORDS, Ending, Record, Tracked, endings, not_permitted
from firewright.analysis.management import alone
from firewright.model.address import BROADCAST, LOOPBACK, MULTICAST, AddressSet
from firewright.model.packet import FAMILIES, PORTED, SYN, TYPED, ConntrackState, Family, Packet
from firewright.model.policy import Policy, Verb
from firewright.space.axis import TOPS, Axis
from firewright.space.bounds import possibly
from firewright.space.box import ANY, EVERY_BOX, Box, intern
from firewright.space.encode import encode_enforced
from firewright.space.packetset import PacketSet
from firewright.space.program import Program
from firewright.space.ruleset import Hook
from tests.language.world import DAY, edge, machine
from tests.language.world import policy as read
from tests.policies import LITERALS, packets, policies

OWN = AddressSet.of("10.1.1.7", "192.0.2.1", "2001:db8:1:1::7", "2001:db8:9::1")
NAMES = ("eth0", "eth1", "eth2", "ppp3", "other0")
"""One interface of each kind that the policies tell apart."""
ENDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Hook.INPUT: (NAMES, ("",)),
    Hook.OUTPUT: (("",), NAMES),
    Hook.FORWARD: (NAMES, NAMES),
    "": (("",), ("",)),
}


def tracked(packet: Packet) -> Tracked:
    """What connection tracking keeps of a packet that began a flow."""
    return Tracked(
        packet.family, packet.protocol, packet.source, packet.source_port, packet.destination, packet.selector
    )


def readings(packet: Packet) -> Iterator[Packet]:
    """The packet with all that connection tracking does not tell: its ways and interfaces."""
    own = OWN | LOOPBACK
    is_own, is_for_own = own.has(packet.family, packet.source), own.has(packet.family, packet.destination)
    is_group = (MULTICAST | BROADCAST).has(packet.family, packet.destination)
    ways_by_ends: dict[tuple[bool, bool], list[str]] = {
        (True, True): [""],
        (True, False): [Hook.OUTPUT],
        (False, True): [Hook.INPUT],
        (False, False): [Hook.FORWARD, *([Hook.INPUT] if is_group else [])],
    }
    ways = ways_by_ends[is_own, is_for_own]
    if packet.source == 0:
        ways = [*ways, Hook.OUTPUT]
    for way in ways:
        for into, out in product(*ENDS[way]):
            yield replace(packet, in_interface=into, out_interface=out)


def may_pass(found: Policy, packet: Packet, day: date, *carried: str) -> bool:
    """Whether the specification accepts a packet by some interfaces, whatever hop limit it has."""
    (firewall,) = found.firewalls.values()
    limits = [one for one in LITERALS if "helper" not in one]
    return any(
        enforce(found, firewall, one, day, (*carried, limit)).action.value == "accept"
        for one in readings(packet)
        for limit in limits
    )


def programs(found: Policy, day: date = DAY) -> dict[Family, Program]:
    """What a policy's only firewall does on a day."""
    (firewall,) = found.firewalls.values()
    return encode_enforced(found, firewall, day)


def ended(found: Policy, day: date = DAY) -> tuple[Ending, ...]:
    """The endings of a policy's only firewall."""
    (firewall,) = found.firewalls.values()
    return endings(found, firewall, day)


@settings(max_examples=150, deadline=None)
@given(policies(), st.lists(packets(), min_size=1, max_size=8, unique_by=tracked))
def test_a_flow_ends_exactly_where_the_specification_lets_none_like_it_begin(
    found: Policy, begun: list[Packet]
) -> None:
    """Law: a tracked flow is not permitted if and only if no interface and no hop limit would let its first packet pass."""
    begun = [replace(one, conntrack_state=ConntrackState.NEW, tcp_flags=SYN) for one in begun]
    begun = [one for one in begun if (one.protocol, one.selector) not in ((6, 21), (17, 69))]
    ended = not_permitted(map(tracked, begun), programs(found), OWN)
    assert list(ended) == [tracked(one) for one in begun if not may_pass(found, one, DAY)]


def flow(text: str, protocol: int = 6) -> Tracked:
    """A flow as `source port destination port`."""
    source, own_port, destination, port = text.split()
    one = ip_address(source)
    return Tracked(one.version, protocol, int(one), int(own_port), int(ip_address(destination)), int(port))


def test_what_a_helper_expected_lives_as_long_as_its_connection_may() -> None:
    """A data connection stays while a permitted FTP session between the same hosts is tracked, and ends without one."""
    found = edge("from: internet, to: inside, allow: ftp")
    session = flow("203.0.113.9 50000 192.0.2.7 21")
    passive, active = flow("203.0.113.9 50001 192.0.2.7 40000"), flow("192.0.2.7 20 203.0.113.9 50002")
    other, low = flow("203.0.113.8 50001 192.0.2.7 40000"), flow("203.0.113.9 50001 192.0.2.7 1023")
    datagram = flow("203.0.113.9 50001 192.0.2.7 40000", 17)
    data = (passive, active)
    assert not_permitted((*data, session), programs(found), OWN) == ()
    assert not_permitted(data, programs(found), OWN) == data
    assert not_permitted((session, other, low, datagram), programs(found), OWN) == (other, low, datagram)
    closed = edge("from: inside, to: internet, allow: https")
    assert not_permitted((session, *data), programs(closed), OWN) == (session, *data)
    partly = edge("from: inside, to: internet, allow: ftp")
    assert not_permitted((session, *data), programs(partly), OWN) == (session, *data)
    plain = edge("from: internet, to: inside, allow: tcp/21")
    assert not_permitted((session, *data), programs(plain), OWN) == data


def test_either_end_may_have_opened_what_was_under_way_before_tracking() -> None:
    """A flow whose first packet was not seen stays if either end may open it; without that knowledge its direction is as tracked."""
    found = machine("from: internet, to: local, require: ssh")
    own = AddressSet.of("192.0.2.7", "2001:db8:1::7")
    answer = flow("192.0.2.7 22 203.0.113.9 50000"), flow("2001:db8:1::7 22 2001:db8:f::9 50000")
    other, echo = flow("192.0.2.7 23 203.0.113.9 50000"), flow(f"192.0.2.7 0 203.0.113.9 {8 << 8}", 1)
    assert not_permitted((*answer, other, echo), programs(found), own) == (*answer, other, echo)
    assert not_permitted((*answer, other, echo), programs(found), own, is_late=True) == (other, echo)


def test_the_direction_is_told_by_the_machines_own_addresses() -> None:
    """The same ends are sent, taken, or passed on by whether they are the machine's: each way has rules of its own."""
    found = machine("from: internet, to: local, allow: ssh", "from: local, to: any, allow: dns")
    into, out = flow("203.0.113.9 50000 192.0.2.7 22"), flow("192.0.2.7 50000 203.0.113.9 53", 17)
    through = flow("203.0.113.9 50000 198.51.100.7 23")
    own = AddressSet.of("192.0.2.7")
    assert not_permitted((into, out, through), programs(found), own) == ()
    assert not_permitted((into, out), programs(found), AddressSet.of("203.0.113.9")) == (into, out)
    assert not_permitted((flow("127.0.0.1 5 127.0.0.1 6"), flow("::1 5 ::1 6")), programs(found), own) == ()


def test_who_has_no_address_yet_may_be_the_machine() -> None:
    """The machine's own question for a lease stays, though it comes from no address, and one for another service ends."""
    found = edge("from: inside, to: internet, allow: https")
    lease, other = flow("0.0.0.0 68 255.255.255.255 67", 17), flow("0.0.0.0 68 255.255.255.255 69", 17)
    assert not_permitted((lease, other), programs(found), OWN) == (other,)


def test_what_a_foreign_ruleset_may_drop_it_may_also_pass() -> None:
    """A match that is not understood ends no flow by itself, whether it drops before an accept or alone accepts."""
    for family, text in ((4, "203.0.113.9 5 192.0.2.7 22"), (6, "2001:db8:f::9 5 2001:db8:1::7 22")):
        for steps in (("drop", "accept"), ("accept", "drop"), ("drop", "drop"), ("accept", "accept")):
            program = Program(family)
            program.add(EVERY_BOX, steps[0], None, (("limit 3", True),))
            program.add(EVERY_BOX, steps[1])
            assert bool(not_permitted([flow(text)], {family: program}, OWN)) is ("accept" not in steps)


def test_protocols_without_ports_are_judged_by_their_protocol() -> None:
    """GRE, ESP and ICMP have no ports; what conntrack keeps in their place (a GRE key) decides nothing."""
    found = edge("from: internet, to: inside, allow: [protocol/gre, icmp/echo-request]")
    kept = [flow("203.0.113.9 7 192.0.2.7 9", 47), flow(f"203.0.113.9 7 192.0.2.7 {8 << 8}", 1)]
    ended = [flow("203.0.113.9 0 192.0.2.7 0", 50), flow(f"203.0.113.9 7 192.0.2.7 {13 << 8}", 1)]
    assert not_permitted([*kept, *ended], programs(found), OWN) == tuple(ended)


def test_the_source_port_of_a_flow_counts() -> None:
    """A rule that asks for a source port keeps only the flows that come from it."""
    found = edge("from: internet, to: inside, allow: [{udp: any, source-port: 53}]")
    kept, ended = flow("203.0.113.9 53 192.0.2.7 9000", 17), flow("203.0.113.9 54 192.0.2.7 9000", 17)
    assert not_permitted([kept, ended], programs(found), OWN) == (ended,)


def member(record: Record, packet: Packet) -> bool:
    """Whether a shell that reads a record ends the flow that a packet began."""
    hook = Hook.OUTPUT if not packet.in_interface else Hook.INPUT if not packet.out_interface else Hook.FORWARD
    (first, last), (low, high), (from_port, to_port) = record.protocols, record.ports, record.source_ports
    return (
        (record.family, record.hook) == (packet.family, hook)
        and all(
            not text or end in ip_network(text)
            for text, end in (
                (record.source, ip_address(packet.address(packet.source))),
                (record.destination, ip_address(packet.address(packet.destination))),
            )
        )
        and first <= packet.protocol <= last
        and low <= packet.selector <= high
        and from_port <= packet.source_port <= to_port
    )


def boxes(records: tuple[Record, ...], family: Family) -> Iterator[Box]:
    """The packets of records as boxes."""
    for record in records:
        if record.family == family:
            values = list(box_of(family, record.hook))
            for axis, text in ((Axis.SOURCE, record.source), (Axis.DESTINATION, record.destination)):
                values[axis] = value_of(AddressSet.of(text).ranges(family), family, axis) if text else ANY
            (first, last), (low, high) = record.protocols, record.ports
            services = tuple((one << 16 | low, one << 16 | high) for one in range(first, last + 1))
            if low == 0 and high == 65535:
                services = ((first << 16, last << 16 | 65535),)
            values[Axis.SERVICE] = value_of(services, family, Axis.SERVICE)
            ported = intern((record.source_ports,), TOPS[family][Axis.SOURCE_PORT])
            assert ported is not None
            values[Axis.SOURCE_PORT] = ported
            yield tuple(values)


def opening(family: Family, hook: Hook) -> Box:
    """The packets that begin a flow on a way."""
    values = list(box_of(family, hook))
    values[Axis.CONNTRACK_STATE] = value_of(((0, 0),), family, Axis.CONNTRACK_STATE)
    values[Axis.TCP_FLAGS] = value_of(((SYN, SYN),), family, Axis.TCP_FLAGS)
    return tuple(values)


def assert_exact(found: Policy, ending: Ending, last: date, first: date) -> None:
    """Nothing of the records may begin afterwards, and whatever could begin before and cannot afterwards is in a record."""
    before, after = programs(found, last), programs(found, first)
    for family in FAMILIES:
        passed, passes = (possibly(alone(one[family]), "accept") for one in (before, after))
        records = PacketSet.of({family: boxes(ending.records, family)})
        for hook in (Hook.INPUT, Hook.OUTPUT, Hook.FORWARD):
            within = {family: opening(family, hook)}
            assert (records & passes).witness(within) is None
            assert (passed - passes - records).witness(within) is None


@settings(max_examples=120, deadline=None)
@given(policies(), st.lists(packets(), min_size=20, max_size=40))
def test_an_ending_holds_exactly_what_closes(found: Policy, begun: list[Packet]) -> None:
    """Law: no flow of a record may begin after the instant, each that could before and cannot after is in one, by sets and one by one."""
    (firewall,) = found.firewalls.values()
    last, first = date(2027, 1, 1), date(2027, 1, 2)
    listed = endings(found, firewall, DAY)
    assert len(listed) <= 1
    ending = listed[0] if listed else Ending(1_798_848_000, ())
    assert ending.instant == 1_798_848_000
    assert ending.is_listed
    assert_exact(found, ending, last, first)
    for packet in begun:
        if packet.in_interface == packet.out_interface == "" or "lo" in (packet.in_interface, packet.out_interface):
            continue
        verdicts = [
            [enforce(found, firewall, packet, day, (one,)).action.value == "accept" for one in LITERALS]
            for day in (last, first)
        ]
        is_ended = any(member(record, packet) for record in ending.records)
        assert not (is_ended and any(verdicts[1]))
        assert is_ended or not any(verdicts[0]) or any(verdicts[1])


DATED = "from: internet, to: inside, allow: ssh, until: 2027-03-31"


def test_an_ending_is_said_in_few_words() -> None:
    """What nothing else permits is said as any source; another rule for a network cuts that network out, and no more."""
    found = edge(DATED)
    (ending,) = ended(found)
    assert ending.instant == 1_806_537_600
    assert [(one.hook, one.protocols, one.ports, one.source_ports) for one in ending.records] == [
        (Hook.FORWARD, (6, 6), (22, 22), (0, 65535))
    ] * len(ending.records)
    assert {one.destination for one in ending.records} == {"192.0.2.0/24", "2001:db8:1::/48"}
    assert len(ending.records) <= 24 + 48
    assert_exact(found, ending, date(2027, 3, 31), date(2027, 4, 1))
    host = machine("from: any, to: local, allow: https, until: 2027-03-31", "from: local, to: any, allow: any")
    assert ended(host) == (
        Ending(1_806_537_600, tuple(Record(family, Hook.INPUT, "", "", (6, 6), (443, 443)) for family in FAMILIES)),
    )


def test_source_ports_are_said_where_they_tell_flows_apart() -> None:
    """An end of a rule by source port says any of them, unless another rule keeps some: then those around."""
    dated = "from: any, to: local, allow: [{udp: 9000, source-port: 53}], until: 2027-03-31"
    for more, expected in (
        ([], {(0, 65535)}),
        (["from: any, to: local, allow: [{udp: 9000, source-port: 54-60}]"], {(0, 53)}),
        (["from: any, to: local, allow: [{udp: 9000, source-port: 50-53}]"], set()),
    ):
        found = machine(dated, *more)
        listed = [one for ending in ended(found) for one in ending.records]
        assert {one.source_ports for one in listed} == expected


def test_a_flow_that_another_rule_permits_is_in_no_record() -> None:
    """An end that closes nothing has no ending; one under a rule for a part ends only the rest."""
    for rules in (
        [DATED, "from: any, to: inside, allow: tcp"],
        ["from: internet, to: inside, request: ssh, until: 2027-03-31"],
    ):
        found = edge(*rules)
        assert ended(found) == ()
    banned = edge(DATED, "from: internet, to: inside, deny: ssh")
    assert ended(banned) == ()
    part = edge(
        "from: internet, to: inside, allow: any, until: 2027-03-31", "from: internet, to: inside, allow: [tcp/80, icmp]"
    )
    (ending,) = ended(part)
    assert {(one.protocols, one.ports) for one in ending.records if one.family == 4} == {
        ((0, 0), (0, 65535)),
        ((2, 5), (0, 65535)),
        ((6, 6), (0, 79)),
        ((6, 6), (81, 65535)),
        ((7, 255), (0, 65535)),
    }
    assert_exact(part, ending, date(2027, 3, 31), date(2027, 4, 1))


def test_the_end_of_an_exception_closes_what_the_ban_stops_again() -> None:
    """A dated rule that passes a ban ends with what it alone let through, though a lasting rule names the same services."""
    found = edge(
        "from: any, to: inside, deny: ssh, name: no-ssh",
        "from: internet, to: inside, allow: tcp",
        "from: internet, to: inside, allow: ssh, until: 2027-03-31, overrides: [no-ssh]",
    )
    (ending,) = ended(found)
    assert {(one.protocols, one.ports) for one in ending.records} == {((6, 6), (22, 22))}
    assert_exact(found, ending, date(2027, 3, 31), date(2027, 4, 1))
    strict = {name: replace(firewall, opens="required") for name, firewall in found.firewalls.items()}
    lasting = replace(found.rules[1], verb=Verb.REQUIRE)
    strict_found = replace(found, firewalls=strict, rules=(found.rules[0], lasting, found.rules[2]))
    assert [one.records for one in ended(strict_found)] == [ending.records]


def test_each_instant_ends_its_own_in_the_policys_time_zone() -> None:
    """Two rules that end on different days have two endings, at the midnights of the policy's own zone."""
    found = replace(edge(DATED, "from: internet, to: inside, allow: smtp, until: 2027-01-31"), timezone="Europe/London")
    listed = ended(found)
    assert [one.instant for one in listed] == [1_801_440_000, 1_806_534_000]
    assert [{record.ports for record in one.records} for one in listed] == [{(25, 25)}, {(22, 22)}]
    assert ended(found, date(2027, 3, 31)) == listed[1:]
    assert ended(found, date(2027, 4, 1)) == ()


THREE = """
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"], partners: [198.51.100.0/24, "2001:db8:2::/48"]}
firewalls: {edge: {between: [internet, inside, partners]}}
rules:
  - {from: internet, to: inside, allow: tcp/2000, until: 2027-03-31}
"""


def test_what_a_helper_may_expect_elsewhere_is_in_no_record() -> None:
    """An end says any source only as far as no lasting helper may expect such a connection from there."""
    partner = Packet(4, int(ip_address("198.51.100.9")), int(ip_address("192.0.2.7")), 6, 2000, 50000)
    partner = replace(partner, in_interface="eth0", out_interface="eth1")
    for more, is_member in (
        ("", True),
        ("  - {from: partners, to: inside, allow: ftp}", False),
        ("  - {from: partners, to: inside, allow: ftp, until: 2027-01-31}", True),
    ):
        (ending,) = ended(read(THREE + more), date(2027, 3, 1))
        assert any(member(record, partner) for record in ending.records) is is_member
        stranger = replace(partner, source=int(ip_address("203.0.113.9")))
        assert any(member(record, stranger) for record in ending.records)


def test_a_list_that_is_too_long_is_said_and_not_cut() -> None:
    """An ending of more records than a shell walks through has none, and says so."""
    ports = ", ".join(f"tcp/{port}" for port in range(1000, 1600, 2))
    kept = "from: any, to: inside, allow: tcp/7-8"
    prefixes = ", ".join(f"198.{18 + n % 2}.{n}.0/26" for n in range(16))
    text = (
        f"zones: {{inside: [192.0.2.0/24], clients: [{prefixes}]}}\n"
        "firewalls: {edge: {between: [internet, clients, inside]}}\n"
        f"rules:\n  - {{from: clients, to: inside, allow: [{ports}], until: 2027-03-31}}\n"
        f"  - {{from: internet, to: inside, allow: tcp}}\n  - {{{kept}}}\n"
    )
    found = read(text)
    (ending,) = ended(found)
    assert ending == Ending(1_806_537_600, (), is_listed=False)
    assert MOST_RECORDS < 16 * 300


def test_numbers_of_protocols_without_ports_are_whole() -> None:
    """Records of protocols that have neither ports nor types never tell their numbers apart."""
    found = edge("from: internet, to: inside, allow: [protocol/esp, protocol/gre, icmp], until: 2027-03-31")
    (ending,) = ended(found)
    for record in ending.records:
        if record.protocols[0] not in PORTED + TYPED:
            assert (record.ports, record.source_ports) == ((0, 65535), (0, 65535))
    assert {one.protocols for one in ending.records if one.family == 6} == {(47, 47), (50, 50), (58, 58)}
