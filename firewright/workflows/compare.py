"""Compare two policies: what opens, what closes, what answers, or the proof that nothing does."""

from __future__ import annotations

from dataclasses import replace

from firewright.analysis.compare import compare
from firewright.diagnostic import Report, harmless
from firewright.reports import Comparison
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.unfilled import say_unfilled


def compare_policies(
    before: str | Source, after: str | Source, wanted: Wanted, report: Report, saying: Saying = silent
) -> Comparison | None:
    """Every difference between two policies, or None after saying in the report why there is no answer.

    Both are asked about the same day: the wanted one, or today where the second one is.
    """
    pair = []
    for one in (before, after):
        found = select(replace(wanted, policies=(one,), labels={}), report, saying)
        if found is not None and len(found) != 1:
            report.error("no-policy", f"{one} holds {len(found)} policies", help="name the one file that is meant")
        pair.append(found)
    if report.has_errors() or pair[0] is None or pair[1] is None:
        return None
    old, new = pair[0][0], pair[1][0]
    saying(f"comparing {old.name} with {new.name}")
    try:
        return Comparison(compare(old, new, wanted.day_of(new)), report.sources)
    except Unfilled as error:
        say_unfilled(error, old if old.questions else new, report)
    except Undecided as error:
        # not the user's fault and not malformed: whoever asked gets no false comfort, and a gate fails
        report.error("undecided", f"the comparison was not decided: {harmless(str(error))}", new.at, "compare in parts")
    return None
