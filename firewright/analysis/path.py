"""The firewalls on a path: every authority's, each asked in its own words, all of them must let a packet through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from firewright.model.address import EVERYWHERE, LOOPBACK, UNICAST, AddressSet, merge
from firewright.model.decision import OPEN_OUTCOMES
from firewright.model.moment import Instant, begins, ends, instant_of, moment_of, present, shown_at
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Policy, Verb
from firewright.space.axis import ANY_INTERFACE
from firewright.space.box import box
from firewright.space.encode import encode_path
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.space.program import Program, specialise

OWN = EVERYWHERE - LOOPBACK
"""What the machine itself may be called from outside: no loopback address comes from or goes elsewhere."""
_BANS = (Verb.DENY, Verb.REJECT)


@dataclass(frozen=True, slots=True)
class Hop:
    """One firewall on the path with the programs of its policy; `is_own` tells the asking authority's from the others'."""

    policy: Policy
    firewall: Firewall
    programs: Mapping[Family, Program]
    is_own: bool

    def decided(self, *verdicts: str) -> PacketSet:
        """The packets that this firewall decides so."""
        return PacketSet.decided(dict(self.programs), *verdicts)


When = date | Callable[[Policy], date]
"""One day for all, or each authority's own: a permission ends in the time zone of the policy that says it."""


def day_of(when: When, policy: Policy) -> date:
    """The day on which a policy is asked."""
    return when if isinstance(when, date) else when(policy)


def path(policy: Policy, when: When) -> tuple[Hop, ...]:
    """Every firewall on the paths of a policy, the outermost authority first. Raises Unfilled.

    Another authority knows nothing of the asking one's machine: its firewalls see every packet come and go by an interface.
    """
    hops = []
    for authority in policy.authorities():
        is_own = authority is policy
        for firewall in authority.firewalls.values():
            programs = encode_path(authority, firewall, day_of(when, authority))
            if not is_own:
                programs = {family: _forwarded(programs[family], family) for family in FAMILIES}
            hops.append(Hop(authority, firewall, programs, is_own))
    return tuple(hops)


def _forwarded(program: Program, family: Family) -> Program:
    between = box(family, in_interface=ANY_INTERFACE, out_interface=ANY_INTERFACE)
    assert between is not None  # noqa: S101 - both sets are constants
    return specialise(program, between)


def passing(hops: tuple[Hop, ...]) -> PacketSet:
    """The packets that no firewall on the path stops."""
    whole = EVERYTHING
    for hop in hops:
        whole = whole & hop.decided(*OPEN_OUTCOMES)
    return whole


def internet_of(policy: Policy) -> AddressSet:
    """The unicast addresses that no zone of any authority on the path holds: what `internet` means in a question."""
    return UNICAST - merge(zone.addresses for authority in policy.authorities() for zone in authority.named_zones)


def intervals(policy: Policy, start: date) -> tuple[date, ...]:
    """The beginning of each interval in which nothing of the policy begins or ends, from `start` on.

    A day where it begins at midnight, else a time (`model.moment`). Only permissions end: the end of a ban does not open anything.
    """
    return start, *(moment_of(end) for end in sorted(_ends_after(policy, start)))


def stretches(policy: Policy, when: When) -> Iterator[tuple[date, When]]:
    """Each stretch of time in which nothing ends on the path, from `when` on: its beginning on the policy's clock, and when to ask.

    After the first one every authority is asked at the same instant, whatever its time zone.
    """
    first = day_of(when, policy)
    yield first, when
    start = instant_of(first, policy.timezone)
    instants = {
        max(start, instant_of(end, authority.timezone))
        for authority in policy.authorities()
        for end in _ends_after(authority, day_of(when, authority))
    }
    for instant in sorted(instants):
        yield shown_at(instant, policy.timezone), _at(instant)


def _at(instant: Instant) -> Callable[[Policy], date]:
    now = datetime.fromtimestamp(instant, UTC)
    return lambda authority: present(now, (rule.until for rule in authority.rules if rule.until), authority.timezone)


def _ends_after(policy: Policy, start: date) -> set[datetime]:
    """When on the policy's clock its permissions end, later than a moment."""
    found = {
        ends(rule.until) for rule in policy.rules if rule.is_on and rule.until is not None and rule.verb not in _BANS
    }
    return {end for end in found if begins(start) < end < datetime.max}
