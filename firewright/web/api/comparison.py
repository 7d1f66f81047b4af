"""Two rulesets or policies compared over the API: read in a process with limits, and nothing of them is kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import Response
from pydantic import Field

from firewright.diagnostic import harmless
from firewright.source import Source
from firewright.web.access import Viewer
from firewright.web.api._answers import Answer, sent, writing
from firewright.web.api._route import router
from firewright.web.api._wishes import Sent, Told
from firewright.web.problem import Problem
from firewright.web.routes.compare_uploads import BODY, LARGEST, compared
from firewright.web.views.comparing import result

ROUTER = router("comparison")


class TextBody(Sent):
    """A ruleset of nftables or iptables, a policy, or a table of ports."""

    name: Annotated[str, Field(max_length=200, examples=["edge.nft"])] = ""
    """A file's name: how it is called, and by its ending which kind it is."""
    text: Annotated[str, Field(min_length=1, max_length=LARGEST, examples=["*filter\n:FORWARD DROP\nCOMMIT\n"])]
    """The whole text."""


class ComparisonBody(Sent):
    """Two texts."""

    before: TextBody
    after: TextBody


class ComplaintTold(Told):
    """Something about a text."""

    severity: str
    message: str
    place: str
    help: str


class ComparedBody(Told):
    """What the two decide differently."""

    outcome: str
    """equivalent, different, or not known."""
    total: int
    """How many differences there are."""
    comparison: dict[str, Any]
    """As `firewright compare --format json` writes it."""
    complaints: list[ComplaintTold]


@ROUTER.post(
    "/compare", response_model=ComparedBody, responses=writing(), max_body_size=BODY, summary="Compare two rulesets"
)
def compare(request: Request, actor: Viewer, body: ComparisonBody) -> Response:
    """Every packet that one lets through and the other does not, exactly, with an example and both lines."""
    found = compared(_source(body.before, "before"), _source(body.after, "after"), request.state.now)
    shown = result(found)
    if found.tree is None:
        first = next((one for one in shown.complaints if one.severity == "error"), None)
        message, way_out = (first.message, first.help) if first else ("they cannot be compared", "")
        where = {first.place: first.message} if first and first.place else {}
        raise Problem(422, "not-compared", message, way_out, where)
    complaints = [
        {"severity": one.severity, "message": one.message, "place": one.place, "help": one.help}
        for one in shown.complaints
    ]
    tree = {"outcome": shown.outcome, "total": shown.total, "comparison": dict(found.tree), "complaints": complaints}
    return sent(Answer(tree))


def _source(body: TextBody, side: str) -> Source:
    return Source(harmless(body.name) or side, body.text.replace("\r\n", "\n"))
