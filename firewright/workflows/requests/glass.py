"""Break-glass: something is opened at once, for hours, without asking; somebody else looks at it after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from firewright.model.account import Role
from firewright.model.approval_rules import is_among
from firewright.model.moment import iso
from firewright.model.policy import Policy
from firewright.model.request import Request, State, Wish
from firewright.store import requests
from firewright.workflows.requests.acting import (
    Desk,
    all_zones,
    checked_now,
    folder_for,
    meant_as_agreed,
    must_open,
)
from firewright.workflows.requests.exception_text import path_of, text_of
from firewright.workflows.requests.moving import put, tell
from firewright.workflows.requests.refused import Refused

_MINUTE = 60


def break_glass(desk: Desk, wish: Wish, seconds: int | None = None) -> Request:
    """Open something at once, for a short time, without asking; loudly, and somebody else looks at it after. Raises Refused."""
    rules, actor = desk.estate.rules, desk.actor
    if not is_among(actor.account, actor.groups, rules.glass_who) or not actor.is_allowed(Role.OPERATOR, wish.policy):
        way_out = "approvals.yaml names who may, under break-glass; an operator of the policy"
        raise Refused("may-not", "you may not open anything without asking", way_out, 403)
    _must_have_been_looked_at(desk)
    lasting = rules.glass_longest if seconds is None else seconds
    if lasting > rules.glass_longest:
        message = f"nothing is opened without asking for longer than {_duration(rules.glass_longest)}"
        way_out = f"open it for {_duration(rules.glass_longest)}, and ask meanwhile for what is needed longer"
        raise Refused("too-long", message, way_out, 422)
    policy = desk.estate.policies.get(wish.policy)
    until = _minute_after(desk, policy, lasting) if policy is not None else wish.until
    checked = checked_now(desk, replace(wish, until=until))
    must_open(desk, checked)
    blank = Request(0, State.DRAFT, actor.account, checked.wish, "", "", checked.severity, desk.now, desk.now)
    request = requests.add(desk.connection, replace(blank, is_break_glass=True), all_zones(desk, checked))
    due = (desk.now + timedelta(seconds=rules.glass_review)).astimezone(ZoneInfo(policy.timezone if policy else "UTC"))
    changed = replace(
        request, state=State.APPROVED, version=request.version + 1, review=due.date().isoformat(),
        text=text_of(checked.wish, request.number), path=path_of(request.number, folder_for(desk, checked.wish)),
    )  # fmt: skip
    put(desk, changed, request.version, all_zones(desk, checked))
    changed = meant_as_agreed(desk, changed)
    tell(desk, changed, "break-glass", wish.because, {"until": until})
    return changed


def _must_have_been_looked_at(desk: Desk) -> None:
    """Raises Refused while nobody has looked at what somebody opened without asking before: else they never would have to ask."""
    for number in requests.unreviewed(desk.connection, desk.actor.account):
        message = f"nobody has looked at request {number} yet, which you opened without asking too"
        way_out = "somebody else reviews it; another operator may open this meanwhile; or ask for it"
        raise Refused("not-reviewed", message, way_out, 409)


def _minute_after(desk: Desk, policy: Policy, seconds: int) -> str:
    """The whole minute on the policy's clock that is so many seconds ahead at most."""
    instant = int(desk.now.timestamp() + seconds) // _MINUTE * _MINUTE
    clock: date = datetime.fromtimestamp(instant, ZoneInfo(policy.timezone)).replace(tzinfo=None, fold=0)
    return iso(clock)


def _duration(seconds: int) -> str:
    """Seconds as approvals.yaml writes them: 4h, 90m."""
    unit, word = next(((each, name) for each, name in ((3600, "h"), (60, "m")) if seconds % each == 0), (1, "s"))
    return f"{seconds // unit}{word}"
