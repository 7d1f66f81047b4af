"""`firewright read`: any ruleset as it is understood, and what it lets pass."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Run, Shown, shows, standard_input


@click.command(
    "read",
    short_help="Any nftables file as it is understood, and what it lets pass.",
    epilog="Ends with 0 when it is read, rules that are only known in bounds too, 2 where it cannot be read.",
)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--summary", is_flag=True, help="Counts and flows only, and the rules that are not wholly understood.")
@shows("text", "json", "markdown")
def COMMAND(file: str, summary: bool, shown: Shown) -> int:
    """Read a ruleset: FILE is nftables text, the JSON of `nft -j list ruleset`, or what iptables-save prints; - is standard input.

    Text is loaded into a network namespace of its own and listed back, so that what is read is what a kernel makes of it;
    this machine's ruleset is not touched. Every rule is understood, or known in bounds and named.
    """
    from firewright.workflows.read import read_ruleset

    run = Run.begin(shown)
    given = standard_input() if file == STANDARD_INPUT else file
    with progress() as saying:
        reading = read_ruleset(given, run.report, not summary, saying)
    if reading is None:
        run.refuse()
    run.show(reading)
    return 0
