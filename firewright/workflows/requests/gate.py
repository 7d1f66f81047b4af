"""What may be applied: policies, as they were read, all of whose exceptions were approved exactly as they are, or have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from firewright.diagnostic import Diagnostic, Severity
from firewright.model.moment import ends, instant_of
from firewright.model.policy import Policy, Rule
from firewright.model.request import Request, State
from firewright.source import Source
from firewright.store import requests
from firewright.store.database import Store
from firewright.workflows.requests.acting import SYSTEM, Desk, every
from firewright.workflows.requests.estate import EXCEPTIONS, Estate
from firewright.workflows.requests.exceptions import why_not
from firewright.workflows.requests.growth import Grown, grown, keep_look, last_look, look_of, mark_of, tell


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of policies' exceptions: an error for each that may not be applied, a warning for each that means more and may.

    `grown` are all that mean more.
    """

    said: tuple[Diagnostic, ...]
    grown: tuple[Grown, ...]


def unapproved(
    desk: Desk, policies: Iterable[Policy], sources: Mapping[str, Source] | None = None
) -> tuple[Diagnostic, ...]:
    """What `judge` says."""
    return judge(desk, policies, sources).said


def judge(desk: Desk, policies: Iterable[Policy], sources: Mapping[str, Source] | None = None) -> Judgement:
    """What stands against exceptions of these policies, as they were read, that have not ended; a gate fails on any error.

    `sources` are the texts that these policies were read from, by path; those of the estate if none are given. What counts is what
    was read, wherever it lay and however the policy is called: the folder may say something else by now.
    """
    texts = desk.estate.report.sources if sources is None else sources
    folder, every_rule = desk.estate.wanted.folder, [(policy, tuple(_exceptions_in(policy))) for policy in policies]
    paths = {_known_as(rule.at.path, folder) for _, rules in every_rule for rule in rules}
    known = requests.of_paths(desk.connection, paths)
    found: dict[str, Diagnostic] = {}
    more: list[Grown] = []
    for policy, rules in every_rule:
        agreed: dict[str, Request] = {}
        for rule in rules:
            path = _known_as(rule.at.path, folder)
            if rule.until is not None and instant_of(ends(rule.until), policy.timezone) <= desk.now.timestamp():
                continue
            request = known.get(path)
            source = texts.get(rule.at.path)
            why = why_not(desk, request, path, policy.name)
            if not why and request is not None and (source is None or source.text != request.text):
                why = f"it is not what request {request.number} says"
            if why:
                way_out = f"firewright requests {request.number}" if request else "ask for it with firewright request"
                found.setdefault(rule.at.path, _refusal(rule, why, way_out))
            elif request is not None:
                agreed[rule.at.path] = request
        by_path = {rule.at.path: rule for rule in rules}
        for one in grown(desk, policy, agreed):
            more.append(one)
            found.setdefault(one.path, _of_more(by_path[one.path], one))
    return Judgement(tuple(found.values()), tuple(more))


def _of_more(rule: Rule, one: Grown) -> Diagnostic:
    again = f"firewright exceptions --again {one.request.number} --because WHY"
    if one.is_refused:
        return _refusal(rule, str(one), f"{again}, then it is approved anew")
    message = f"{rule.name or rule.at.path} is applied all the same: {one}"
    return Diagnostic("means-more", Severity.WARNING, message, rule.at, help=f"if nobody meant that: {again}")


def _refusal(rule: Rule, why: str, way_out: str) -> Diagnostic:
    message = f"{rule.name or rule.at.path} may not be applied: {why}"
    return Diagnostic("unapproved", Severity.ERROR, message, rule.at, help=way_out)


def look(store: Store, estate: Estate, now: datetime) -> None:
    """Find, and tell once, which exceptions of an estate mean more by now, for whoever asks later. Raises StoreError.

    Nothing is reckoned where nothing changed since the last time that anybody did.
    """
    if not estate.rules.is_required:
        return
    with store.reading() as c:
        desk = Desk(c, estate, SYSTEM, now)
        in_force = [state for state in State if state.has_exception]
        mark = mark_of(estate, every(desk, *in_force))
        if last_look(c).mark == mark:
            return
        more = judge(desk, estate.policies.values()).grown
    with store.writing() as c:
        keep_look(c, look_of(estate, more, mark))
    tell(store, more, now)


def _exceptions_in(policy: Policy) -> Iterator[Rule]:
    """Each rule in a folder of exceptions; what a policy is behind is applied by others."""
    return (rule for rule in policy.rules if PurePath(rule.at.path).parent.name == EXCEPTIONS)


def _known_as(path: str, folder: Path) -> str:
    """The path of an exception's file as requests have it, relative to the folder; one that lies elsewhere is no request's."""
    whole = (folder / path).parent.parent.resolve() / EXCEPTIONS / PurePath(path).name
    base = folder.resolve()
    return str(whole.relative_to(base)) if whole.is_relative_to(base) else path
