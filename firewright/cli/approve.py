"""`firewright approve`: agree to exactly what a request says."""

from __future__ import annotations

import sys

import click

from firewright.cli import _output
from firewright.cli._desk import decided, office
from firewright.cli._run import Run, Shown, shows


@click.command(
    "approve",
    short_help="Agree to exactly what a request says.",
    epilog="Example: firewright approve 7 --digest 412ec919b2ac",
)
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.option("--digest", metavar="HASH", help="The hash that `requests N` shows, or its first 12 letters.")
@click.option("--because", default="", metavar="TEXT", help="Why.")
@shows("text", "json")
def COMMAND(number: int, digest: str | None, because: str, shown: Shown) -> int:
    """Agree to request N as it is now. The approval holds for the text with this hash, and for no other.

    Without --digest the text is shown, and asked about on a terminal. Nobody approves what they asked for themselves.
    """
    from firewright.workflows.requests import acting

    run = Run.begin(shown)
    with office(run) as place, place.looking() as desk:
        found = acting.find(desk, number)
    whole = found.digest
    if digest is None:
        if not _output.is_terminal(sys.stdin):
            raise click.UsageError(f"look at it with `firewright requests {number} -v`, then name its --digest")
        _output.say(found.text.rstrip("\n"))
        click.confirm("Approve exactly this?", abort=True, err=True)
    elif len(digest) < 12 or not whole.startswith(digest.lower()):
        raise click.UsageError(f"request {number} does not have this hash: look at it again")
    decided(run, number, lambda desk: acting.approve(desk, number, whole, because))
    return 0
