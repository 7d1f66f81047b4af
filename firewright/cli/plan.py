"""`firewright plan`: what applying a policy to a host would do, and whether anything stands against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firewright.cli._approvals import must_be_approved
from firewright.cli._host import on_host
from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows

if TYPE_CHECKING:
    from firewright.live.host import Host


@click.command(
    "plan",
    short_help="What applying a policy to a host would open, close and cut.",
    epilog="Example: firewright plan root@web1 -p web-server.yaml. Ends with 1 where something stands against it, "
    "5 where an exception was not approved.",
)
@on_host
@click.option("--firewall", "names", multiple=True, metavar="NAME", help="The firewall that the host is.")
@selects
@shows("text", "json")
def COMMAND(host: Host, names: tuple[str, ...], picked: Picked, shown: Shown) -> int:
    """Say what applying a policy would do to HOST, this machine if none is named; nothing is changed.

    What opens and what closes is exact, with the line behind it. It is proved that the ssh connection that this comes over could
    be opened again. Tables of others (Docker, libvirt, fail2ban...) are listed with what they stop and open; open flows that
    would end are counted. The host needs nft and sh.
    """
    from firewright.workflows.plan import plan
    from firewright.workflows.prepare import prepare

    run = Run.begin(shown)
    with progress() as saying:
        prepared = prepare(run.wanted(picked), run.report, names, saying)
        if prepared is not None:
            must_be_approved(run, (prepared.policy,))
        planned = None if prepared is None else plan(prepared, host, run.report, saying)
    if planned is None:
        run.refuse(has_notes=shown.is_verbose)
    run.show(planned.plan, has_witness=shown.is_verbose)
    return int(planned.plan.is_refused)
