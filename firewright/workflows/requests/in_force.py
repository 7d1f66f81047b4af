"""Whether what was approved may be applied, what a request lacks, and who decides about it: as roles, rules and zones are now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from firewright.model.account import Role
from firewright.model.approval_rules import Weight, is_among
from firewright.model.request import Approval, Request
from firewright.store import accounts
from firewright.workflows.requests import governing
from firewright.workflows.requests.checking import zones_of
from firewright.workflows.requests.concerned import concerned
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.quorum import Matter, People, lacking, may_decide, standing
from firewright.workflows.requests.refused import Refused

if TYPE_CHECKING:
    from firewright.workflows.requests.acting import Desk


def standing_reason(desk: Desk, request: Request) -> str:
    """Why what was approved may not be applied, or nothing if it may: exactly this text, by people who may still decide."""
    if not request.state.has_exception:
        return f"request {request.number} is {request.state}"
    if why := rules_gone(desk, request):
        return why
    if request.is_confirmed:
        was_agreed = request.is_break_glass or any(one.digest == request.digest for one in request.approvals)
        return "" if was_agreed else f"no approval of request {request.number} is of this text"
    if request.is_break_glass:
        return _glass_reason(desk, request)
    matter = matter_of(desk.estate, request)
    if matter is None:
        return f"the zones of request {request.number} are gone"
    missing = lacking(desk.estate.rules, matter, request.standing, people_of(desk, request.standing))
    return f"request {request.number} lacks {' and '.join(missing)}" if missing else ""


def rules_gone(desk: Desk, request: Request) -> str:
    """Why nobody can tell who decides about a request, or nothing."""
    return governing.gone(desk.connection, desk.estate, request.wish.policy)


def _glass_reason(desk: Desk, request: Request) -> str:
    """Why what was opened without asking may not be applied any more: whoever opened it may do so no longer."""
    author, rules = accounts.find(desk.connection, request.author), desk.estate.rules
    if author is None or not author.is_active or rules.is_broken:
        return f"{request.author}, who opened it without asking, is not active any more"
    actor = author.actor()
    may = is_among(actor.account, actor.groups, rules.glass_who) and actor.is_allowed(
        Role.OPERATOR, request.wish.policy
    )
    return "" if may else f"{request.author} may open nothing without asking any more"


def matter_of(estate: Estate, request: Request) -> Matter | None:
    """What is decided about, or None where the policy no longer has such zones."""
    policy = estate.policies.get(request.wish.policy)
    if policy is None:
        return None
    try:
        sources, destinations = concerned(policy, estate.rules, zones_of(policy, request.wish), request.wish)
    except Refused:
        return None
    return Matter(policy.name, sources, destinations, Weight(request.severity), request.author)


def still_lacking(desk: Desk, request: Request) -> tuple[str, ...]:
    """What is lacking until a request is approved, in words."""
    matter = matter_of(desk.estate, request)
    return lacking(desk.estate.rules, matter, request.standing, people_of(desk, request.standing)) if matter else ()


def may_be_decided_by(desk: Desk, request: Request) -> bool:
    """Whether the actor's decision on a request would count."""
    matter = matter_of(desk.estate, request)
    return matter is not None and may_decide(desk.estate.rules, desk.actor, matter)


def still_standing(desk: Desk, request: Request, people: People) -> tuple[Approval, ...]:
    """The approvals of a request whose givers may still decide."""
    matter = matter_of(desk.estate, request)
    return () if matter is None else standing(desk.estate.rules, matter, request.standing, people)


def people_of(desk: Desk, approvals: Iterable[Approval]) -> People:
    """What the givers of some approvals may do now."""
    names = dict.fromkeys(one.account for one in approvals)
    for name in names:
        if name not in desk.known:
            desk.known[name] = accounts.find(desk.connection, name)
    known = {name: desk.known[name] for name in names}
    return {name: one.actor() for name, one in known.items() if one is not None and one.is_active}
