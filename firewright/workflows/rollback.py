"""Take back what waits on a host now, or return to a generation that it has kept."""

from __future__ import annotations

from firewright.diagnostic import Report
from firewright.live.host import Host, HostError
from firewright.reports import Step
from firewright.workflows.selection import Saying, silent

ASKED = "somebody asked for it"
"""Why most of what is taken back is."""


def roll_back(
    host: Host, report: Report, saying: Saying = silent, number: int | None = None, why: str = ASKED
) -> Step | None:
    """What became of what waits on a host: taken back; or None after saying in the report why not.

    `number` is the generation that is meant, None for whichever waits; `why` goes into the host's journal.
    """
    saying(f"taking back what waits on {host.name}")
    try:
        reply = host.call("rollback", "any" if number is None else str(number), why)
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
        return None
    is_gone = not reply.text("table").strip()
    words = ("no table of ours was there before, and none is now",) if is_gone else ("the ruleset from before is back",)
    return Step(host.name, "rolled back", int(reply.line("generation")), words)
