"""Whose zones a wish is about: those that it names, and those with owners of their own that lie in what it names."""

from __future__ import annotations

from firewright.analysis.path import internet_of
from firewright.model.address import EVERYWHERE, AddressSet, merge
from firewright.model.approval_rules import ApprovalRules
from firewright.model.policy import Policy, Zone, ZoneKind
from firewright.model.request import Wish

Sides = tuple[tuple[str, ...], tuple[str, ...]]
"""Zones by name: of the sources, and of the destinations."""


def concerned(policy: Policy, rules: ApprovalRules, sides: Sides, wish: Wish) -> Sides:
    """The zones of both ends, with those that have owners and addresses that are asked for, unless they hold all of these.

    So nobody gets around the owners of a zone by asking for more than it: `any`, or a zone or prefix that it lies in. O(owners).
    """
    first, second = sides
    return (
        tuple(dict.fromkeys((*first, *_within(policy, rules, wish.sources)))),
        tuple(dict.fromkeys((*second, *_within(policy, rules, wish.destinations)))),
    )


def _within(policy: Policy, rules: ApprovalRules, words: tuple[str, ...]) -> list[str]:
    owned = [(name, policy.zones[name]) for name, owners in rules.owners.items() if owners and name in policy.zones]
    asked = addresses_of(policy, words if owned else ())
    found = []
    for name, zone in owned:
        held = _held(policy, zone)
        if held & asked and asked - held:
            found.append(name)
    return found


def addresses_of(policy: Policy, words: tuple[str, ...]) -> AddressSet:
    """The addresses that one end of a wish names; none of a host itself, nor of groups."""
    return merge(_addresses(policy, word) for word in words)


def _addresses(policy: Policy, word: str) -> AddressSet:
    zone = policy.zones.get(word)
    return AddressSet.of(word) if zone is None else _held(policy, zone)


def _held(policy: Policy, zone: Zone) -> AddressSet:
    """The addresses that a zone means at an end; none of a host itself, nor of groups."""
    if zone.kind is ZoneKind.INTERNET:
        return internet_of(policy)
    if zone.kind is ZoneKind.ANY:
        return EVERYWHERE
    return zone.addresses if zone.kind is ZoneKind.NAMED else AddressSet()
