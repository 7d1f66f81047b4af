"""`firewright decline`: say no to a request, or take back what was approved."""

from __future__ import annotations

import click

from firewright.cli._desk import decided
from firewright.cli._run import Run, Shown, shows


@click.command(
    "decline",
    short_help="Say no to a request, or take back what was approved.",
    epilog="Example: firewright decline 7 --because 'the proxy does that'",
)
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.option("--because", required=True, metavar="TEXT", help="Why, for whoever asked.")
@shows("text", "json")
def COMMAND(number: int, because: str, shown: Shown) -> int:
    """Decline request N. The file of an exception that was approved is removed; the next apply closes it."""
    from firewright.workflows.requests import acting

    decided(Run.begin(shown), number, lambda desk: acting.decline(desk, number, because))
    return 0
