"""Policies to draw, as values, built without the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from firewright.catalog.services import catalog
from firewright.model.address import BROADCAST, EVERYWHERE, MULTICAST, UNICAST, AddressSet
from firewright.model.policy import Action, Ends, Firewall, Policy, Rule, Term, Verb, Zone, ZoneKind
from firewright.model.transport import is_transport, parse_transport
from firewright.source import Span

DAY = date(2026, 11, 21)


def zones(named: Mapping[str, Iterable[str]]) -> dict[str, Zone]:
    """The named zones and the built-in ones."""
    found = {name: Zone(name, AddressSet.of(*prefixes)) for name, prefixes in named.items()}
    taken = AddressSet()
    for zone in found.values():
        taken |= zone.addresses
    built_in = {
        ZoneKind.INTERNET: UNICAST - taken,
        ZoneKind.ANY: UNICAST,
        ZoneKind.LOCAL: EVERYWHERE,
        ZoneKind.MULTICAST: MULTICAST,
        ZoneKind.BROADCAST: BROADCAST,
    }
    return found | {kind.value: Zone(kind.value, addresses, kind) for kind, addresses in built_in.items()}


def term(word: str) -> Term:
    """A transport, a service of the catalog, or everything."""
    if word == "any":
        return Term("any", ())
    if is_transport(word):
        return Term(word, parse_transport(word))
    row = catalog().service(word)
    assert row is not None, word
    return Term(word, row.transports, (word,))


def rule(at: dict[str, Zone], line: int, source: str, destination: str, verb: str, words: str, why: str = "") -> Rule:
    """One rule from words; `otherwise` takes the name of its answer."""
    ends = (Ends(tuple(at[name] for name in source.split()), tuple(at[name] for name in destination.split())),)
    is_otherwise = verb == "otherwise"
    terms = () if is_otherwise else tuple(term(word) for word in words.split())
    answer = Action(words) if is_otherwise else None
    return Rule(Verb(verb), ends, terms, Span("built.yaml", line, 1), default=answer, because=why)


def policy(
    named: Mapping[str, Iterable[str]],
    rules: Iterable[tuple[str, ...]],
    firewalls: Mapping[str, tuple[str, str]],
    name: str = "built",
    metadata: Mapping[str, tuple[str, ...]] | None = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
    default: Action = Action.DROP,
    behind: Policy | None = None,
) -> Policy:
    """A policy: rules are (from, to, verb, services), firewalls are name: (between, within); neither is the machine itself."""
    every = zones(named)
    walls = {
        wall: Firewall(
            wall,
            tuple(every[leg] for leg in between.split()),
            tuple(every[zone] for zone in within.split()),
            default=default,
            at=Span("built.yaml", 1, 1),
        )
        for wall, (between, within) in firewalls.items()
    }
    written = tuple(rule(every, number, *words) for number, words in enumerate(rules, 1))
    return Policy(
        name, "built.yaml", every, {}, {}, walls, written, behind, labels=labels or {}, metadata=metadata or {}
    )


STANDARD = (
    "ssh smtp dns http tcp/8080 https tcp/444 tcp/8443 submissions submission ftps-data ftps imaps pop3s"
    " udp/1194 protocol/ah protocol/esp udp/500 udp/4500"
)


def perimeter() -> Policy:
    """The provider's perimeter, whose picture is published."""
    return policy(
        {"tenants": ["198.51.100.0/24", "2001:db8:10::/48"]},
        [
            ("internet", "tenants", "allow", STANDARD + " rdp"),
            ("tenants", "internet", "allow", STANDARD + " tcp/1688 udp/123"),
            ("tenants", "tenants", "allow", STANDARD),
            (
                "any",
                "tenants",
                "deny",
                "tcp/139 tcp/445 mssql oracle-net mysql postgresql udp/123 ftp",
                "over a VPN only",
            ),
            ("internet", "tenants", "request", "any", "anything else is a service request"),
            ("tenants", "internet", "request", "any", "anything else is a service request"),
            ("tenants", "tenants", "request", "any"),
        ],
        {"perimeter": ("internet tenants", "tenants")},
        name="internet-ports-regions-1-2",
        metadata={
            "about": ("Standard internet ports through the managed perimeter firewalls",),
            "version": ("1.3",),
            "owner": ("perimeter-team",),
            "contact": ("products@provider.example",),
            "reviewed": ("2026-11-21",),
        },
        labels={"region": ("1", "2"), "domain": ("assured-official",), "connectivity": ("internet",)},
    )
