"""A zone, service or option that nothing uses: a leftover, or a name misspelt somewhere else."""

from collections.abc import Iterator

from firewright.audits._audit import Context, warning
from firewright.diagnostic import Diagnostic
from firewright.model.policy import Policy, Zone


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One warning for each definition that no rule, firewall or other definition names."""
    zones = set(_zones_used(policy))
    words = {term.word for rule in policy.rules for term in rule.terms}
    words |= {word for service in policy.services.values() for word in service.words}
    options = {name for rule in policy.rules for name in rule.when}
    for zone in policy.named_zones:
        if zone.name not in zones and not _is_outer(zone, zones, policy):
            yield warning(
                "unused-definition", f"nothing uses the zone {zone.name}", zone.at, help="delete it, or use it"
            )
    for service in policy.services.values():
        if service.name not in words:
            yield warning(
                "unused-definition", f"nothing uses the service {service.name}", service.at, help="delete it, or use it"
            )
    for option in policy.options.values():
        if option.name not in options:
            way_out = f"delete it, or write `when: {option.name}` at a rule"
            yield warning("unused-definition", f"no rule asks for the option {option.name}", option.at, help=way_out)


def _zones_used(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        for ends in rule.ends:
            yield from (zone.name for zone in (*ends.sources, *ends.destinations))
    for firewall in policy.firewalls.values():
        yield from (zone.name for zone in (*firewall.between, *firewall.within))
        yield from firewall.interfaces


def _is_outer(zone: Zone, used: set[str], policy: Policy) -> bool:
    """Whether it is a member of a zone that is used."""
    return any(zone.name in other.members and other.name in used for other in policy.named_zones)
