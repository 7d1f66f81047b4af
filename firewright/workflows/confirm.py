"""Confirm what waits on a host, over a connection that is new; then end the flows inside what closed."""

from __future__ import annotations

from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.live.conntrack_text import flow_lines
from firewright.live.host import Host, HostError
from firewright.reports import Step
from firewright.space.budget import Undecided
from firewright.workflows.drift import compared
from firewright.workflows.meaning import Unjudged, programs_of
from firewright.workflows.plan import flows_to_end, survey
from firewright.workflows.selection import Saying, silent


def confirm(host: Host, report: Report, saying: Saying = silent, number: int | None = None) -> Step | None:
    """What became of what waits on a host: confirmed, so that it is loaded at boot; or None after saying in the report why not.

    `number` is the generation that is meant, None for whichever waits. It comes over a connection of its own (to this machine:
    over that of whoever calls), and is refused over the one that the ruleset came by.
    """
    try:
        if not _is_proved(host, report, saying):
            return None
        saying(f"confirming on {host.name}")
        reply = host.call("confirm", "any" if number is None else str(number), "-")
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
        return None
    words = [_boot_words(reply.line("boot"))]
    words += _ended(host, report, saying)
    return Step(host.name, "confirmed", int(reply.line("generation")), tuple(words))


def _is_proved(host: Host, report: Report, saying: Saying) -> bool:
    """Whether what runs is proved to mean what waits to be confirmed, which was proved before it was sent: whoever applied it may
    have died before the proof of what runs. What stands against it is in the report. Raises HostError.
    """
    inner = Report()
    found = compared(host, inner, saying)
    if found is not None and found.state.pending is None:
        return True  # The host says what became of it.
    if found is not None and found.drift is not None and found.drift.gap is None and not inner.has_errors():
        return True
    for one in inner.diagnostics:
        report.add(one)
    if not inner.has_errors():
        message = f"{harmless(host.name)}: what runs there is not what waits to be confirmed"
        report.error("changed", message, help="firewright drift shows where; firewright rollback takes it back")
    return False


def _boot_words(said: str) -> str:
    kind, _, rest = said.partition(": ")
    return (
        f"nothing loads it at boot: {harmless(rest)}"
        if kind == "none"
        else f"loaded at boot by {harmless(rest or said)}"
    )


def _ended(host: Host, report: Report, saying: Saying) -> list[str]:
    """End the flows that could not begin any more, by what runs now. What cannot be done is a warning: it is confirmed all the same."""
    inner = Report()
    surveyed = survey(host, inner, saying)
    try:
        if surveyed is None:
            raise HostError("flows-stay", "; ".join(one.message for one in inner.diagnostics))
        if surveyed.tracked is None:
            raise HostError("flows-stay", "conntrack is not there", "apt-get install conntrack on the host")
        programs = programs_of(surveyed.state.table, surveyed.state.time)
        is_late = surveyed.state.has_late_flows
        ending = flows_to_end(surveyed.tracked, programs, surveyed.seen.machine, is_late)
        done = 0
        if ending:
            done = int(host.call("end_flows", texts={"flows": flow_lines(ending)}, seconds=300).line("ended"))
        number = min(done, sum(not one.is_over for one in ending))
        if not number:
            return ["no open flow is inside what closed"]
        return [f"ended {number} open {'flow' if number == 1 else 'flows'} inside what closed"]
    except (HostError, Undecided, Unjudged) as error:
        message = f"open flows inside what closed stay until they end by themselves: {harmless(str(error))}"
        way_out = getattr(error, "help", "")
        if getattr(error, "name", "") in ("host-cut-off", "host-silent", "host-unreachable"):
            message = f"it was confirmed, and then the host did not answer any more: {harmless(str(error))}"
            way_out = "firewright status tells whether it answers; what was confirmed is not taken back by itself"
        report.add(Diagnostic("flows-stay", Severity.WARNING, message, help=way_out))
        return []
