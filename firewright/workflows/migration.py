"""A ruleset written as a policy, proved against it packet by packet: what differs is told in the text, never left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from firewright.analysis.classes import TooManyClasses
from firewright.analysis.homes import Homes
from firewright.analysis.proposal import Proposed, Way, may_stop, proposed
from firewright.analysis.subject import Subject
from firewright.analysis.wording import Wording, worded
from firewright.diagnostic import Report, harmless
from firewright.reports._documents import ProposedPolicy
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.workflows.interfaces import homes_in
from firewright.workflows.migration_proof import differences
from firewright.workflows.migration_text import body_lines, foot_lines, head_lines, home_lines
from firewright.workflows.read import LIMITS, ruleset_in
from firewright.workflows.selection import Saying, silent
from firewright.workflows.subject import ruleset_subject

_PARTS = "give the ruleset in parts"
_LEFT_OUT = {
    Way.INPUT: "no rule lets anything in",
    Way.OUTPUT: "no rule lets anything out",
    Way.FORWARD: "the policy judges nothing that passes through",
}
"""What it means for a policy that a way of packets was not decided."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A ruleset as a policy's text, and whether the two decide every new flow alike.

    `is_equal` leaves aside what every policy decides by itself (essentials, loopback addresses, groups) and is told in the text.
    """

    policy: ProposedPolicy
    is_equal: bool


def migrated(
    given: Source | str, report: Report, saying: Saying = silent, interfaces: Sequence[str] = ()
) -> Migration | None:
    """A ruleset of any format as a policy, with every difference that is left, or None after saying in the report why not.

    `interfaces` say what is behind them (`homes_in`): with them the comparison is of packets whose addresses come by their own
    interface, and says so; where they only ask, it is made with addresses that stand in for the answer, and `is_equal` is false.
    What was too much work on one of the ways of packets (in, out, through) is told in the text, and no rule speaks of it.
    """
    ruleset = ruleset_in(given, report, saying)
    if ruleset is None or report.has_errors():
        return None
    if any(said.name in LIMITS for said in report.diagnostics):
        report.error("undecided", "not every rule was followed, so no policy means the ruleset", help=_PARTS)
        return None
    subject = ruleset_subject(ruleset)
    homes = homes_in(interfaces, subject, report)
    if homes is None:
        return None
    try:
        return _migrated(subject, homes, report, saying)
    except TooManyClasses as error:
        report.error("undecided", f"no policy that anybody could read: {error}", help=_PARTS)
        return None


def _migrated(subject: Subject, homes: Homes, report: Report, saying: Saying) -> Migration | None:
    saying("proposing zones and rules")
    found, undecided = _proposed(subject, homes, saying)
    if not found.ways:
        why = harmless(next(iter(undecided.values())))
        report.error("undecided", f"the policy was not decided: {why}", help=_PARTS)
        return None
    found, wording = _worded(found, homes, undecided)
    if wording.asked and wording.rests:
        _refuse_questions(report)
        return None
    body = "\n".join(body_lines(subject, wording, found.ways)) + "\n"
    saying("proving the policy against the ruleset")
    compared = differences(subject, body, homes, [way for way in Way if way not in undecided], report)
    if compared is None:
        return None
    told, uncompared = compared
    is_whole = not (found.unsaid or wording.asked or undecided or uncompared)
    if wording.asked:
        body = "\n".join(body_lines(subject, wording, found.ways, is_asking=True)) + "\n"
    parts = {way.value: f"{_LEFT_OUT[way]}: {why}" for way, why in undecided.items()}
    parts |= {way.value: f"its rules are proposed and were not compared: {why}" for way, why in uncompared.items()}
    head = "\n".join((*head_lines(subject, found, wording, told, parts), *home_lines(homes)))
    foot = "".join(f"{line}\n" for line in foot_lines(subject, found, told))
    text = f"{head}\n{body}\n{foot}" if foot else f"{head}\n{body}"
    return Migration(ProposedPolicy(subject.path, text), is_whole and all(one.is_own for one in told))


def _proposed(subject: Subject, homes: Homes, saying: Saying) -> tuple[Proposed, dict[Way, str]]:
    """The rows of every way that was decided, and why others were not. What passes through is left out where nothing stops it."""
    found = Proposed((), (), ())
    undecided: dict[Way, str] = {}
    for way in Way:
        saying(f"proposing rules: {way.value}")
        try:
            if way is Way.FORWARD and not may_stop(subject, way):
                continue
            one = proposed(subject, (way,), homes)
        except Undecided as error:
            undecided[way] = str(error)
            continue
        found = replace(found, rows=found.rows + one.rows, unsaid=found.unsaid + one.unsaid, ways=found.ways + one.ways)
    return found, undecided


def _worded(found: Proposed, homes: Homes, undecided: dict[Way, str]) -> tuple[Proposed, Wording]:
    """The words of what was proposed; without what passes through where that alone is more than anybody could read.

    Raises TooManyClasses.
    """
    try:
        return found, worded(found, homes)
    except TooManyClasses as error:
        rest = tuple(way for way in found.ways if way is not Way.FORWARD)
        if not rest or rest == found.ways:
            raise
        undecided[Way.FORWARD] = f"no policy that anybody could read: {error}"
    rows = tuple(row for row in found.rows if row.way is not Way.FORWARD)
    smaller = replace(found, rows=rows, ways=rest)
    return smaller, worded(smaller, homes)


def _refuse_questions(report: Report) -> None:
    message = "rules of one family speak of what no zone holds, so which addresses those are hangs on the answers"
    way_out = (
        "say what is behind each interface, or read the rules of both families together: cat both | firewright read -"
    )
    report.error("bad-setting", f"--interfaces asks, and {message}", help=way_out)
