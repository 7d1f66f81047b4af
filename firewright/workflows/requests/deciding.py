"""A check as whoever looks is shown it: at the severity of the sum, with how many people can decide now, and no more than they may know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from firewright.model.account import Actor, Role
from firewright.model.approval_rules import ApprovalRules
from firewright.model.request import Approval
from firewright.reports import CheckedRequest
from firewright.store import accounts
from firewright.workflows.requests.acting import Desk, with_others
from firewright.workflows.requests.checking import matter_of_check
from firewright.workflows.requests.quorum import ZONES_BETWEEN, Matter, apart, lacking, may_decide, owned
from firewright.workflows.requests.telling import told_to

_NEVER = datetime.min.replace(tzinfo=UTC)
_MOST = 10_000
"""So many accounts are looked at."""


def shown_check(desk: Desk, checked: CheckedRequest, number: int = 0, author: str = "") -> CheckedRequest:
    """What a wish would mean as the actor may know it. `number` and `author` are those of a request, if it is one. Raises Refused.

    Whoever sees the policy whole is told how many people can decide now, and what is lacking if all of them agreed. O(accounts).
    """
    checked = with_others(desk, checked, number, author)
    if checked.is_submittable and desk.actor.is_allowed(Role.VIEWER, checked.wish.policy):
        matter = matter_of_check(desk.estate, checked, author or desk.actor.account)
        people = [one.actor() for one in accounts.listed(desk.connection, limit=_MOST) if one.is_active]
        able, stuck = able_now(desk.estate.rules, matter, people)
        checked = replace(checked, able=able, stuck=stuck)
    return told_to(desk.actor, desk.estate.policies[checked.wish.policy], checked)


def able_now(rules: ApprovalRules, matter: Matter, people: Iterable[Actor]) -> tuple[int, tuple[str, ...]]:
    """How many people's agreement counts now, and what is lacking if all of them agreed: then nobody can approve it."""
    known = {one.account: one for one in people}
    able = [one for one in known.values() if may_decide(rules, one, matter)]
    agreed = [Approval(one.account, ZONES_BETWEEN.join(owned(rules, one, matter)), "", _NEVER) for one in able]
    return max(map(len, apart(able))), lacking(rules, matter, agreed, known)
