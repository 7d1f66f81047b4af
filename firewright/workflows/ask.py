"""Ask the selected policies a question, each authority in its own words."""

from __future__ import annotations

from firewright.analysis.ask import ask
from firewright.analysis.question import BadQuestion, Question, parse_question, zone_named, zone_names
from firewright.diagnostic import Report, harmless, nearest
from firewright.model.policy import Policy
from firewright.reports import Answers
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.selection import Saying, Wanted, select, silent


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
                answers.append(ask(policy, question, wanted.day_of(policy)))
            except Unfilled as error:
                names = ", ".join(zone.name for one in policy.authorities() for zone in one.questions)
                report.error("unfilled", harmless(str(error)), policy.at, f"fill in {names}")
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

    Nobody who can answer is an error, with the nearest name that any policy has.
    """
    asked, faults = [], []
    for policy in policies:
        try:
            asked.append((policy, parse_question(text, policy)))
        except BadQuestion as error:
            faults.append(error)
    if not asked:
        _nobody(faults, policies, report)
        return ()
    own = tuple(pair for pair in asked if _is_own(*pair))
    return own or tuple(asked)


def _is_own(policy: Policy, questions: tuple[Question, ...]) -> bool:
    """Whether every zone of a question is the policy's own; an address belongs to everybody."""
    names = [name for side in (questions[0].source, questions[0].destination) for name in side.words.split(", ")]
    return all(name in policy.zones or zone_named(name, policy) is None for name in names)


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
