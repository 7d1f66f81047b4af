"""`firewright requests`: what was asked for, and what has become of it."""

from __future__ import annotations

import click

from firewright.cli._desk import office
from firewright.cli._run import Run, Shown, shows

_STATES = ("draft", "submitted", "approved", "implemented", "verified", "declined", "expired", "withdrawn")


@click.command(
    "requests",
    short_help="What was asked for, who decides, and what became of it.",
    epilog="Example: firewright requests --waiting; firewright requests 7 -v",
)
@click.argument("number", required=False, type=click.IntRange(1), metavar="[N]")
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--mine", is_flag=True, help="Only one's own.")
@click.option("--waiting", is_flag=True, help="Only those that wait for one's own decision.")
@click.option("--text", default="", metavar="WORDS", help="Only those with these words.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, metavar="N", help="So many at most; 50 if not said."
)
@shows("text", "json")
def COMMAND(
    number: int | None, state: str | None, mine: bool, waiting: bool, text: str, limit: int, shown: Shown
) -> int:  # fmt: skip
    """List the requests that one may see, the newest first, or show one: what it means now, who agreed, what edits changed, its history.

    A request is seen by its author and by whoever has a role for its policy or one of its zones, as in the web application: it
    stands in the database, not in the folder.
    """
    from firewright.reports import RequestList, RequestShown
    from firewright.workflows.requests.inbox import Filters, listing, whole

    run = Run.begin(shown)
    run.will_show(RequestShown if number else RequestList)
    with office(run) as place, place.looking() as desk:
        if number:
            run.show(whole(desk, number))
        else:
            box = "waiting" if waiting else "mine" if mine else ""
            run.show(listing(desk, Filters(box, state or "", "", text), limit))
    return 0
