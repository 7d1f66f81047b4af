"""`firewright apply`: a policy on a host, proved there, and taken back unless somebody confirms it over a new connection."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from firewright.cli._approvals import must_be_approved, note_implemented
from firewright.cli._host import on_host
from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows

if TYPE_CHECKING:
    from firewright.live.host import Host
    from firewright.workflows.prepare import Auditing

FAILURE, ROLLED_BACK = 2, 3
"""How a run ends whose last step could not be done, and one that changed something and took it back."""


class _Moment(click.ParamType[int]):
    """A time from now as 30m, 12h or 7d, or an instant as 2027-03-31T18:00:00+01:00; in seconds since 1970."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        import re
        import time

        if isinstance(value, int):
            return value
        text = str(value)
        if found := re.fullmatch(r"([0-9]{1,6})([smhd])", text):
            return int(time.time()) + int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is no time; write 7d, 12h, 30m, or 2027-03-31T18:00:00+01:00")
        if instant.tzinfo is None:
            self.fail(f"{text!r} names no time zone; write +00:00 or Z behind it")
        return int(instant.timestamp())


@click.command(
    "apply",
    short_help="Load a policy on a host; it comes back unless confirmed in time.",
    epilog="Example: firewright apply root@web1 -p web-server.yaml && firewright confirm root@web1. "
    "Ends with 1 where something stands against it, 3 where it was loaded and rolled back, 5 where an exception was not approved.",
)
@on_host
@click.option("--firewall", "names", multiple=True, metavar="NAME", help="The firewall that the host is.")
@click.option("--wait", type=click.IntRange(5, 86_400), default=120, show_default=True, metavar="SECONDS",
              help="In which somebody confirms, or the old ruleset comes back.")  # fmt: skip
@click.option("--confirm", "confirms", is_flag=True, help="Confirm at once over a connection of its own, if one opens.")
@click.option("--audit", is_flag=True, help="Drop nothing: count and record what the policy would drop.")
@click.option("--enforce", type=_Moment(), metavar="WHEN",
              help="With --audit: enforce from then on, as 7d or 2027-03-31T18:00:00Z; the kernel does it by itself.")  # fmt: skip
@click.option(
    "--force", is_flag=True, help="Go on where the way back in would be cut, or a table of others is in the way."
)
@selects
@shows("text", "json")
def COMMAND(
    host: Host,
    names: tuple[str, ...],
    wait: int,
    confirms: bool,
    audit: bool,
    enforce: int | None,
    force: bool,
    picked: Picked,
    shown: Shown,
) -> int:
    """Load a policy's ruleset on HOST, this machine if none is named, and prove that what runs is what the policy says.

    A plan is made first; what stands against it stops it. A watchdog that depends on no session is armed before the load:
    unless `firewright confirm` comes over a new connection in time, the ruleset from before is back, byte for byte; so it is
    after a reboot. One transaction replaces one table of ours; no other is touched.
    """
    from firewright.diagnostic import Report
    from firewright.reports import Step
    from firewright.workflows.apply import apply_plan, plan_to_apply
    from firewright.workflows.confirm import confirm
    from firewright.workflows.prepare import prepare

    if enforce is not None and not audit:
        raise click.UsageError("--enforce goes with --audit", click.get_current_context())
    run = Run.begin(shown)
    run.will_show(Step)
    with progress() as saying:
        prepared = prepare(run.wanted(picked), run.report, names, saying, _auditing(audit, enforce))
        if prepared is not None:
            must_be_approved(run, (prepared.policy,))
        planned = None if prepared is None else plan_to_apply(prepared, host, run.report, saying, force)
        if planned is None:
            run.refuse(has_notes=shown.is_verbose)
        # What was found until here is in the plan; what is said apart is what became of it.
        run.report = Report()
        step = apply_plan(planned, host, run.report, saying, wait)
        kept = step
        if confirms and step is not None and step.verb == "applied":
            kept = confirm(host, run.report, saying, step.generation)
    if step is None:
        run.refuse(has_notes=shown.is_verbose)
    run.warn()
    run.show(replace(kept or step, plan=step.plan), has_witness=shown.is_verbose)
    if kept is not None and kept.verb == "confirmed":
        note_implemented(run, host)
    return FAILURE if kept is None else {"refused": 1, "rolled back": ROLLED_BACK}.get(step.verb, 0)


def _auditing(is_wanted: bool, until: int | None) -> Auditing | None:
    import time

    from firewright.workflows.prepare import Auditing

    # A host whose clock is less than a day behind counts at once; one that is further behind is told so by the plan.
    return Auditing(int(time.time()) - 86_400, until) if is_wanted else None
