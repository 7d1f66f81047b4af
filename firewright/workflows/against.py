"""What is configured against what a policy says: open and not permitted, required and closed, open and nobody asked for it.

Exact over every packet that begins a flow, in the families that the rulesets describe, with the rules behind each on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import partial

from firewright.analysis.contrast import MOST, Change, Side, Sort, contrast
from firewright.analysis.passage import world
from firewright.analysis.running import Running
from firewright.analysis.subject import ACCEPT, Kind, Place, Subject, decision_of
from firewright.audits._audit import AUDITS, Context
from firewright.catalog.special_purpose import globally_reachable
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.model.address import LOOPBACK
from firewright.model.decision import Outcome
from firewright.model.interval import intersection, is_within, size, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Term, Verb
from firewright.source import Source, Span
from firewright.space.axis import HOST
from firewright.space.box import EVERY_BOX
from firewright.space.budget import Undecided, purse
from firewright.space.encode import Unfilled
from firewright.space.flow import Flow
from firewright.space.program import Program, series
from firewright.space.ruleset import Hook
from firewright.workflows.contrast import undecided_words
from firewright.workflows.exposure import count_words
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.subject import policy_subject
from firewright.workflows.unfilled import say_unfilled

_ADVICE = "advice"
UNDECIDED = "undecided"
"""The name of what says that something was too much work."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What a ruleset is audited against: a policy at one of its firewalls on a day."""

    policy: Policy
    firewall: str
    day: date
    subject: Subject


def standard_in(
    given: str | Source, wanted: Wanted, firewall: str, report: Report, saying: Saying = silent
) -> Standard | None:
    """The one policy of a file at the firewall of that name, else at its only one; None after saying in the report why not."""
    found = select(replace(wanted, policies=(given,)), report, saying)
    if found is None:
        return None
    if len(found) != 1:
        report.error("no-policy", f"{len(found)} policies are selected", help="name the one file that is meant")
        return None
    (policy,) = found
    names = ", ".join(policy.firewalls) or "none"
    if firewall and firewall not in policy.firewalls:
        message = f"{policy.name} has no firewall {harmless(firewall, 60)!r}"
        report.error("unknown-firewall", message, policy.at, f"there are: {names}")
        return None
    if not firewall and len(policy.firewalls) != 1:
        message = f"{policy.name} does not have one firewall, so which of them this ruleset is for is not known"
        report.error("unknown-firewall", message, policy.at, f"name it by --firewall; there are: {names}")
        return None
    name = firewall or next(iter(policy.firewalls))
    try:
        return Standard(policy, name, wanted.day_of(policy), policy_subject(policy, wanted, name))
    except Unfilled as error:
        say_unfilled(error, policy, report)
        return None


def say_against(
    standard: Standard,
    running: Running,
    path: str,
    families: tuple[Family, ...],
    report: Report,
    saying: Saying = silent,
    budget: int = MOST,
) -> bool:
    """Put in the report how some rulesets differ from a policy; whether all was decided.

    What was not, because the budget (see `contrast`) was spent or one question was too much work, is an error.
    """
    saying(f"comparing with {standard.policy.name}")
    found = running_subject(running, path, families)
    asked: tuple[Callable[[], Iterable[Diagnostic]], ...] = (
        partial(_advised, standard),
        partial(_differences, standard, found, budget, saying),
        partial(_unneeded, standard, running),
    )
    whole = True
    with purse(budget):
        for ask in asked:
            try:
                for one in ask():
                    report.add(one)
                    whole = whole and one.name != UNDECIDED
            except Undecided as error:
                whole = False
                report.error(UNDECIDED, f"{standard.policy.name} against {harmless(path)}: {harmless(str(error))}")
    return whole


def running_subject(running: Running, path: str, families: tuple[Family, ...]) -> Subject:
    """The rulesets of a machine, each of which a packet must pass, as one subject."""
    inner = running.at(Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
    has_more = any(set(one.hooks) - set(two.hooks) for one, two in zip(running.rulesets, inner.rulesets, strict=True))
    return Subject(
        Kind.RULESET,
        path,
        path,
        _in_series(running),
        world(path),
        families,
        running.lines,
        running.translations,
        _in_series(inner) if has_more else None,
    )


def _in_series(running: Running) -> Mapping[Family, Program]:
    """The rulesets one behind the other; without any, what lets everything pass."""
    if not running.rulesets:
        return {family: _passing(family) for family in FAMILIES}
    named = [(ruleset.path, programs) for ruleset, programs in zip(running.rulesets, running.programs, strict=True)]
    return {family: series((path, programs[family]) for path, programs in named).seal() for family in FAMILIES}


def _passing(family: Family) -> Program:
    out = Program(family)
    out.add(EVERY_BOX, ACCEPT)
    return out.seal()


def _differences(standard: Standard, found: Subject, budget: int, saying: Saying) -> Iterator[Diagnostic]:
    """Every difference that is a finding, by a pair of rules each. What the policy only allows may be closed.

    What the budget did not suffice for is one more.
    """
    subject = _with_outcomes(standard.subject)
    compared = contrast(subject, found, families=found.families, by_rule=True, budget=budget, telling=saying)
    for sentence in undecided_words(compared):
        message = f"against {harmless(standard.policy.name)}: {harmless(sentence, 400)}"
        yield Diagnostic(UNDECIDED, Severity.ERROR, message, help="--budget gives more")
    for change in compared.changes:
        outcome, _, firewall = change.before.place.firewall.rpartition(_BETWEEN)
        said = replace(change.before, place=replace(change.before.place, firewall=firewall))
        if change.sort is Sort.OPENS:
            yield _forged(change, said) if outcome == Outcome.SPOOFED else _violation(change, said)
        elif change.sort is Sort.CLOSES and outcome in (Outcome.REQUIRED, Outcome.ESSENTIAL):
            yield _blocked(change, said, is_required=outcome == Outcome.REQUIRED)


_BETWEEN = ": "
"""What stands between an outcome and a firewall's name, which has no blank."""


class _Outspoken(Subject):
    """A policy whose places say before the firewall's name with which outcome it decides."""

    def place_of(self, origin: object) -> Place:
        """See Subject."""
        place, decision = super().place_of(origin), decision_of(origin)
        return replace(place, firewall=f"{decision.outcome}{_BETWEEN}{place.firewall}") if decision else place


def _with_outcomes(subject: Subject) -> Subject:
    return _Outspoken(**{one.name: getattr(subject, one.name) for one in fields(subject)})


def _violation(change: Change, said: Side) -> Diagnostic:
    """Open and not permitted: an error where others reach something, a warning of what the machine itself may send."""
    head = "open and not permitted" if change.is_certain else "possibly open, and not permitted"
    is_outward = bool(change.flows) and all(flow.in_interface == HOST for flow in change.flows)
    severity = Severity.ERROR if change.is_certain and not is_outward else Severity.WARNING
    return _told("violation", severity, head, change, said, "close it, or permit it in the policy")


def _forged(change: Change, said: Side) -> Diagnostic:
    """Addresses that the policy takes for forged and the rulesets let pass: a note where the kernel itself drops them, as loopback."""
    is_loopback = bool(change.flows) and all(map(_has_loopback_end, change.flows))
    severity = Severity.NOTE if is_loopback else Severity.WARNING
    way_out = "drop it before other rules; the kernel's own checks (rp_filter) are no rule of yours"
    return _told("violation", severity, "forged, and let through", change, said, way_out)


def _blocked(change: Change, said: Side, *, is_required: bool) -> Diagnostic:
    what = "required" if is_required else "what no machine can do without,"
    head = f"{what} and {'' if change.is_certain else 'possibly '}closed"
    severity = Severity.ERROR if change.is_certain and is_required else Severity.WARNING
    way_out = "open it before that rule, or take the requirement back" if is_required else "open it before that rule"
    return _told("blocked", severity, head, change, said, way_out)


def _has_loopback_end(flow: Flow) -> bool:
    own = LOOPBACK.ranges(flow.family)
    return is_within(flow.source, own) or is_within(flow.destination, own)


def _told(name: str, severity: Severity, head: str, change: Change, said: Side, way_out: str) -> Diagnostic:
    """One difference: the flows, the rule of the ruleset and the line of the policy behind it, and a packet."""
    found = change.after
    # All of them: what a baseline knows is this sentence, and a flow that is not in it could never be new.
    words = "; ".join(map(str, change.lines))
    if not words:
        name, severity = UNDECIDED, Severity.ERROR
        words = f"in more flows than can be told, such as {change.example}"
    notes = [
        Note(f"the ruleset: {harmless(str(found.place))}", found.place.at),
        Note(f"the policy: {harmless(str(said.place))}", said.place.at),
    ]
    notes += [Note(f"reached by {words}") for words in _reach(change.flows)] if name == "violation" else []
    notes += [
        Note(f"not wholly understood: {harmless(f'{line.place}: {line.text}')}", line.at) for line in found.unknown[:3]
    ]
    at = found.place.at if found.place.at.line else Span("", 0, 0, 0)
    return Diagnostic(name, severity, f"{head}: {words}", at, tuple(notes), str(change.example), way_out)


def _reach(flows: tuple[Flow, ...]) -> Iterator[str]:
    """How many public addresses some flows come from, a sentence for each family."""
    for family in FAMILIES:
        coming = [flow.source for flow in flows if flow.family == family and flow.in_interface != HOST]
        count = size(intersection(union(*coming), globally_reachable().ranges(family))) if coming else 0
        if count:
            yield count_words(family, count)


def _unneeded(standard: Standard, running: Running) -> Iterator[Diagnostic]:
    """What the policy only allows, of zone pairs with a `require`, and the rulesets let pass for sure or possibly."""
    policy, context = standard.policy, Context(standard.day)
    judged = {said.at for said in AUDITS.load("unneeded")(policy, context)}
    if not judged:
        return
    passing = running.possibly & context.decided(policy, Outcome.ALLOWED.value)
    for rule in context.active(policy):
        if rule.verb is Verb.ALLOW:
            for term in rule.terms:
                packet = context.first(passing, replace(rule, terms=(term,))) if term.at in judged else None
                if packet is not None:
                    message = f"open, and nothing requires it: {_said(term)} ({rule.label})"
                    way_out = "require it, or close it"
                    yield Diagnostic("unneeded", Severity.NOTE, message, term.at, (), str(packet), way_out)


def _said(term: Term) -> str:
    return harmless(term.word, 100)


def _advised(standard: Standard) -> Iterable[Diagnostic]:
    """What the catalog advises against among what the policy permits."""
    return AUDITS.load(_ADVICE)(standard.policy, Context(standard.day))
