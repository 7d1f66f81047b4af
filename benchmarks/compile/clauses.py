"""A policy as clauses in order of strength, from which the other contestants' inputs are written: what a careful person would write.

Nothing of Firewright's own compiler is used here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, TCP, UDP, Family
from firewright.model.policy import Policy, Rule, Verb, Zone, ZoneKind

WORDS = {TCP: "tcp", UDP: "udp"}
_VERDICTS = {Verb.DENY: "drop", Verb.REQUIRE: "accept", Verb.ALLOW: "accept"}


@dataclass(frozen=True, slots=True)
class Clause:
    """One zone to one zone, one protocol, some ports, in both families unless said."""

    verdict: str
    source: Zone
    destination: Zone
    protocol: str
    ports: Ranges
    families: tuple[Family, ...]
    label: str


def clauses(policy: Policy, day: date) -> list[Clause]:
    """Bans first, then permissions; a request is what the default drops anyway. ValueError for what these policies never say."""
    active = [rule for rule in policy.rules if rule.is_active(day) and rule.verb is not Verb.REQUEST]
    return [one for verb in _VERDICTS for rule in active if rule.verb is verb for one in _of(rule)]


def _of(rule: Rule) -> Iterator[Clause]:
    if rule.overrides or rule.default is not None or rule.verb not in _VERDICTS:
        raise ValueError(f"{rule.label} is beyond the contest")
    ports: dict[tuple[int, tuple[Family, ...]], list[tuple[int, int]]] = {}
    for term in rule.terms:
        for transport in term.transports:
            if transport.protocol not in WORDS or transport.source_ports != ((0, 65535),):
                raise ValueError(f"{term.word} is beyond the contest")
            ports.setdefault((transport.protocol, transport.families), []).extend(transport.selectors)
    for ends in rule.ends:
        for source in ends.sources:
            for destination in ends.destinations:
                for (protocol, families), ranges in ports.items():
                    once = tuple(sorted(set(ranges)))
                    yield Clause(_VERDICTS[rule.verb], source, destination, WORDS[protocol], once, families, rule.label)


@cache
def prefixes(zone: Zone) -> Mapping[Family, tuple[str, ...]]:
    """A zone's prefixes by family, as words."""
    words = zone.addresses.prefixes()
    return {family: tuple(word for word in words if (":" in word) == (family == 6)) for family in FAMILIES}


def is_internet(zone: Zone) -> bool:
    """Whether a zone is the built-in one with very many prefixes."""
    return zone.kind is ZoneKind.INTERNET
