"""A rule that no firewall can enforce: its packets stay inside one network and pass none.

A permission there is true whatever the firewalls do, and is only said; a ban there is an illusion, and a finding.
"""

from collections.abc import Iterator

from firewright.analysis.words import Namer, flow_words
from firewright.audits._audit import Context, note, warning
from firewright.diagnostic import Diagnostic, Note
from firewright.model.decision import Outcome
from firewright.model.packet import FAMILIES
from firewright.model.policy import Ends, Policy, Rule, Verb, ZoneKind
from firewright.space.encode import rule_boxes
from firewright.space.packetset import EVERYTHING, PacketSet

_BANS = (Verb.DENY, Verb.REJECT)


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note, for a ban a warning, for each rule of which a zone pair lies outside every firewall of the policy."""
    away = EVERYTHING
    for hop in context.hops(policy):
        if hop.is_own:
            away = away & hop.decided(Outcome.UNENFORCED.value)
    known: dict[Ends, tuple[bool, PacketSet]] = {}
    for rule in context.active(policy):
        if rule.verb is Verb.REQUEST or rule.verb is Verb.OTHERWISE:
            continue
        for ends in rule.ends:
            if ends not in known:
                known[ends] = _outside(ends, away)
        outside = [ends for ends in rule.ends if known[ends][0]]
        inside = [
            ends for ends in rule.ends if not known[ends][0] and _is_inner(ends) and not known[ends][1].is_empty()
        ]
        if outside:
            yield _whole(rule, outside)
        elif inside and rule.verb not in _BANS:
            yield _part(policy, rule, known[inside[0]][1])


def _outside(ends: Ends, away: PacketSet) -> tuple[bool, PacketSet]:
    """Whether no packet between these ends passes a firewall, and those that do not."""
    pair = Rule(Verb.ALLOW, (ends,), (), ends.sources[0].at)
    spoken = PacketSet.of({family: rule_boxes(pair, family) for family in FAMILIES})
    return (spoken - away).is_empty(), spoken & away


def _is_inner(ends: Ends) -> bool:
    """Whether it is one set of named zones to itself."""
    return ends.sources == ends.destinations and all(zone.kind is ZoneKind.NAMED for zone in ends.sources)


def _whole(rule: Rule, outside: list[Ends]) -> Diagnostic:
    pairs = sorted({f"{_names(ends.sources)} -> {_names(ends.destinations)}" for ends in outside} - {""})
    words = ", ".join(pairs[:4]) + (f" and {len(pairs) - 4} more" if len(pairs) > 4 else "")
    if rule.verb in _BANS:
        way_out = "put the zone on `within:` of a firewall that its inner traffic passes, or delete the rule"
        return warning("unenforced", f"{rule.label} bans what passes no firewall: {words}", rule.at, help=way_out)
    return note("unenforced", f"no firewall can enforce {rule.label}: {words} passes none", rule.at)


def _names(zones: tuple[object, ...]) -> str:
    return ", ".join(str(getattr(zone, "name", zone)) for zone in zones)


def _part(policy: Policy, rule: Rule, inner: PacketSet) -> Diagnostic:
    lines = flow_words([flow for family in FAMILIES for flow in inner.flows(family)], Namer(policy))
    notes = [Note(f"{line.source} -> {line.destination}") for line in lines[:6]]
    return note(
        "unenforced", f"part of {rule.label} stays inside one network and passes no firewall", rule.at, notes=notes
    )
