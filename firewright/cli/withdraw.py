"""`firewright withdraw`: one's own request is no longer wanted."""

from __future__ import annotations

import click

from firewright.cli._desk import decided
from firewright.cli._run import Run, Shown, shows


@click.command(
    "withdraw",
    short_help="One's own request is no longer wanted.",
    epilog="Example: firewright withdraw 7",
)
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.option("--because", default="", metavar="TEXT", help="Why.")
@shows("text", "json")
def COMMAND(number: int, because: str, shown: Shown) -> int:
    """Withdraw request N. The file of its exception is removed; the next apply closes it."""
    from firewright.workflows.requests import acting

    decided(Run.begin(shown), number, lambda desk: acting.withdraw(desk, number, because))
    return 0
