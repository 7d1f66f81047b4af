"""Whether a policy requires a way in by which its machine is managed, whoever asks: the writer that warns, the plan that refuses."""

from __future__ import annotations

from firewright.model.packet import TYPED
from firewright.model.policy import Firewall, Policy, Rule, Verb


def without_management(policy: Policy, firewall: Firewall) -> bool:
    """Whether no rule requires, for good, a way into the machine itself (LANGUAGE 33): who applies that may lock everybody out.

    A rule that ends, one whose source is not filled in, and one that lets nothing but ICMP in are no such way.
    """
    return not any(_is_management(rule, firewall) for rule in policy.rules)


def _is_management(rule: Rule, firewall: Firewall) -> bool:
    is_lasting = rule.is_on and rule.until is None
    return (
        is_lasting and rule.verb is Verb.REQUIRE and rule.opens(firewall) and _leads_in(rule) and _bears_sessions(rule)
    )


def _leads_in(rule: Rule) -> bool:
    """Whether it speaks of what others send to the machine itself."""
    return any(
        any(zone.is_local for zone in ends.destinations)
        and any(not zone.is_local and zone.addresses for zone in ends.sources)
        for ends in rule.ends
    )


def _bears_sessions(rule: Rule) -> bool:
    return not rule.terms or any(
        term.is_any or any(transport.protocol not in TYPED for transport in term.transports) for term in rule.terms
    )
