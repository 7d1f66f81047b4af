"""`firewright confirm`: keep what was applied, over a connection that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firewright.cli._approvals import note_implemented
from firewright.cli._host import on_host
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from firewright.live.host import Host


@click.command(
    "confirm",
    short_help="Keep what was applied to a host, over a new connection.",
    epilog="Example: firewright confirm root@web1",
)
@on_host
@click.option("--generation", type=click.IntRange(1), metavar="N", help="Only if this one waits.")
@shows("text", "json")
def COMMAND(host: Host, generation: int | None, shown: Shown) -> int:
    """Keep what waits on HOST, this machine if none is named: it is loaded at boot from now on.

    That a new connection gets in is what is to be shown, so the one that the ruleset came over is refused. Then open flows
    inside what closed are ended.
    """
    from firewright.reports import Step
    from firewright.workflows.confirm import confirm

    run = Run.begin(shown)
    run.will_show(Step)
    with progress() as saying:
        step = confirm(host, run.report, saying, generation)
    if step is None:
        run.refuse()
    run.warn()
    run.show(step)
    note_implemented(run, host)
    return 0
