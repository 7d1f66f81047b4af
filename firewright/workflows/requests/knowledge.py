"""What of a policy somebody may be told: the one rule of what pages show and what answers say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from firewright.analysis.path import internet_of
from firewright.model.account import Actor, Role
from firewright.model.address import EVERYWHERE, AddressSet, merge
from firewright.model.policy import Policy, Rule, Zone, ZoneKind

_NOBODYS = (ZoneKind.INTERNET.value, ZoneKind.LOCAL.value)
"""Zones whose addresses are no tenant's; `any` holds everybody's."""


@dataclass(frozen=True)
class Knowledge:
    """What one actor may know of one policy: all of it where it was granted as a whole, else what concerns the zones granted."""

    actor: Actor
    policy: Policy

    @cached_property
    def is_whole(self) -> bool:
        """Whether nothing of the policy is hidden."""
        return self.actor.is_allowed(Role.VIEWER, self.policy.name)

    @property
    def is_any(self) -> bool:
        """Whether something of the policy is seen."""
        return self.actor.touches(Role.VIEWER, self.policy.name)

    @cached_property
    def own(self) -> frozenset[str]:
        """The names of the zones that were granted, the built-in ones among them."""
        names = self.policy.zones
        return frozenset(name for name in names if self.actor.is_allowed(Role.VIEWER, self.policy.name, name))

    @cached_property
    def held(self) -> AddressSet:
        """The addresses of the zones that were granted, the machine itself left out."""
        return merge(self.addresses_of(self.policy.zones[name]) for name in self.own if name != ZoneKind.LOCAL)

    @cached_property
    def told(self) -> AddressSet:
        """The addresses that may be told: one's own, and those that no zone of any authority on the path holds."""
        zones = (zone.addresses for one in self.policy.authorities() for zone in one.named_zones)
        return self.held | (EVERYWHERE - merge(zones))

    def addresses_of(self, zone: Zone) -> AddressSet:
        """The addresses that a zone means at an end."""
        return internet_of(self.policy) if zone.kind is ZoneKind.INTERNET else zone.addresses

    def is_plain(self, name: str) -> bool:
        """Whether the addresses of a zone may be told, and how many there are: it was granted, or is nobody's."""
        return name in _NOBODYS or name in self.own

    def nameable(self) -> tuple[str, ...]:
        """The zones of the policy that somebody may be told of, and can name in a question or a request.

        All of one that is seen whole; else their own and the built-in ones. Another's they can still name if they know it.
        """
        zones = self.policy.zones
        if self.is_whole:
            return tuple(zones)
        built_in = (name for name, zone in zones.items() if zone.kind is not ZoneKind.NAMED)
        return tuple(dict.fromkeys((*sorted(self.own), *built_in)))

    def rule(self, rule: Rule) -> bool:
        """Whether the line of a rule, and its reason, may be told: it names no zone that is strange to whoever asks."""
        return self.is_whole or all(
            self.names(zone) for ends in rule.ends for zone in (*ends.sources, *ends.destinations)
        )

    def names(self, zone: Zone) -> bool:
        """A zone that is seen, is built in, or holds one that is seen; of addresses that are no zone, those that may be told."""
        known = self._known.get(id(zone))
        if known is None:
            known = self._known[id(zone)] = zone, self._may_name(zone)
        return known[1]

    @cached_property
    def _known(self) -> dict[int, tuple[Zone, bool]]:
        """What was said of zones before, which are kept so that their ids stay their own."""
        return {}

    def _may_name(self, zone: Zone) -> bool:
        if zone.kind is not ZoneKind.NAMED or zone.name in self.own:
            return True
        if zone.name not in self.policy.zones:
            return zone.addresses <= self.told
        named = (self.policy.zones[name] for name in self.own)
        return any(one.addresses and one.addresses <= zone.addresses for one in named if one.kind is ZoneKind.NAMED)
