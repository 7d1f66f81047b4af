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
from firewright.cli._desk import NOT_APPROVED, TOKEN, actor_here, has_office, office, user_here
from firewright.cli._run import Run
from firewright.diagnostic import Report, Severity, harmless

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from firewright.live.host import Host
    from firewright.model.account import Actor
    from firewright.model.policy import Policy
    from firewright.workflows.requests.acting import Desk
    from firewright.workflows.selection import Wanted

RULES = "approvals.yaml"
_NAMES = (RULES, "approvals.yml")


def must_be_approved(run: Run, policies: Iterable[Policy]) -> None:
    """Leave with exit code 5 where an exception of these policies, as they were read, was not approved, or nobody can tell.

    Asked only where a policy has exceptions, and approvals.yaml, here or in any folder above a policy up to its repository's root,
    says who decides, or did so once: as the repository's history or the database remembers.
    """
    try:
        _judge(run, tuple(policies))
    except click.exceptions.Exit:
        raise click.exceptions.Exit(NOT_APPROVED) from None
    if run.report.has_errors():
        run.warn()
        raise click.exceptions.Exit(NOT_APPROVED)


def _judge(run: Run, policies: tuple[Policy, ...], *, is_told: bool = True) -> None:
    """Put into the report what stands against applying these policies' exceptions; what only means more is told, if wanted, once."""
    places = _places(policies)
    governing = [folder for folder in places if any(os.path.lexists(folder / name) for name in _NAMES)]
    if places and not governing:
        _must_be_released(run, policies, places)
    if not governing:
        return
    elsewhere = [folder for folder in governing if folder != Path.cwd().resolve()]
    if elsewhere:
        message = f"who decides about these exceptions is in {harmless(str(elsewhere[0]))}, and this is another folder"
        run.report.error("not-approved", message, help=f"call it in {harmless(str(elsewhere[0]))}")
        return
    with office(run) as place:
        # without the library of the database the office says how to install it, before these need it
        from firewright.store.errors import StoreError
        from firewright.workflows.requests import governing as memory
        from firewright.workflows.requests.acting import SYSTEM, Desk
        from firewright.workflows.requests.gate import judge
        from firewright.workflows.requests.growth import tell

        with place.store.reading() as connection:
            judged = judge(Desk(connection, place.estate, SYSTEM, place.now), policies, run.report.sources)
        with suppress(StoreError):  # whoever may only read the database plans too
            memory.note(place.store, place.estate, place.now)
            if is_told:
                tell(place.store, judged.grown, place.now)
        if not place.estate.is_whole or not place.estate.rules.is_required:
            run.report.error("broken", "the policies or approvals.yaml cannot be read", help="firewright check")
    for one in judged.said:
        run.report.add(one)


def _must_be_released(run: Run, policies: tuple[Policy, ...], places: list[Path]) -> None:
    """Put into the report which policies with exceptions are under no rules of approval any more, and nobody said so."""
    from firewright.live.exception_files import NotWritten, remembers
    from firewright.workflows.requests.estate import way_to_rules

    named = dict.fromkeys(policy.name for policy in policies if _folders_of(policy))
    try:
        is_of_history = any(remembers(folder, *_NAMES) for folder in places)
    except NotWritten as error:
        message = f"nobody can tell whether somebody is to decide about these exceptions: {error}"
        run.report.error("not-approved", message, help="let git read the repository")
        return
    said = f"{RULES}, which said who decides, is in the repository's history, and not here any more"
    if not has_office():
        for name in named if is_of_history else ():
            run.report.error("not-approved", f"exceptions of {harmless(name, 60)}: {said}", help=way_to_rules(name))
        return
    with office(run) as place, place.store.reading() as connection:
        from firewright.workflows.requests import governing as memory

        for name in named:
            why = memory.gone(connection, place.estate, name)
            if is_of_history and not memory.is_released(connection, name):
                why = said
            if why:
                run.report.error("not-approved", f"exceptions of {harmless(name, 60)}: {why}", help=way_to_rules(name))


def must_be_approved_still(run: Run, host: str, anyway: str, ruleset: str, facts: str) -> str:
    """Leave with exit code 5 where a generation has exceptions that are approved no more, unless a reason says to load it anyway.

    The reason, where it was needed. It is in the log, unless the database does not answer: then it is only told, and on the host.
    """
    if "exceptions/" not in ruleset:
        return ""
    apart = replace(run, report=Report())
    try:
        _judge_generation(apart, ruleset, facts)
    except click.exceptions.Exit:
        apart.report.error("not-approved", "nobody can tell whether its exceptions are approved still")
    found = apart.report.sorted()
    if not found:
        return ""
    for one in found:
        way_out = "load it all the same, if it has to be: --anyway WHY"
        severity = Severity.WARNING if anyway.strip() else one.severity
        run.report.add(replace(one, severity=severity, help="" if anyway.strip() else way_out))
    run.warn()
    if not anyway.strip():
        raise click.exceptions.Exit(NOT_APPROVED)
    run.report.diagnostics.clear()  # whoever goes on says what is wrong in the same report
    _log_anyway(run, host, anyway.strip(), [one.message for one in found], ruleset)
    return anyway.strip()


def _judge_generation(run: Run, ruleset: str, facts: str) -> None:
    """Put into the report what stands against loading a generation again."""
    here = Path.cwd().resolve()
    governing = [folder for folder in _up_to_root(here) if any(os.path.lexists(folder / name) for name in _NAMES)]
    if governing and here not in governing:
        message = f"who decides about its exceptions is in {harmless(str(governing[0]))}, and this is another folder"
        run.report.error("not-approved", message)
    if here not in governing and (governing or not has_office()):
        return
    with office(run) as place, place.store.reading() as connection:
        from firewright.workflows.requests.acting import SYSTEM, Desk
        from firewright.workflows.requests.loaded import facts_in, unapproved_in

        desk = Desk(connection, place.estate, SYSTEM, place.now)
        for one in unapproved_in(desk, ruleset, facts_in(facts)):
            run.report.add(one)


def _log_anyway(run: Run, host: str, why: str, found: list[str], ruleset: str) -> None:
    """A row of the log about the host, and one about each request; where there is none to be had, in an emergency, that is said."""
    apart = replace(run, report=Report())
    try:
        with office(apart) as place, place.store.writing() as connection:
            from firewright.store import log
            from firewright.workflows.requests.acting import SYSTEM, Desk

            facts = {"host": host, "unapproved": "; ".join(found)}
            numbers = _concerned(Desk(connection, place.estate, SYSTEM, place.now), ruleset, found)
            who = _who(apart, connection, place.now)
            for about in (f"host {host}", *(f"request {number}" for number in numbers)):
                row = log.Entry(who.account, "rollback.anyway", about, who.origin, who.way.value, why, facts, place.now)
                log.append(connection, row)
    except click.exceptions.Exit:
        _output.say("the database's log does not have it: tell whoever keeps it")


def _who(run: Run, connection: Connection, now: datetime) -> Actor:
    """Who loads it anyway: the account of the token, where one is set that is known; else the user of this machine."""
    from firewright.model.account import Actor, Way

    if os.environ.get(TOKEN, ""):
        with suppress(click.exceptions.Exit):
            return actor_here(run, connection, now)
    return Actor(f"system:{user_here()}", way=Way.CLI)


def _concerned(desk: Desk, ruleset: str, found: list[str]) -> list[int]:
    """The requests of the exceptions in a generation of which something was found; of all in it where that says of none."""
    from firewright.model.request import State
    from firewright.workflows.requests.acting import every
    from firewright.workflows.requests.hits import name_in_comments
    from firewright.workflows.requests.loaded import exceptions_in

    files = exceptions_in(ruleset)
    told = {file for file in files if any(one.startswith(f"{harmless(file)} ") for one in found)} or set(files)
    return [one.number for one in every(desk, *State) if one.path and name_in_comments(one.path) in told]


def warn_unapproved(run: Run, wanted: Wanted) -> None:
    """Warn of exceptions that were not approved, or of which nobody can tell, where somebody is to decide.

    What `compile` writes is applied by nobody yet; whoever loads it by hand goes round `plan`, which refuses.
    """
    from firewright.diagnostic import Diagnostic
    from firewright.workflows.selection import select

    policies = select(wanted, Report()) or ()
    if not _places(policies):
        return
    apart = replace(run, report=Report(sources=dict(run.report.sources)))
    with suppress(click.exceptions.Exit):
        _judge(apart, policies, is_told=False)
    for one in apart.report.sorted():
        name = "unapproved" if one.severity is Severity.ERROR else one.name
        run.report.add(Diagnostic(name, Severity.WARNING, one.message, one.at, one.notes, help=one.help))


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
    from firewright.live.host import HostError
    from firewright.model.request import State
    from firewright.workflows.drift import known_state
    from firewright.workflows.requests.hits import hits_on, name_in_comments
    from firewright.workflows.requests.refused import Refused

    running = hits_on(host, Report()) or {}
    if not any(Path(path).parent.name == "exceptions" for path in running):
        return
    try:
        state = known_state(host, Report())
    except HostError:
        return
    generation = None if state is None else state.generation(state.running)
    if generation is None:
        return
    with office(run) as place, place.deciding() as desk:
        from firewright.workflows.requests import acting
        from firewright.workflows.requests.loaded import holds, why_not_in

        told = set()
        for request in acting.every(desk, State.APPROVED, State.IMPLEMENTED, State.VERIFIED):
            file = name_in_comments(request.path)
            if request.is_confirmed or file not in running:
                continue
            told.add(file)
            if not holds(desk, request, file, generation.facts):
                _output.say(
                    f"request {request.number} was not noted as implemented: what runs is of another text or policy"
                )
                continue
            try:
                acting.confirm(desk, request.number, {"host": host.name})
                _output.say(f"request {request.number} is implemented")
            except Refused as refused:
                _output.say(f"request {request.number} was not noted as implemented: {refused}")
        files = [path for path in running if Path(path).parent.name == "exceptions" and path not in told]
        for file, why in why_not_in(desk, sorted(files), generation.facts).items():
            _output.say(f"{harmless(file)} runs, and may not: {why}; apply again, or roll back")


def _places(policies: Iterable[Policy]) -> list[Path]:
    """The folders in which approvals.yaml says who decides about these policies' exceptions; none if they have no exceptions.

    A link there that leads nowhere counts: whoever made it meant somebody to decide.
    """
    beside = dict.fromkeys(folder for policy in policies for folder in _folders_of(policy))
    above = (one for folder in beside for one in _up_to_root(folder))
    return list(dict.fromkeys((Path.cwd().resolve(), *above))) if beside else []


def _folders_of(policy: Policy) -> list[Path]:
    """The folders beside which a policy has exceptions."""
    from firewright.workflows.requests.estate import EXCEPTIONS

    paths = (*policy.paths, *(rule.at.path for rule in policy.rules))
    return list(
        dict.fromkeys(Path(one).parent.parent.resolve() for one in paths if Path(one).parent.name == EXCEPTIONS)
    )


def _up_to_root(folder: Path) -> list[Path]:
    """A folder and those above it, to the root of its repository as git knows it, or of the file system where it is in none.

    Something called `.git` alone ends nothing: anybody can make an empty folder.
    """
    from firewright.live.exception_files import root_of

    root = root_of(folder)
    above = (folder, *folder.parents)
    return list(above[: above.index(root) + 1] if root in above else above)
