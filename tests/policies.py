"""Policies for tests, built by hand, so that what is tested does not rest on the reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from firewright.model.address import BROADCAST, EVERYWHERE, MULTICAST, UNICAST, AddressSet
from firewright.model.conntrack_helper import HELPERS
from firewright.model.packet import FAMILIES, ConntrackState, Packet
from firewright.model.policy import Action, Ends, Firewall, Policy, Rule, Term, Verb, Zone, ZoneKind
from firewright.model.transport import Transport, parse_transport
from firewright.source import Located, Span

DAY = date(2026, 11, 21)


def zones(*named: Zone) -> dict[str, Zone]:
    """These zones and the built-in ones."""
    held = AddressSet()
    for zone in named:
        held |= zone.addresses
    built_in = (
        Zone("internet", UNICAST - held, ZoneKind.INTERNET),
        Zone("any", UNICAST, ZoneKind.ANY),
        Zone("local", EVERYWHERE, ZoneKind.LOCAL),
        Zone("multicast", MULTICAST, ZoneKind.MULTICAST),
        Zone("broadcast", BROADCAST, ZoneKind.BROADCAST),
    )
    return {zone.name: zone for zone in (*named, *built_in)}


def term(text: str) -> Term:
    """A term of one transport, or `any`, or a service that has a conntrack helper."""
    if text in HELPERS:
        helper = HELPERS[text]
        return Term(text, (Transport(FAMILIES, helper.protocol, ((helper.port, helper.port),)),), (text,), (text,))
    return Term(text, () if text == "any" else parse_transport(text))


def rule(line: int, verb: Verb, ends: Iterable[tuple[Zone, Zone]], *services: str, **more: object) -> Rule:
    """A rule at a line of `policy.yaml`."""
    pairs = tuple(Ends((one,), (other,)) for one, other in ends)
    return Rule(verb, pairs, tuple(map(term, services)), Span("policy.yaml", line, 5), **more)  # type: ignore[arg-type]


def policy(
    table: dict[str, Zone], firewalls: Iterable[Firewall], rules: Iterable[Rule], behind: Policy | None = None
) -> Policy:
    """A policy of these parts."""
    walls = {firewall.name: firewall for firewall in firewalls}
    return Policy("policy", "policy.yaml", table, {}, {}, walls, tuple(rules), behind, at=Span("policy.yaml", 1, 1))


INNER = Zone("inner", AddressSet.of("10.1.1.0/24", "2001:db8:1:1::/64"))
OUTER = Zone("outer", AddressSet.of("10.1.0.0/16", "2001:db8:1::/48"))
OTHER = Zone("other", AddressSet.of("10.2.0.0/16", "2001:db8:2::/48"))
FOUR = Zone("four", AddressSet.of("10.3.0.0/16"))
TABLE = zones(INNER, OUTER, OTHER, FOUR)

_SERVICES = (
    "any",
    "tcp/80",
    "tcp/80-90",
    "udp/53",
    "icmp/echo-request",
    "icmp",
    "protocol/50",
    "tcp",
    "icmpv6/135",
    "ftp",
    "tftp",
)


@st.composite
def policies(draw: st.DrawFn, has_interfaces: bool = True) -> Policy:
    """Small policies that meet each other's rules: every verb, nested zones, a host or a firewall with legs, ends, overrides."""
    walls: tuple[Firewall, ...] = (
        Firewall("local"),
        Firewall("local", interfaces={"outer": ("eth1",), "internet": ("eth0",)}),
        Firewall("edge", (TABLE["internet"], OUTER, INNER), (INNER,)),
        Firewall("edge", (TABLE["internet"], OUTER), (OUTER,), {"outer": ("eth1",), "internet": ("eth0", "ppp*")}),
        Firewall("core", (OTHER, OUTER, INNER), (), {"inner": ("eth2",), "outer": ("eth1",)}, Action.REJECT),
        Firewall("strict", (TABLE["internet"], OUTER), (), {"outer": ("eth*",)}, opens="required"),
    )
    if not has_interfaces:
        walls = tuple(replace(wall, interfaces={}) for wall in walls)
    rules: list[Rule] = []
    for line in range(1, draw(st.integers(1, 6)) + 1):
        verb = draw(st.sampled_from(list(Verb)))
        pairs = draw(st.lists(st.tuples(*[st.sampled_from(list(TABLE.values()))] * 2), min_size=1, max_size=2))
        services = () if verb is Verb.OTHERWISE else draw(st.lists(st.sampled_from(_SERVICES), min_size=1, max_size=2))
        more: dict[str, object] = {"name": f"rule-{line}"}
        if verb is Verb.OTHERWISE:
            more["default"] = draw(st.sampled_from([Action.DROP, Action.REJECT]))
        more["until"] = draw(st.sampled_from([None, None, date(2026, 1, 1), date(2027, 1, 1)]))
        bans = [one for one in rules if one.verb in (Verb.DENY, Verb.REJECT)]
        if verb in (Verb.ALLOW, Verb.REQUIRE) and bans and draw(st.booleans()):
            more["until"] = date(2027, 1, 1)
            more["overrides"] = (Located(draw(st.sampled_from(bans)).name),)
        rules.append(rule(line, verb, pairs, *services, **more))
    return policy(TABLE, [draw(st.sampled_from(walls))], rules)


_ADDRESSES = {
    4: (
        "10.1.1.7",
        "10.1.2.7",
        "10.2.0.9",
        "10.3.0.1",
        "192.0.2.1",
        "127.0.0.1",
        "224.0.0.5",
        "255.255.255.255",
        "0.0.0.0",
        "169.254.3.3",
    ),
    6: ("2001:db8:1:1::7", "2001:db8:1:2::7", "2001:db8:2::9", "2001:db8:9::1", "fe80::1", "::1", "ff02::1", "::"),
}
_KINDS = (
    (6, 80),
    (6, 90),
    (6, 443),
    (17, 53),
    (17, 68),
    (17, 546),
    (1, 8 << 8),
    (58, 128 << 8),
    (58, 135 << 8),
    (58, 134 << 8),
)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """Packets at the places that those policies tell apart."""
    family = draw(st.sampled_from((4, 6)))
    source, destination = (_number(draw(st.sampled_from(_ADDRESSES[family]))) for _ in range(2))
    protocol, selector = draw(st.sampled_from((*_KINDS, (50, 0), (2, 0))))
    ports = draw(st.sampled_from((49152, 67, 547, 53))) if protocol in (6, 17) else 0
    names = [draw(st.sampled_from(("", "eth0", "eth1", "eth2", "ppp3", "lo"))) for _ in range(2)]
    return Packet(family, source, destination, protocol, selector, ports, in_interface=names[0], out_interface=names[1])


LITERALS = ("ip6 hoplimit 255", "ip6 hoplimit 1", "ip ttl 1", "ct helper ftp", "ct helper tftp")


@st.composite
def packets_in_any_state(draw: st.DrawFn) -> tuple[Packet, tuple[str, ...]]:
    """Packets of open flows and strays too, ICMP errors and redirects among them, with what they carry beside the axes."""
    packet = draw(packets())
    state, flags = (
        draw(st.sampled_from(list(ConntrackState))),
        draw(st.sampled_from((2, 0, 4, 0x10, 0x12, 0x14, 0x42, 0xC2))),
    )
    if draw(st.booleans()):
        kind = draw(st.sampled_from((3, 5, 11, 12) if packet.family == 4 else (1, 2, 4, 137, 130, 143)))
        packet = replace(packet, protocol=1 if packet.family == 4 else 58, selector=kind << 8, source_port=0)
    elif packet.protocol in (6, 17) and draw(st.booleans()):
        packet = replace(packet, selector=draw(st.sampled_from((1023, 1024, 65535))))
    return replace(packet, conntrack_state=state, tcp_flags=flags), draw(
        st.lists(st.sampled_from(LITERALS), unique=True).map(tuple)
    )


def _number(text: str) -> int:
    found = AddressSet.of(text)
    return (found.v4 or found.v6)[0][0]
