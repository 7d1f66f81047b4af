"""What is odd of what listens: unknown programs, ports of back doors, doors that nobody is behind, ports past the input chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firewright.analysis.running import Running
from firewright.catalog.programs import KERNEL, back_door_at, programs
from firewright.catalog.row import ServiceRow
from firewright.diagnostic import Diagnostic, Note, Severity, harmless
from firewright.live.machine import Machine
from firewright.model.address import LOOPBACK
from firewright.model.essential import ESSENTIALS
from firewright.model.interval import Ranges, difference, intersection, size, union
from firewright.model.packet import FAMILIES, TCP, UDP, Family
from firewright.model.service_words import words as service_words
from firewright.reports import Exposure
from firewright.space.axis import HOST
from firewright.space.box import box
from firewright.space.budget import Undecided
from firewright.space.ruleset import Hook
from firewright.workflows.exposure import row_at
from firewright.workflows.targets import NEW, Target
from firewright.workflows.unguarded import beginnings

_PORTED: Ranges = union(*(((one << 16, one << 16 | 0xFFFF),) for one in (TCP, UDP)))
_REACHED = ("reachable", "possibly")
_OWN_PORTS = 16
"""A row of the catalog with more ports than these has none of its own: that it holds one explains nothing."""
_MOST_LISTED = 20
"""So many runs of ports that nobody listens at are told; more are counted."""


def odd_of(target: Target, exposures: Iterable[Exposure], *, is_listing_whole: bool) -> Iterator[Diagnostic]:
    """What is odd of one listener whose exposures these are, one for each family.

    A program that holds no process is only said to be missing where the listing would have told.
    """
    reached = [one for one in exposures if one.state in _REACHED]
    door = back_door_at(target.services) if _is_single(target.services) else None
    row = row_at(target.services)
    if door is not None and (row is None or size(row.services(4)) > _OWN_PORTS):
        who = ", ".join(target.programs) or "nothing that is seen"
        message = f"{target.service} listens, held by {who}: well known for {door.title}"
        severity = Severity.ERROR if reached else Severity.WARNING
        way_out = (
            f"find out what holds it (ss -lpn 'sport = :{target.services[0][0] & 0xFFFF}'), and whether you started it"
        )
        yield Diagnostic("backdoor-port", severity, message, notes=(Note(f"by {door.source}"),), help=way_out)
    if reached and _is_single(target.services):
        yield from _of_programs(target, row, any(one.is_worldwide for one in reached), is_listing_whole)


def _of_programs(
    target: Target, row: ServiceRow | None, is_worldwide: bool, is_listing_whole: bool
) -> Iterator[Diagnostic]:
    known = programs()
    severity = Severity.WARNING if is_worldwide else Severity.NOTE
    if not target.programs and is_listing_whole and not (row and row.name in known[KERNEL]):
        message = f"{target.service} listens, and no process holds it: the kernel itself, or something that hides"
        way_out = "look at the modules of the kernel (lsmod), and at the machine from outside"
        yield Diagnostic("unknown-program", severity, message, help=way_out)
    for words in target.programs:
        name = words.rpartition(" (")[0]
        if name not in known:
            message = f"{target.service} is held by {words}, which is no program that commonly listens"
            way_out = row.advice if row else "find out who started it; a program of your own is nothing to mend"
            yield Diagnostic("unknown-program", Severity.NOTE, message, help=way_out)
        elif known[name] and row is not None and row.name not in known[name]:
            message = (
                f"{target.service}, commonly {row.title}, is held by {words}, which commonly serves something else"
            )
            yield Diagnostic("unknown-program", Severity.NOTE, message, help=row.advice)


def nobody_listens(running: Running, machine: Machine) -> Iterator[Diagnostic]:
    """What the rulesets let in for sure at ports where no program is, for each family. Exact over every port of TCP and UDP.

    A listener counts for every address of the machine; essentials are left out. Not decided is an error.
    """
    left: dict[Family, Ranges] = {}
    for family in FAMILIES:
        try:
            left[family] = _unanswered(running, machine, family)
        except Undecided as error:
            message = f"what of IPv{family} is let in for nobody: {harmless(str(error))}"
            yield Diagnostic("undecided", Severity.ERROR, message)
            left[family] = ()
    both = intersection(left[4], left[6])
    told = {"IPv4 and IPv6": both, "IPv4": difference(left[4], both), "IPv6": difference(left[6], both)}
    found = [(one, names) for names, services in told.items() for one in services]
    for one, names in found[:_MOST_LISTED]:
        row = row_at((one,))
        commonly = f" (commonly {row.title})" if row else ""
        message = f"{service_words((one,))}{commonly} is let in by {names}, and nobody listens"
        notes = (Note(row.when_open),) if row else ()
        way_out = "close it: the next program that takes this port is reachable at once"
        yield Diagnostic("nobody-listens", Severity.NOTE, message, notes=notes, help=way_out)
    if len(found) > _MOST_LISTED:
        message = f"{len(found) - _MOST_LISTED} more runs of ports are let in, and nobody listens"
        yield Diagnostic("nobody-listens", Severity.NOTE, message, help="close what nobody needs")


def _unanswered(running: Running, machine: Machine, family: Family) -> Ranges:
    own = machine.own_addresses - LOOPBACK
    inward = beginnings(HOST, own)[family]
    flows = (flow for one in inward for flow in running.surely.flows(family, {family: one}))
    opened = intersection(union(*(flow.service for flow in flows)), _PORTED)
    needed = union(
        *(
            ((one.protocol << 16 | low, one.protocol << 16 | high),)
            for one in ESSENTIALS
            if one.is_inbound and family in one.families
            for low, high in one.selectors
        )
    )
    taken = union(
        *(
            ((one.protocol << 16 | one.port, one.protocol << 16 | one.port),)
            for one in machine.listening.listeners
            if one.family == family and not one.is_private and not one.is_raw
        )
    )
    return difference(difference(opened, needed), taken)


def past_input(
    target: Target, exposures: Iterable[Exposure], machine: Machine, running: Running
) -> Iterator[Diagnostic]:
    """That a published port is reached although the input chain, where people look, would stop it; or that it only passes that by.

    A warning where the input chain stops everything of it, a note where it does not. `target` is as `published_targets` gives it.
    """
    reached = [one for one in exposures if one.state in _REACHED]
    family = next(iter(target.boxes))
    outer = target.outer
    if not reached or not outer or target.is_inner:
        return
    whole = box(
        family, in_interface=machine.outside, out_interface=HOST, conntrack_state=NEW, service=outer,
        destination=(machine.own_addresses - LOOPBACK).ranges(family),
    )  # fmt: skip
    inside = running.at(Hook.INPUT)
    try:
        is_stopped = whole is not None and inside.possibly.is_empty({family: whole})
    except Undecided:
        is_stopped = False
    who = ", ".join(dict.fromkeys(word for one in reached for word in (*one.sources, *one.possible)))
    head = f"{target.service} goes on to {target.address.partition(', goes on to ')[2]}, past the input chain"
    row = row_at(target.services)
    if is_stopped:
        message = f"{head}: rules there close it, and it is reached all the same ({who})"
        severity = Severity.WARNING
    else:
        message, severity = f"{head}, for {who}: no rule there judges it", Severity.NOTE
    way_out = "publish it at 127.0.0.1 only, or filter it in the forward chain (DOCKER-USER with Docker)"
    notes = (Note(row.advice),) if row else ()
    yield Diagnostic("past-input", severity, message, notes=notes, help=way_out)


def _is_single(services: Ranges) -> bool:
    return len(services) == 1 and services[0][0] == services[0][1]
