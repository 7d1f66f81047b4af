"""What a wish would mean, as far as whoever asks may be told: no address, line or reason that is of others alone."""

from __future__ import annotations

from dataclasses import replace

from firewright.model.account import Actor, Role
from firewright.model.address import EVERYWHERE, AddressSet, merge
from firewright.model.policy import Policy, Rule, Zone, ZoneKind
from firewright.model.request import Wish
from firewright.reports import CheckedRequest, RequestFinding
from firewright.source import Span
from firewright.workflows.requests.refused import Refused

WITHHELD = "its line names other zones, and is shown to whoever may see them"
"""In place of a reason that is not told."""
_NOBODYS = (ZoneKind.INTERNET.value, ZoneKind.LOCAL.value)
"""Zones whose addresses are no tenant's; `any` holds everybody's."""


def told_to(actor: Actor, policy: Policy, checked: CheckedRequest) -> CheckedRequest:
    """What somebody may know of an answer about a policy: all of it, if they see the policy as a whole.

    Else of the ends that are not theirs, nor of the internet, neither an example nor a prefix; and of lines that name zones which
    are strange to them, the place alone. O(rules).
    """
    if actor.is_allowed(Role.VIEWER, policy.name):
        return checked
    is_open = all(_is_known(actor, policy, zone) for zone in (*checked.source_zones, *checked.destination_zones))
    rules = {at: (one, rule) for one in policy.authorities() for rule in one.rules for at in _places(rule)}
    nobodys = {firewall.at for one in policy.authorities() for firewall in one.firewalls.values()}
    hidden: list[str] = []

    def told(finding: RequestFinding) -> RequestFinding:
        found = rules.get(finding.at)
        is_shown = finding.at in nobodys if found is None else may_read(actor, *found)
        if not is_shown:
            hidden.append(finding.because)
        return replace(
            finding,
            flows=finding.flows if is_open else (_asked(checked.wish),),
            witness=finding.witness if is_open else "",
            line=finding.line if is_shown else str(found[1].verb) if found else "",
            because=finding.because if is_shown else WITHHELD,
            rule=finding.rule if is_shown else "",
        )

    flows = checked.opening.flows
    words = (*checked.wish.sources, *checked.wish.destinations)
    named = (
        one for one in checked.deciders[1:] if (zone := one.split(": ")[0]) in words or _is_known(actor, policy, zone)
    )
    return replace(
        checked,
        permitted=tuple(map(told, checked.permitted)),
        denied=tuple(map(told, checked.denied)),
        undecided=tuple(map(told, checked.undecided)),
        elsewhere=tuple(map(told, checked.elsewhere)),
        alternative="; ".join(part for part in _parts(checked.alternative, hidden) if part),
        opening=replace(checked.opening, flows=flows if is_open or not flows else (_asked(checked.wish),)),
        deciders=(*checked.deciders[:1], *named),
        source_zones=_named(actor, policy, checked.source_zones, checked.wish.sources),
        destination_zones=_named(actor, policy, checked.destination_zones, checked.wish.destinations),
    )


def _places(rule: Rule) -> tuple[Span, ...]:
    """Where a decision can say that a rule stands: at its verb, or at the service that decides."""
    return (rule.at, *(term.at for term in rule.terms))


def may_not(wish: Wish) -> Refused:
    """That somebody may ask for nothing between these ends, in their own words: not in which zones their addresses lie."""
    message = f"you may not ask for flows between {', '.join(wish.sources)} and {', '.join(wish.destinations)}"
    return Refused("may-not", message, f"ask for the role requester on {wish.policy}, or on one of the zones", 403)


def may_read(actor: Actor, policy: Policy, rule: Rule) -> bool:
    """Whether a line and its reason may be told: it names no zone that is strange to whoever asks."""
    if actor.is_allowed(Role.VIEWER, policy.name):
        return True
    return all(_may_name(actor, policy, zone) for pair in rule.ends for zone in (*pair.sources, *pair.destinations))


def may_name(actor: Actor, policy: Policy, name: str) -> bool:
    """Whether somebody may be told that there is a zone of this name: it is built in, or theirs."""
    return actor.is_allowed(Role.VIEWER, policy.name) or _is_known(actor, policy, name)


def _may_name(actor: Actor, policy: Policy, zone: Zone) -> bool:
    """A zone that is theirs, is built in, or holds one of theirs; of addresses that are no zone, those that may be told."""
    if zone.name not in policy.zones and zone.kind is ZoneKind.NAMED:
        strange = (one.addresses for each in policy.authorities() for one in each.named_zones)
        return zone.addresses <= (_held(actor, policy) | (EVERYWHERE - merge(strange)))
    if zone.kind is not ZoneKind.NAMED or _is_known(actor, policy, zone.name):
        return True
    own = (one for one in policy.named_zones if _is_known(actor, policy, one.name))
    return any(one.addresses and one.addresses <= zone.addresses for one in own)


def _is_known(actor: Actor, policy: Policy, name: str) -> bool:
    return name in _NOBODYS or actor.is_allowed(Role.VIEWER, policy.name, name)


def _held(actor: Actor, policy: Policy) -> AddressSet:
    return merge(zone.addresses for zone in policy.named_zones if _is_known(actor, policy, zone.name))


def _named(actor: Actor, policy: Policy, zones: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """Zones by name, but for those that nobody named and that are not theirs: of these the addresses as they were asked for."""
    return zones if all(_is_known(actor, policy, zone) or zone in words for zone in zones) else words


def _asked(wish: Wish) -> str:
    """The flows in the words of whoever asks."""
    return f"{', '.join(wish.sources)} -> {', '.join(wish.destinations)} {', '.join(wish.services)}"


def _parts(text: str, hidden: list[str]) -> list[str]:
    for one in filter(None, hidden):
        text = text.replace(one, "")
    return [part.strip() for part in text.split("; ")]
