"""`firewright rollback`: take back what waits on a host, or return to a generation that it has kept."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._approvals import must_be_approved_still
from firewright.cli._host import on_host
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from firewright.live.host import Host


@click.command(
    "rollback",
    short_help="Take back what waits on a host, or return to a generation.",
    epilog="Example: firewright rollback root@web1 --to 3 && firewright confirm root@web1. "
    "Ends with 5 where --to would open again what is approved no more.",
)
@on_host
@click.option(
    "--to", "number", type=click.IntRange(1), metavar="N", help="Return to this generation; it waits to be confirmed."
)
@click.option("--wait", type=click.IntRange(5, 86_400), default=120, show_default=True, metavar="SECONDS",
              help="With --to: in which somebody confirms.")  # fmt: skip
@click.option("--force", is_flag=True, help="With --to: go on where the way back in would be cut.")
@click.option("--anyway", default="", metavar="WHY",
              help="With --to: load it though it has exceptions that are approved no more; why goes into the logs.")  # fmt: skip
@shows("text", "json")
def COMMAND(host: Host, number: int | None, wait: int, force: bool, anyway: str, shown: Shown) -> int:
    """Take back now what waits to be confirmed on HOST, this machine if none is named. Nobody has to approve that.

    With --to an earlier generation is loaded, as an apply is: the way back in is proved open first, and it waits to be confirmed.
    What opens by it is said before. An exception in it that was withdrawn, declined or edited since stops it, where approvals.yaml
    says who decides.
    """
    from firewright.reports import Step
    from firewright.workflows.returning import return_to
    from firewright.workflows.rollback import roll_back

    run = Run.begin(shown)
    run.will_show(Step)
    with progress() as saying:
        step = (
            roll_back(host, run.report, saying)
            if number is None
            else return_to(number, host, run.report, saying, wait, force, partial(_permitted, run, host, anyway))
        )
    if step is None:
        run.refuse()
    run.warn()
    run.show(step)
    return 1 if step.verb == "refused" else 0


def _permitted(run: Run, host: Host, anyway: str, ruleset: str, facts: str, opens: tuple[str, ...]) -> str:
    """Say what opens by a generation, and leave where that may not be; why it may, where that was needed."""
    for line in opens:
        _output.say(f"opens: {line}")
    name = os.uname().nodename if host.is_local else host.name.rpartition("@")[2]
    return must_be_approved_still(run, name, anyway, ruleset, facts)
