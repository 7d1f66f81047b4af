"""A listing of sockets that somebody kept: read, shown, and judged by a ruleset as if its machine stood behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from firewright.analysis.contrast import MOST
from firewright.analysis.passage import MachineNamer, world
from firewright.analysis.running import Running
from firewright.diagnostic import Note, Report, harmless
from firewright.model.address import LOOPBACK, UNICAST, AddressSet
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, difference
from firewright.model.packet import Family
from firewright.model.service_words import words as service_words
from firewright.readers.listening import Bound, HeardListing, HeardRow, HeardState, Holder, listing_of
from firewright.readers.port_documents import FORMATS
from firewright.reports import Audit
from firewright.reports._listening import ListedSocket, ListingReading
from firewright.source import Source, UnreadableSource, read
from firewright.space.axis import ANY_INTERFACE, HOST, interface
from firewright.space.box import Box, box
from firewright.workflows.against import Standard
from firewright.workflows.audit import audit_running, described_by
from firewright.workflows.contradicted import say_contradicted
from firewright.workflows.exposure import Auditing, expose, merged
from firewright.workflows.selection import Saying, silent
from firewright.workflows.targets import NEW, Target

_PLAIN = (".txt", ".text")
"""Endings of documents that listings have, too."""
_MOST = 5


def is_listing(given: Source | str) -> bool:
    """Whether a file is a listing of sockets, by how it begins. What cannot be opened, is no text or is a document by name is none."""
    suffix = PurePath(given.path if isinstance(given, Source) else given).suffix.lower()
    if suffix not in _PLAIN and any(suffix in one.suffixes for _, one in FORMATS.all()):
        return False
    try:
        source = read(given) if isinstance(given, str) else given
    except UnreadableSource:
        return False
    return listing_of(source.text) is not None


def listing_in(given: Source | str, report: Report) -> HeardListing | None:
    """The listing in a file or a piped text; None after saying in the report why there is none."""
    try:
        source = read(given) if isinstance(given, str) else given
    except UnreadableSource as error:
        report.error("unreadable", harmless(str(error)))
        return None
    report.know(source)
    found = listing_of(source.text)
    listing = found.read(source) if found is not None else None
    if listing is None or not listing.rows:
        message = (
            f"{harmless(source.path)} is no listing of sockets"
            if listing is None
            else f"{harmless(source.path)} lists nothing"
        )
        report.error("unreadable", message, help="keep what ss -tulpn prints, or netstat -tulpn")
        return None
    return listing


def read_listing(given: Source | str, report: Report, has_rows: bool) -> ListingReading | None:
    """A listing as it is understood, for people; None after saying in the report why there is none."""
    listing = listing_in(given, report)
    if listing is None:
        return None
    return ListingReading(listing.path, listing.title, tuple(map(_socket, listing.rows)), has_rows)


def _socket(row: HeardRow) -> ListedSocket:
    sure = dict.fromkeys(_words(one) for one in row.bound if one.is_certain)
    possible = dict.fromkeys(_words(one) for one in row.bound if not one.is_certain)
    holders = tuple(map(_holder, row.holders))
    return ListedSocket(row.text, row.at, row.state.value, tuple(sure), tuple(possible), holders, row.why, row.help)


def _words(one: Bound) -> str:
    return f"IPv{one.family} {service_words(_services(one), one.family)} at {_address(one)}"


def _services(one: Bound) -> Ranges:
    low = one.protocol << 16 | one.port
    return ((low, low | 0xFFFF),) if one.port == 0 else ((low, low),)


def _address(one: Bound) -> str:
    here = ((one.address, one.address),)
    own = (
        (AddressSet(v4=here) if one.family == 4 else AddressSet(v6=here)).prefixes()[0]
        if one.address
        else "any address"
    )
    return f"{own} on {harmless(one.interface, 40)}" if one.interface else own


def _holder(one: Holder) -> str:
    return harmless(f"{one.name} ({one.pid})" if one.name else f"process {one.pid}", 60)


def audit_heard(
    running: Running,
    path: str,
    given: Source | str,
    report: Report,
    saying: Saying = silent,
    standard: Standard | None = None,
    budget: int = MOST,
) -> Audit | None:
    """Who reaches what a listing names, through a ruleset; then what that lets in alone. None where the listing cannot be read.

    Lines that are refused are an error among the findings, and `is_whole` is false: they may listen to anybody.
    """
    listing = listing_in(given, report)
    if listing is None:
        return None
    auditing = Auditing(running, MachineNamer(world(path), UNICAST), report, families=described_by(running))
    refused = [row for row in listing.rows if row.state is HeardState.REFUSED]
    if refused:
        lines = "1 line" if len(refused) == 1 else f"{len(refused):,} lines"
        verb = "is" if len(refused) == 1 else "are"
        notes = (Note(f"{harmless(row.text, 100)}: {harmless(row.why)}", row.at) for row in refused[:_MOST])
        message = f"not seen: {lines} of {harmless(listing.path)} {verb} not understood"
        report.error("not-seen", message, refused[0].at, refused[0].help, notes)
    for target in heard_targets(listing):
        saying(f"judging {target.service}")
        expose(auditing, target)
    if standard is not None:
        say_contradicted(standard.subject, running, heard_targets(listing), described_by(running), report)
    audit = audit_running(running, path, report, standard, saying, budget)
    subject = f"{path}, with what {listing.path} lists"
    return replace(
        audit, subject=subject, exposures=merged(auditing.exposures), is_whole=audit.is_whole and not refused
    )


def heard_targets(listing: HeardListing) -> Iterator[Target]:
    """What a listing says that listens, one for each port, address and program, in the families that it serves.

    The machine's own addresses are not in a listing: where any will do, packets to every address are meant.
    """
    groups: dict[tuple[object, ...], tuple[HeardRow, dict[Family, Bound]]] = {}
    for row in listing.rows:
        for one in row.bound:
            key = (one.protocol, one.port, _address(one), row.holders, one.is_certain)
            groups.setdefault(key, (row, {}))[1][one.family] = one
    for row, by_family in groups.values():
        first = next(iter(by_family.values()))
        yield Target(
            service=service_words(_services(first), first.family),
            programs=tuple(map(_holder, row.holders)),
            address="loopback" if _is_private(first) else _address(first),
            boxes={family: _to(one) for family, one in by_family.items()},
            services=_services(first),
            is_certain=first.is_certain,
        )


def _is_private(one: Bound) -> bool:
    return one.interface == "lo" or LOOPBACK.has(one.family, one.address)


def _to(one: Bound) -> Box | None:
    """The packets with which somebody outside begins a flow to a listener; None where nobody outside can address it."""
    if _is_private(one):
        return None
    is_near = bool(one.address) and LINK_LOCAL.has(one.family, one.address)
    there = ((one.address, one.address),) if one.address else (UNICAST - LOOPBACK).ranges(one.family)
    return box(
        one.family,
        in_interface=interface(one.interface) if one.interface else difference(ANY_INTERFACE, interface("lo")),
        out_interface=HOST,
        source=(LINK_LOCAL if is_near else UNICAST).ranges(one.family),
        destination=there,
        conntrack_state=NEW,
        service=_services(one),
    )
