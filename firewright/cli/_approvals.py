"""The gate before a policy is applied: every exception of it that has not ended was approved, exactly as it is, or nothing is."""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._desk import NOT_APPROVED, office
from firewright.cli._run import Run
from firewright.diagnostic import harmless

if TYPE_CHECKING:
    from firewright.live.host import Host
    from firewright.model.policy import Policy
    from firewright.workflows.selection import Wanted

RULES = "approvals.yaml"
_NAMES = (RULES, "approvals.yml")


def must_be_approved(run: Run, policies: Iterable[Policy]) -> None:
    """Leave with exit code 5 where an exception of these policies, as they were read, was not approved, or nobody can tell.

    Asked only where approvals.yaml, here or in any folder above a policy up to its repository's root, says who decides, and a
    policy has exceptions.
    """
    _judge(run, tuple(policies))
    if run.report.has_errors():
        run.warn()
        raise click.exceptions.Exit(NOT_APPROVED)


def _judge(run: Run, policies: tuple[Policy, ...]) -> None:
    """Put into the report what stands against applying these policies' exceptions."""
    governing = _governing(policies)
    if not governing:
        return
    elsewhere = [folder for folder in governing if folder != Path.cwd().resolve()]
    if elsewhere:
        message = f"who decides about these exceptions is in {harmless(str(elsewhere[0]))}, and this is another folder"
        run.report.error("not-approved", message, help=f"call it in {harmless(str(elsewhere[0]))}")
        return
    with office(run) as place, place.store.reading() as connection:
        # without the library of the database the office says how to install it, before these need it
        from firewright.workflows.requests.acting import SYSTEM, Desk
        from firewright.workflows.requests.gate import unapproved

        found = unapproved(Desk(connection, place.estate, SYSTEM, place.now), policies, run.report.sources)
        if not place.estate.is_whole or not place.estate.rules.is_required:
            run.report.error("broken", "the policies or approvals.yaml cannot be read", help="firewright check")
    for one in found:
        run.report.add(one)


def warn_unapproved(run: Run, wanted: Wanted) -> None:
    """Warn of exceptions that were not approved, or of which nobody can tell, where somebody is to decide.

    What `compile` writes is applied by nobody yet; whoever loads it by hand goes round `plan`, which refuses.
    """
    from firewright.diagnostic import Diagnostic, Report, Severity
    from firewright.workflows.selection import select

    policies = select(wanted, Report()) or ()
    if not _governing(policies):
        return
    apart = replace(run, report=Report(sources=dict(run.report.sources)))
    with suppress(click.exceptions.Exit):
        _judge(apart, policies)
    for one in apart.report.sorted():
        run.report.add(Diagnostic("unapproved", Severity.WARNING, one.message, one.at, one.notes, help=one.help))


def note_implemented(run: Run, host: Host) -> None:
    """After a confirm: the requests whose exceptions run on a host now are implemented; what cannot be noted is said."""
    from firewright.workflows.requests.estate import EXCEPTIONS

    if not Path(RULES).exists() and not Path(EXCEPTIONS).is_dir():
        return
    try:
        _note(run, host)
    except click.exceptions.Exit:
        _output.say(
            "it is confirmed; that requests run now was not noted: `firewright requests` shows them as approved"
        )


def _note(run: Run, host: Host) -> None:
    from firewright.diagnostic import Report
    from firewright.model.request import State
    from firewright.workflows.requests.estate import EXCEPTIONS
    from firewright.workflows.requests.hits import hits_on, name_in_comments
    from firewright.workflows.requests.refused import Refused

    running = hits_on(host, Report()) or {}
    if not any(Path(path).parent.name == EXCEPTIONS for path in running):
        return
    with office(run) as place, place.deciding() as desk:
        from firewright.workflows.requests import acting

        for request in acting.every(desk, State.APPROVED):
            if name_in_comments(request.path) in running:
                try:
                    acting.implement(desk, request.number, {"host": host.name})
                    _output.say(f"request {request.number} is implemented")
                except Refused as refused:
                    _output.say(f"request {request.number} was not noted as implemented: {refused}")


def _governing(policies: Iterable[Policy]) -> list[Path]:
    """The folders whose approvals.yaml says who decides about these policies' exceptions; none if they have no exceptions.

    A link that leads nowhere counts: whoever made it meant somebody to decide.
    """
    from firewright.workflows.requests.estate import EXCEPTIONS

    beside = {
        Path(path).parent.parent.resolve(): None
        for policy in policies
        for path in (*policy.paths, *(rule.at.path for rule in policy.rules))
        if Path(path).parent.name == EXCEPTIONS
    }
    places = dict.fromkeys((Path.cwd().resolve(), *(above for folder in beside for above in _up_to_root(folder))))
    return [folder for folder in places if any(os.path.lexists(folder / name) for name in _NAMES)] if beside else []


def _up_to_root(folder: Path) -> list[Path]:
    """A folder and those above it, to the root of its repository, or of the file system where it is in none."""
    found = []
    for one in (folder, *folder.parents):
        found.append(one)
        if (one / ".git").exists():
            break
    return found
