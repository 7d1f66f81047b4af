"""What time and lost roles do to requests: ends, approvals that count no more, what is to be decided again. Nobody acts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from firewright.model.moment import ends, instant_of
from firewright.model.moment import parse as moment_from
from firewright.model.request import Act, Approval, Request, State
from firewright.workflows.requests.acting import Desk, every
from firewright.workflows.requests.in_force import people_of, rules_gone, standing_reason, still_standing
from firewright.workflows.requests.moving import move

_LAST_CLOCK = "Etc/GMT+12"
"""The clock on which every day ends last."""


def expire_due(desk: Desk) -> tuple[Request, ...]:
    """Every request whose end is past is expired. The kernel has ended it by itself; the file stays until it is tidied."""
    found = []
    own = desk.as_system()
    for request in every(desk, State.SUBMITTED, State.APPROVED, State.IMPLEMENTED, State.VERIFIED):
        policy = desk.estate.policies.get(request.wish.policy)
        # of a policy that cannot be read nobody knows the clock: then it is past where it is past everywhere
        timezone = policy.timezone if policy else _LAST_CLOCK
        if instant_of(ends(moment_from(request.wish.until)), timezone) <= desk.now.timestamp():
            found.append(move(own, request, Act.EXPIRE, None, because=f"its end, {request.wish.until}, is past"))
    return tuple(found)


def lapse_lost_roles(desk: Desk) -> tuple[Request, ...]:
    """Every approval whose giver may no longer decide is void; a request that then lacks some is to be decided again.

    So is one of which the rules ask for more than they did. What was confirmed to run stays to its end, and somebody has to say at
    once whether it is still needed. What was opened without asking, by whom may do so no longer, is withdrawn while nobody confirmed
    that it runs. Where the rules or its policy cannot be read now nothing lapses: it may not be applied until they can.
    """
    found: list[Request] = []
    if desk.estate.rules.is_broken:
        return ()
    own = desk.as_system()
    for request in every(desk, State.SUBMITTED, State.APPROVED, State.IMPLEMENTED, State.VERIFIED):
        if request.wish.policy not in desk.estate.policies or rules_gone(desk, request):
            continue
        why_not = standing_reason(desk, request) if request.state.has_exception else ""
        if request.is_break_glass:
            found += [move(own, request, Act.WITHDRAW, None, because=why_not, said=why_not)] if why_not else []
            continue
        kept = {one.account for one in still_standing(desk, request, people_of(desk, request.standing))}
        lost = [one for one in request.standing if one.account not in kept]
        if lost and request.is_confirmed:
            found.append(_doubted(own, request, lost))
        elif lost or why_not:
            found.append(_lapsed(own, request, lost, why_not))
    return tuple(found)


def _without(request: Request, lost: Collection[Approval]) -> tuple[tuple[Approval, ...], str]:
    """Its approvals, those that were lost void, and why."""
    approvals = tuple(replace(one, voided="may no longer decide") if one in lost else one for one in request.approvals)
    return approvals, f"{', '.join(one.account for one in lost)} may no longer decide" if lost else ""


def _doubted(own: Desk, request: Request, lost: Collection[Approval]) -> Request:
    """What runs and was rightly agreed to stands; whether it is still needed is to be said today."""
    approvals, why = _without(request, lost)
    today = own.now.date().isoformat()
    review = min(request.review or today, today)
    return move(own, request, Act.DOUBT, None, because=why, approvals=approvals, review=review)


def _lapsed(own: Desk, request: Request, lost: Collection[Approval], why_not: str) -> Request:
    """A request without the approvals that were lost; approved as before where those that are left are enough."""
    approvals, why = _without(request, lost)
    was_approved = request.state.has_exception
    review = request.review
    request = move(own, request, Act.LAPSE, None, because=why or why_not, approvals=approvals, review="")
    if was_approved and not why_not:
        return move(own, request, Act.APPROVE, None, because="the others who agreed are enough", review=review)
    return request
