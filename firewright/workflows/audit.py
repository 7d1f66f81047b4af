"""What of this machine is reachable, from where, by which program; and what a ruleset alone lets in. No policy is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from firewright.analysis.passage import MachineNamer, passage_words, ways, world
from firewright.analysis.running import Running
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.live.machine import Machine
from firewright.model.address import LOOPBACK, UNICAST, AddressSet
from firewright.model.interval import Ranges, union
from firewright.model.packet import FAMILIES, Family
from firewright.reports import Audit, Findings, Passage
from firewright.space.axis import ANY_INTERFACE, HOST, interface
from firewright.space.box import Box
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.ruleset import Hook
from firewright.workflows.exposure import Auditing, complain_of_services, expose, is_worldwide, limits, merged
from firewright.workflows.live import Seen, see
from firewright.workflows.published import Published, published
from firewright.workflows.selection import Saying, silent
from firewright.workflows.targets import listeners, published_targets
from firewright.workflows.unguarded import beginnings, unguarded

_PAGES = {
    "no-firewall": "Every new packet from outside is let in: no rule of any table stops one.",
    "not-seen": "Something that decides what is reachable could not be looked at, so nothing is called safe.",
    "exposed": "What commonly must never be visible to the internet can be reached from there.",
    "strange-table": "A table with the name of compiled rulesets is there, and no compile made it.",
    "not-understood": "Rules that are only known in bounds: answers say surely and possibly where that matters.",
}
"""What each kind of finding is about."""
_FIRST = ("not-seen", "no-firewall")
_MOST = 6


def audit_live(report: Report, saying: Saying = silent) -> Audit:
    """What of this machine is reachable, from where, through every table on its hooks.

    What cannot be seen is an error among the findings, and `is_whole` is false; nothing that listens is then called hidden.
    """
    seen = see(report, saying)
    machine = seen.machine
    namer = MachineNamer(world(machine.name), machine.own_addresses - LOOPBACK)
    outward = interface(*machine.outward) if machine.outward else ()
    auditing = Auditing(seen.running if seen.is_whole else None, namer, report, outward)
    for reason in machine.listening.unseen:
        report.add(Diagnostic("not-seen", Severity.NOTE, reason))
    if machine.tables.listing is not None and is_strange(machine.tables.listing.text):
        message = (
            "somebody else made the table inet firewright: no compile writes it without saying which policy it is of"
        )
        way_out = "look at it (nft list table inet firewright): loading a compiled ruleset replaces it"
        report.add(Diagnostic("strange-table", Severity.WARNING, message, help=way_out))
    if machine.routes_loopback:
        _say_routed(machine, report)
    targets = list(listeners(machine))
    if auditing.running is not None:
        saying("judging what comes from outside")
        _say_all(unguarded(auditing.running, beginnings(HOST, machine.own_addresses - LOOPBACK)), report)
        _say_bounded(auditing.running, report)
        targets += published_targets(_published(auditing.running, report), machine, auditing.running)
    for target in targets:
        saying(f"judging {target.service}")
        expose(auditing, target)
    subject = f"this machine ({machine.name}): {_addresses(machine)}"
    return Audit(subject, _firewall(seen), merged(auditing.exposures), (), _findings(report), seen.is_whole)


def is_strange(listed: str) -> bool:
    """Whether a listing has the table of compiled rulesets without the chain in which they say what they are."""
    table = re.search(r"^table inet firewright \{.*?^\}", listed, re.MULTILINE | re.DOTALL)
    return table is not None and not _ABOUT.search(table[0])


_ABOUT = re.compile(r'^\tchain about(?:\.\d+)? \{[^\n]*\n\s*comment "policy .*, firewall .*"', re.MULTILINE)


def audit_running(running: Running, path: str, report: Report) -> Audit:
    """What a ruleset alone lets in, without the machine that it is for: both families, to the machine and through it."""
    auditing = Auditing(running, MachineNamer(world(path), UNICAST), report)
    _say_all(unguarded(running, beginnings(HOST)), report)
    _say_bounded(running, report)
    if running.translations:
        notes = tuple(Note(f"{line.place}: {line.text}") for line in running.translations[:3])
        message = "rules of NAT change addresses or ports: what passes is told as the rules behind them see it"
        report.add(Diagnostic("not-understood", Severity.NOTE, message, notes=notes))
    passages = [passage("let in", running, beginnings(HOST), auditing.namer)]
    if any(Hook.FORWARD in ruleset.hooks for ruleset in running.rulesets):
        passages.append(passage("let through", running, beginnings(ANY_INTERFACE), auditing.namer))
    else:
        passages.append(Passage("let through", ("everything, where the machine forwards: no chain hooks forward",)))
    if not any(one.name == "no-firewall" for one in report.diagnostics):
        _say_exposed(running, report)
    return Audit(path, _counted(running), (), tuple(passages), _findings(report))


def _findings(report: Report) -> Findings:
    """The findings by their weight; that there is no firewall, or none was seen, before all else."""
    rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    said = sorted(
        dict.fromkeys(report.diagnostics),
        key=lambda one: (rank[one.severity], _FIRST.index(one.name) if one.name in _FIRST else len(_FIRST)),
    )
    return Findings(tuple(said), report.sources, audits=tuple(sorted(_PAGES)), pages=_PAGES)


def _addresses(machine: Machine) -> str:
    words = [word for one in FAMILIES for word in _prefixes(one, machine.own(one))]
    return (
        ", ".join(words[:_MOST]) + (f" and {len(words) - _MOST} more" if len(words) > _MOST else "")
    ) or "no address"


def _prefixes(family: Family, numbers: Iterable[int]) -> tuple[str, ...]:
    pairs = tuple((number, number) for number in numbers)
    return tuple(
        word
        for pair in pairs
        for word in (AddressSet(v4=(pair,)) if family == 4 else AddressSet(v6=(pair,))).prefixes()
    )


def _firewall(seen: Seen) -> str:
    """What guards the machine, in a sentence."""
    if seen.running is None:
        return "its firewall was not seen"
    passes = " and ".join(f"IPv{family}" for family in seen.machine.forwards) or "nothing"
    return f"{_counted(seen.running)}; forwards {passes}"


def _counted(running: Running) -> str:
    rules = sum(bool(line.number) for line in running.lines)
    tables = list(dict.fromkeys(line.table for line in running.lines))
    if not tables:
        return "no rule in any table"
    bounded = len(running.bounded)
    known = f"{bounded} of them only known in bounds" if bounded else "all understood"
    named = ", ".join(tables[:_MOST]) + (f" and {len(tables) - _MOST} more" if len(tables) > _MOST else "")
    return f"{rules:,} {'rule' if rules == 1 else 'rules'} in {named}, {known}"


def _say_all(diagnostics: Iterable[Diagnostic], report: Report) -> None:
    for one in diagnostics:
        report.add(one)


def _say_bounded(running: Running, report: Report) -> None:
    lines = running.bounded
    if lines:
        notes = tuple(Note(f"{line.place}: {line.text}") for line in lines[:3])
        rules = "1 rule is" if len(lines) == 1 else f"{len(lines)} rules are"
        message = f"{rules} only known in bounds: limits, marks, hop limits, what is not understood"
        way_out = "what they may let in is called possible; firewright read shows each"
        report.add(Diagnostic("not-understood", Severity.NOTE, message, notes=notes, help=way_out))


def _say_routed(machine: Machine, report: Report) -> None:
    names = ", ".join(machine.routes_loopback)
    message = f"packets to 127.0.0.0/8 are let in by {names} (route_localnet): loopback is not private there"
    report.add(Diagnostic("exposed", Severity.WARNING, message, help="sysctl -w net.ipv4.conf.all.route_localnet=0"))


def _published(running: Running, report: Report) -> tuple[Published, ...]:
    found, strange = published(running.translations)
    if strange:
        notes = tuple(Note(f"{line.place}: {line.text}") for line in strange[:3])
        rules = "1 rule of NAT publishes" if len(strange) == 1 else f"{len(strange)} rules of NAT publish"
        message = f"{rules} in a way that is not followed: who reaches what is behind is not said"
        report.add(Diagnostic("not-understood", Severity.WARNING, message, notes=notes))
    return found


def _say_exposed(running: Running, report: Report) -> None:
    """Complain of what the internet reaches and commonly must not, for each limit under which it does."""
    for family in FAMILIES:
        opened: dict[tuple[bool, str], Ranges] = {}
        for flow in _arriving(running, family):
            if is_worldwide(flow.source, family):
                key = (bool(ways(flow)), limits(flow))
                opened[key] = union(opened.get(key, ()), flow.service)
        for (is_by_interface, limit), services in opened.items():
            # A ruleset alone does not say where an interface leads to.
            severity = Severity.WARNING if is_by_interface else Severity.ERROR
            for one in services:
                complain_of_services(report, one, family, limit, severity)


def _arriving(running: Running, family: Family) -> Iterator[Flow]:
    for one in beginnings(HOST)[family]:
        try:
            yield from running.surely.flows(family, {family: one})
        except Undecided:
            return  # The passage says so.


def passage(title: str, running: Running, boxes: Mapping[Family, tuple[Box, ...]], namer: MachineNamer) -> Passage:
    """What of some packets passes, in words; that it was not decided is said instead where it was too much work."""
    asked = [(family, one) for family in FAMILIES for one in boxes[family]]
    try:
        sure = [flow for family, one in asked for flow in running.surely.flows(family, {family: one})]
        possible = (
            [flow for family, one in asked for flow in _possible(running, family, one)] if running.bounded else []
        )
    except Undecided as error:
        return Passage(title, (), (), harmless(str(error)))
    return Passage(title, tuple(map(str, passage_words(sure, namer))), tuple(map(str, passage_words(possible, namer))))


def _possible(running: Running, family: Family, within: Box) -> tuple[Flow, ...]:
    """What may pass beside what surely does: under its conditions, then whatever else some reading lets through. Raises Undecided."""
    asked = {family: within}
    named = (running.conditionally - running.surely).flows(family, asked)
    told = PacketSet.of({family: [flow.box for flow in named]})
    return (*named, *(running.possibly - running.surely - told).flows(family, asked))
