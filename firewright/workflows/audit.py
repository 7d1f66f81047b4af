"""What of this machine is reachable, from where, by which program; what a ruleset lets in; and how both are against a policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from firewright.analysis.contrast import MOST
from firewright.analysis.passage import MachineNamer, ways, world
from firewright.analysis.running import Running
from firewright.analysis.wire import by_any
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.live.machine import Machine
from firewright.model.address import LOOPBACK, UNICAST, AddressSet
from firewright.model.packet import FAMILIES, Family
from firewright.reports import Audit, Findings, Passage
from firewright.space.axis import ANY_INTERFACE, HOST, interface
from firewright.space.box import Box
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.space.ruleset import Hook
from firewright.workflows.against import Standard, say_against
from firewright.workflows.audit_pages import MACHINE, POLICY, RULES, RULESETS, STATE
from firewright.workflows.contradicted import say_contradicted
from firewright.workflows.exposure import WORLDWIDE, Auditing, complain_of_services, expose, limits, merged
from firewright.workflows.exposure_sweep import reaching
from firewright.workflows.last_time import LastTime, since
from firewright.workflows.live import Seen, see
from firewright.workflows.passing import passage
from firewright.workflows.published import Published, published
from firewright.workflows.selection import Saying, silent
from firewright.workflows.strangers import nobody_listens, odd_of, past_input
from firewright.workflows.subject import families_of
from firewright.workflows.targets import listeners, published_targets
from firewright.workflows.unguarded import beginnings, unguarded

_FIRST = ("not-seen", "no-firewall")
_MOST = 6


def audit_live(
    report: Report,
    saying: Saying = silent,
    standard: Standard | None = None,
    last: LastTime | None = None,
    budget: int = MOST,
) -> Audit:
    """What of this machine is reachable, from where, through every table on its hooks; against a policy, and the last time.

    What cannot be seen, or be decided within the budget (see `contrast`), is an error among the findings, and `is_whole` is
    false; nothing that listens is called hidden where something was not seen.
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
    running = auditing.running
    if running is not None:
        saying("judging what comes from outside")
        _say_all(unguarded(running, beginnings(HOST, machine.own_addresses - LOOPBACK)), report)
        _say_bounded(running, report)
    _judge(auditing, machine, saying)
    is_decided = True
    if running is not None and standard is not None:
        is_decided = say_against(standard, running, f"this machine ({machine.name})", FAMILIES, report, saying, budget)
        say_contradicted(standard.subject, running, listeners(machine), FAMILIES, report)
    exposures = merged(auditing.exposures)
    if last is not None:
        _say_all(since(last, exposures), report)
    subject = f"this machine ({machine.name}): {_addresses(machine)}"
    pages = {**RULESETS, **MACHINE, **(POLICY if standard else {}), **(STATE if last else {})}
    return Audit(subject, _firewall(seen), exposures, (), _findings(report, pages), seen.is_whole and is_decided)


def _judge(auditing: Auditing, machine: Machine, saying: Saying) -> None:
    """Say who reaches what listens and what is published, and what is odd of it."""
    running, report = auditing.running, auditing.report
    is_whole = not machine.listening.unseen
    for target in listeners(machine):
        saying(f"judging {target.service}")
        start = len(auditing.exposures)
        expose(auditing, target)
        _say_all(odd_of(target, auditing.exposures[start:], is_listing_whole=is_whole), report)
    if running is None:
        return
    for target in published_targets(_published(running, report), machine, running):
        saying(f"judging {target.service}")
        start = len(auditing.exposures)
        expose(auditing, target)
        _say_all(past_input(target, auditing.exposures[start:], machine, running), report)
    if not any(one.name == "no-firewall" for one in report.diagnostics):
        _say_all(nobody_listens(running, machine), report)


def is_strange(listed: str) -> bool:
    """Whether a listing has the table of compiled rulesets without the chain in which they say what they are."""
    table = re.search(r"^table inet firewright \{.*?^\}", listed, re.MULTILINE | re.DOTALL)
    return table is not None and not _ABOUT.search(table[0])


_ABOUT = re.compile(r'^\tchain about(?:\.\d+)? \{[^\n]*\n\s*comment "policy .*, firewall .*"', re.MULTILINE)


def audit_running(
    running: Running,
    path: str,
    report: Report,
    standard: Standard | None = None,
    saying: Saying = silent,
    budget: int = MOST,
) -> Audit:
    """What a ruleset alone lets in, without the machine that it is for: to the machine and through it, in the families that it describes.

    Of a family that its text says nothing of (a dump of iptables has one) nothing is claimed, and that is a finding.
    """
    described = described_by(running)
    auditing = Auditing(running, MachineNamer(world(path), UNICAST), report)
    inward, through = (_of(beginnings(out), described) for out in (HOST, ANY_INTERFACE))
    _say_undescribed(path, described, report)
    _say_all(unguarded(running, inward), report)
    _say_bounded(running, report)
    if running.translations:
        notes = tuple(Note(f"{line.place}: {line.text}") for line in running.translations[:3])
        message = "rules of NAT change addresses or ports: what passes is told as the rules behind them see it"
        report.add(Diagnostic("not-understood", Severity.NOTE, message, notes=notes))
    passages = [passage("let in", running, inward, auditing.namer, is_outside=True)]
    if any(Hook.FORWARD in ruleset.hooks for ruleset in running.rulesets):
        passages.append(passage("let through", running, through, auditing.namer, is_outside=True))
    else:
        passages.append(Passage("let through", ("everything, where the machine forwards: no chain hooks forward",)))
    if not any(one.name == "no-firewall" for one in report.diagnostics):
        _say_exposed(running, described, report)
    is_decided = True
    if standard is not None:
        is_decided = say_against(standard, running, path, described, report, saying, budget)
    pages = {**RULESETS, **RULES, **(POLICY if standard else {})}
    return Audit(path, _counted(running), (), tuple(passages), _findings(report, pages), is_whole=is_decided)


def described_by(running: Running) -> tuple[Family, ...]:
    """The families of which some ruleset says something."""
    found = {family for ruleset in running.rulesets for family in families_of(ruleset)}
    return tuple(family for family in FAMILIES if family in found or not running.rulesets)


def _of(boxes: Mapping[Family, tuple[Box, ...]], families: tuple[Family, ...]) -> dict[Family, tuple[Box, ...]]:
    return {family: boxes[family] if family in families else () for family in FAMILIES}


def _say_undescribed(path: str, described: tuple[Family, ...], report: Report) -> None:
    for family in FAMILIES:
        if family not in described:
            message = f"{harmless(path)} says nothing of IPv{family}: whether it is filtered is not described"
            program = "iptables-save" if family == 4 else "ip6tables-save"
            way_out = f"audit it together with what {program} prints: cat both | firewright audit -"
            report.add(Diagnostic("not-described", Severity.WARNING, message, help=way_out))


def _findings(report: Report, pages: Mapping[str, str]) -> Findings:
    """The findings by their weight; that there is no firewall, or none was seen, before all else."""
    rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    said = sorted(
        dict.fromkeys(report.diagnostics),
        key=lambda one: (rank[one.severity], _FIRST.index(one.name) if one.name in _FIRST else len(_FIRST)),
    )
    return Findings(tuple(said), report.sources, audits=tuple(sorted(pages)), pages=dict(pages))


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


def _say_exposed(running: Running, families: Iterable[Family], report: Report) -> None:
    """Complain of what many public addresses reach and commonly must not, for each limit under which they do."""
    for family in families:
        arriving: dict[tuple[bool, str], list[Flow]] = {}
        for flow in _arriving(running, family):
            arriving.setdefault((bool(ways(flow)), limits(flow)), []).append(flow)
        for (is_by_interface, limit), flows in arriving.items():
            for services, count in reaching(flows, family):
                # A ruleset alone does not say where an interface leads to.
                is_sure = count >= WORLDWIDE[family] and not is_by_interface
                severity = Severity.ERROR if is_sure else Severity.WARNING
                for one in services:
                    complain_of_services(report, one, family, limit, severity, count)


def _arriving(running: Running, family: Family) -> Iterator[Flow]:
    for one in beginnings(HOST)[family]:
        try:
            yield from map(by_any, running.surely.flows(family, {family: one}))
        except Undecided:
            return  # The passage says so.
