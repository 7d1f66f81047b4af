"""`firewright audit`: what of this machine is reachable from where, by which program; or what a ruleset lets in."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import BUILT_IN, STANDARD_INPUT, Run, Shown, shows, standard_input


@click.command(
    "audit",
    short_help="What of this machine is reachable, from where, by which program.",
    epilog="Example: firewright audit --live. Ends with 0 if nothing is found, 1 for errors and warnings, "
    "2 where something could not be read or seen.",
)
@click.argument("file", required=False, metavar="[FILE]", type=click.Path())
@click.option("--live", is_flag=True, help="This machine: its sockets, and every table on its hooks.")
@shows(*BUILT_IN)
def COMMAND(file: str | None, live: bool, shown: Shown) -> int:
    """Say what is reachable, from where, over which family; no policy is needed.

    With --live it is this machine: what listens, by which program, judged by every table of nftables and iptables that
    packets pass, what containers publish too. Root sees all of it; others are told what they did not see. With FILE it is
    a ruleset alone, as `firewright read` takes it.
    """
    from firewright.workflows.audit import audit_live, audit_running
    from firewright.workflows.read import running_in

    if live == bool(file):
        raise click.UsageError("name a file, or this machine with --live", click.get_current_context())
    run = Run.begin(shown)
    with progress() as saying:
        if file:
            running = running_in(standard_input() if file == STANDARD_INPUT else file, run.report, saying)
            if running is None:
                run.refuse()
            audit = audit_running(running, file, run.report)
        else:
            audit = audit_live(run.report, saying)
    run.show(audit)
    return 2 if not audit.is_whole else int(audit.findings.fails)
