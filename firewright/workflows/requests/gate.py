"""What may be applied: policies, as they were read, all of whose exceptions were approved exactly as they are, or have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from firewright.diagnostic import Diagnostic, Severity
from firewright.model.moment import ends, instant_of
from firewright.model.policy import Policy, Rule
from firewright.model.request import State
from firewright.source import Source
from firewright.workflows.requests.acting import Desk, every
from firewright.workflows.requests.estate import EXCEPTIONS
from firewright.workflows.requests.exceptions import why_not


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
    for rule, timezone in _exceptions_in(policies):
        path = _known_as(rule.at.path, desk.estate.wanted.folder)
        if rule.until is not None and instant_of(ends(rule.until), timezone) <= desk.now.timestamp():
            continue
        request = known.get(path)
        source = texts.get(rule.at.path)
        why = why_not(desk, request, path)
        if not why and request is not None and (source is None or source.text != request.text):
            why = f"it is not what request {request.number} says"
        if why:
            message = f"{rule.name or rule.at.path} may not be applied: {why}"
            way_out = f"firewright requests {request.number}" if request else "ask for it with firewright request"
            found.setdefault(rule.at.path, Diagnostic("unapproved", Severity.ERROR, message, rule.at, help=way_out))
    return tuple(found.values())


def _exceptions_in(policies: Iterable[Policy]) -> Iterator[tuple[Rule, str]]:
    """Each rule in a folder of exceptions with the clock that it ends by; what a policy is behind is applied by others."""
    for one in policies:
        yield from ((rule, one.timezone) for rule in one.rules if PurePath(rule.at.path).parent.name == EXCEPTIONS)


def _known_as(path: str, folder: Path) -> str:
    """The path of an exception's file as requests have it, relative to the folder; one that lies elsewhere is no request's."""
    whole = (folder / path).parent.parent.resolve() / EXCEPTIONS / PurePath(path).name
    base = folder.resolve()
    return str(whole.relative_to(base)) if whole.is_relative_to(base) else path
