"""`firewright verify`: see with packets that what was approved is really open."""

from __future__ import annotations

import click

from firewright.cli import _output
from firewright.cli._desk import office
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, shows


@click.command(
    "verify",
    short_help="See with packets that what was approved is really open.",
    epilog="Example: firewright verify 7 203.0.113.80. Ends with 1 where it is not open.",
)
@click.argument("number", type=click.IntRange(1), metavar="N")
@click.argument("targets", nargs=-1, required=True, metavar="HOST...")
@click.option("--connect", is_flag=True, help="Open TCP connections instead of sending packets of its own.")
@click.option("--i-may-probe", "is_permitted", is_flag=True, help="Whoever owns these addresses consents.")
@shows("text", "json")
def COMMAND(number: int, targets: tuple[str, ...], connect: bool, is_permitted: bool, shown: Shown) -> int:
    """Probe HOST for the services of request N, from this machine, and note that it is verified if each answers.

    Send it from where the request is for: this machine has to be one of its sources, and each HOST one of its destinations.
    """
    from firewright.reports import RequestShown
    from firewright.workflows.probe import Asked, probe_hosts
    from firewright.workflows.requests import acting
    from firewright.workflows.requests.verifying import asked_by, not_open, services_of

    run = Run.begin(shown)
    run.will_show(RequestShown)
    with office(run) as place:
        with place.looking() as desk:
            question = asked_by(place.estate, acting.find(desk, number))
        services = services_of(question)
        with progress() as saying:
            asked = Asked(targets, services, is_permitted=is_permitted, is_raw=not connect)
            seen = probe_hosts(asked, run.report, saying)
        if seen is None:
            run.refuse()
        shut = not_open(seen, question)
        if shut:
            _output.say(f"not open: {'; '.join(shut)}")
            return 1
        with place.deciding() as desk:
            found = acting.verify(desk, number, {"probe": ", ".join(targets)})
        run.show(RequestShown(found))
    return 0
