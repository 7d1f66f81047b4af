"""Which requests' exceptions a generation of a host holds, by the comments of its rules and by what is kept beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePath

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.model.moment import ends, instant_of
from firewright.model.moment import parse as moment_from
from firewright.model.request import Request, State
from firewright.source import NOWHERE
from firewright.store import requests
from firewright.workflows.counters import counted
from firewright.workflows.requests import governing
from firewright.workflows.requests.acting import Desk, every
from firewright.workflows.requests.estate import EXCEPTIONS
from firewright.workflows.requests.hits import name_in_comments
from firewright.workflows.requests.in_force import standing_reason


def exceptions_in(ruleset: str) -> tuple[str, ...]:
    """The files of exceptions that the comments of a generation's ruleset name, sorted; O(text).

    Of a comment that is cut, or whose file has brackets in its name, it is all from the folder on: no request's file is called so.
    """
    counters = counted("", ruleset)
    files = {one.file for one in counters if PurePath(one.file).parent.name == EXCEPTIONS}
    unclear = (one.rule.partition(f"({EXCEPTIONS}/") for one in counters if not one.file)
    return tuple(sorted(files | {f"{EXCEPTIONS}/{rest}" for _, between, rest in unclear if between}))


def holds(desk: Desk, request: Request, file: str, facts: Mapping[str, str]) -> bool:
    """Whether a generation with these facts (`policy`, `path`, `made` or `written`) holds a request's exception in a file that it names.

    Files of two policies may be called alike, so the policy has to be the request's by name and place; and a generation that was
    made before the request was last edited holds another text.
    """
    folder = desk.estate.wanted.folder
    own = (folder / request.path).parent.parent.resolve()
    is_of_policy = (
        facts.get("policy") == request.wish.policy and (folder / facts.get("path", "")).parent.resolve() == own
    )
    if name_in_comments(request.path) != file or not is_of_policy:
        return False
    made = facts.get("written") or facts.get("made", "")
    written = max((one.at for one in requests.revisions(desk.connection, request.number)), default=request.made)
    return made.isdecimal() and datetime.fromtimestamp(int(made), UTC) >= written.replace(microsecond=0)


def unapproved_in(desk: Desk, ruleset: str, facts: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """An error for each exception in a generation that has not ended and may not be applied any more."""
    return tuple(
        Diagnostic("unapproved", Severity.ERROR, f"{harmless(file)} may not be loaded again: {why}", NOWHERE)
        for file, why in why_not_in(desk, exceptions_in(ruleset), facts).items()
    )


def why_not_in(desk: Desk, files: Iterable[str], facts: Mapping[str, str]) -> dict[str, str]:
    """Why exceptions that a generation with these facts holds may not be applied any more, by file; those that may are left out."""
    known = {name_in_comments(one.path): one for one in every(desk, *State) if one.path}
    found = {file: _why_not(desk, known.get(file), file, facts) for file in files}
    return {file: why for file, why in found.items() if why}


def _why_not(desk: Desk, request: Request | None, file: str, facts: Mapping[str, str]) -> str:
    if not desk.estate.rules.is_required:
        return governing.gone(desk.connection, desk.estate, facts.get("policy", ""))
    if request is None:
        return "there is no request of it"
    if not holds(desk, request, file, facts):
        return f"it is not what request {request.number} says now"
    return "" if _is_over(desk, request) else standing_reason(desk, request)


def _is_over(desk: Desk, request: Request) -> bool:
    """Whether a request's end is past: what it opened is closed by the kernel in every generation."""
    policy = desk.estate.policies.get(request.wish.policy)
    if policy is None:
        return False
    return instant_of(ends(moment_from(request.wish.until)), policy.timezone) <= desk.now.timestamp()


def facts_in(kept: str) -> dict[str, str]:
    """What a host keeps beside a generation, by name."""
    pairs = (line.partition("=") for line in kept.splitlines())
    return {name: value for name, between, value in pairs if between}
