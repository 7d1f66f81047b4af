"""`firewright cuts`: what a host in audit mode would have refused, by which line of the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firewright.cli._host import on_host, told
from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows

if TYPE_CHECKING:
    from firewright.live.host import Host


@click.command(
    "cuts",
    short_help="What a host in audit mode would have cut, by which line.",
    epilog="Example: firewright cuts root@fw1 -p edge.yaml. Ends with 0 if nothing would have been cut, 1 if something would, "
    "2 where the host does not answer or is not in audit mode.",
)
@on_host
@click.option("--firewall", "names", multiple=True, metavar="NAME", help="The firewall that the host is.")
@selects
@shows("text", "json", "markdown")
def COMMAND(host: Host, names: tuple[str, ...], picked: Picked, shown: Shown) -> int:
    """List the flows that audit mode let pass and the policy refuses, with their packets and the line that refuses them.

    Flows are remembered by the kernel of HOST, a week after their last packet; each is judged by the policy as it is written now.
    Of a flow that got through only its first packets count, for those behind them belong to an open flow. With --verbose come all
    flows, and the counters of every rule. HOST is what ssh is given; without one it is this machine, as root.
    """
    from firewright.workflows.cuts import cuts

    run = Run.begin(shown)
    found = None
    with progress() as saying, told(run.report):
        found = cuts(run.wanted(picked), host, run.report, names, saying)
    if found is None or run.report.has_errors():
        run.refuse()
    run.show(found)
    return int(bool(found.packets))
