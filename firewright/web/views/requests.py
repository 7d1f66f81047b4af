"""Requests as pages show them: whose turn it is, what may be done by whoever looks, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firewright.model.account import Role
from firewright.model.request import Act, Request, State, acts_of
from firewright.workflows.requests.acting import Desk, may_reopen
from firewright.workflows.requests.in_force import may_be_decided_by, standing_reason, still_lacking

PAGE = 50
"""Requests on one page."""
_AT_ONCE = 200
TONES = {
    State.DRAFT: "unenforced",
    State.SUBMITTED: "request",
    State.APPROVED: "permitted",
    State.IMPLEMENTED: "permitted",
    State.VERIFIED: "permitted",
    State.DECLINED: "denied",
    State.EXPIRED: "closed",
    State.WITHDRAWN: "closed",
}
"""The tone of each state; the word stands beside it always."""
_BY_OTHERS = (Act.AGREE, Act.DECLINE, Act.ANSWER, Act.RECERTIFY, Act.REVIEW)
_BY_AUTHOR = (Act.SUBMIT, Act.EDIT, Act.WITHDRAW)
_BY_OPERATORS = (Act.IMPLEMENT, Act.VERIFY)


def acts(desk: Desk, request: Request) -> tuple[Act, ...]:
    """What whoever looks may do to a request now."""
    possible = acts_of(request.state)
    is_author = desk.actor.account == request.author
    decides = may_be_decided_by(desk, request)
    operates = desk.actor.is_allowed(Role.OPERATOR, request.wish.policy)
    found = []
    for act in possible:
        may = (
            (act in _BY_AUTHOR and is_author)
            or (act in _BY_OTHERS and decides and not is_author)
            or (act in _BY_OPERATORS and operates)
        )
        if act is Act.AGREE:
            may = may and all(one.account != desk.actor.account for one in request.standing)
        if act is Act.LAPSE:
            may = may_reopen(desk, request)
        if act is Act.REVIEW:
            may = may and request.is_break_glass and not request.is_reviewed
        if act is Act.IMPLEMENT:
            may = may and not standing_reason(desk, request)
        if may:
            found.append(act)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Step:
    """One station on a request's way, and whether it was reached; `is_now` is where it stands."""

    word: str
    is_reached: bool
    is_now: bool


def steps(request: Request) -> tuple[Step, ...]:
    """The way of a request, as far as it has come."""
    way = [State.DRAFT, State.SUBMITTED, State.APPROVED, State.IMPLEMENTED, State.VERIFIED]
    if request.state.is_final:
        kept = [State.DRAFT, State.SUBMITTED, request.state]
        return tuple(Step(one.value, True, one is request.state) for one in kept)
    place = way.index(request.state)
    return tuple(Step(one.value, number <= place, number == place) for number, one in enumerate(way))


def lacks(desk: Desk, request: Request) -> tuple[str, ...]:
    """What is lacking until a request is approved; nothing where it is not to be decided."""
    return still_lacking(desk, request) if request.state is State.SUBMITTED else ()


def flow_words(request: Request) -> str:
    """What is asked for, in one line."""
    wish = request.wish
    return f"{', '.join(wish.sources)} → {', '.join(wish.destinations)} {', '.join(wish.services)}"


COLUMNS = (
    "number", "state", "policy", "from", "to", "services", "because", "owner", "ticket", "until", "severity", "author",
    "changed",
)  # fmt: skip


def rows(found: Iterable[Request]) -> list[tuple[str, ...]]:
    """The requests as rows of a table, in the order of `COLUMNS`."""
    return [
        (
            str(one.number), one.state.value, one.wish.policy, ", ".join(one.wish.sources),
            ", ".join(one.wish.destinations), ", ".join(one.wish.services), one.wish.because, one.wish.owner,
            one.wish.ticket, one.wish.until, str(one.severity), one.author, one.changed.isoformat(timespec="seconds"),
        )
        for one in found
    ]  # fmt: skip
