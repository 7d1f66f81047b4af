"""Who reaches whom by a service: the classes of addresses that a policy, a ruleset or a document tells apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from firewright.analysis.classes import TooManyClasses
from firewright.analysis.question import BadQuestion, Side, parse_question, parse_services
from firewright.analysis.service_matrix import MOST_CLASSES, Asked, table
from firewright.analysis.subject import Kind, Subject, said_only
from firewright.diagnostic import Report, harmless
from firewright.model.address import UNICAST, AddressSet
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy
from firewright.model.service_table import FamilyTable, ServiceMatrix
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.workflows.selection import Saying, Wanted, silent
from firewright.workflows.subject import subject_in

_WAY_OUT = "narrow it with --from and --to, or ask for one port"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """How a matrix is narrowed: its ends as they were typed, empty for all; the families; the most classes of one."""

    sources: str = ""
    destinations: str = ""
    families: tuple[Family, ...] = FAMILIES
    most: int = MOST_CLASSES


def service_matrix(
    given: str | Source,
    service: str,
    narrowed: Narrowed,
    wanted: Wanted,
    report: Report,
    saying: Saying = silent,
    firewall: str = "",
) -> ServiceMatrix | None:
    """Who reaches whom in a file of any kind, or None after saying in the report why nobody knows."""
    found = subject_in(given, wanted, report, saying, firewall)
    if found is None or report.has_errors():
        return None
    subject = said_only(found) if found.kind is Kind.DOCUMENT else found
    asked = _asked(service, narrowed, subject, report)
    if asked is None:
        return None
    tables = _tables(subject, asked, narrowed, report, saying)
    if report.has_errors():
        return None
    if not tables:
        way_out = "both ends need addresses of one family that it speaks of, and the service must exist in it"
        report.error("bad-question", "no packet is asked about", help=way_out)
        return None
    name = "standard input" if subject.path == "-" else subject.name
    notes = tuple(_notes(subject, asked, narrowed.families, tables))
    return ServiceMatrix(name, subject.path, subject.kind.value, asked.term.word, tuple(tables), notes)


def _tables(
    subject: Subject, asked: Asked, narrowed: Narrowed, report: Report, saying: Saying
) -> tuple[FamilyTable, ...]:
    tables = []
    for family in narrowed.families:
        if family not in subject.families:
            continue
        saying(f"telling apart the addresses of IPv{family}")
        try:
            found = table(subject, asked, family, narrowed.most)
        except TooManyClasses as error:
            report.error("too-many-classes", str(error), help=f"{_WAY_OUT}; --most N shows up to N")
        except Undecided as error:
            report.error("undecided", f"IPv{family} was not decided: {harmless(str(error))}", help=_WAY_OUT)
        else:
            tables += [] if found is None else [found]
    return tuple(tables)


def _asked(service: str, narrowed: Narrowed, subject: Subject, report: Report) -> Asked | None:
    """The question in values, or None after saying in the report what is wrong with it."""
    try:
        term = parse_services(service, subject.vocabulary)
        has_local = _has_local(subject)
        sources, from_local = _end(narrowed.sources, subject.vocabulary, has_local=has_local)
        destinations, to_local = _end(narrowed.destinations, subject.vocabulary, has_local=has_local)
    except BadQuestion as error:
        report.error("bad-question", str(error), help=error.help)
        return None
    return Asked(term, sources, destinations, from_local, to_local)


def _has_local(subject: Subject) -> bool:
    """Whether a subject speaks of a machine itself: a policy does where it guards one, or where a rule names it."""
    if subject.kind is Kind.RULESET:
        return True
    policy = subject.vocabulary
    ends = (end for rule in policy.rules for end in rule.ends)
    return any(one.is_host for one in policy.firewalls.values()) or any(
        zone.is_local for end in ends for zone in (*end.sources, *end.destinations)
    )


def _end(text: str, policy: Policy, *, has_local: bool) -> tuple[AddressSet, bool]:
    """The addresses of an end, and whether the machine itself is of it; everybody where it is empty. Raises BadQuestion."""
    names = [name for part in text.split(",") if (name := part.strip())]
    if not names:
        if text:
            raise BadQuestion(f"{harmless(text, 60)!r} names nobody", "write --from internet,10.0.0.0/8")
        return UNICAST, has_local
    addresses, is_local = AddressSet(), False
    for name in names:
        side = _side(name, policy)
        is_local = is_local or side.is_local
        addresses |= AddressSet() if side.is_local else side.addresses & UNICAST
    return addresses, is_local


def _side(name: str, policy: Policy) -> Side:
    """One name of an end. Raises BadQuestion."""
    if ">" in name:
        raise BadQuestion(
            f"{harmless(name, 60)!r} is no end", "write zones, addresses, prefixes or ranges, with commas"
        )
    side = parse_question(f"{name} -> any", policy)[0].source
    if side.is_group:
        raise BadQuestion(f"{name} is no address of a machine", f"firewright ask 'any -> {name} udp/5353'")
    return side


def _notes(
    subject: Subject, asked: Asked, families: Collection[Family], tables: Collection[FamilyTable]
) -> Iterator[str]:
    for family in families:
        if family not in subject.families:
            yield f"IPv{family}: {subject.name} says nothing of it"
        elif all(one.family != family for one in tables):
            yield f"IPv{family}: no packet of it is asked about"
    if count := len(subject.translations):
        change = "1 rule changes" if count == 1 else f"{count} rules change"
        yield f"{change} addresses or ports (NAT): classes and cells are of packets as the rules see them"
    if count := len(subject.bounded):
        rules = "1 rule is" if count == 1 else f"{count} rules are"
        yield f"{rules} known in bounds only: what hangs on one is possibly open"
