"""`firewright generations`: the rulesets that a host keeps, one of them as text, or two compared by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firewright.cli._host import on_host, told
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from firewright.live.host import Host
    from firewright.reports import Result

_NUMBER = click.IntRange(1, 999_999_999)


@click.command(
    "generations",
    short_help="The rulesets that a host keeps; two of them compared.",
    epilog="Example: firewright generations root@fw1 --compare 3 4. Ends with 0, with 1 if the two differ, with 2 where the host "
    "does not answer or does not have them.",
)
@on_host
@click.option(
    "--compare", nargs=2, type=_NUMBER, metavar="A B", help="What generation B does otherwise than A, proved."
)
@click.option("--show", type=_NUMBER, metavar="N", help="The ruleset of generation N.")
@shows("text", "json", "markdown")
def COMMAND(host: Host, compare: tuple[int, int] | None, show: int | None, shown: Shown) -> int:
    """List the generations that a host keeps: every ruleset that was applied there, the last twenty and the confirmed one.

    With --compare two of them are compared by meaning: the flows that open and close, each with an example packet and the lines
    of both that decide it, or that they are equivalent, which is proved for every packet from now on. HOST is what ssh is given;
    without one it is this machine, as root. `firewright rollback --to N` returns to one.
    """
    from firewright.reports._generations import GenerationsCompared
    from firewright.workflows import generations as workflow

    if compare is not None and show is not None:
        raise click.UsageError("--compare and --show are two questions", click.get_current_context())
    run = Run.begin(shown)
    found: Result | None = None
    with progress() as saying, told(run.report):
        if compare is not None:
            found = workflow.compared(*compare, host, run.report, saying)
        elif show is not None:
            found = workflow.shown(show, host, run.report, saying)
        else:
            found = workflow.generations(host, run.report, saying)
    if found is None or run.report.has_errors():
        run.refuse()
    run.show(found)
    return int(isinstance(found, GenerationsCompared) and found.gap is not None)
