"""Ask the selected policies a question, each authority in its own words."""

from __future__ import annotations

import re

from firewright.analysis.ask import ask
from firewright.analysis.question import BadQuestion, Question, parse_question, zone_named, zone_names
from firewright.diagnostic import Diagnostic, Report, Severity, harmless, nearest
from firewright.model.policy import Policy
from firewright.reports import Answers
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.unfilled import say_unfilled

_COMMAS = re.compile(r"\s*,\s*")


def ask_policies(text: str, wanted: Wanted, report: Report, saying: Saying = silent) -> Answers | None:
    """What the selected policies say to a question, or None after saying in the report why they cannot."""
    policies = select(wanted, report, saying)
    return None if policies is None else answers_of(text, policies, wanted, report, saying)


def answers_of(
    text: str, policies: tuple[Policy, ...], wanted: Wanted, report: Report, saying: Saying = silent
) -> Answers | None:
    """What these policies say to a question."""
    addressed = addressed_by(text, policies, report)
    answers = []
    for policy, questions in addressed:
        saying(f"asking {policy.name}")
        for question in questions:
            try:
                answers.append(ask(policy, question, wanted.day_of))
            except Unfilled as error:
                say_unfilled(error, policy, report)
            except Undecided as error:
                report.error(
                    "undecided",
                    f"the question was not decided: {harmless(str(error))}",
                    policy.at,
                    "ask a narrower one",
                )
    if answers and not any(answer.parts for answer in answers):
        way_out = "both ends need addresses of one family, and the service must exist in it"
        report.error("bad-question", "no packet is asked about", help=way_out)
    return Answers(text, tuple(answers), report.sources) if answers and not report.has_errors() else None


def addressed_by(
    text: str, policies: tuple[Policy, ...], report: Report
) -> tuple[tuple[Policy, tuple[Question, ...]], ...]:
    """The policies that a question is put to: those that define its zones themselves, else those that know them.

    Nobody who can answer is an error, with the nearest name that any policy has. So is one that owns all names of the
    question and cannot answer it; where one only knows them, that is a warning.
    """
    asked: list[tuple[Policy, tuple[Question, ...]]] = []
    faults: list[tuple[Policy, BadQuestion]] = []
    for policy in policies:
        try:
            asked.append((policy, parse_question(text, policy)))
        except BadQuestion as error:
            faults.append((policy, error))
    if not asked:
        _nobody([fault for _, fault in faults], policies, report)
        return ()
    names = _names(text)
    own = tuple(pair for pair in asked if _owns(pair[0], names))
    for policy, fault in faults:
        if _owns(policy, names):
            _cannot(policy, fault, Severity.ERROR, report)
        elif not own and _knows(policy, names):
            _cannot(policy, fault, Severity.WARNING, report)
    return own or tuple(asked)


def _names(text: str) -> tuple[str, ...]:
    """What stands at the two ends of a question."""
    left, _, right = text.partition("<->" if "<->" in text else "->")
    ends = (left, (_COMMAS.sub(",", right).split(None, 1) or [""])[0])
    return tuple(name for end in ends for part in end.split(",") if (name := part.strip()))


def _owns(policy: Policy, names: tuple[str, ...]) -> bool:
    """Whether every name is a zone of the policy itself; an address belongs to everybody."""
    return all(name in policy.zones or (_is_address(name) and zone_named(name, policy) is None) for name in names)


def _knows(policy: Policy, names: tuple[str, ...]) -> bool:
    """Whether every name means something to the policy."""
    return all(_is_address(name) or zone_named(name, policy) is not None for name in names)


def _is_address(name: str) -> bool:
    return ":" in name or (name[:1].isdigit() and ("." in name or "/" in name))


def _cannot(policy: Policy, fault: BadQuestion, severity: Severity, report: Report) -> None:
    """Say that one of several policies gives no answer, and why."""
    message = f"{harmless(policy.name)} cannot answer: {fault}"
    way_out = f"{fault.help}; or name the policies that are asked" if fault.help else "name the policies that are asked"
    report.add(Diagnostic("bad-question", severity, message, policy.at, help=way_out))


def _nobody(faults: list[BadQuestion], policies: tuple[Policy, ...], report: Report) -> None:
    """Say why nobody can answer: a fault of the question itself first, else the name that nobody knows."""
    fault = next((one for one in faults if not one.unknown_name), faults[0])
    message, way_out = str(fault), fault.help
    if fault.unknown_name and len(policies) > 1:
        names = list(dict.fromkeys(name for policy in policies for name in zone_names(policy)))
        near = nearest(fault.unknown_name, names)
        message = f"no policy has a zone {harmless(fault.unknown_name, 60)!r}"
        way_out = f"did you mean {near}?" if near else f"there are: {', '.join(names)}"
    report.error("bad-question", message, help=way_out)
