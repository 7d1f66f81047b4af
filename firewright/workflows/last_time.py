"""What listened the last time, in a file: what is new since then, what is gone, and what more people reach."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from firewright.diagnostic import Diagnostic, Note, Report, Severity
from firewright.reports import Exposure
from firewright.source import Source, Span

KIND = "audit-state"
VERSION = "1"
_NUMBER = re.compile(r" \(\d+\)$")
_OUTSIDE = ("reachable", "possibly", "undecided", "unseen")
Key = tuple[str, str, str, str]
"""A listener: its service, where it listens, its programs without process numbers, a family."""


@dataclass(frozen=True, slots=True)
class LastTime:
    """Each listener of the last time with its state and who reached it; None where there was no last time."""

    listeners: Mapping[Key, tuple[str, tuple[str, ...]]] | None


def state_text(exposures: Iterable[Exposure]) -> str:
    """The file of a state: a line a listener, sorted, without anything that changes by itself."""
    rows = [
        json.dumps(
            {"service": key[0], "address": key[1], "programs": key[2], "family": key[3], "state": state, "from": who}
        )
        for key, (state, who) in sorted(_rows(exposures).items())
    ]
    body = ",\n".join(f"    {row}" for row in rows)
    whole = f"[\n{body}\n  ]" if body else "[]"
    return f'{{\n  "schema_version": "{VERSION}",\n  "kind": "{KIND}",\n  "listeners": {whole}\n}}\n'


def state_in(source: Source, report: Report) -> LastTime | None:
    """What a file of a state knows; None after saying in the report that it is none."""
    try:
        tree = json.loads(source.text)
        if tree["kind"] != KIND or tree["schema_version"] != VERSION:
            raise ValueError
        rows = {
            (str(one["service"]), str(one["address"]), str(one["programs"]), str(one["family"])): (
                str(one["state"]),
                tuple(map(str, one["from"])),
            )
            for one in tree["listeners"]
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        way_out = "delete it, or name another: the next run begins anew"
        report.error("bad-state", "it is no state of an audit", Span(source.path, 1, 1, 0), way_out)
        return None
    return LastTime(rows)


def since(last: LastTime, exposures: tuple[Exposure, ...]) -> Iterator[Diagnostic]:
    """What is new, reached by others, or gone. The first time nothing is, and that is said."""
    if last.listeners is None:
        yield Diagnostic(
            "new-listener", Severity.NOTE, "this is the first time: what listens now is what later is compared with"
        )
        return
    now = _rows(exposures)
    before = last.listeners
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for key, (state, who) in now.items():
        said = _changed(before.get(key), state, who)
        if said:
            groups.setdefault((key[0], key[1], key[2], said), []).append(key[3])
    for (service, address, programs, said), families in sorted(groups.items()):
        message = f"{_named(service, programs)} at {address} {said} ({' and '.join(families)})"
        is_outside = any(now[service, address, programs, family][0] in _OUTSIDE for family in families)
        severity = Severity.WARNING if is_outside else Severity.NOTE
        way_out = "if you started it, permit it in the policy; if not, find out who did"
        yield Diagnostic("new-listener", severity, message, help=way_out)
    gone: dict[tuple[str, str, str], list[str]] = {}
    for key in before.keys() - now.keys():
        gone.setdefault(key[:3], []).append(key[3])
    for (service, address, programs), families in sorted(gone.items()):
        message = f"{_named(service, programs)} at {address} listens no more ({' and '.join(sorted(families))})"
        notes = (Note("what let it in may be closed"),)
        yield Diagnostic("listener-gone", Severity.NOTE, message, notes=notes, help="close what nobody needs any more")


def _changed(before: tuple[str, tuple[str, ...]] | None, state: str, who: tuple[str, ...]) -> str:
    """What is otherwise with a listener in words; empty where nobody more reaches it."""
    if before is None:
        return "is new"
    if set(who) - set(before[1]):
        return f"is reached by others than the last time: {', '.join(who)}"
    return f"was {before[0]}, and is {state}" if state in _OUTSIDE and before[0] not in _OUTSIDE else ""


def _rows(exposures: Iterable[Exposure]) -> dict[Key, tuple[str, tuple[str, ...]]]:
    found: dict[Key, tuple[str, tuple[str, ...]]] = {}
    for one in exposures:
        programs = ", ".join(sorted({_NUMBER.sub("", words) for words in one.programs}))
        who = tuple(sorted({*one.sources, *(f"possibly {word}" for word in one.possible)}))
        for family in one.families:
            key = (one.service, one.address, programs, f"IPv{family}")
            state, known = found.get(key, (one.state, ()))
            found[key] = (state if state in _OUTSIDE else one.state, tuple(sorted({*known, *who})))
    return found


def _named(service: str, programs: str) -> str:
    return f"{service} ({programs})" if programs else service
