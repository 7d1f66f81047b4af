"""What applying a firewall to a host would do: what opens and closes, whether the way back in stays open, what else is there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from firewright.analysis.ending import Tracked, not_permitted
from firewright.analysis.management import Connection, parse_connection, stays_open, without_management
from firewright.analysis.passage import passage_words
from firewright.analysis.running import Running, openings, witness
from firewright.analysis.validate import real
from firewright.analysis.words import Namer
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.live.conntrack_text import TrackedFlow, tracked_in
from firewright.live.host import Host, HostError
from firewright.live.machine import Machine
from firewright.live.state import HostState, state_of
from firewright.model.address import LOOPBACK
from firewright.model.decision import Decision
from firewright.model.interval import Ranges, difference
from firewright.model.packet import FAMILIES, ConntrackState, Family
from firewright.reports import Findings, Plan, Shift
from firewright.space.axis import ANY_INTERFACE, interface
from firewright.space.box import Box, box, meet_box
from firewright.space.budget import Undecided
from firewright.space.encode import encode_enforced
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import machine as whole_decision
from firewright.workflows.blocked import blocked
from firewright.workflows.foreign import foreign
from firewright.workflows.live import Seen, see, see_told
from firewright.workflows.meaning import Unjudged, first_difference, programs_of
from firewright.workflows.neighbours import complaints, neighbours
from firewright.workflows.prepare import Prepared
from firewright.workflows.selection import Saying, silent

Programs = Mapping[Family, Program]
FORCEABLE = ("management-cut", "management-unknown", "no-management", "strange-table", "neighbour-stops")
"""What stands against applying, and may be set aside by whoever knows better: the watchdog brings the old ruleset back."""
_NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
SURVEY_SECONDS = 180.0
CLOCK_TOLERANCE = 300
"""Seconds by which a host's clock may be another than ours before it is said."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A host as it was found: what its program knows, the machine with its tables, its tracked flows (None: not seen)."""

    state: HostState
    seen: Seen
    tracked: tuple[TrackedFlow, ...] | None
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, with what it was made of."""

    plan: Plan
    prepared: Prepared
    surveyed: Surveyed


def survey(host: Host, report: Report, saying: Saying = silent) -> Surveyed | None:
    """A host as it stands, over one connection; or None after saying in the report why nobody can tell."""
    saying(f"looking at {host.name}")
    try:
        reply = host.call("survey", seconds=SURVEY_SECONDS)
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
        return None
    state = state_of(reply)
    if not state.is_root:
        report.error("not-root", f"{host.name}: a firewall is root's to change", help="run it with sudo")
        return None
    if "nft" not in reply.text("programs").split():
        report.error("no-nft", f"{host.name}: nft is not installed there", help="apt-get install nftables")
        return None
    seen = see(report, saying) if host.is_local else see_told(reply.sections, report, saying)
    flows = None if "flows-unseen" in reply.sections else tracked_in(reply.text("flows"))
    return Surveyed(state, seen, flows, host.is_local)


def plan(
    prepared: Prepared, host: Host, report: Report, saying: Saying = silent, is_forced: bool = False
) -> Planned | None:
    """What applying would do to a host as it is now; or None after saying in the report why nobody can tell.

    What stands against it is an error among the plan's findings.
    """
    surveyed = survey(host, report, saying)
    if surveyed is None:
        return None
    saying(f"comparing {host.name} with {prepared.policy.name}")
    policy, firewall = prepared.policy, prepared.firewall
    wanted = encode_enforced(policy, firewall, prepared.day)
    try:
        opens, closes, stays = _shifts(surveyed.state, wanted, Namer(policy))
        said = Report(report.diagnostics, report.sources)
        management = _management(prepared, surveyed, wanted, said)
        beside = neighbours(surveyed.seen, policy, firewall, prepared.day)
        stopped = tuple(blocked(surveyed.seen, policy, firewall, prepared.day))
        for one in (*stopped, *complaints(beside, surveyed.seen, firewall)):
            said.add(one)
        is_like_now = surveyed.state.has_table and not opens and not closes and prepared.auditing is None
        later = _later(prepared, surveyed.state) if is_like_now else ""
        cut = _cut(prepared, surveyed, wanted, said)
        _say_carriers(surveyed, cut, wanted, said)
    except Undecided as error:
        report.error("undecided", f"{host.name}: {harmless(str(error))}", help="split the policy")
        return None
    except Unjudged as error:
        report.error(error.name, f"{host.name}: {error.message}", help=error.help)
        return None
    _say_state(surveyed.state, said)
    _say_clock(prepared, surveyed.state, said)
    findings = Findings(tuple(dict.fromkeys(said.diagnostics)), report.sources)
    made = Plan(
        host.name,
        policy.name,
        policy.path,
        firewall.name,
        prepared.day,
        "enforce" if prepared.auditing is None else "audit",
        running_words(surveyed.state),
        opens,
        closes,
        stays,
        is_like_now and not later,
        later,
        tuple(str(one) for one in cut if not one.is_over),
        management,
        tuple((one.instant, prepared.ending_words(one.instant)) for one in prepared.endings),
        beside,
        findings,
        FORCEABLE if is_forced else (),
        tuple(_ended(prepared, surveyed.state)),
    )
    return Planned(made, prepared, surveyed)


def _ended(prepared: Prepared, state: HostState) -> Iterator[tuple[int, str]]:
    """Each instant at which a permission of the running generation has ended, by the host's clock, and which that was."""
    running = state.generation(state.confirmed)
    instants = (int(word) for word in (running.facts.get("ends", "") if running else "").split() if word.isdecimal())
    for instant in sorted(instants):
        if instant <= state.time:
            yield instant, prepared.ending_words(instant) or "a permission that the policy does not have any more"


def _later(prepared: Prepared, state: HostState) -> str:
    """What will be otherwise one day, where nothing is now: a permission whose end comes, goes or moves. Raises Unjudged."""
    found = first_difference(state.table, prepared.compiled.text, state.time)
    return "" if found is None else f"what runs and the policy differ: {found}"


def running_words(state: HostState) -> str:
    """What a host has loaded of ours, in a sentence."""
    if not state.has_table:
        return "no ruleset of firewright"
    if is_strange(state):
        return "a table of our name that somebody else made"
    number = state.running
    known = state.generation(number)
    if known is None:
        return "a ruleset that no apply put there"
    waits = ", which waits to be confirmed" if state.pending else ""
    return f"generation {number}, {known.policy} {known.facts.get('firewall', '')}".rstrip() + waits


def is_strange(state: HostState) -> bool:
    """Whether the host has a table of our name that no compile made."""
    from firewright.workflows.audit import is_strange as has_no_origin

    return state.has_table and has_no_origin(state.table)


def _shifts(
    state: HostState, after: Programs, namer: Namer
) -> tuple[tuple[Shift, ...], tuple[Shift, ...], tuple[Shift, ...]]:
    """What opens, what closes, and where nothing of ours runs now what stays open: flows that begin, with the line that decides.

    Raises Undecided, Unjudged.
    """
    becomes = PacketSet.decided(after, "accept")
    if not state.has_table:
        return (), (), tuple(_told(becomes, after, namer, is_open=True, by_rules=True))
    was = PacketSet.decided(programs_of(state.table, state.time), "accept")
    opens = tuple(_told(becomes - was, after, namer, is_open=True))
    return opens, tuple(_told(was - becomes, after, namer, is_open=False)), ()


def _told(packets: PacketSet, after: Programs, namer: Namer, is_open: bool, by_rules: bool = False) -> Iterator[Shift]:
    """Packets that become open, or closed, in words; with `by_rules` only those that a rule of the policy decides."""
    groups: dict[tuple[object, ...], tuple[Decision, list[Flow]]] = {}
    for family in FAMILIES:
        for one in _beginning(family):
            for flow in packets.flows(family, {family: one}):
                for part in partition([after[family]], family, flow.box):
                    step = part.deciders[0]
                    decision, verdict = after[family].origin[step], after[family].verdict[step]
                    # Where a packet carries more than the axes say, the other reading of it is decided by another step.
                    if isinstance(decision, Decision) and (verdict == "accept") == is_open:
                        if by_rules and decision.rule is None:
                            continue
                        key = (decision.outcome, decision.at, decision.reason)
                        groups.setdefault(key, (decision, []))[1].extend(map(_without_lo, part.flows))
    for decision, flows in groups.values():
        rule = decision.rule.label if decision.rule is not None else decision.reason
        for line in passage_words(flows, namer):
            yield Shift(str(line), str(witness(flows[0])), rule, decision.at)


_WIRES: Ranges = difference(ANY_INTERFACE, interface("lo"))


def _without_lo(flow: Flow) -> Flow:
    """The flow without the words that it does not come by `lo`, where it comes by every other interface."""
    came, went = (ANY_INTERFACE if one == _WIRES else one for one in (flow.in_interface, flow.out_interface))
    return replace(flow, in_interface=came, out_interface=went)


def _beginning(family: Family) -> Iterator[Box]:
    whole = box(family, conntrack_state=_NEW)
    if whole is not None and (met := meet_box(whole, real(family), family)) is not None:
        yield from openings(family, met)


def _management(prepared: Prepared, surveyed: Surveyed, wanted: Programs, report: Report) -> str:
    """How the way back in was proved open; empty after saying in the report that it is not, or that there is none. Raises Undecided."""
    firewall = prepared.firewall
    if without_management(prepared.policy, firewall):
        # What the writer warned of is refused here, and said once.
        report.diagnostics[:] = [
            one for one in report.diagnostics if (one.name, one.at) != ("no-management", firewall.at)
        ]
        message = f"{firewall.name} requires no way into the machine itself, so nobody could manage it after this"
        report.error(
            "no-management", message, firewall.at, "write a rule such as {from: admins, to: local, require: ssh}"
        )
    words = surveyed.state.connection
    if not words and not surveyed.is_local:
        report.error("management-unknown", "the host does not say over which connection this comes (SSH_CONNECTION)")
        return ""
    if not words:
        return "not over ssh: nothing of this session can be cut off"
    connection = parse_connection(words)
    if connection is None:
        report.error("management-unknown", f"nobody can tell what {harmless(words, 80)!r} says of the ssh connection")
        return ""
    connection = at_interfaces(connection, surveyed)
    found = stays_open(wanted, connection)
    if found is None:
        others = tuple(_stopped_by_others(connection, words, surveyed.seen))
        report.diagnostics.extend(others)
        if any(one.severity is Severity.ERROR for one in others):
            return ""
        known = "proved open" if not others else "open as far as this table goes"
        by = f" by {', '.join(connection.interfaces)}" if connection.interfaces else ""
        return f"{known}: new ssh connections like this one ({_ends(words)}{by})"
    decision = _decision(wanted, found)
    at = decision.at if decision is not None else firewall.at
    said = f"; decided by {decision.rule.label if decision.rule else decision.reason}" if decision is not None else ""
    report.add(
        Diagnostic(
            "management-cut",
            Severity.ERROR,
            f"this would cut off the connection that it is applied over ({_ends(words)}){said}",
            at,
            (Note("a new connection from the same place would not be let in"),),
            str(found),
            "let the policy require it: {from: ZONE-OF-THE-CLIENT, to: local, require: ssh}",
        )
    )
    return ""


def _stopped_by_others(connection: Connection, words: str, seen: Seen) -> Iterator[Diagnostic]:
    """The tables of others that stop new sessions like this one, or may: nobody could confirm over one. Raises Undecided."""
    for one in foreign(seen):
        if one.ruleset is None or one.listed.is_dormant:
            continue
        packet = stays_open(whole_decision(one.ruleset), connection)
        if packet is None:
            continue
        is_sure = packet not in Running((one.ruleset,)).possibly
        message = (
            f"table {one.listed.table} {'stops' if is_sure else 'may stop'} new ssh connections like this one "
            f"({_ends(words)}), so nobody could confirm over one"
        )
        way_out = "let that table accept them; --force goes on" if is_sure else "look at its rules: nft list ruleset"
        severity = Severity.ERROR if is_sure else Severity.WARNING
        yield Diagnostic("neighbour-stops", severity, message, witness=str(packet), help=way_out)


def at_interfaces(connection: Connection, surveyed: Surveyed) -> Connection:
    """The connection with the interfaces by which it may come to a host, as far as its addresses and routes tell.

    Where nobody knows by which way the client is reached, that of the host's own address is one too.
    """
    machine = surveyed.seen.machine
    if connection.interfaces:
        return connection
    name = machine.interface_to(connection.family, connection.client) or surveyed.state.client_by
    if name:
        return replace(connection, interfaces=(name,))
    at = {
        one.interface
        for one in machine.addresses
        if (one.family, one.number) == (connection.family, connection.server) and one.interface != "lo"
    }
    return replace(connection, interfaces=tuple(sorted({*machine.outward, *at})) if machine.outward else ())


def _ends(words: str) -> str:
    client, _, server, port = words.split()
    return f"{client} to {server} port {port}"


def _decision(programs: Programs, packet: object) -> Decision | None:
    from firewright.model.packet import Packet
    from firewright.space.axis import point

    if not isinstance(packet, Packet):
        return None
    program = programs[packet.family]
    found = program.origin[program.decide(point(packet), {})]
    return found if isinstance(found, Decision) else None


def _say_state(state: HostState, report: Report) -> None:
    if not state.has_table and not state.is_tracking:
        message = "nothing tracks connections there yet: sessions that are silent in the 3 s before the load are cut"
        way_out = "the connection that this comes over says something in that time; others begin anew"
        report.add(Diagnostic("tracking-begins", Severity.NOTE, message, help=way_out))
    if is_strange(state):
        message = "somebody else made a table inet firewright there: no compile writes it without saying which policy it is of"
        way_out = "look at it (nft list table inet firewright); --force replaces it"
        report.error("strange-table", message, help=way_out)
    if state.pending is not None:
        left = f"{max(state.pending.left, 0)} s are left" if state.pending.is_watched else "and its watchdog is dead"
        message = f"generation {state.pending.number} waits to be confirmed, {left}"
        report.error("pending", message, help="firewright confirm keeps it, firewright rollback takes it back")


def _say_clock(prepared: Prepared, state: HostState, report: Report) -> None:
    """Where the host's clock is another than ours: ends, and the beginning of an audit, are instants of its own."""
    behind = int(time.time()) - state.time
    if prepared.auditing is not None and state.time < prepared.auditing.since:
        message = f"the host's clock is {behind:,} s behind, so it would enforce at once instead of counting"
        report.error("clock-differs", message, help="set its clock")
    elif abs(behind) > CLOCK_TOLERANCE:
        message = f"the host's clock is {abs(behind):,} s {'behind' if behind > 0 else 'ahead of'} this one"
        way_out = "permissions end by the host's own clock: set it"
        report.add(Diagnostic("clock-differs", Severity.WARNING, message, help=way_out))


def _say_carriers(surveyed: Surveyed, cut: Iterable[TrackedFlow], wanted: Programs, report: Report) -> None:
    """Where the session comes through a tunnel: flows that may be it and that neither end can open again. Raises Undecided."""
    own = surveyed.seen.machine.own_addresses - LOOPBACK
    state = surveyed.state
    if not state.is_tunnelled:
        return
    lasting = flows_to_end(cut, wanted, surveyed.seen.machine, is_late=True)
    ends = ((one, (one.opening.source, one.opening.destination)) for one in lasting)
    carriers = [one for one, two in ends if any(own.has(one.opening.family, end) for end in two)]
    by = "the machine itself" if state.client_by == "lo" else f"a tunnel ({harmless(state.client_by, 20)})"
    if carriers:
        message = f"this session comes through {by}, and what may carry it would be cut off: {carriers[0]}"
        way_out = "let the policy require what carries the session; --force goes on, and a confirmation over it proves nothing"
        report.error("management-cut", message, help=way_out)
    elif state.client_by == "lo":
        message = "this session comes from the machine itself: nobody can tell which way its first part takes, and if it stays"
        way_out = "confirm from where you really are"
        report.add(Diagnostic("management-unknown", Severity.WARNING, message, help=way_out))


def _cut(prepared: Prepared, surveyed: Surveyed, wanted: Programs, report: Report) -> tuple[TrackedFlow, ...]:
    """The open flows that end when this is confirmed."""
    if prepared.auditing is not None:
        return ()
    if surveyed.tracked is None:
        message = (
            "flows that are open inside what closes stay open until they end by themselves: conntrack is not there"
        )
        report.add(Diagnostic("flows-stay", Severity.WARNING, message, help="apt-get install conntrack on the host"))
        return ()
    return flows_to_end(surveyed.tracked, wanted, surveyed.seen.machine, surveyed.state.has_late_flows)


def flows_to_end(
    tracked: Iterable[TrackedFlow], programs: Programs, machine: Machine, is_late: bool = False
) -> tuple[TrackedFlow, ...]:
    """Those of a machine's flows that could not begin any more; `is_late` where they are tracked since after they began.

    Raises Undecided.
    """
    found: dict[Tracked, list[TrackedFlow]] = {}
    for one in tracked:
        found.setdefault(one.opening, []).append(one)
    ended = not_permitted(tuple(found), programs, machine.own_addresses, is_late=is_late)
    return tuple(flow for one in ended for flow in found[one])
