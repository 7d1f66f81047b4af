"""`firewright exceptions`: what is open for a time only, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import click

from firewright.cli._desk import NOT_APPROVED, Office, office
from firewright.cli._host import reaches, told
from firewright.cli._run import Run, Shown, shows
from firewright.diagnostic import harmless

if TYPE_CHECKING:
    from firewright.diagnostic import Diagnostic
    from firewright.live.host import Host
    from firewright.model.request import Request


@click.command(
    "exceptions",
    short_help="What is open for a time only, when it ends, who approved it.",
    epilog="Example: firewright exceptions --check. Ends with 5 where one may not be applied.",
)
@click.option("--check", "is_check", is_flag=True, help="Fail where one was not approved, or its approval has ended.")
@click.option(
    "--settle", "is_settle", is_flag=True, help="Write and remove files as the requests say; end what has ended."
)
@click.option("--tidy", "is_tidy", is_flag=True, help="Remove the files of those that have ended.")
@click.option(
    "--remind", "is_remind", is_flag=True, help="Tell, once each, of those that end soon or are to be confirmed."
)
@click.option(
    "--without-rules", "ungoverned", metavar="POLICY",
    help="As an admin: nobody has to decide about this policy's exceptions any more, though approvals.yaml was there.",
)  # fmt: skip
@click.option("--again", type=click.IntRange(1), metavar="N",
              help="Have request N decided again, whose exception means more by now; its file goes until then.")  # fmt: skip
@click.option("--because", default="", metavar="WHY", help="With --again and --without-rules: the reason, for the log.")
@click.option(
    "--hits", metavar="HOST", help="Count what each let in, by the ruleset that runs on HOST; local is this machine."
)
@reaches
@shows("text", "json")
def COMMAND(
    is_check: bool, is_settle: bool, is_tidy: bool, is_remind: bool, ungoverned: str | None, again: int | None,
    because: str, hits: str | None,
    reached: Callable[[str | None], Host], shown: Shown,
) -> int:  # fmt: skip
    """List the exceptions of the folder's policies, the one that ends first at the head.

    An exception ends by itself in the kernel. What was approved is in its request; a file that nobody approved, or that was
    changed since, is said, and `plan`, `apply` and `rollout` refuse it where approvals.yaml says who decides; whoever compiles and loads
    by hand goes round that. All exceptions are listed, whoever asks: they stand in files that whoever calls this can read anyway.
    """
    from firewright.reports import ExceptionList
    from firewright.workflows.requests import acting, exceptions, gate, governing, growth, lapsing
    from firewright.workflows.requests.estate import read_estate

    run = Run.begin(shown)
    run.will_show(ExceptionList)
    with office(run) as place:
        done: list[str] = []
        if ungoverned is not None:
            with place.deciding() as desk:
                governing.release(desk, ungoverned, because)
            done.append(f"nobody has to decide about exceptions of {harmless(ungoverned, 60)} any more")
        if again is not None:
            with place.deciding() as desk:
                done.append(f"request {acting.reopen(desk, again, because).number} is to be decided again")
            done += place.settle()
        if is_settle:
            with place.deciding() as desk:
                done += [f"request {one.number} has ended" for one in lapsing.expire_due(desk)]
                done += [f"request {one.number} {_became(one)}" for one in lapsing.lapse_lost_roles(desk)]
            done += place.settle()
        if is_tidy:
            done += _tidied(place)
        if is_remind:
            with place.deciding() as desk:
                done += [f"reminded of {one.rule}" for one in exceptions.remind(desk)]
        if done:
            place = replace(place, estate=read_estate(place.now))
        if is_settle or is_remind:
            gate.look(place.store, place.estate, place.now)
        counted = _counted(run, None if hits is None else reached(None if hits == "local" else hits))
        with place.looking() as desk:
            judged = gate.judge(desk, place.estate.policies.values()) if is_check else None
            look = None if judged is None else growth.look_of(place.estate, judged.grown)
            found = exceptions.standing(desk, counted, look)
        run.show(ExceptionList(found, tuple(done)))
        said = () if judged is None else judged.said
        bad = any(one.severity == "error" for one in said) or any(one.unapproved and not one.has_ended for one in found)
        _say_refused(run, place, said)
        if not place.estate.is_whole:
            _say_broken(run, place)
    return NOT_APPROVED if is_check and bad else 0


def _say_refused(run: Run, place: Office, refused: Iterable[Diagnostic]) -> None:
    """What `plan` would say of these policies: an exception may be approved and mean more by now."""
    for source in place.estate.report.sources.values():
        run.report.know(source)
    for one in refused:
        run.report.add(one)
    run.warn()


def _became(request: Request) -> str:
    """What a lost role has made of a request."""
    if request.state == "withdrawn":
        return "is withdrawn"
    is_doubted = request.state.has_exception and request.is_confirmed
    return "is to be confirmed as still needed" if is_doubted else "is to be decided again"


def _say_broken(run: Run, place: Office) -> NoReturn:
    """Policies or exceptions that cannot be read may hold any exception: what is listed is not all. Leaves with exit code 2."""
    for source in place.estate.report.sources.values():
        run.report.know(source)
    for one in place.estate.report.sorted():
        run.report.add(one)
    way_out = "mend what is said, and ask again"
    run.report.error(
        "not-whole",
        f"not all exceptions can be told: {', '.join(place.estate.broken) or 'approvals.yaml'}",
        help=way_out,
    )
    run.refuse()


def _tidied(place: Office) -> list[str]:
    from firewright.live.exception_files import NotWritten
    from firewright.workflows.requests.exceptions import tidy

    with place.looking() as desk:
        actor = desk.actor
    try:
        return [f"removed {path}" for path in tidy(place.store, place.estate, actor, place.now)]
    except NotWritten as error:
        place.run.report.error("not-written", str(error), help="firewright exceptions")
        place.run.refuse()


def _counted(run: Run, host: Host | None) -> dict[str, int] | None:
    if host is None:
        return None
    from firewright.workflows.requests.hits import hits_on

    found: dict[str, int] | None = None
    with told(run.report):
        found = hits_on(host, run.report)
    if found is None:
        run.refuse()
    return found
