"""Change one host of a fleet, from its plan to its confirmation over a new connection; by itself, in whatever process it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from time import monotonic, sleep

from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.live.apart import apart
from firewright.live.host import Host, HostError
from firewright.live.session import user
from firewright.live.state import Generation, HostState, state_of
from firewright.model.moment import begins, parse
from firewright.reports import Became, HostOutcome
from firewright.reports._rollout import GOOD
from firewright.workflows.apply import apply_plan, disagreement, plan_to_apply
from firewright.workflows.confirm import confirm
from firewright.workflows.plan import Planned, plan
from firewright.workflows.prepare import Prepared
from firewright.workflows.probing import contradicted
from firewright.writers import WRITERS

_SECONDS = 120.0
"""The time limit of taking a load back."""
_PATIENCE = 10.0
"""Seconds that a probe waits at the most for a host that rations its errors: the host waits for its confirmation meanwhile."""
_GRACE, _AGAIN = 20, 2
"""Seconds after a host's own time is over in which it is still asked, and between two questions."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one host is to become: values only, so that it can be sent to whoever does it.

    `wait` are the seconds until the host takes back by itself what is not confirmed. With `is_check` it is only looked at; with
    `probed`, an address, it is probed there before it is confirmed, with these `answers` to its policy's questions. `is_again`
    says that an earlier run began it and never saw its end.
    """

    name: str
    host: Host
    prepared: Prepared
    wait: int = 120
    is_check: bool = False
    is_again: bool = False
    probed: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)


def change_host(job: Job) -> HostOutcome:
    """What became of a host: planned, applied, proved, probed if asked, confirmed over a new connection; or as it was before.

    Never raises for what a host does: that is in the outcome. Each step over ssh is a connection of its own. Where nobody can
    reach the host after a load, this waits until its watchdog's time is over, and looks what became of it.
    """
    since = monotonic()
    report = Report()
    try:
        ending = _changed(job, report)
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
        ending = _Ending(Became.NOT_CHANGED)
    said = tuple(report.sorted())
    why = ending.why or ("" if ending.became in GOOD else _first(said))
    return HostOutcome(job.name, ending.became, ending.generation, monotonic() - since, why, said)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How it ended: the generation that it is about, 0 for none, and why, where the report does not say it."""

    became: Became
    generation: int = 0
    why: str = ""


def _changed(job: Job, report: Report) -> _Ending:
    """How a host ended; what was said of it is in the report. Raises HostError where it was not reached before anything was loaded."""
    if job.is_again:
        _take_back_own(job)
    planned = (plan if job.is_check else plan_to_apply)(job.prepared, job.host, report)
    if planned is None:
        return _Ending(Became.NOT_CHANGED)
    if _runs_already(job, planned):
        return _Ending(Became.UNCHANGED, planned.surveyed.state.confirmed or 0)
    if planned.plan.is_refused:
        return _Ending(Became.NOT_CHANGED)
    if job.is_check:
        return _Ending(Became.WOULD_CHANGE, 0, _plan_words(planned))
    step = apply_plan(planned, job.host, report, wait=job.wait)
    if step is None:
        return _settled(job, report, max((one.number for one in planned.surveyed.state.generations), default=0))
    if step.verb != "applied" or step.generation is None:
        became = Became.ROLLED_BACK if step.verb == "rolled back" else Became.NOT_CHANGED
        return _Ending(became, step.generation or 0, "; ".join(step.words))
    return _confirmed(job, step.generation, report)


def _plan_words(planned: Planned) -> str:
    """What would change, counted."""
    made = planned.plan
    if not planned.surveyed.state.has_table:
        return f"there is no ruleset of firewright yet; {len(made.cut)} open flows would end"
    return f"{len(made.opens)} lines open, {len(made.closes)} close, {len(made.cut)} open flows would end"


def _runs_already(job: Job, planned: Planned) -> bool:
    """Whether the host has this very text confirmed, or that of an earlier day, and what is loaded is proved to be it. Raises HostError.

    A ruleset that was compiled from an earlier day on holds today too (it differs in that day, and where ends lie between).
    """
    state = planned.surveyed.state
    known = state.generation(state.confirmed)
    if not planned.plan.is_equal or state.pending is not None or known is None:
        return False
    day = _day_of(known, job.prepared)
    if day is None or _kept(job, known.number) != _text_from(day, job.prepared):
        return False
    return not disagreement(replace(job.prepared, day=day), state.table)


def _day_of(known: Generation, prepared: Prepared) -> date | None:
    """The day from which on a generation was compiled, where that is no later than the day of what is prepared."""
    try:
        day = parse(known.facts.get("day", ""))
    except ValueError:
        return None
    return day if begins(day) <= begins(prepared.day) else None


_TEXTS: dict[tuple[str, date], str] = {}
"""Texts of earlier days that this process has compiled, by the text of today and the day."""


def _text_from(day: date, prepared: Prepared) -> str:
    """What the policy compiles to from a day on; it is compared with what was proved on the host, so it needs no proof here."""
    if day == prepared.day:
        return apart(prepared.compiled.text).rstrip("\n")
    key = prepared.compiled.text, day
    if key not in _TEXTS:
        report = Report()
        made = WRITERS.load(prepared.compiled.target).emit(prepared.policy, prepared.firewall, day, report)
        _TEXTS[key] = "" if report.has_errors() else apart(made.text).rstrip("\n")
    return _TEXTS[key]


def _kept(job: Job, number: int) -> str:
    """The text of a generation that the host keeps, without its number in names and the line feed at its end. Raises HostError."""
    return apart(job.host.call("generation", str(number), "ruleset.nft").text("file")).rstrip("\n")


def _own_text(job: Job) -> str:
    """What this job loads, as `_kept` has it."""
    return apart(job.prepared.compiled.text).rstrip("\n")


def _take_back_own(job: Job) -> None:
    """Take back what an earlier run of the same rollout loaded and never confirmed; what others loaded stays. Raises HostError."""
    pending = state_of(job.host.call("state")).pending
    if pending is not None and _kept(job, pending.number) == _own_text(job):
        job.host.call("rollback", str(pending.number), "the rollout that loaded it was cut off", seconds=_SECONDS)


def _confirmed(job: Job, number: int, report: Report) -> _Ending:
    """How a host ended that waits to be confirmed."""
    if job.probed and (
        wrong := contradicted(job.probed, job.prepared, job.answers, min(job.wait / 4, _PATIENCE), report)
    ):
        ending = _settled(job, report, number=number)
        return replace(ending, why=f"{wrong}; {ending.why}".removesuffix("; "))
    if confirm(job.host, report, number=number) is not None:
        return _Ending(Became.CONFIRMED, number)
    return _settled(job, report, number=number)


def _settled(job: Job, report: Report, last: int = 0, number: int = 0) -> _Ending:
    """How a host ended with which something went wrong: what this job loaded there, and nobody confirmed, is taken back.

    That is generation `number`; where that is not known, the one newer than `last` that is this job's own. Where the host is not
    reached, it is asked again until its watchdog must have taken it back by itself.
    """
    until = monotonic() + job.wait + _GRACE
    while True:
        try:
            state = state_of(job.host.call("state"))
            own = number or _own(job, state, last)
            if state.pending is None or state.pending.number != own:
                return _stands(state, own)
            job.host.call("rollback", str(own), "the rollout did not confirm it", seconds=_SECONDS)
            return _Ending(Became.ROLLED_BACK, own)
        except HostError as error:
            if monotonic() > until:
                report.error(error.name, error.message, help=error.help)
                return _Ending(Became.UNKNOWN, why=f"nobody can tell what runs there: {harmless(error.message, 300)}")
            sleep(_AGAIN)


def _own(job: Job, state: HostState, last: int) -> int:
    """The generation newer than `last` that this job made, 0 where there is none: what others apply is theirs. Raises HostError."""
    text, by = _own_text(job), user()
    newer = (one.number for one in reversed(state.generations) if one.number > last and one.facts.get("by") == by)
    return next((number for number in newer if _kept(job, number) == text), 0)


def _stands(state: HostState, own: int) -> _Ending:
    """What became of a generation that does not wait any more; without one, nothing was changed."""
    if not own:
        return _Ending(Became.NOT_CHANGED)
    if state.confirmed == own:
        return _Ending(Became.CONFIRMED, own)
    known = state.generation(own)
    if known is not None and known.state.startswith("rolled back"):
        return _Ending(Became.ROLLED_BACK, own, known.state)
    said = "gone" if known is None else known.state or "of no known state"
    return _Ending(Became.UNKNOWN, own, f"generation {own} is {said}")


def _first(said: tuple[Diagnostic, ...]) -> str:
    """The first error's sentence."""
    return next((one.message for one in said if one.severity is Severity.ERROR), "")
