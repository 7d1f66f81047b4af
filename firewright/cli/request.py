"""`firewright request`: ask for something to be opened, and see at once what it would mean."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._desk import Office, office, refusing
from firewright.cli._run import STANDARD_INPUT, Run, Shown, shows, standard_input

if TYPE_CHECKING:
    from firewright.model.request import Request, Wish
    from firewright.workflows.requests.acting import Desk
    from firewright.workflows.requests.estate import Estate


@click.command(
    "request",
    short_help="Ask for a port: what it would mean, at once, and who decides.",
    epilog="Example: firewright request 'tenants -> internet tcp/11371' --until 2027-03-31 --because 'OpenPGP keys'. "
    "Ends with 1 where it is denied.",
)
@click.argument("flow", required=False, metavar="'FROM -> TO SERVICES'")
@click.option("-p", "--policy", metavar="NAME|FILE", help="The policy that would permit it.")
@click.option("--because", default="", metavar="TEXT", help="Why, in a sentence.")
@click.option("--owner", default="", metavar="TEXT", help="Who answers for it; whoever asks, if nobody is named.")
@click.option("--until", default="", metavar="DATE", help="The last day, or the time at which it ends.")
@click.option("--ticket", default="", metavar="TEXT", help="Where it is talked about.")
@click.option("--override", "overrides", multiple=True, metavar="NAME", help="A ban that it passes. Again for more.")
@click.option("--file", metavar="FILE", help="Take all that from an exception's file, such as one in a pull request.")
@click.option("--check", "is_check", is_flag=True, help="Only say what it would mean; nothing is kept.")
@click.option("--draft", "is_draft", is_flag=True, help="Keep it, and let nobody decide yet.")
@click.option("--edit", type=click.IntRange(1), metavar="N", help="Put it in place of what request N asks for.")
@click.option(
    "--instead-of", type=click.IntRange(1), metavar="N", help="Propose it, as an approver, instead of request N."
)
@click.option(
    "--break-glass", metavar="DURATION", help="Open it at once for that long, without asking: loud, and reviewed."
)
@shows("text", "json")
def COMMAND(
    flow: str | None, policy: str | None, because: str, owner: str, until: str, ticket: str, overrides: tuple[str, ...],
    file: str | None, is_check: bool, is_draft: bool, edit: int | None, instead_of: int | None, break_glass: str | None,
    shown: Shown,
) -> int:  # fmt: skip
    """Ask for flows to be opened until a day.

    What it would mean is said at once: permitted already and by which line, denied and why, or to be decided; what it newly opens,
    to how many, and which firewalls change. Where it is to be decided it is submitted; who may decide is in approvals.yaml.
    Everything is as in the web application, and kept in the same database ($FIREWRIGHT_DATABASE_URL, else a file).
    """
    from firewright.reports import CheckedRequest, RequestShown
    from firewright.workflows.requests.asked import apart_from

    if (flow is None) == (file is None):
        raise click.UsageError("ask for flows such as 'tenants -> internet tcp/11371', or name a --file")
    if sum(map(bool, (is_check, is_draft, edit, instead_of, break_glass))) > 1:
        raise click.UsageError("--check, --draft, --edit, --instead-of and --break-glass are different things")
    run = Run.begin(shown)
    run.will_show(CheckedRequest if is_check else RequestShown)
    if is_check:
        return _checked(run, str(flow or ""), file, policy, because, owner, until, ticket, overrides)
    with office(run) as place:
        with place.looking() as desk:
            who = desk.actor.name or desk.actor.account
        if file is not None:
            wish = _from_file(run, file)
            place = replace(place, estate=apart_from(place.estate, wish.policy, file))
        else:
            wish = _wish(place.estate, str(flow), policy, because, owner or who, until, ticket, overrides)
        return _asked(place, wish, is_draft, edit, instead_of, break_glass)


def _checked(
    run: Run, flow: str, file: str | None, policy: str | None, because: str, owner: str, until: str, ticket: str,
    overrides: tuple[str, ...],
) -> int:  # fmt: skip
    """Only say what it would mean: no account and no database are needed, so that it can be a check of a pull request."""
    from datetime import datetime, timedelta, timezone

    from firewright.workflows.requests.asked import apart_from
    from firewright.workflows.requests.checking import check_wish
    from firewright.workflows.requests.estate import read_estate

    now = datetime.now(timezone.utc)  # noqa: UP017 - shorter to say
    with refusing(run):
        estate = read_estate(now)
        if file is not None:
            wish = _from_file(run, file)
            estate = apart_from(estate, wish.policy, file)
        else:
            wish = _wish(estate, flow, policy, because, owner, until, ticket, overrides)
        # asked only to learn what it would mean: any end, reason and owner will do
        today = (now + timedelta(days=1)).date().isoformat()
        whole = replace(
            wish, until=wish.until or today, because=wish.because or "asked", owner=wish.owner or "whoever asks"
        )
        checked = check_wish(estate, whole, now)
    run.show(checked, has_witness=True)
    return int(checked.verdict == "denied")


def _asked(
    place: Office, wish: Wish, is_draft: bool, edit: int | None, instead_of: int | None, glass: str | None
) -> int:  # fmt: skip
    from firewright.reports import RequestShown
    from firewright.workflows.requests import acting, in_force
    from firewright.workflows.requests.checking import check_wish
    from firewright.workflows.requests.deciding import shown_check
    from firewright.workflows.requests.glass import break_glass
    from firewright.workflows.requests.refused import Refused

    seconds = _seconds(glass)
    if glass is None:
        checked = check_wish(place.estate, wish, place.now, edit or instead_of or 0)
        if checked.verdict in ("permitted", "denied") and not is_draft:
            place.run.show(checked, has_witness=True)
            return int(checked.verdict == "denied")

    def act(desk: Desk) -> Request:
        if edit is not None:
            return acting.edit(desk, edit, wish)
        if instead_of is not None:
            return acting.answer(desk, instead_of, wish, wish.because)
        if glass is not None:
            return break_glass(desk, wish, seconds)
        return acting.make(desk, wish, is_draft=is_draft)

    with place.deciding() as desk:
        made = act(desk)
        lacks = in_force.still_lacking(desk, made) if made.state == "submitted" else ()
    for said in place.settle():
        _output.say(said)
    try:
        meant = None if glass is not None else check_wish(place.estate, made.wish, place.now, made.number)
        with place.looking() as desk:
            meant = meant and shown_check(desk, meant, made.number, made.author)
    except Refused:
        meant = None
    place.run.show(RequestShown(made, meant, lacks))
    return 0


def _seconds(text: str | None) -> int | None:
    from firewright.readers.policy_yaml.values import BadValue, parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except BadValue as bad:
        raise click.UsageError(f"--break-glass: {bad.message}; {bad.help}") from None


def _wish(
    estate: Estate, flow: str, policy: str | None, because: str, owner: str, until: str, ticket: str,
    overrides: tuple[str, ...],
) -> Wish:  # fmt: skip
    from firewright.model.request import Wish
    from firewright.workflows.requests.asked import flow_of, policy_for

    sources, destinations, services = flow_of(flow)
    name = policy_for(estate, policy, (*sources, *destinations))
    return Wish(name, sources, destinations, services, because, owner, until, ticket, overrides)


def _from_file(run: Run, file: str) -> Wish:
    from firewright.workflows.requests.asked import wish_in

    given = standard_input() if file == STANDARD_INPUT else file
    wish = wish_in(given, run.report)
    if wish is None:
        run.refuse()
    return wish
