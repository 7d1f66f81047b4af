"""The gate before a policy is applied: every exception of it that has not ended was approved, exactly as it is, or nothing is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._desk import NOT_APPROVED, office
from firewright.cli._run import Run

if TYPE_CHECKING:
    from firewright.live.host import Host
    from firewright.model.policy import Policy

RULES = "approvals.yaml"


def must_be_approved(run: Run, policies: Iterable[Policy]) -> None:
    """Leave with exit code 5 where an exception of these policies was not approved, or nobody can tell.

    Asked only where approvals.yaml, here or beside a policy, says who decides, and a policy has exceptions.
    """
    policies = tuple(policies)
    folders = _folders(policies)
    if not any((folder / RULES).exists() for folder in folders):
        return
    elsewhere = [folder for folder in folders if (folder / RULES).exists() and not folder.samefile(Path())]
    if elsewhere:
        message = f"who decides about these exceptions is in {elsewhere[0]}, and this is another folder"
        run.report.error("not-approved", message, help=f"call it in {elsewhere[0]}")
        run.warn()
        raise click.exceptions.Exit(NOT_APPROVED)
    from firewright.workflows.requests.acting import SYSTEM, Desk
    from firewright.workflows.requests.exceptions import unapproved

    with office(run) as place, place.store.reading() as connection:
        found = unapproved(Desk(connection, place.estate, SYSTEM, place.now), policies)
        if place.estate.broken or place.estate.report.has_errors():
            run.report.error("broken", "the policies or approvals.yaml cannot be read", help="firewright check")
    for one in found:
        run.report.add(one)
    if found or run.report.has_errors():
        run.warn()
        raise click.exceptions.Exit(NOT_APPROVED)


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
    from firewright.workflows.requests import acting
    from firewright.workflows.requests.estate import EXCEPTIONS
    from firewright.workflows.requests.hits import hits_on, name_in_comments
    from firewright.workflows.requests.refused import Refused

    running = hits_on(host, Report()) or {}
    if not any(Path(path).parent.name == EXCEPTIONS for path in running):
        return
    with office(run) as place, place.deciding() as desk:
        for request in acting.every(desk, State.APPROVED):
            if name_in_comments(request.path) in running:
                try:
                    acting.implement(desk, request.number, {"host": host.name})
                    _output.say(f"request {request.number} is implemented")
                except Refused as refused:
                    _output.say(f"request {request.number} was not noted as implemented: {refused}")


def _folders(policies: Iterable[Policy]) -> list[Path]:
    """Where rules of approval can be for these policies' exceptions: here, and beside each; nowhere if they have none."""
    from firewright.workflows.requests.estate import EXCEPTIONS

    beside = {
        Path(path).parent.parent: None
        for policy in policies
        for one in policy.authorities()
        for path in one.paths
        if Path(path).parent.name == EXCEPTIONS
    }
    return [Path(), *(folder for folder in beside if folder != Path())] if beside else []
