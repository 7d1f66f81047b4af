"""Exceptions in force: files as the requests say, ends and reminders, what nobody uses, and what nobody approved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePath

from firewright.diagnostic import Diagnostic, Severity
from firewright.live import exception_files
from firewright.live.exception_files import NotWritten
from firewright.model.approval_rules import DAY
from firewright.model.moment import ends, instant_of, iso
from firewright.model.policy import Policy, Rule
from firewright.model.request import Request, State
from firewright.reports import Standing
from firewright.store import log, outbox, requests, settings
from firewright.store.database import Store
from firewright.workflows.requests.acting import SYSTEM, Desk, every, standing_reason
from firewright.workflows.requests.estate import EXCEPTIONS, Estate

_TROUBLE = "exception-files"


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done so that files are as the requests say; `troubles` are those that could not be, each with why."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()


def rules_of(estate: Estate) -> Iterator[tuple[Policy, Rule]]:
    """The rules that are exceptions: those with an end in a file of an `exceptions` folder."""
    for policy in estate.policies.values():
        for rule in policy.rules:
            if PurePath(rule.at.path).parent.name == EXCEPTIONS and rule.until is not None:
                yield policy, rule


def standing(desk: Desk, hits: Mapping[str, int] | None = None) -> tuple[Standing, ...]:
    """Every exception of the estate, the one that ends first at the head. `hits` are packets by file."""
    known = {one.path: one for one in every(desk, *State)}
    today = desk.now.date().isoformat()
    found = []
    for policy, rule in rules_of(desk.estate):
        request = known.get(rule.at.path)
        until = rule.until
        assert until is not None  # noqa: S101 - rules_of gives only these
        left = int(instant_of(ends(until), policy.timezone) - desk.now.timestamp())
        found.append(
            Standing(
                policy.name,
                rule.at.path,
                rule.name,
                "; ".join(f"{_zones(ends_.sources)} -> {_zones(ends_.destinations)}" for ends_ in rule.ends),
                ", ".join(term.word for term in rule.terms),
                rule.owner,
                rule.because,
                rule.ticket,
                iso(until),
                left,
                request.number if request else 0,
                request.state.value if request else "",
                request.review if request else "",
                tuple(dict.fromkeys(zone.name for pair in rule.ends for zone in (*pair.sources, *pair.destinations))),
                rule.at,
                _unapproved(desk, request, rule.at.path),
                bool(request and request.review and request.review <= today and left > 0),
                bool(request and request.is_break_glass),
                0 < left <= max(desk.estate.rules.remind, default=14 * DAY),
                None if hits is None else hits.get(rule.at.path, 0),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.left, one.path)))


def _zones(zones: Iterable[object]) -> str:
    return ", ".join(getattr(zone, "name", "") for zone in zones)


def _unapproved(desk: Desk, request: Request | None, path: str) -> str:
    """Why the exception in a file may not be applied, or nothing if it may, or where no approval is asked for."""
    if request is None:
        return "nobody approved it: there is no request of this file" if desk.estate.rules.is_required else ""
    if not exception_files.holds(desk.estate.wanted.folder / path, request.text):
        return f"it is not what request {request.number} says"
    return standing_reason(desk, request)


def unapproved(desk: Desk, policies: Iterable[Policy]) -> tuple[Diagnostic, ...]:
    """An error for each exception of these policies that has not ended and may not be applied; a gate fails on any."""
    wanted = {policy.name for policy in policies}
    found = []
    for one in standing(desk):
        if one.policy in wanted and one.unapproved and not one.has_ended:
            message = f"{one.rule or one.path} may not be applied: {one.unapproved}"
            way_out = f"firewright request show {one.number}" if one.number else "ask for it with firewright request"
            found.append(Diagnostic("unapproved", Severity.ERROR, message, one.at, help=way_out))
    return tuple(found)


def settle(store: Store, estate: Estate, now: datetime) -> Settled:
    """Make the files as the requests say: those in force are there, those that were taken back are not; commit each.

    Whatever was interrupted is finished by the next run. What somebody else wrote or changed is left, and told.
    """
    with store.reading() as connection:
        everything = every(Desk(connection, estate, SYSTEM, now), *State)
    written, removed, commits, troubles = [], [], [], []
    folder = estate.wanted.folder
    for request in everything:
        if not request.path:
            continue
        path = folder / request.path
        try:
            if request.state.has_exception:
                if not exception_files.holds(path, request.text):
                    _must_be_ours(path, request, store)
                    exception_files.write(path, request.text)
                    written.append(request.path)
            elif request.state is not State.EXPIRED and exception_files.remove(path, request.text):
                removed.append(request.path)
            else:
                continue
            commit = exception_files.commit(path, _message(request), _decider(request))
            commits += [commit] if commit else []
        except NotWritten as error:
            troubles.append(str(error))
    if written or removed or troubles:
        _say(store, written, removed, commits, troubles, now)
    return Settled(tuple(written), tuple(removed), tuple(commits), tuple(troubles))


def _must_be_ours(path: Path, request: Request, store: Store) -> None:
    """A file that holds an older text of the request may be written over; any other is somebody's. Raises NotWritten."""
    if not path.exists() and not path.is_symlink():
        return
    with store.reading() as connection:
        older = {one.text for one in requests.revisions(connection, request.number)}
    if not any(exception_files.holds(path, text) for text in older if text):
        raise NotWritten(f"{request.path} was changed by somebody, and is left")


def _message(request: Request) -> str:
    verb = "Open" if request.state.has_exception else "Close"
    wish = request.wish
    flow = f"{', '.join(wish.sources)} -> {', '.join(wish.destinations)} {', '.join(wish.services)}"
    agreed = ", ".join(one.account for one in request.standing) or "nobody: break-glass"
    return (
        f"{verb} {flow} until {wish.until} (request {request.number})\n\n{wish.because}\n\n"
        f"Asked for by {request.author}; {request.state.value}; approved by {agreed}.\nDigest: {request.digest}\n"
    )


def _decider(request: Request) -> str:
    return request.standing[-1].account if request.standing else request.author


def _say(
    store: Store, written: list[str], removed: list[str], commits: list[str], troubles: list[str], now: datetime
) -> None:
    """What was done to files is in the log; the same trouble once."""
    with store.writing() as connection:
        told = "; ".join(troubles)
        if not (written or removed) and settings.get(connection, _TROUBLE) == told:
            return
        settings.put(connection, _TROUBLE, told)
        facts = {"written": ", ".join(written), "removed": ", ".join(removed), "commits": ", ".join(commits)}
        facts["troubles"] = told
        entry = log.Entry(SYSTEM.account, "exceptions.settle", "exceptions", "", SYSTEM.way.value, "", facts, now)
        log.append(connection, entry)


def remind(desk: Desk) -> tuple[Standing, ...]:
    """Tell, once each, of exceptions that end soon, that somebody has to say are still needed, or that wait for a second look."""
    found = []
    for one in standing(desk):
        for kind in _due(desk, one):
            name = f"reminded {one.path} {one.until} {kind}"
            if settings.get(desk.connection, name):
                continue
            settings.put(desk.connection, name, desk.now.isoformat())
            body = {"exception": one.path, "request": one.number, "until": one.until, "owner": one.owner, "why": kind}
            outbox.queue(desk.connection, "exception.reminder", json.dumps(body), desk.now, one.policy)
            found.append(one)
    return tuple(dict.fromkeys(found))


def _due(desk: Desk, one: Standing) -> Iterator[str]:
    if one.left > 0:
        passed = [seconds for seconds in desk.estate.rules.remind if one.left <= seconds]
        if passed:
            yield f"ends in {min(passed) // DAY} days"
        if one.is_review_due:
            yield f"review {one.review}"


def tidy(desk: Desk) -> tuple[str, ...]:
    """Remove the files of exceptions that have ended; they open nothing. Raises NotWritten."""
    gone = []
    for one in standing(desk):
        request = requests.find(desk.connection, one.number) if one.number else None
        if one.has_ended and request is not None and request.state is State.EXPIRED:
            path = desk.estate.wanted.folder / one.path
            if exception_files.remove(path, request.text):
                exception_files.commit(path, _message(replace(request, state=State.EXPIRED)), desk.actor.account)
                gone.append(one.path)
    if gone:
        facts = {"removed": ", ".join(gone)}
        actor = desk.actor
        log.append(
            desk.connection,
            log.Entry(
                actor.account, "exceptions.tidy", "exceptions", actor.origin, actor.way.value, "", facts, desk.now
            ),
        )
    return tuple(gone)
