"""What may be applied: policies, as they were read, all of whose exceptions were approved exactly as they are, or have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.model.approval_rules import Weight
from firewright.model.moment import ends, instant_of
from firewright.model.policy import Policy, Rule
from firewright.model.request import Request, State
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.store import requests
from firewright.workflows.requests.acting import Desk, every
from firewright.workflows.requests.checking import weight_of
from firewright.workflows.requests.estate import EXCEPTIONS
from firewright.workflows.requests.exceptions import why_not
from firewright.workflows.requests.meaning import more_than, opened_by_each
from firewright.workflows.requests.refused import Refused


def unapproved(
    desk: Desk, policies: Iterable[Policy], sources: Mapping[str, Source] | None = None
) -> tuple[Diagnostic, ...]:
    """An error for each exception of these policies, as they were read, that has not ended and may not be applied; a gate fails on any.

    `sources` are the texts that these policies were read from, by path; those of the estate if none are given. What counts is what
    was read, wherever it lay and however the policy is called: the folder may say something else by now.
    """
    texts = desk.estate.report.sources if sources is None else sources
    known = {one.path: one for one in every(desk, *State) if one.path}
    found: dict[str, Diagnostic] = {}
    for policy in policies:
        agreed: dict[str, Request] = {}
        for rule in _exceptions_in(policy):
            path = _known_as(rule.at.path, desk.estate.wanted.folder)
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
        rules = {rule.at.path: rule for rule in _exceptions_in(policy)}
        for path, why in _meaning_more(desk, policy, agreed):
            way_out = f"firewright exceptions --again {agreed[path].number} --because WHY, then it is approved anew"
            found.setdefault(path, _refusal(rules[path], why, way_out))
    return tuple(found.values())


def _refusal(rule: Rule, why: str, way_out: str) -> Diagnostic:
    message = f"{rule.name or rule.at.path} may not be applied: {why}"
    return Diagnostic("unapproved", Severity.ERROR, message, rule.at, help=way_out)


def _meaning_more(desk: Desk, policy: Policy, agreed: Mapping[str, Request]) -> Iterator[tuple[str, str]]:
    """The exceptions, by their files in the policy as it is to be applied, that open more than was agreed to, each with why."""
    if not agreed:
        return
    kept = requests.openings(desk.connection, {one.number for one in agreed.values()})
    try:
        opens = opened_by_each(policy, desk.estate.day_of(policy))
        for path, request in agreed.items():
            changes = opens.get(path, ())
            weight = weight_of(policy, request.wish, changes)
            order = list(Weight)
            if order.index(weight) > order.index(Weight(request.severity)):
                yield (
                    path,
                    f"its severity is {weight} by now, and request {request.number} was approved as {request.severity}",
                )
                continue
            opened = kept.get(request.number, "")
            if opened and (more := more_than(changes, opened, policy, request.wish)):
                yield path, f"it opens more than when request {request.number} was approved, for example {more}"
    except (Unfilled, Undecided, Refused) as error:
        for path, request in agreed.items():
            yield path, f"nobody can tell what request {request.number} opens: {harmless(str(error))}"


def _exceptions_in(policy: Policy) -> Iterator[Rule]:
    """Each rule in a folder of exceptions; what a policy is behind is applied by others."""
    return (rule for rule in policy.rules if PurePath(rule.at.path).parent.name == EXCEPTIONS)


def _known_as(path: str, folder: Path) -> str:
    """The path of an exception's file as requests have it, relative to the folder; one that lies elsewhere is no request's."""
    whole = (folder / path).parent.parent.resolve() / EXCEPTIONS / PurePath(path).name
    base = folder.resolve()
    return str(whole.relative_to(base)) if whole.is_relative_to(base) else path
