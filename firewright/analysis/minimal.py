"""The least that a machine may be left with: a policy that keeps the ways of managing it open, and nothing else.

It is for a machine whose ruleset does not load at boot: reachable, so that somebody can mend it, and closed, so that nobody else can
do anything. It asks for as little of the kernel as can be, since the reason may be what the kernel lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from firewright.model.interval import intersection
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Action, Ends, Firewall, Policy, Rule, Term, Verb
from firewright.model.transport import Transport, parse_transport
from firewright.space.box import Box, meet_box
from firewright.space.encode import rule_boxes

SSH = ("tcp/22",)
"""By which a machine is managed where nobody says otherwise."""
TUNNELS = ("udp/51820", "udp/500", "udp/4500", "protocol/esp", "protocol/ah", "udp/1194", "tcp/1194")
"""WireGuard, IPsec and OpenVPN at their usual ports: a session may come through one."""
_INWARD = (*TUNNELS, "icmp/echo-request")
_OUTWARD = (
    *("tcp/53", "udp/53", "udp/123"),
    *("tcp/88", "udp/88", "tcp/389", "udp/389", "tcp/636", "tcp/49", "udp/1812"),
    *TUNNELS,
)
"""Without which nobody logs in where accounts are kept elsewhere: names, the time, Kerberos, LDAP, TACACS+, RADIUS; and tunnels."""
_BANS = (Verb.DENY, Verb.REJECT)
_Words = tuple[tuple[str, tuple[Transport, ...]], ...]


def minimal(policy: Policy, firewall: Firewall, words: Iterable[str] = SSH) -> Policy:
    """A policy with one firewall, within the policy's own open set, of what manages the machine: for `words` (transports) into it,
    ping and tunnels as far as the policy opens them; names, the time, logins and tunnels out of it as far as it requires them.

    Where no lasting rule opens one of the words, every rule that requires anything of the machine itself is kept whole. Bans stay
    where they meet what is kept. Nothing else opens a flow, nothing is forwarded anew, and what is closed is hidden. Timeouts,
    helpers and logging go. Raises BadTransport for a word that is none. O(rules).
    """
    wanted = _transports(words)
    into = [rule for rule in policy.rules if rule.is_on and rule.opens(firewall) and _directed(rule, is_inbound=True)]
    kept: list[Rule] = []
    if all(rule.until is not None for rule in _narrowed(into, wanted, is_inbound=True)):
        kept += [_whole(rule) for rule in into if rule.verb is Verb.REQUIRE]
        into = [rule for rule in into if rule.verb is not Verb.REQUIRE]
    kept += _narrowed(into, (*wanted, *_transports(_INWARD)), is_inbound=True)
    required = (rule for rule in policy.rules if rule.is_on and rule.verb is Verb.REQUIRE)
    kept += _narrowed(required, _transports(_OUTWARD), is_inbound=False)
    bans = _meeting((rule for rule in policy.rules if rule.is_on and rule.verb in _BANS), kept)
    names = {rule.name for rule in bans}
    rules = [
        replace(one, overrides=tuple(name for name in one.overrides if name.value in names), sessions=None, log=False)
        for one in (*bans, *kept)
    ]
    alone = replace(firewall, default=Action.DROP, timeouts={})
    return replace(policy, services={}, options={}, firewalls={alone.name: alone}, rules=tuple(rules), behind=None)


def _transports(words: Iterable[str]) -> _Words:
    return tuple((word, parse_transport(word)) for word in dict.fromkeys(words))


def _directed(rule: Rule, *, is_inbound: bool) -> tuple[Ends, ...]:
    """The ends of a rule as far as they are of the machine itself and others: into it, or out of it."""
    found = []
    for ends in rule.ends:
        sources = tuple(zone for zone in ends.sources if zone.is_local is not is_inbound)
        destinations = tuple(zone for zone in ends.destinations if zone.is_local is is_inbound)
        if sources and destinations:
            found.append(Ends(sources, destinations))
    return tuple(found)


def _narrowed(rules: Iterable[Rule], wanted: _Words, *, is_inbound: bool) -> Iterator[Rule]:
    """What rules say of some transports in one direction."""
    for rule in rules:
        ends = _directed(rule, is_inbound=is_inbound)
        terms = tuple(
            Term(word, shared) for word, transports in wanted if (shared := tuple(_shared(rule.terms, transports)))
        )
        if ends and terms:
            yield replace(rule, ends=ends, terms=terms)


def _shared(terms: tuple[Term, ...], transports: tuple[Transport, ...]) -> Iterator[Transport]:
    """What terms have of transports; no terms have everything."""
    if not terms or any(term.is_any for term in terms):
        yield from transports
        return
    own = [one for term in terms for one in term.transports]
    for one in transports:
        for other in own:
            families = tuple(family for family in one.families if family in other.families)
            selectors = intersection(one.selectors, other.selectors)
            ports = intersection(one.source_ports, other.source_ports)
            if one.protocol == other.protocol and families and selectors and ports:
                yield Transport(families, one.protocol, selectors, ports)


def _whole(rule: Rule) -> Rule:
    """All that a rule says of what comes to the machine, without helpers, which are modules of the kernel."""
    terms = tuple(replace(term, helpers=()) for term in rule.terms)
    return replace(rule, ends=_directed(rule, is_inbound=True), terms=terms)


def _meeting(bans: Iterable[Rule], kept: Iterable[Rule]) -> list[Rule]:
    """The bans that stop anything of what is kept."""
    boxes = [(family, box) for rule in kept for family in FAMILIES for box in rule_boxes(rule, family)]
    return [ban for ban in bans if any(_meets(ban, family, box) for family, box in boxes)]


def _meets(ban: Rule, family: Family, kept: Box) -> bool:
    return any(meet_box(one, kept, family) is not None for one in rule_boxes(ban, family))
