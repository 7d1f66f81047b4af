"""`firewright compare`: what opens and what closes between two policies, or that nothing does, proved."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Picked, Run, Shown, selects, shows, standard_input


@click.command(
    "compare",
    short_help="What opens and what closes between two policies, proved.",
    epilog="Ends with 0 if the two are equivalent, 1 if they differ or it was not decided, 2 for what is malformed.",
)
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@selects
@shows("text", "json", "junit", "markdown", "github")
def COMMAND(before: str, after: str, picked: Picked, shown: Shown) -> int:
    """Compare policy A with policy B: what opens, what closes, what answers differently.

    Each difference is told in flows, with an example packet and the lines of both policies that decide it. No difference
    is a proof over every packet of both families.
    """
    from firewright.workflows.compare import compare_policies

    run = Run.begin(shown)
    wanted = run.wanted(picked)
    pair = [standard_input() if one == STANDARD_INPUT else one for one in (before, after)]
    with progress() as saying:
        comparison = compare_policies(pair[0], pair[1], wanted, run.report, saying)
    if comparison is None:
        run.refuse()
    run.show(comparison)
    return 0 if comparison.found.is_equivalent else 1
