"""What came of comparing two uploads, for a page: changes with their flows, an example and both lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._contrast import DOES, SORTS
from firewright.web.views.passing import FlowLine
from firewright.workflows.compare_apart import Compared

MOST = 200
"""Changes that a page shows; the files have all."""
_TONES = {"opens": "request", "closes": "closed", "answers": "closed", "hides": "closed"}


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two does with the example, by which line; `depends` are conditions that no header tells."""

    does: str
    place: str
    rule: str
    depends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Flows that the two decide differently."""

    words: str
    tone: str
    flows: tuple[FlowLine, ...]
    witness: str
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why something could not be read or compared, where, and the way out."""

    severity: str
    message: str
    place: str
    help: str


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome: equivalent, different, or not known; `notes` say on what it rests and what was not compared."""

    outcome: str
    tone: str
    before: str
    after: str
    what: str
    differences: tuple[Difference, ...]
    total: int
    notes: tuple[str, ...]
    complaints: tuple[Complaint, ...]


def result(found: Compared) -> Result:
    """A comparison for a page."""
    complaints = tuple(
        Complaint(
            one.severity.value, harmless(one.message, 2000), _place(one.at.path, one.at.line), harmless(one.help, 2000)
        )
        for one in found.diagnostics
    )
    tree = found.tree
    if tree is None:
        return Result("not known", "denied", "", "", "", (), 0, (), complaints)
    every = [_difference(sort, perhaps, one) for sort, perhaps, *_ in SORTS for one in tree[sort]]
    undecided = tuple(f"not decided: {one}" for one in tree["not_decided"])
    notes = (*(f"not compared: {one}" for one in tree["not_compared"]), *undecided, *tree["notes"])
    families = " and ".join(tree["compared"]["families"])
    outcome = "equivalent" if tree["equivalent"] else "different" if every else "not known"
    tone = {"equivalent": "permitted", "different": "request"}.get(outcome, "denied")
    return Result(
        outcome, tone, str(tree["before"]["name"]), str(tree["after"]["name"]),
        f"{tree['compared']['packets']} of {families}", tuple(every[:MOST]), len(every),
        tuple(harmless(str(one), 2000) for one in notes), complaints,
    )  # fmt: skip


def _difference(sort: str, perhaps: str, one: Mapping[str, Any]) -> Difference:
    flows = tuple(
        FlowLine(str(flow["from"]), str(flow["to"]), str(flow["services"]), tuple(map(str, flow["families"])))
        for flow in one["flows"]
    )
    words = sort if one["certain"] else perhaps
    return Difference(words, _TONES[sort], flows, str(one["witness"]), _side(one["before"]), _side(one["after"]))


def _side(one: Mapping[str, Any]) -> Side:
    at = one["at"] or {}
    place = _place(str(at.get("file", "")), int(at.get("line", 0)))
    where = " ".join(filter(None, (str(one["place"] or ""), place)))
    verdict = str(one["verdict"])
    return Side(
        DOES.get(verdict, verdict),
        where,
        harmless(str(one["rule"] or ""), 1000),
        tuple(map(str, one["depends_on"][:8])),
    )


def _place(path: str, line: int) -> str:
    return harmless(f"{path}:{line}" if line else path)
