"""`firewright drift`: whether a host's kernel still means what was confirmed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firewright.cli._host import on_host, told
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from firewright.live.host import Host


@click.command(
    "drift",
    short_help="Whether a host's kernel means what was confirmed there.",
    epilog="Example: sudo firewright drift; firewright drift root@fw1. Ends with 0 if it does, 1 with a packet if it does "
    "not, 2 where nothing was confirmed or the host does not answer, 130 when a watch is stopped.",
)
@on_host
@click.option(
    "--watch", "is_watching", is_flag=True, help="Stay, and say at each change what changed, by which process."
)
@shows("text", "json", "markdown")
def COMMAND(host: Host, is_watching: bool, shown: Shown) -> int:
    """Compare the firewall that a host's kernel has with its confirmed generation, by meaning.

    The comparison is over every packet of IPv4 and IPv6, in every state, now and at every later instant at which a rule begins
    or ends. Order, counters and comments mean nothing, and are no drift. Where a generation waits to be confirmed, it is that one
    that is compared with, and that is said. HOST is what ssh is given; without one it is this machine, as root.
    """
    from firewright.workflows.drift import drift

    run = Run.begin(shown)
    if is_watching:
        return _watched(host, run)
    found = None
    with progress() as saying, told(run.report):
        found = drift(host, run.report, saying)
    if found is None or run.report.has_errors():
        run.refuse()
    run.show(found)
    return int(found.gap is not None)


def _watched(host: Host, run: Run) -> int:
    from firewright.workflows.drift import watch

    if not host.is_local:
        raise click.UsageError(
            "--watch listens to this machine's kernel; on a host, run it there", click.get_current_context()
        )
    if run.shown.output:
        raise click.UsageError("--watch writes as it goes, and not to a file", click.get_current_context())
    with told(run.report):
        try:
            for found in watch(host, run.report):
                run.show(found)
        except PermissionError:
            run.report.error("not-root", "only root may listen to what changes in nf_tables", help="run it with sudo")
    run.refuse()
