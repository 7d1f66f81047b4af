"""Who reaches something, exactly: from anywhere, from which prefixes, by which interface; and when that is a fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from firewright.analysis.passage import MachineNamer, ways
from firewright.analysis.running import Running, openings
from firewright.catalog.row import Degree, ServiceRow, Visibility
from firewright.catalog.services import catalog
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.model.address import UNICAST
from firewright.model.essential import ESSENTIALS, LINK_LOCAL
from firewright.model.interval import Range, Ranges, intersection, is_within, size, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.service_words import words as service_words
from firewright.reports import Exposure
from firewright.space.axis import ANY_INTERFACE, Axis
from firewright.space.box import Box, ranges_of
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.workflows.targets import Target

WORLDWIDE: Mapping[Family, int] = {4: 2**28, 6: 2**112}
"""So many globally reachable addresses (an IPv4 /4, an IPv6 /16) are the internet by whatever name."""
WIDE: Mapping[Family, int] = {4: 2**16, 6: 2**80}
"""So many (an IPv4 /16, an IPv6 /48) are more than the networks of whoever is meant."""
EVERYBODY = "anywhere"
SINGLE_PORTS = 16
"""So many neighbouring ports are told one by one; more are a range, opened as a whole."""
MOST_NAMES = 6
KEPT = (Visibility.NOWHERE, Visibility.OWN_NETWORK)
"""What is never for the internet."""
_ORDER = ("reachable", "possibly", "undecided", "unseen", "own", "hidden")


@dataclass(slots=True)
class Auditing:
    """One audit under way: what guards the machine (None where it was not seen), the names, and what is said of it.

    `outward` are the interfaces that lead to the internet, empty where that is not known, and then all may. `families` are
    those of which the rulesets say something: of others nothing is known.
    """

    running: Running | None
    namer: MachineNamer
    report: Report
    outward: Ranges = ()
    families: tuple[Family, ...] = FAMILIES
    exposures: list[Exposure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Reached:
    """Flows that surely arrive, those that may beside them, and the places of the rules behind it."""

    sure: tuple[Flow, ...]
    possible: tuple[Flow, ...]
    by: tuple[str, ...]


def expose(auditing: Auditing, target: Target) -> None:
    """Say who reaches a target, for each family, and complain where the internet reaches what it never must."""
    row = row_at(target.services)
    for family, within in target.boxes.items():
        one = Exposure(target.service, row.name if row else "", target.programs, target.address, (family,), "own")
        if within is not None:
            one = _judged(auditing, target, one, family, within)
        auditing.exposures.append(one)
        if row and row.visibility is not Visibility.INTERNET and not _is_essential(target.services, family):
            _complain(auditing.report, row, one, family)


def _judged(auditing: Auditing, target: Target, one: Exposure, family: Family, within: Box) -> Exposure:
    running = target.running or auditing.running
    if running is None or family not in auditing.families:
        return replace(one, state="unseen")
    try:
        reached = _reached(running, family, within)
    except Undecided as error:
        auditing.report.error("undecided", f"{target.service}: {harmless(str(error))}")
        return replace(one, state="undecided")
    sure, possible = (reached.sure, reached.possible) if target.is_certain else ((), reached.sure + reached.possible)
    leads_out = (
        flow for flow in (*sure, *possible) if not auditing.outward or intersection(flow.in_interface, auditing.outward)
    )
    public = intersection(union(*(flow.source for flow in leads_out)), globally_reachable().ranges(family))
    return replace(
        one,
        state="reachable" if sure else "possibly" if possible else "hidden",
        sources=_sources(sure, within, auditing.namer),
        possible=_sources(possible, within, auditing.namer),
        by=reached.by,
        is_worldwide=is_worldwide(public, family),
        counts=((family, size(public)),) if public else (),
    )


def _reached(running: Running, family: Family, within: Box) -> _Reached:
    """What of some packets passes, surely and possibly, and by which rules; those that stop it where nothing does. Raises Undecided."""
    boxes = tuple(openings(family, within))
    sure = tuple(flow for one in boxes for flow in running.surely.flows(family, {family: one}))
    possible: tuple[Flow, ...] = ()
    if running.bounded:
        more = running.possibly - running.surely
        possible = tuple(flow for one in boxes for flow in more.flows(family, {family: one}))
    is_open = bool(sure or possible)
    lines = (line for _, verdict, line in running.judged(family, within) if line and (verdict == "accept") is is_open)
    return _Reached(sure, possible, tuple(dict.fromkeys(line.place for line in lines)))


def is_worldwide(sources: Ranges, family: Family) -> bool:
    """Whether so many globally reachable addresses are among these that they are the internet."""
    return size(intersection(sources, globally_reachable().ranges(family))) >= WORLDWIDE[family]


def _sources(flows: Iterable[Flow], within: Box, namer: MachineNamer) -> tuple[str, ...]:
    """Who sends these flows, in words, by which interface and from which ports where that is limited within the question."""
    groups: dict[tuple[str, Family], Ranges] = {}
    for flow in flows:
        key = (limits(_beyond(flow, within)), flow.family)
        groups[key] = union(groups.get(key, ()), flow.source)
    kept = {
        (said, family): ranges
        for (said, family), ranges in groups.items()
        if not said or not is_within(ranges, groups.get(("", family), ()))
    }
    return tuple(f"{_who(family, ranges, namer)} {said}".rstrip() for (said, family), ranges in sorted(kept.items()))


def _beyond(flow: Flow, within: Box) -> Flow:
    """The flow by any interface where it has all that the question names."""
    came = ranges_of(within, Axis.IN_INTERFACE, flow.family)
    went = ranges_of(within, Axis.OUT_INTERFACE, flow.family)
    return replace(
        flow,
        in_interface=ANY_INTERFACE if is_within(came, flow.in_interface) else flow.in_interface,
        out_interface=ANY_INTERFACE if is_within(went, flow.out_interface) else flow.out_interface,
    )


def limits(flow: Flow) -> str:
    """By which interface and from which ports a flow must come, in words; empty where any will do."""
    ports = "" if flow.is_free(Axis.SOURCE_PORT) else f"from source port {_ports(flow.source_port)}"
    return " ".join(filter(None, (ways(flow), ports)))


def _ports(ranges: Ranges) -> str:
    said = [str(low) if low == high else f"{low}-{high}" for low, high in ranges]
    more = f" and {len(said) - MOST_NAMES} more" if len(said) > MOST_NAMES else ""
    return ", ".join(said[:MOST_NAMES]) + more


def _who(family: Family, ranges: Ranges, namer: MachineNamer) -> str:
    if is_within(UNICAST.ranges(family), ranges):
        return EVERYBODY
    if ranges == LINK_LOCAL.ranges(family):
        return "the same link"
    return namer.addresses(family, ranges)


def row_at(services: Ranges) -> ServiceRow | None:
    """What commonly is at one port: a service made for the internet if there is one, else the row that holds least.

    None for several ports, and for what the catalog does not know.
    """
    if size(services) != 1:
        return None
    rows = catalog().by_services(services)
    return next((row for row in rows if row.visibility is Visibility.INTERNET), next(iter(rows), None))


def _is_essential(services: Ranges, family: Family) -> bool:
    """Whether a machine cannot do without these: the answers to its own DHCP, for one, come from whoever leases."""
    needed = (
        ((one.protocol << 16 | low, one.protocol << 16 | high),)
        for one in ESSENTIALS
        if one.is_inbound and family in one.families
        for low, high in one.selectors
    )
    return any(is_within(services, one) for one in needed)


def is_kept(row: ServiceRow) -> bool:
    """Whether the internet must never reach a service: nobody beyond the own network should, or only by a VPN that protects it."""
    is_bare = row.encrypted is not Degree.YES or row.authenticated is not Degree.YES
    return row.visibility in KEPT or (row.visibility is Visibility.VPN and is_bare)


def _complain(report: Report, row: ServiceRow, one: Exposure, family: Family) -> None:
    """Somebody reaches what is commonly for fewer: the more addresses, the worse.

    The internet: an error, a warning for what is commonly behind a VPN. More public addresses than one organisation has: a
    warning. The own network, where it is for nobody: a note.
    """
    reachable = "reachable" if one.sources else "possibly reachable"
    program = f" ({', '.join(one.programs)})" if one.programs else ""
    head = f"{one.service}{program} is {reachable}"
    public = sum(count for _, count in one.counts)
    if one.is_worldwide:
        severity = Severity.ERROR if is_kept(row) else Severity.WARNING
        _say(report, severity, f"{head} from the internet: commonly {row.title}", row, count_words(family, public))
    elif public >= WIDE[family] and is_kept(row):
        said = f"{head} from {count_words(family, public)}: commonly {row.title}"
        _say(report, Severity.WARNING, said, row)
    elif row.visibility is Visibility.NOWHERE and one.state in ("reachable", "possibly"):
        who = "others" if one.sources or one.possible else "somebody"
        _say(report, Severity.NOTE, f"{head} by {who}, and commonly for nobody: {row.title}", row)


def count_words(family: Family, count: int) -> str:
    """`16,777,216 public addresses of IPv4`; of so many that nobody reads the digits, the power of two below."""
    said = f"{count:,}" if count < 2**48 else f"more than 2^{count.bit_length() - 1}"
    return f"{said} public {'address' if count == 1 else 'addresses'} of IPv{family}"


def complain_of_services(
    report: Report, services: Range, family: Family, limit: str, severity: Severity, count: int
) -> None:
    """Complain of neighbouring services that so many public addresses reach: port by port where they are few, else of all at once."""
    low, high = services
    who = "the internet" if count >= WORLDWIDE[family] else count_words(family, count)
    reach = count_words(family, count)
    if high - low < SINGLE_PORTS:
        for service in range(low, high + 1):
            row = row_at(((service, service),))
            if row and is_kept(row) and not _is_essential(((service, service),), family):
                word = f"{service_words(((service, service),), family)} {limit}".rstrip()
                _say(report, severity, f"{word} is reachable from {who}: commonly {row.title}", row, reach)
        return
    rows = [row for row in catalog().by_services((services,)) if is_kept(row)]
    if rows:
        more = f" and {len(rows) - MOST_NAMES} more" if len(rows) > MOST_NAMES else ""
        names = ", ".join(row.name for row in rows[:MOST_NAMES]) + more
        word = f"{service_words((services,), family)} {limit}".rstrip()
        _say(report, severity, f"{word} is reachable from {who}: {names} commonly must not be", None, reach)


def _say(report: Report, severity: Severity, message: str, row: ServiceRow | None = None, reach: str = "") -> None:
    """Add a complaint; where the other family has the same, its addresses are added to that."""
    way_out = row.advice if row else "open single ports, or name who may reach them"
    notes = (*((Note(row.when_open),) if row else ()), *((Note(f"reached by {reach}"),) if reach else ()))
    for place, known in enumerate(report.diagnostics):
        if (known.name, known.severity, known.message) == ("exposed", severity, message):
            more = tuple(dict.fromkeys((*known.notes, *notes)))
            report.diagnostics[place] = replace(known, notes=more)
            return
    report.add(Diagnostic("exposed", severity, message, notes=notes, help=way_out))


def merged(exposures: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """One row for both families where they say the same; what most can reach comes first."""
    found: dict[Exposure, list[Exposure]] = {}
    for one in exposures:
        found.setdefault(replace(one, families=(), is_worldwide=False, counts=()), []).append(one)
    rows = (
        replace(
            key,
            families=tuple(sorted({family for one in same for family in one.families})),
            is_worldwide=any(one.is_worldwide for one in same),
            counts=tuple(sorted(pair for one in same for pair in one.counts)),
        )
        for key, same in found.items()
    )
    return tuple(
        sorted(rows, key=lambda one: (_ORDER.index(one.state), not one.is_worldwide, one.service, one.address))
    )
