"""`firewright recertify`: an exception is still needed, or was looked at after it was opened without asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firewright.cli._desk import decided
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from firewright.model.request import Request


@click.command(
    "recertify",
    short_help="Say that an exception is still needed, or was looked at.",
    epilog="Example: firewright recertify 7 --because 'the migration runs until May'",
)
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.option("--because", required=True, metavar="TEXT", help="Why it is still needed, or what was found.")
@shows("text", "json")
def COMMAND(number: int, because: str, shown: Shown) -> int:
    """Say, as one who decides about it, that the exception of request N is still needed; the next date is set.

    Of one that was opened without asking (break-glass) it says that somebody else looked at it.
    """
    from firewright.workflows.requests import acting

    def act(desk: acting.Desk) -> Request:
        found = acting.find(desk, number)
        waits = found.is_break_glass and not found.is_reviewed
        return acting.review(desk, number, because) if waits else acting.recertify(desk, number, because)

    decided(Run.begin(shown), number, act)
    return 0
