"""`firewright status`: a managed host as it stands, what is wrong with it first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli._host import on_host, told
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from firewright.live.host import Host
    from firewright.workflows.counters import Earlier


@click.command(
    "status",
    short_help="What runs on a host, what waits, what it counted, what is wrong.",
    epilog="Example: sudo firewright status; firewright status root@fw1 --since last-week.json. Ends with 0 if nothing is "
    "wrong, 1 for findings, 2 where the host does not answer or could not be seen whole.",
)
@on_host
@click.option(
    "--since", metavar="FILE", type=click.Path(), help="Counters since an earlier status that was written as JSON."
)
@shows("text", "json", "markdown")
def COMMAND(host: Host, since: str | None, shown: Shown) -> int:
    """Say how a host stands: whether there is a firewall at all, and all that is wrong, before anything else.

    Then the generation that runs, of which policy, applied by whom; the ends of permissions that are still to come; what each
    line of the policy counted since it was loaded, and which lines nobody used; and the tables of others. HOST is what ssh is
    given; without one it is this machine, as root.
    """
    from firewright.workflows.status import status

    run = Run.begin(shown)
    earlier = None if since is None else _earlier(since)
    found = None
    with progress() as saying, told(run.report):
        found = status(host, run.report, saying, earlier)
    if found is None or run.report.has_errors():
        run.refuse()
    run.show(found)
    return 2 if not found.is_whole else int(found.findings.fails)


def _earlier(path: str) -> Earlier:
    from firewright.source import UnreadableSource, read
    from firewright.workflows.counters import BadEarlier, earlier_in

    try:
        return earlier_in(read(path).text)
    except (UnreadableSource, BadEarlier) as error:
        name = Path(path).name
        raise click.UsageError(f"--since {name}: {error}", click.get_current_context()) from None
