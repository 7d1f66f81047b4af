"""Apply a plan: the watchdog first, then one transaction, then the proof that what runs is what the policy says; or back at once."""

from __future__ import annotations

import time

from firewright.analysis.management import parse_connection
from firewright.analysis.validate import Mismatch
from firewright.diagnostic import Report, harmless
from firewright.live.apart import apart
from firewright.live.host import Host, HostError, program
from firewright.live.nft import NftError
from firewright.live.session import user
from firewright.live.state import state_of
from firewright.model.packet import Packet
from firewright.readers.nftables import UnreadableListing
from firewright.reports import Step, refused_by
from firewright.space.budget import Undecided
from firewright.workflows.audited import prove_audited
from firewright.workflows.compile import Unproved, prove
from firewright.workflows.plan import Planned, plan
from firewright.workflows.prepare import Prepared, facts, minimal_text
from firewright.workflows.rollback import roll_back
from firewright.workflows.selection import Saying, silent

WAIT = 120
"""Seconds in which somebody confirms, or the old ruleset comes back."""
_SECONDS = 300.0


def plan_to_apply(
    prepared: Prepared, host: Host, report: Report, saying: Saying = silent, is_forced: bool = False
) -> Planned | None:
    """See workflows.plan.plan; but where a generation waits whose watchdog is dead, it is taken back first, and the plan made after."""
    known = tuple(report.diagnostics)
    planned = plan(prepared, host, report, saying, is_forced)
    waiting = None if planned is None else planned.surveyed.state.pending
    if waiting is None or waiting.is_watched:
        return planned
    report.diagnostics[:] = known
    if roll_back(host, report, saying, waiting.number, "its watchdog was dead") is None:
        return None
    return plan(prepared, host, report, saying, is_forced)


def apply_plan(planned: Planned, host: Host, report: Report, saying: Saying = silent, wait: int = WAIT) -> Step | None:
    """What became of a host: applied and proved, waiting to be confirmed; refused; or rolled back because the proof failed.

    None after saying in the report why nothing was done, or why nobody can tell what was.
    """
    plan, prepared = planned.plan, planned.prepared
    if plan.is_refused:
        names = ", ".join(dict.fromkeys(one.name for one in refused_by(plan)))
        return Step(host.name, "refused", None, (f"nothing was loaded: {names}",), plan=plan)
    smallest = _minimal(planned, report, saying)
    if smallest is None:
        return None
    texts = {
        "ruleset.nft": apart(prepared.compiled.text),
        "minimal.nft": smallest,
        "ends": prepared.ends_text or "\n",
        "meta": facts(prepared, int(time.time()), user()),
        "host.sh": program(),
    }
    how = "anew" if "strange-table" in {one.name for one in plan.findings.diagnostics} else "kept"
    return load(host, texts, planned.surveyed.state.sum, how, report, saying, wait, planned)


def _minimal(planned: Planned, report: Report, saying: Saying) -> str | None:
    """The minimal ruleset with the port open by which this comes; None after saying in the report why there is none."""
    prepared = planned.prepared
    connection = parse_connection(planned.surveyed.state.connection)
    if connection is None or connection.port == 22:
        return prepared.minimal
    return minimal_text(prepared.policy, prepared.firewall, prepared.day, report, saying, connection.port)


def load(
    host: Host,
    texts: dict[str, str],
    before: str,
    how: str,
    report: Report,
    saying: Saying,
    wait: int,
    planned: Planned,
) -> Step | None:
    """Have a host load some texts and prove what it lists then. See apply_plan."""
    saying(f"applying to {host.name}")
    wrong, began = "", time.monotonic()
    try:
        reply = host.call("apply", before, str(wait), "-", how, texts=texts, seconds=_SECONDS)
        number = int(reply.line("generation"))
        saying(f"proving what runs on {host.name}")
        wrong = disagreement(planned.prepared, reply.text("table"))
        # To load and to prove may have taken as long as was given for both and to confirm.
        is_late = wrong or time.monotonic() - began >= wait
        if is_late and state_of(host.call("state")).pending is None:
            over = f"its {wait} s were over before it was proved: the ruleset from before is back"
            return Step(host.name, "rolled back", number, (over, "--wait gives it longer"), plan=planned.plan)
        if wrong:
            host.call("rollback", str(number), "what runs is not what the policy says", seconds=_SECONDS)
            words = (wrong, "the ruleset from before is back")
            return Step(host.name, "rolled back", number, words, plan=planned.plan)
    except HostError as error:
        message = f"{wrong}; it could not be taken back at once: {error.message}" if wrong else error.message
        report.error(error.name, message, help=error.help)
        return None
    words = (
        "proved: what runs is what the policy says, with every packet of IPv4 and IPv6",
        f"taken back in {wait} s unless it is confirmed over a new connection: firewright confirm"
        + ("" if host.is_local else f" {harmless(host.name)}"),
    )
    return Step(host.name, "applied", number, words, wait, planned.plan)


def disagreement(prepared: Prepared, table: str) -> str:
    """Why the listing of a table is not proved to be what was prepared, in a sentence; empty where it is proved."""
    policy, firewall, day, auditing = prepared.policy, prepared.firewall, prepared.day, prepared.auditing
    try:
        if auditing is None:
            found = prove(policy, firewall, day, table)
        else:
            found = prove_audited(policy, firewall, day, table, auditing.since, auditing.until)
    except (NftError, UnreadableListing, Undecided, Unproved) as error:
        return f"nobody can prove what runs: {harmless(str(error))}"
    if not isinstance(found, Mismatch):
        return ""
    packet: Packet = found.packet
    return f"what runs would {found.found} {packet}, which the policy says to {found.wanted.action} ({found.wanted.outcome})"
