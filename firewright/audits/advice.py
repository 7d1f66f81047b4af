"""What the catalog advises against: a service opened to the internet that commonly should not be visible there.

Advice, never a rule: it says "commonly", and fails nothing unless somebody asks for strictness. Exact: what a `deny` takes back is not
counted as open.
"""

from collections.abc import Iterator

from firewright.analysis.path import internet_of
from firewright.audits._audit import Context, note
from firewright.catalog.row import ServiceRow, Visibility
from firewright.catalog.services import catalog
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Diagnostic, Note
from firewright.model.address import merge
from firewright.model.decision import PERMITTED_OUTCOMES
from firewright.model.interval import Ranges, intersection, size, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Rule, Term, Verb, Zone, ZoneKind
from firewright.model.transport import service_ranges
from firewright.space.axis import ANY_INTERFACE
from firewright.space.box import Box, box, meet_box

MOST_NAMES = 6
WORLDWIDE = {4: 2**28, 6: 2**112}
"""So many reachable addresses (an IPv4 /4, an IPv6 /16) are nobody's own network."""


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each permission that lets the internet reach what is commonly kept from it."""
    inward = _inward(policy)
    for rule in context.active(policy):
        if rule.verb in (Verb.ALLOW, Verb.REQUIRE) and _is_inward(rule):
            exposed = _exposed(policy, context, rule, inward)
            if exposed:
                yield _advise(rule, exposed)


def _inward(policy: Policy) -> dict[Family, Box]:
    """Packets that come from the internet and go anywhere else."""
    internet = internet_of(policy) | merge(zone.addresses for zone in policy.named_zones if _is_worldwide(zone))
    found = {}
    for family in FAMILIES:
        one = box(family, in_interface=ANY_INTERFACE, source=internet.ranges(family))
        if one is not None:
            found[family] = one
    return found


def _is_inward(rule: Rule) -> bool:
    outer = (ZoneKind.INTERNET, ZoneKind.ANY)
    return any(
        any(zone.kind in outer or _is_worldwide(zone) for zone in ends.sources)
        and any(_is_inner(zone) for zone in ends.destinations)
        for ends in rule.ends
    )


def _is_worldwide(zone: Zone) -> bool:
    """Whether a named zone holds so much of what is globally reachable that it is the internet by another name."""
    reachable = zone.addresses & globally_reachable()
    return zone.kind is ZoneKind.NAMED and any(
        size(reachable.ranges(family)) >= WORLDWIDE[family] for family in FAMILIES
    )


def _is_inner(zone: Zone) -> bool:
    return zone.kind in (ZoneKind.LOCAL, ZoneKind.NAMED, ZoneKind.ANY)


def _exposed(policy: Policy, context: Context, rule: Rule, inward: dict[Family, Box]) -> list[tuple[Term, ServiceRow]]:
    """The rule's terms with the rows that they expose: those of which a packet gets through from the internet."""
    suspects = [(term, row) for term in rule.terms for row in _rows(term)]
    if not suspects:
        return []
    opened = context.decided(policy, *PERMITTED_OUTCOMES)
    open_services: dict[Family, Ranges] = {}
    for family, within in inward.items():
        boxes = (meet_box(one, within, family) for one in context.boxes(rule, family))
        inner = (flow for one in boxes if one is not None for flow in opened.flows(family, {family: one}))
        open_services[family] = union(*(flow.service for flow in inner))
    return [(term, row) for term, row in suspects if _is_open(row, open_services)]


def _is_open(row: ServiceRow, services: dict[Family, Ranges]) -> bool:
    return any(
        intersection(services[family], ranges)
        for family in services
        for ranges in service_ranges(row.transports, family).values()
    )


def _rows(term: Term) -> list[ServiceRow]:
    """The rows that a term means and that should not be visible to the internet.

    A name means its own row; a transport may mean any row that commonly lives there, and `any` means all.
    """
    table = catalog()
    rows = [row for name in table.names() if (row := table.service(name)) and row.visibility is not Visibility.INTERNET]
    if term.names:
        return [row for row in rows if row.name in term.names]
    if term.is_any:
        return rows
    return [row for row in rows if _share(term, row)]


def _share(term: Term, row: ServiceRow) -> bool:
    mine = service_ranges(term.transports, 4)
    theirs = service_ranges(row.transports, 4)
    return any(intersection(a, b) for a in mine.values() for b in theirs.values())


def _advise(rule: Rule, exposed: list[tuple[Term, ServiceRow]]) -> Diagnostic:
    names = list(dict.fromkeys(row.name for _, row in exposed))
    listed = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
    first = exposed[0][1]
    notes = [Note(f"{row.name}: commonly for {_reach(row)}; {row.when_open}", term.at) for term, row in exposed[:2]]
    way_out = first.advice if len(names) == 1 else "firewright explain NAME says what to do about each"
    return note("advice", f"open to the internet: {listed}", exposed[0][0].at, help=way_out, notes=notes)


def _reach(row: ServiceRow) -> str:
    return {Visibility.NOWHERE: "nobody", Visibility.OWN_NETWORK: "the own network", Visibility.VPN: "a VPN"}.get(
        row.visibility, "the internet"
    )
