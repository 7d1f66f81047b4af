"""A policy with only the rules that may have a say in a question, so that a page about little does not pay for ten thousand rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from firewright.analysis.question import Question, Side
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges, intersection, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Rule, Term, Zone, ZoneKind
from firewright.model.transport import service_ranges

Addresses = AddressSet | None
"""The addresses at one end of a question; None where they do not narrow it."""


def narrowed(policy: Policy, source: Addresses, destination: Addresses = None, term: Term | None = None) -> Policy:
    """The policy, and those that it is behind, without the rules that cannot decide a flow between these ends with these services.

    Law: it decides every such flow as the whole policy does, by the same lines. Its zones and firewalls are the same.
    O(rules + zones that they name).
    """
    services = None if term is None or term.is_any else _services(term)
    begins, ends = _touching(source), _touching(destination)

    def has_say(rule: Rule) -> bool:
        ways = any(any(map(begins, one.sources)) and any(map(ends, one.destinations)) for one in rule.ends)
        return ways and (services is None or not rule.terms or any(_meets(one, services) for one in rule.terms))

    behind = None if policy.behind is None else narrowed(policy.behind, source, destination, term)
    return replace(policy, rules=tuple(filter(has_say, policy.rules)), behind=behind)


def narrowed_to(policy: Policy, question: Question) -> Policy:
    """The policy for one question."""
    return narrowed(policy, _of(question.source), _of(question.destination), question.term)


def _of(side: Side) -> Addresses:
    return None if side.is_local or side.is_group else side.addresses


def _touching(addresses: Addresses) -> Callable[[Zone], bool]:
    """Whether a zone that a rule names may hold one of some addresses; what the language defines always may."""
    known: dict[str, bool] = {}

    def touches(zone: Zone) -> bool:
        if zone.name not in known:
            known[zone.name] = addresses is None or zone.kind is not ZoneKind.NAMED or bool(zone.addresses & addresses)
        return known[zone.name]

    return touches


def _services(term: Term) -> dict[Family, Ranges]:
    return {family: union(*service_ranges(term.transports, family).values()) for family in FAMILIES}


def _meets(term: Term, services: dict[Family, Ranges]) -> bool:
    if term.is_any:
        return True
    return any(intersection(ranges, services[family]) for family, ranges in _services(term).items())
