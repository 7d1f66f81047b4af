"""Drift: a host's kernel against the generation that should run there, by meaning and nothing else (decision 38 of the language)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from firewright.diagnostic import Report, harmless
from firewright.live.host import Host, HostError, checksum
from firewright.live.state import Generation, HostState, state_of
from firewright.live.table_changes import Change, Changes
from firewright.reports._drift import Drift, Gap, Side
from firewright.workflows.meaning import Deed, Difference, Unjudged, difference, meaning_of
from firewright.workflows.selection import Saying, silent

_SETTLING, _TRIES = 0.5, 8
"""Seconds after which a difference is looked at again, and how often at most while the host goes on changing."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A host's state, the text of the generation that should run (empty where there is none to rely on), and the drift.

    `drift` is None where nothing was ever applied, and where it is not known: then the report says why.
    """

    state: HostState
    text: str
    drift: Drift | None


def drift(host: Host, report: Report, saying: Saying = silent) -> Drift | None:
    """Whether a host's kernel means what its generation says, from now on; None after saying in the report why nobody knows.

    Raises HostError where the host does not answer.
    """
    found = compared(host, report, saying)
    if found is not None and found.state.running is None:
        message = f"{harmless(host.name)}: {_nothing(found.state)}"
        report.error("nothing-confirmed", message, help="firewright apply loads one")
    return None if found is None else found.drift


def compared(host: Host, report: Report, saying: Saying = silent) -> Compared | None:
    """A host's state with its drift; None after saying in the report that nobody knows anything. Raises HostError.

    A difference is looked at again after a moment: while a ruleset is loaded or taken back, what runs is not what is known.
    """
    saying(f"asking {harmless(host.name)}")
    inner = Report()
    found = _compared(host, inner, saying)
    for _again in range(_TRIES):
        if found is None or found.drift is None or found.drift.gap is None:
            break
        before = found.state
        time.sleep(_SETTLING)
        inner = Report()
        found = _compared(host, inner, saying)
        if found is not None and (found.state.running, found.state.confirmed) == (before.running, before.confirmed):
            break
    for one in inner.diagnostics:
        report.add(one)
    return found


def _compared(host: Host, report: Report, saying: Saying) -> Compared | None:
    state = known_state(host, report)
    if state is None:
        return None
    number = state.running
    if number is None:
        return Compared(state, "", None)
    text = stored(host, number, report, is_known=True)
    if text is None:
        return Compared(state, "", None)
    return Compared(state, text, _drift_from(text, state, number, host, report, saying))


def known_state(host: Host, report: Report) -> HostState | None:
    """What a host knows of its generations; None after saying in the report that only root there may know."""
    state = state_of(host.call("state"))
    if state.is_root:
        return state
    message = f"{harmless(host.name)}: only root may know what runs there and what was confirmed"
    report.error("not-root", message, help="run it with sudo, or name a user whom sudo lets be root")
    return None


def stored(host: Host, number: int, report: Report, is_known: bool = False) -> str | None:
    """The ruleset of a generation as its host keeps it; None after saying in the report that it is not what was stored.

    Of a generation that `is_known` to the host that is said where its file is gone, too. Raises HostError.
    """
    became = "is not what was stored"
    try:
        text = host.call("generation", str(number), "ruleset.nft").text("file")
        if checksum(text.encode()) == host.call("generation", str(number), "sum").line("file"):
            return text
    except HostError as error:
        if error.name != "no-generation" or not is_known:
            raise
        became = "is gone"
    message = f"{harmless(host.name)}: the file of generation {number} {became}, so nothing is compared with it"
    report.error(
        "generation-changed", message, help="a boot would load the minimal ruleset instead: apply the policy again"
    )
    return None


def _drift_from(
    text: str, state: HostState, number: int, host: Host, report: Report, saying: Saying = silent
) -> Drift | None:
    """The table of a host's state against the text of a generation; None after saying in the report why nobody knows."""
    saying("comparing what runs with the generation")
    kept = state.generation(number) or Generation(number, "")
    try:
        found = difference(meaning_of(text, f"generation {number}"), meaning_of(state.table, "what runs"), state.time)
    except Unjudged as error:
        report.error(error.name, f"{harmless(host.name)}: drift is not known: {error.message}", help=error.help)
        return None
    return Drift(
        host=host.name,
        generation=number,
        is_pending=state.pending is not None,
        policy=kept.policy,
        firewall=kept.facts.get("firewall", ""),
        has_table=state.has_table,
        time=state.time,
        gap=None if found is None else gap(found),
    )


def gap(found: Difference) -> Gap:
    """A difference as reports show it."""
    return Gap(found.witness, int(found.instant), side(found.before), side(found.after))


def side(deed: Deed) -> Side:
    """What one of two texts does, as reports show it."""
    return Side(deed.word, deed.place, deed.rule, deed.comment)


def _nothing(state: HostState) -> str:
    """Why there is nothing to compare with."""
    if state.has_table:
        return "no generation was ever confirmed, and a table of our name is loaded that somebody else made"
    return "no generation was ever confirmed, and nothing of ours is loaded"


def watch(host: Host, report: Report, saying: Saying = silent) -> Iterator[Drift]:
    """The drift now, and again after each change of nf_tables that changes it or by which it changes, until somebody stops it.

    Nothing is dumped while nothing changes. It ends where the report has an error. Raises HostError, and OSError where the
    kernel does not let this process listen.
    """
    with Changes() as changes:
        last = drift(host, report, saying)
        if last is None:
            return
        yield last
        while True:
            change = changes.wait()
            now = drift(host, report, saying)
            if now is None:
                return
            if _differs(now, last):
                yield replace(now, by=_who(change))
            last = now


def _differs(now: Drift, before: Drift) -> bool:
    return replace(now, time=0) != replace(before, time=0)


def _who(change: Change | None) -> str:
    if change is None or not change.process:
        return "a process that the kernel did not name"
    return f"{change.program or 'a process'} (process {change.process})"
