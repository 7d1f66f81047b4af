"""A managed host as it stands: first whatever is wrong with it, then what runs, what it counted, and who else filters there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.live.host import Host
from firewright.live.state import Generation, HostState
from firewright.reports import Findings
from firewright.reports._drift import Drift, Gap, deed_words, moment
from firewright.reports._status import Counted, Status, Window, span
from firewright.workflows.counters import Earlier, counted, endings, since_earlier, window_of
from firewright.workflows.drift import Compared, compared
from firewright.workflows.foreign import foreign
from firewright.workflows.live import Seen, see_host
from firewright.workflows.selection import Saying, silent
from firewright.workflows.unguarded import no_firewall

_OPENINGS = (
    "a line's counter counts the packets that begin flows; those of open flows are counted together, as open flows"
)


def status(host: Host, report: Report, saying: Saying = silent, earlier: Earlier | None = None) -> Status | None:
    """What a host is like, all of it by its own clock; None after saying in the report why nobody knows.

    With an earlier look the counters are those since then. Raises HostError where the host does not answer.
    """
    inner = Report()
    found = compared(host, inner, saying)
    if found is None:
        for one in inner.diagnostics:
            report.add(one)
        return None
    state, number = found.state, found.state.running
    seen = see_host(host, inner, saying)
    unguarded = no_firewall(seen)
    errors = [one for one in inner.diagnostics if one.severity is Severity.ERROR]
    said = Findings(tuple(_findings(found, unguarded, errors)), {})
    window, counters = window_of(state), counted(state.table, found.text) if state.has_table else ()
    loaded = 0 if number is None else state.loaded_at(number)
    if earlier is not None:
        now = Earlier(host.name, state.name, state.time, state.uptime, number, loaded, {})
        if (earlier.host, earlier.hostname) != (now.host, now.hostname):
            whose = f"{harmless(earlier.host, 80)} ({harmless(earlier.hostname, 80)})"
            message = f"the earlier status is of {whose}, not of {harmless(host.name, 80)} ({state.name})"
            report.error("other-host", message, help="give one that was written of the same host, named alike")
            return None
        window, counters = since_earlier(earlier, now, window, counters)
    return _assembled(host, found, seen, unguarded, said, window, counters)


def _assembled(
    host: Host,
    found: Compared,
    seen: Seen,
    unguarded: Diagnostic | None,
    said: Findings,
    window: Window,
    counters: tuple[Counted, ...],
) -> Status:
    state = found.state
    kept = state.generation(state.running) or Generation(state.running or 0, "")
    is_unguarded = unguarded is not None and unguarded.name == "no-firewall"
    is_known = seen.is_whole and (unguarded is None or is_unguarded)
    facts = kept.facts
    return Status(
        host=host.name,
        hostname=state.name,
        time=state.time,
        uptime=state.uptime,
        generation=state.running,
        confirmed=state.confirmed,
        state="waits to be confirmed" if state.pending else kept.state,
        policy=kept.policy,
        path=facts.get("path", ""),
        firewall=facts.get("firewall", ""),
        day=facts.get("day", ""),
        made=kept.made,
        by=facts.get("by", ""),
        loaded=0 if state.running is None else state.loaded_at(state.running),
        mode=mode_at(facts, state.time),
        until=_number(facts.get("until", "")),
        left=None if state.pending is None else state.pending.left,
        is_watched=state.pending is not None and state.pending.is_watched,
        boot=state.boot,
        boot_way=state.boot_way,
        is_journal_whole=state.is_journal_whole,
        has_timer=state.has_timer,
        has_firewall=not is_unguarded if is_known or is_unguarded else None,
        ends=endings(found.text, state.time),
        window=window,
        counters=counters,
        neighbours=tuple(one.listed for one in foreign(seen)),
        drift=found.drift,
        findings=said,
        is_whole=seen.is_whole
        and not any(one.severity is Severity.ERROR and one.name == "not-seen" for one in said.diagnostics),
        notes=(_OPENINGS,) if counters else (),
    )


def mode_at(facts: Mapping[str, str], time: int) -> str:
    """What a generation does at an instant of its host: "audit", or "enforce" where the time of its audit is over."""
    until = _number(facts.get("until", ""))
    return "enforce" if until and until <= time else facts.get("mode", "enforce")


def _findings(found: Compared, unguarded: Diagnostic | None, errors: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What is wrong, the worst first: that there is no firewall stands before everything else."""
    state = found.state
    if unguarded is not None:
        yield unguarded
    yield from errors
    yield from _of_boot(state)
    yield from _of_pending(state)
    if found.drift is not None and found.drift.gap is not None:
        yield _drifted(found.drift, found.drift.gap)
    if state.running is None and state.has_table:
        message = "a table of our name is loaded that no generation of this host made"
        yield _warning("unknown-table", message, "look at it: nft list table inet firewright; an apply can replace it")
    yield from _of_generation(state, found.text)
    if not state.is_journal_whole:
        message = "the journal is not whole: somebody changed a line of it, or took some out"
        yield Diagnostic("journal-changed", Severity.ERROR, message, help="who has been root there? look at it by hand")


def _of_pending(state: HostState) -> Iterator[Diagnostic]:
    pending = state.pending
    if pending is None:
        return
    last = f"generation {state.confirmed}" if state.confirmed else "what was there before"
    if not pending.is_watched:
        message = (
            f"generation {pending.number} waits to be confirmed, and its watchdog is dead: nobody will take it back"
        )
        way_out = f"firewright rollback brings back {last}; so does the next apply, or a boot"
        yield Diagnostic("watchdog-dead", Severity.ERROR, message, help=way_out)
        return
    message = f"generation {pending.number} waits to be confirmed: in {span(pending.left)} {last} comes back"
    yield _warning("pending", message, "firewright confirm keeps it, firewright rollback takes it back now")


def _of_boot(state: HostState) -> Iterator[Diagnostic]:
    kind, colon, why = state.boot.partition(": ")
    if colon and kind == "minimal":
        message = f"only management is open: at boot {why}"
        yield Diagnostic("booted-minimal", Severity.ERROR, message, help="apply the policy again, and confirm it")
    elif colon and kind == "nothing" and state.confirmed is not None:
        message = f"nothing was loaded at boot: {why}"
        yield Diagnostic("boot-failed", Severity.ERROR, message, help="apply the policy again, and confirm it")
    if state.confirmed is not None and not state.boot_way:
        message = "nothing loads the confirmed generation at boot: after a restart there is no firewall"
        yield _warning("no-boot-way", message, f"run 'sh {state.home}/host.sh boot' there before the network comes up")


def _of_generation(state: HostState, text: str) -> Iterator[Diagnostic]:
    number = state.running
    kept = state.generation(number)
    if kept is None:
        return
    ends = [int(word) for word in kept.facts.get("ends", "").split() if word.isdecimal()]
    coming = [one for one in (ends or [instant for instant, _ in endings(text, state.time)]) if one > state.time]
    if coming and not state.has_timer and state.pending is None:
        message = f"no timer ends the open flows of permissions that end, the next at {moment(min(coming))}"
        way_out = "the kernel lets in no new flow after it; a confirm starts a timer, unless there is too much for one"
        yield _warning("no-timer", message, way_out)
    if kept.facts.get("mode") == "audit":
        until = _number(kept.facts.get("until", ""))
        when = f"until {moment(until)}" if until else "without an end"
        if not until or until > state.time:
            yield _warning(
                "audit-mode", f"nothing is refused {when}: it is only counted", "apply without audit mode to enforce"
            )


def _drifted(found: Drift, gap: Gap) -> Diagnostic:
    which = f"generation {found.generation}"
    if not gap.witness:
        message = f"drift: {gap.wanted.rule or gap.found.rule or 'something'} is not as in {which}"
    elif not found.has_table:
        message = f"drift: the table of {which} is gone, by which the example is {_passive(gap.wanted.word)}"
    else:
        message = f"drift: the kernel does not mean what {which} says: it {deed_words(gap.found)}, by {gap.found.place}"
    return Diagnostic(
        "drift", Severity.ERROR, message, witness=gap.witness, help="firewright drift says more; an apply mends it"
    )


def _passive(word: str) -> str:
    return {"accept": "let through", "drop": "dropped", "reject": "refused"}.get(word.partition(" ")[0], word)


def _warning(name: str, message: str, help: str) -> Diagnostic:
    return Diagnostic(name, Severity.WARNING, message, help=help)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0
