"""Exceptions in force: files as the requests say, ends and reminders, what nobody uses, and what nobody approved."""

from __future__ import annotations

import json
import os.path
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from time import monotonic
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.live import exception_files
from firewright.live.exception_files import NotWritten
from firewright.model.account import Actor
from firewright.model.approval_rules import DAY
from firewright.model.moment import ends, instant_of, iso
from firewright.model.policy import Policy, Rule
from firewright.model.request import Request, State
from firewright.reports import Standing
from firewright.store import log, outbox, requests, settings
from firewright.store.database import Store
from firewright.workflows.requests import governing
from firewright.workflows.requests.acting import SYSTEM, Desk, every
from firewright.workflows.requests.checking import enclosing
from firewright.workflows.requests.estate import EXCEPTIONS, Estate
from firewright.workflows.requests.growth import Look, last_look
from firewright.workflows.requests.hits import name_in_comments
from firewright.workflows.requests.in_force import standing_reason

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TROUBLE = "exception-files"
_UNDER_WAY = "exception-files-under-way"
_NOBODYS = "nobody approved it: there is no request of this file"


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
            if rule.until is not None and PurePath(rule.at.path).parent.name == EXCEPTIONS:
                yield policy, rule


def standing(desk: Desk, hits: Mapping[str, int] | None = None, look: Look | None = None) -> tuple[Standing, ...]:
    """Every exception of the estate, the one that ends first at the head.

    `hits` are packets by file, `look` what was found of which mean more by now: what was found last, if none is given.
    """
    rules = list(rules_of(desk.estate))
    known = requests.of_paths(desk.connection, {rule.at.path for _, rule in rules})
    today = desk.now.date().isoformat()
    look = last_look(desk.connection) if look is None else look
    found = []
    for policy, rule in rules:
        request = known.get(rule.at.path)
        until = rule.until
        assert until is not None  # noqa: S101 - rules_of gives only these
        left = int(instant_of(ends(until), policy.timezone) - desk.now.timestamp())
        why = why_not(desk, request, rule.at.path, policy.name)
        more = look.why(desk, request) if request and not why and left > 0 else ""
        if request and more and look.is_refused(request):
            why = more
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
                _zones_of(policy, rule),
                rule.at,
                why,
                bool(request and request.review and request.review <= today and left > 0),
                bool(request and request.is_break_glass),
                0 < left <= max(desk.estate.rules.remind, default=14 * DAY),
                None if hits is None else hits.get(name_in_comments(rule.at.path), 0),
                more,
                bool(request and request.is_confirmed),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.left, one.number, one.path)))


def _zones_of(policy: Policy, rule: Rule) -> tuple[str, ...]:
    """The zones of both ends by name; of addresses the zone that they lie in."""
    found: dict[str, None] = {}
    for pair in rule.ends:
        for zone in (*pair.sources, *pair.destinations):
            inside = None if zone.name in policy.zones else enclosing(policy, zone.addresses)
            found[inside or zone.name] = None
    return tuple(found)


def _zones(zones: Iterable[object]) -> str:
    return ", ".join(getattr(zone, "name", "") for zone in zones)


def why_not(desk: Desk, request: Request | None, path: str, policy: str) -> str:
    """Why the exception in a policy's file may not be applied, or nothing if it may, or where no approval is asked for."""
    if request is None:
        is_asked = desk.estate.rules.is_required
        return _NOBODYS if is_asked else governing.gone(desk.connection, desk.estate, policy)
    if not exception_files.holds(desk.estate.wanted.folder / path, request.text):
        return f"it is not what request {request.number} says"
    return standing_reason(desk, request)


def settle(store: Store, estate: Estate, now: datetime) -> Settled:
    """Make the files as the requests say: those in force are there, those that were taken back are not; commit each.

    Whatever was interrupted is finished by the next run: of several at once each waits for the one before, and sees what was
    decided last. What somebody else wrote or changed is left, and told.
    """
    folder, began = estate.wanted.folder, monotonic()
    governing.note(store, estate, now)
    try:
        with exception_files.alone(folder):
            with store.reading() as connection:
                places = list(_places(Desk(connection, estate, SYSTEM, now)))
                told = settings.get(connection, _TROUBLE)
                left = settings.get(connection, _UNDER_WAY)
            if (planned := _planned(folder, places)) and planned != left:
                with store.writing() as connection:
                    settings.put(connection, _UNDER_WAY, planned)
            done = _with_left(_in_order(folder, places), left, folder, places)
            if done.written or done.removed or done.commits or "; ".join(done.troubles) != told:
                _say(store, done, now, began)
    except NotWritten as error:
        return Settled(troubles=(str(error),))
    return done


@dataclass(frozen=True, slots=True)
class _Place:
    """A file that is a request's: what it holds, None where it is not to be; `own` are all texts that the request ever had for it."""

    request: Request
    path: str
    text: str | None
    own: tuple[str, ...]


def _places(desk: Desk) -> Iterator[_Place]:
    """Every file that the requests have or had."""
    for request in every(desk, *State):
        if not request.path:
            continue
        texts: dict[str, list[str]] = {request.path: [request.text]}
        if request.revision > 1:
            for one in requests.revisions(desk.connection, request.number):
                if one.path:
                    texts.setdefault(one.path, []).append(one.text)
        for path, own in texts.items():
            is_wanted = path == request.path and request.state.has_exception
            yield _Place(request, path, request.text if is_wanted else None, tuple(own))


def _planned(folder: Path, places: Iterable[_Place]) -> str:
    """What is about to be done, as text: whoever is killed amid it leaves that behind for the log. Empty where nothing is."""
    written = [
        one.path for one in places if one.text is not None and not exception_files.holds(folder / one.path, one.text)
    ]
    removed = [one.path for one in places if one.text is None and not _may_stay(folder / one.path, one)]
    removed = [path for path in removed if os.path.lexists(folder / path)]
    return json.dumps({"written": written, "removed": removed}) if written or removed else ""


def _with_left(done: Settled, left: str, folder: Path, places: Iterable[_Place]) -> Settled:
    """What was done, with what the run before did and could not tell any more."""
    if not left:
        return done
    under_way = json.loads(left)
    known = {one.path: one for one in places}
    wrote = [
        path
        for path in under_way["written"]
        if path in known and exception_files.holds(folder / path, known[path].text or "")
    ]
    gone = [path for path in under_way["removed"] if not os.path.lexists(folder / path)]
    return replace(
        done,
        written=tuple(dict.fromkeys((*wrote, *done.written))),
        removed=tuple(dict.fromkeys((*gone, *done.removed))),
    )


def _in_order(folder: Path, places: Iterable[_Place]) -> Settled:
    written, removed, commits, troubles = [], [], [], []
    dirty: dict[Path, frozenset[str]] = {}
    clean = []
    for one in places:
        try:
            if _is_written(folder / one.path, one):
                written.append(one.path)
            elif _is_removed(folder / one.path, one):
                removed.append(one.path)
            clean.append(one)
        except NotWritten as error:
            troubles.append(str(error))
    for one in clean:
        path = folder / one.path
        try:
            if path.parent not in dirty:
                dirty[path.parent] = frozenset()
                dirty[path.parent] = exception_files.uncommitted(path.parent)
            if path.name in dirty[path.parent]:
                commit = exception_files.commit(path, _message(one.request), _decider(one.request))
                commits += [commit] if commit else []
        except NotWritten as error:
            troubles.append(str(error))
    return Settled(tuple(written), tuple(removed), tuple(commits), tuple(dict.fromkeys(troubles)))


def _is_written(path: Path, one: _Place) -> bool:
    """Put a file there that is to be, and say whether it was not yet. Raises NotWritten where it is somebody else's."""
    if one.text is None or exception_files.holds(path, one.text):
        return False
    is_there = path.exists() or path.is_symlink()
    if is_there and not any(exception_files.holds(path, text) for text in one.own):
        raise NotWritten(f"{harmless(one.path)} was changed by somebody, and is left")
    exception_files.sweep(path.parent)
    return exception_files.write(path, one.text)


def _is_removed(path: Path, one: _Place) -> bool:
    """Remove a file that is not to be; that of one that has ended opens nothing, and stays until it is tidied."""
    return one.text is None and not _may_stay(path, one) and exception_files.remove(path, *one.own)


def _may_stay(path: Path, one: _Place) -> bool:
    request = one.request
    is_over = request.state is State.EXPIRED and one.path == request.path
    return is_over and exception_files.holds(path, request.text)


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


def _say(store: Store, done: Settled, now: datetime, began: float) -> None:
    """What was done to files is in the log; the same trouble once."""
    told = "; ".join(done.troubles)
    facts = {"written": ", ".join(done.written), "removed": ", ".join(done.removed), "commits": ", ".join(done.commits)}
    with store.writing() as connection:
        settings.put(connection, _TROUBLE, told)
        settings.forget(connection, _UNDER_WAY)
        _log(connection, SYSTEM, "exceptions.settle", {**facts, "troubles": told}, now, began)


def _log(c: Connection, actor: Actor, act: str, facts: Mapping[str, str], now: datetime, began: float) -> None:
    """A row of the log, of the moment at which it is written: `now` was when the clock of this process said `began`.

    Files, their locks and commits take minutes, and a head of the log that somebody signed meanwhile does not have the row yet.
    """
    at = now + timedelta(seconds=monotonic() - began)
    log.append(c, log.Entry(actor.account, act, "exceptions", actor.origin, actor.way.value, "", facts, at))


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


def tidy(store: Store, estate: Estate, actor: Actor, now: datetime) -> tuple[str, ...]:
    """Remove the files of exceptions that have ended; they open nothing. The log has it first. Raises NotWritten."""
    folder, began = estate.wanted.folder, monotonic()
    over = dict(_ends(estate, now))
    with exception_files.alone(folder):
        with store.reading() as connection:
            desk = Desk(connection, estate, actor, now)
            ended = [one for one in every(desk, State.EXPIRED) if one.path and over.get(one.path, 1.0) <= 0]
        ended = [one for one in ended if exception_files.is_to_go(folder / one.path, one.text)]
        if not ended:
            return ()
        facts = {"removed": ", ".join(one.path for one in ended)}
        with store.writing() as connection:
            _log(connection, actor, "exceptions.tidy", facts, now, began)
        for request in ended:
            path = folder / request.path
            exception_files.remove(path, request.text)
            exception_files.commit(path, _message(request), actor.account)
    return tuple(one.path for one in ended)


def _ends(estate: Estate, now: datetime) -> Iterator[tuple[str, float]]:
    """Each exception's file with the seconds that are left of it."""
    for policy, rule in rules_of(estate):
        if rule.until is not None:
            yield rule.at.path, instant_of(ends(rule.until), policy.timezone) - now.timestamp()
