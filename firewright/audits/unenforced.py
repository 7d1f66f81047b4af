"""A rule that no firewall can enforce: its packets stay inside one network and pass none.

A permission there is true whatever the firewalls do, and is only said; a ban there is an illusion, and a finding. So is a ban of
nothing but what a machine cannot do without (the essentials) or says to itself: that is let through before any rule. A ban of which a
part passes no firewall is said with that part.
"""

from collections.abc import Iterator

from firewright.analysis.words import Namer, flow_words
from firewright.audits._audit import Context, note, warning
from firewright.diagnostic import Diagnostic, Note
from firewright.model.decision import SETTLED_OUTCOMES, Outcome
from firewright.model.policy import Ends, Policy, Rule, Verb, Zone, ZoneKind
from firewright.space.encode import encode_passage
from firewright.space.flow import Flow
from firewright.space.packetset import EVERYTHING, PacketSet

_BANS = (Verb.DENY, Verb.REJECT)
MOST_PAIRS = 4


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """For each rule of which a zone pair is outside every firewall: one note, for a ban a warning."""
    away, always, settled = EVERYTHING, EVERYTHING, EVERYTHING
    for firewall in policy.firewalls.values():
        passage = encode_passage(policy, firewall)
        away = away & PacketSet.decided(passage, Outcome.UNENFORCED.value)
        always = always & PacketSet.decided(passage, Outcome.ESSENTIAL.value, Outcome.LOOPBACK.value)
        settled = settled & PacketSet.decided(passage, *SETTLED_OUTCOMES)
    passing = ~away
    known: dict[tuple[object, ...], tuple[bool, bool]] = {}
    for rule in context.active(policy):
        if rule.verb in (Verb.REQUEST, Verb.OTHERWISE):
            continue
        is_ban = rule.verb in _BANS
        outside, partly = [], []
        for ends in rule.ends:
            # the zones of one policy are one object each, and cheaper to tell apart than to compare
            key = (is_ban, len(ends.sources), *map(id, ends.sources), *map(id, ends.destinations))
            if key not in known:
                pair = _pair(ends)
                is_outside = not context.has_part(passing, pair)
                is_asked = is_ban or _is_inner(ends)
                known[key] = (is_outside, not is_outside and is_asked and context.has_part(away, pair))
            outside += [ends] if known[key][0] else []
            partly += [ends] if known[key][1] else []
        if is_ban and not context.has_part(~settled, rule) and context.has_part(always, rule):
            message = f"{rule.label} bans what is let through before any rule: an essential, or what the machine says to itself"
            yield warning("unenforced", message, rule.at, context.first(always, rule) or "", "delete it")
        elif outside:
            yield _whole(rule, outside)
        elif partly:
            yield _part(rule, Namer(policy), context.flows(away, _pair(partly[0])))


def _pair(ends: Ends) -> Rule:
    """Every packet between these ends, as a rule."""
    return Rule(Verb.ALLOW, (ends,), (), ends.sources[0].at)


def _is_inner(ends: Ends) -> bool:
    """Whether it is one set of named zones to itself."""
    return ends.sources == ends.destinations and all(zone.kind is ZoneKind.NAMED for zone in ends.sources)


def _whole(rule: Rule, outside: list[Ends]) -> Diagnostic:
    pairs = sorted({f"{_names(ends.sources)} -> {_names(ends.destinations)}" for ends in outside})
    words = ", ".join(pairs[:MOST_PAIRS]) + (f" and {len(pairs) - MOST_PAIRS} more" if len(pairs) > MOST_PAIRS else "")
    if rule.verb in _BANS:
        way_out = "put the zone on `within:` of a firewall that its inner traffic passes, or delete the rule"
        return warning("unenforced", f"{rule.label} bans what passes no firewall: {words}", rule.at, help=way_out)
    return note("unenforced", f"no firewall can enforce {rule.label}: {words} passes none", rule.at)


def _names(zones: tuple[Zone, ...]) -> str:
    return ", ".join(zone.name for zone in zones)


def _part(rule: Rule, namer: Namer, inner: list[Flow]) -> Diagnostic:
    lines = flow_words(inner, namer)
    notes = [Note(f"{line.source} -> {line.destination}") for line in lines[:6]]
    return note(
        "unenforced", f"part of {rule.label} stays inside one network and passes no firewall", rule.at, notes=notes
    )
