"""What a picture says is exactly what the policy decides."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide
from firewright.analysis.status import Direction, Stand, Standing, Statuses, pairs, zones_of
from firewright.drawing.roster import Roster, count_open, roster
from firewright.model.decision import Decision, Outcome
from firewright.model.interval import has, size, union
from firewright.model.packet import Packet
from firewright.model.policy import Action, Firewall, Policy, Zone
from firewright.model.transport import EVERY_SERVICE
from tests.drawing.build import DAY, perimeter, policy
from tests.drawing.reading import expected, read_back
from tests.policies import _ADDRESSES, TABLE, policies
from tests.policies import _KINDS as KINDS
from tests.policies import _number as number

BANDS = {
    Outcome.REQUIRED: Standing.PERMITTED,
    Outcome.ALLOWED: Standing.PERMITTED,
    Outcome.REQUESTED: Standing.REQUEST,
    Outcome.DENIED: Standing.DENIED,
    Outcome.REJECTED: Standing.DENIED,
    Outcome.CLOSED: Standing.CLOSED,
    Outcome.UNENFORCED: Standing.UNENFORCED,
}


def stand_of(said: Decision) -> Stand | None:
    """The stand of one firewall's decision; None for what no rule decides."""
    if said.outcome not in BANDS:
        return None
    standing = BANDS[said.outcome]
    is_stopped = standing not in (Standing.PERMITTED, Standing.UNENFORCED)
    return Stand(standing, said.outcome is Outcome.REQUIRED, is_stopped and said.action is Action.REJECT)


def without_interfaces(one: Policy) -> Policy:
    """The policy whose packets arrive wherever they do."""
    return replace(one, firewalls={name: replace(wall, interfaces={}) for name, wall in one.firewalls.items()})


def stands_by_packets(
    one: Policy, source: Zone, destination: Zone, family: int, service: tuple[int, int]
) -> set[Stand]:
    """The stands of a service, decided packet by packet at every kind of address and source port that policies tell apart."""
    (wall,) = one.firewalls.values()
    found: set[Stand] = set()
    for here, there, port in product(ends(source, family), ends(destination, family), (49152, 67, 547)):
        names = ["" if zone.is_local else "eth0" for zone in (source, destination)]
        ported = service[0] in (6, 17)
        packet = Packet(
            family, here, there, *service, port if ported else 0, in_interface=names[0], out_interface=names[1]
        )
        stand = stand_of(decide(one, wall, packet, DAY))
        found |= set() if stand is None else {stand}
    return found


def ends(zone: Zone, family: int) -> list[int]:
    """One address of each kind that lies in a zone."""
    every = [number(text) for text in _ADDRESSES[family]]
    unicast = [one for one in every if TABLE["any"].addresses.has(family, one)]
    return [one for one in unicast if zone.is_local or zone.addresses.has(family, one)]


ZONES = [zone for zone in TABLE.values() if zone.name not in ("any", "multicast", "broadcast")]


@settings(deadline=None, max_examples=60)
@given(policies(), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_shares_are_what_packets_are_decided(one: Policy, source: Zone, destination: Zone) -> None:
    """A service has exactly the stands that the specification gives its packets, packet by packet."""
    if source.is_local and destination.is_local:
        return
    one = without_interfaces(one)
    direction = Statuses(one, DAY).direction(source, destination)
    for family in direction.families:
        for service in KINDS:
            point = service[0] << 16 | service[1]
            holding = [share for share in direction.shares if share.family == family and has(share.services, point)]
            told = {stand for share in holding for stand in share.stands}
            assert told == stands_by_packets(one, source, destination, family, service), (family, service)
            assert len(holding) <= 1


@settings(deadline=None, max_examples=60)
@given(policies(), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_words_read_back_are_the_sets(one: Policy, source: Zone, destination: Zone) -> None:
    """Reading the names and ports of a picture back gives the exact sets, for every protocol, port and family."""
    direction = Statuses(one, DAY).direction(source, destination)
    assert read_back(roster(direction, one)) == expected(direction)


SERVICES = (
    "any",
    "tcp",
    "udp/53",
    "tcp/1-40000",
    "sctp/100-200",
    "icmp",
    "icmpv4/8",
    "icmp/echo-request",
    "protocol/47-60",
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["allow", "require", "request", "deny", "reject"]), st.sampled_from(SERVICES)),
        max_size=5,
    )
)
def test_words_read_back_are_the_sets_of_wide_services(said: list[tuple[str, str]]) -> None:
    """The same where rules speak of whole protocols, other protocols with ports, and one family's ICMP."""
    one = policy(
        {"a": ["10.0.0.0/8", "2001:db8::/32"]}, [("internet", "a", *words) for words in said], {"f": ("internet a", "")}
    )
    direction = Statuses(one, DAY).direction(one.zones["internet"], one.zones["a"])
    assert read_back(roster(direction, one)) == expected(direction)


@settings(deadline=None, max_examples=40)
@given(policies())
def test_shares_divide_every_service(one: Policy) -> None:
    """The shares of a family do not overlap, and with the essentials they are every service."""
    statuses = Statuses(one, DAY)
    for source, destination in product(zones_of(one), repeat=2):
        direction = statuses.direction(source, destination)
        for family in direction.families:
            shares = [share.services for share in direction.shares if share.family == family]
            assert sum(map(size, shares)) == size(union(*shares))
            assert union(*shares) == EVERY_SERVICE or direction.asides or source.is_local


@cache
def directions() -> dict[str, Direction]:
    """The directions of the perimeter."""
    one = perimeter()
    statuses = Statuses(one, DAY)
    zones = [one.zones["internet"], one.zones["tenants"]]
    return {f"{here.name} {there.name}": statuses.direction(here, there) for here, there in product(zones, repeat=2)}


def said(name: str) -> Roster:
    """One direction of the perimeter in words."""
    return roster(directions()[name], perimeter())


@pytest.mark.parametrize(
    ("name", "count"), [("internet tenants", 21), ("tenants internet", 22), ("tenants tenants", 20)]
)
def test_the_perimeter_permits_so_many(name: str, count: int) -> None:
    """The provider's page counts 21 flows inbound and 22 outbound, and so does its picture."""
    assert count_open(directions()[name]) == count


def test_every_port_of_the_perimeter_is_in_its_band() -> None:
    """Every TCP port, every port with a name, and every protocol is told in the band that the specification decides."""
    one = perimeter()
    (wall,) = one.firewalls.values()
    told = read_back(said("internet tenants"))
    addresses = {4: (number("8.8.8.8"), number("198.51.100.7")), 6: (number("2001:db8:9::1"), number("2001:db8:10::7"))}
    few = [*range(2000), *range(4400, 4600), 65535]
    for family, kind, protocol, ports in [
        (4, "tcp", 6, range(65536)),
        (6, "tcp", 6, few),
        (4, "udp", 17, few),
        (6, "udp", 17, few),
    ]:
        for port in ports:
            packet = Packet(family, *addresses[family], protocol, port, 50000, in_interface="e", out_interface="f")
            standing = BANDS[decide(one, wall, packet, DAY).outcome]
            assert [key[0] for key, ranges in told[family, kind].items() if has(ranges, port)] == [standing], port
    for family, protocol in product((4, 6), range(256)):
        if protocol in (1, 6, 17, 58):
            continue
        packet = Packet(family, *addresses[family], protocol, 0, 0, in_interface="e", out_interface="f")
        standing = BANDS[decide(one, wall, packet, DAY).outcome]
        assert [key[0] for key, ranges in told[family, "other"].items() if has(ranges, protocol)] == [standing]


def words(one: Roster, standing: Standing) -> list[str]:
    """The rows of a band as lines."""
    return [f"{row.category}: {', '.join(map(str, row.items))}" for row in one.rows(standing)]


def test_names_come_from_the_policy_and_the_catalog() -> None:
    """Ports stand under the names of the policy, merged where a name has several, and a deny that cuts is told."""
    inward = said("internet tenants")
    tcp, udp, vpn = words(inward, Standing.PERMITTED)
    assert tcp.startswith("TCP: SSH 22, SMTP 25, DNS 53, HTTP 80, 8080, HTTPS 443, 8443, ")
    assert udp == "UDP: DNS 53"
    assert all(part in vpn for part in ("UDP 500", "OpenVPN UDP 1194", "UDP 4500", "ESP protocol 50", "AH protocol 51"))
    assert words(inward, Standing.REQUEST) == [
        "TCP: all other ports",
        "UDP: all other ports",
        "ICMP: all ICMP",
        "Other: all other protocols",
    ]
    assert "SMB 445" in words(inward, Standing.DENIED)[0]
    assert not said("tenants internet").rows(Standing.DENIED)


def test_the_policys_own_name_for_a_port_goes_first() -> None:
    """A port is told once, under the name that the policy uses for it and not the one that is commonest."""
    one = policy({"a": ["10.0.0.0/8"]}, [("internet", "a", "allow", "redfish tcp/80")], {"f": ("internet a", "")})
    found = roster(Statuses(one, DAY).direction(one.zones["internet"], one.zones["a"]), one)
    assert words(found, Standing.PERMITTED) == ["TCP: HTTP 80, Redfish 443"]
    assert read_back(found) == expected(found.direction)


def test_a_deny_cuts_an_allow() -> None:
    """What is allowed and denied at once is told as denied only."""
    rules = [("internet", "a", "allow", "tcp/20-30"), ("internet", "a", "deny", "tcp/25")]
    one = policy({"a": ["10.0.0.0/8"]}, rules, {"f": ("internet a", "")})
    found = roster(Statuses(one, DAY).direction(one.zones["internet"], one.zones["a"]), one)
    assert "25" not in words(found, Standing.PERMITTED)[0].replace("25 ", "")
    assert words(found, Standing.DENIED) == ["TCP: SMTP 25"]


def test_families_that_differ_are_told() -> None:
    """Where the two families fare differently the item says for which it holds; the rest holds for each."""
    one = policy({"a": ["10.0.0.0/8", "fd00::/8"]}, [("internet", "a", "allow", "icmpv4")], {"f": ("internet a", "")})
    found = roster(Statuses(one, DAY).direction(one.zones["internet"], one.zones["a"]), one)
    assert words(found, Standing.PERMITTED) == ["ICMP: all ICMPv4"]
    assert "ICMP: all ICMPv6" in words(found, Standing.CLOSED)


def test_marks_tell_required_answered_and_in_part() -> None:
    """A requirement, an answer to who is stopped, and what holds for some addresses only are marked in words."""
    named = {"a": ["10.0.0.0/8"], "b": ["10.1.0.0/16"]}
    rules = [
        ("internet", "b", "require", "https"),
        ("internet", "a", "reject", "ident"),
        ("internet", "a", "allow", "ssh"),
    ]
    one = policy(named, rules, {"f": ("internet a", "")})
    direction = Statuses(one, DAY).direction(one.zones["internet"], one.zones["a"])
    found = roster(direction, one)
    assert words(found, Standing.PERMITTED) == ["TCP: SSH 22, HTTPS 443 (required, in part)"]
    assert words(found, Standing.DENIED) == ["TCP: Ident 113 (answered)"]
    assert [str(line) for stand, line in direction.parts if stand.is_required] == ["internet -> b tcp/443 (IPv4 only)"]


def test_every_firewall_on_the_path_has_a_say() -> None:
    """Behind another authority only what both permit is permitted, and its ban outweighs a closed door."""
    inner = {"tenants": ["198.51.100.0/28"]}
    edge = policy(
        inner, [("internet", "tenants", "require", "https")], {"edge": ("internet tenants", "")}, behind=perimeter()
    )
    direction = Statuses(edge, DAY).direction(edge.zones["internet"], edge.zones["tenants"])
    found = roster(direction, edge)
    assert words(found, Standing.PERMITTED) == ["TCP: HTTPS 443 (required)"]
    assert "SMB 445" in words(found, Standing.DENIED)[0]
    assert not found.rows(Standing.REQUEST)


def test_who_is_met_first_answers() -> None:
    """Outward the inner firewall is met first: it answers where it rejects, whatever the outer one does; inward it cannot."""
    inner = {"tenants": ["198.51.100.0/28"]}
    both = [("tenants", "internet", "otherwise", "reject"), ("internet", "tenants", "otherwise", "reject")]
    edge = policy(inner, both, {"edge": ("internet tenants", "")}, behind=perimeter())
    statuses = Statuses(edge, DAY)
    outward = statuses.direction(edge.zones["tenants"], edge.zones["internet"])
    assert {stand.is_answered for share in outward.shares for stand in share.stands} == {True}
    inward = statuses.direction(edge.zones["internet"], edge.zones["tenants"])
    assert {stand.is_answered for share in inward.shares for stand in share.stands} == {True, False}


def test_no_firewall_means_not_enforced() -> None:
    """Where no firewall stands between two zones, nothing else is said of them."""
    one = policy({"a": ["10.0.0.0/16"], "b": ["10.1.0.0/16"]}, [("a", "b", "deny", "ssh")], {"f": ("internet a", "")})
    direction = Statuses(one, DAY).direction(one.zones["b"], one.zones["internet"])
    assert direction.standings == (Standing.UNENFORCED,)


def test_pairs_are_what_firewalls_separate() -> None:
    """The legs of each firewall two by two with the internet first, zones within, and for a machine everybody and itself."""
    named = {"a": ["10.0.0.0/16"], "b": ["10.1.0.0/16"]}
    legs = policy(named, [], {"f": ("a internet b", "b")})
    assert [(pair.here.name, pair.there.name) for pair in pairs(legs)] == [
        ("internet", "a"), ("internet", "b"), ("a", "b"), ("b", "b"),
    ]  # fmt: skip
    host = replace(policy(named, [], {}), firewalls={"local": Firewall("local")})
    assert [(pair.here.name, pair.there.name) for pair in pairs(host)] == [
        ("internet", "local"), ("a", "local"), ("b", "local"),
    ]  # fmt: skip
