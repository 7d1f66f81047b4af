"""What is done to requests: each act checks who may, in which state, and that nothing changed since it was looked at.

Every act is one change of the stored request with one row of the audit log and its events, in the transaction that is handed in.
Files follow by `exceptions.settle`, which can be run again at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from firewright.analysis.compare import Change, compare
from firewright.diagnostic import harmless
from firewright.model.account import Actor, Role
from firewright.model.moment import ends
from firewright.model.moment import parse as moment_from
from firewright.model.policy import Policy
from firewright.model.request import Act, Approval, Request, State, Wish, next_state
from firewright.reports import CheckedRequest
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.store import requests
from firewright.store.accounts import Account
from firewright.workflows.requests import checking, meaning
from firewright.workflows.requests.checking import check_wish, zones_of
from firewright.workflows.requests.concerned import concerned
from firewright.workflows.requests.estate import Estate, way_to_rules
from firewright.workflows.requests.exception_text import path_of, text_of
from firewright.workflows.requests.in_force import matter_of, may_be_decided_by, people_of, rules_gone, standing_reason
from firewright.workflows.requests.moving import move, put, tell, wrong_state
from firewright.workflows.requests.quorum import (
    ZONES_BETWEEN,
    Matter,
    lacking,
    may_decide,
    owned,
    zones_in,
)
from firewright.workflows.requests.refused import Refused
from firewright.workflows.requests.summing import together
from firewright.workflows.requests.telling import may_not, told_to, veiled

if TYPE_CHECKING:
    from sqlalchemy import Connection

SYSTEM = Actor("firewright")
"""Who does what time does: ends and lost roles. It has no role, and no way in."""
_MORE = "it opens more by now"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody acts: an open transaction, the estate as it is, who, and when."""

    connection: Connection
    estate: Estate
    actor: Actor
    now: datetime
    known: dict[str, Account | None] = field(default_factory=dict, compare=False, repr=False)
    """Accounts that were looked up: nobody changes one in a transaction in which something is done to requests."""

    def as_system(self) -> Desk:
        """The same for what nobody does."""
        return replace(self, actor=SYSTEM)


def find(desk: Desk, number: int) -> Request:
    """A request that the actor may see. Raises Refused (404) for one that is not there, or not to be known."""
    request = requests.find(desk.connection, number)
    if request is None or not is_visible(desk.estate, desk.actor, request):
        raise Refused("no-request", f"there is no request {number}", "firewright requests shows yours", 404)
    return request


def is_visible(estate: Estate, actor: Actor, request: Request) -> bool:
    """Whether somebody may see a request: its author, unless a token of theirs leaves it out, and whoever sees one of its zones."""
    is_own = actor.account == request.author and not actor.is_narrowed
    if is_own or actor.is_everywhere(Role.VIEWER):
        return True
    policy = estate.policies.get(request.wish.policy)
    if policy is None:
        return actor.is_allowed(Role.VIEWER, request.wish.policy)
    try:
        sources, destinations = concerned(policy, estate.rules, zones_of(policy, request.wish), request.wish)
    except Refused:
        return actor.is_allowed(Role.VIEWER, policy.name)
    return actor.sees(policy.name, (*sources, *destinations))


def make(desk: Desk, wish: Wish, *, is_draft: bool = False) -> Request:
    """A new request, a draft or submitted at once. Raises Refused."""
    checked = checked_now(desk, wish)
    _may_ask(desk, checked)
    if not is_draft:
        must_open(desk, checked)
        _must_be_new(desk, checked.wish)
    blank = Request(0, State.DRAFT, desk.actor.account, checked.wish, "", "", checked.severity, desk.now, desk.now)
    request = requests.add(desk.connection, blank, all_zones(desk, checked))
    text, path = text_of(checked.wish, request.number), path_of(request.number, folder_for(desk, checked.wish))
    state = State.DRAFT if is_draft else State.SUBMITTED
    changed = replace(request, text=text, path=path, state=state, version=request.version + 1)
    put(desk, changed, request.version, all_zones(desk, checked))
    tell(desk, changed, Act.EDIT if is_draft else Act.SUBMIT, checked.wish.because, {"verdict": checked.verdict})
    return changed


def submit(desk: Desk, number: int, version: int | None = None) -> Request:
    """A draft becomes a request that others decide. Raises Refused."""
    request = own(desk, number, "submit")
    checked = checked_now(desk, request.wish, number)
    _may_ask(desk, checked)
    must_open(desk, checked)
    return move(desk, request, Act.SUBMIT, version, severity=checked.severity)


def edit(desk: Desk, number: int, wish: Wish, version: int | None = None) -> Request:
    """Another wish in place of the old one; every approval is void. Raises Refused."""
    request = own(desk, number, "edit")
    if request.is_break_glass:
        way_out = "withdraw it, and ask for what is needed longer"
        raise Refused("wrong-state", "what was opened without asking is not changed", way_out, 409)
    checked = checked_now(desk, wish, number)
    _may_ask(desk, checked)
    if request.state is not State.DRAFT:
        must_open(desk, checked)
    changes = _rewritten(desk, request, checked, "the request was edited")
    return move(desk, request, Act.EDIT, version, zones=all_zones(desk, checked), **changes)


def answer(desk: Desk, number: int, wish: Wish, because: str, version: int | None = None) -> Request:
    """Propose less instead of what was asked for; the author decides whether that will do. Raises Refused.

    What it is for, whose it is and its ticket stay as they were asked for; `because` is why less will do.
    """
    request, _ = _decided(desk, number)
    asked = request.wish
    less = replace(wish, policy=asked.policy, because=asked.because, owner=asked.owner, ticket=asked.ticket)
    checked = checked_now(desk, less, number, request.author)
    must_open(desk, checked)
    _must_be_narrower(desk, request, checked)
    return move(desk, request, Act.ANSWER, version, because=_reason(because), answer=checked.wish, said=because.strip())


def accept_answer(desk: Desk, number: int, version: int | None = None) -> Request:
    """The author takes what was proposed instead; it is then a new text, to be approved. Raises Refused."""
    request = own(desk, number, "accept an answer to")
    if request.answer is None:
        raise Refused("no-answer", f"nothing was proposed instead of request {number}", status=409)
    return edit(desk, number, request.answer, version)


def approve(desk: Desk, number: int, digest: str, because: str = "", version: int | None = None) -> Request:
    """Agree to exactly the text with this hash; where enough have, the request is approved. Raises Refused."""
    request, matter = _decided(desk, number)
    if next_state(request.state, Act.AGREE) is None:
        raise wrong_state(request, "approve")
    if digest != request.digest:
        message = f"request {number} is not what you looked at: it was edited"
        raise Refused("edited", message, "look at it again", 412)
    checked = checked_now(desk, request.wish, number, request.author)
    must_open(desk, checked)
    if (checked.text, checked.path) != (request.text, request.path):
        message = f"the file of request {number} would be written otherwise today"
        raise Refused("edited", message, "its author saves it anew", 409)
    request = meant_as_agreed(desk, request)
    matter = replace(matter, severity=checked.severity)
    zones = owned(desk.estate.rules, desk.actor, matter)
    before = [zones_in(one) for one in request.standing if one.account == desk.actor.account]
    has_agreed = bool(before) and not set(zones) - frozenset[str]().union(*before)
    approval = Approval(desk.actor.account, ZONES_BETWEEN.join(zones), request.digest, desk.now, _comment(because))
    approvals = request.approvals if has_agreed else (*request.approvals, approval)
    agreed = replace(request, approvals=approvals).standing
    missing = lacking(desk.estate.rules, matter, agreed, people_of(desk, agreed))
    if has_agreed and missing:
        message = f"you have approved request {number} already; it lacks {' and '.join(missing)}"
        raise Refused("approved-already", message, status=409)
    return move(
        desk, request, Act.AGREE if missing else Act.APPROVE, version, because=_comment(because),
        severity=checked.severity, approvals=approvals, review="" if missing else _review_day(desk, request), answer=None,
    )  # fmt: skip


def meant_as_agreed(desk: Desk, request: Request) -> Request:
    """The request without approvals of others that were given when it opened less; what it opens now is kept."""
    policy = desk.estate.policies[request.wish.policy]
    kept = requests.openings(desk.connection, (request.number,)).get(request.number, "")
    end = meaning.end_of(policy, request.wish)
    try:
        changes = meaning.opened_by_one(policy, request.path, request.text, desk.estate.day_of(policy))
        is_more = bool(request.standing) and _means_more(changes, kept, policy, request.wish)
    except (Undecided, Unfilled) as error:
        message = f"it could not be decided what request {request.number} opens: {error}"
        raise Refused("undecided", message, status=422) from None
    requests.keep_opening(desk.connection, request.number, meaning.written(changes, end))
    if not is_more:
        return request
    approvals = tuple(replace(one, voided=_MORE) if one.stands else one for one in request.approvals)
    return replace(request, approvals=approvals)


def _means_more(changes: tuple[Change, ...], kept: str, policy: Policy, wish: Wish) -> bool:
    """Whether what opens is more, or lasts longer, than what was kept; so it is where nobody kept anything."""
    if not kept or meaning.lasts_longer(kept, policy, wish):
        return True
    return meaning.more_than(changes, kept, policy, wish) is not None


def reopen(desk: Desk, number: int, because: str, version: int | None = None) -> Request:
    """An exception that means more than was agreed to, or is doubted, is decided again; its file goes until then. Raises Refused.

    Its author, who may decide about it, and who operates its policy may do that.
    """
    request = find(desk, number)
    if not _may_doubt(desk, request):
        raise Refused("may-not", "its author, who decides about it or who operates its policy may do that", status=403)
    if request.is_break_glass:
        raise Refused("wrong-state", "what was opened without asking was never agreed to", "withdraw it", 409)
    if request.state is State.SUBMITTED:
        raise wrong_state(request, "ask again for")
    approvals = tuple(replace(one, voided="it is decided again") if one.stands else one for one in request.approvals)
    changes: dict[str, Any] = {"approvals": approvals, "review": "", "is_confirmed": False}
    return move(desk, request, Act.LAPSE, version, because=_reason(because), **changes)


def _may_doubt(desk: Desk, request: Request) -> bool:
    is_operator = desk.actor.is_allowed(Role.OPERATOR, request.wish.policy)
    return is_operator or desk.actor.account == request.author or may_be_decided_by(desk, request)


def may_reopen(desk: Desk, request: Request) -> bool:
    """Whether the actor may have what was approved decided again."""
    return request.state.has_exception and not request.is_break_glass and _may_doubt(desk, request)


def decline(desk: Desk, number: int, because: str, version: int | None = None) -> Request:
    """Say no, or take back what was approved. Raises Refused."""
    request, _ = _decided(desk, number)
    return move(desk, request, Act.DECLINE, version, because=_reason(because), said=because.strip())


def withdraw(desk: Desk, number: int, because: str = "", version: int | None = None) -> Request:
    """The author no longer wants it; its exception goes too. Raises Refused."""
    request = own(desk, number, "withdraw")
    return move(desk, request, Act.WITHDRAW, version, because=_comment(because))


def implement(desk: Desk, number: int, evidence: Mapping[str, str], version: int | None = None) -> Request:
    """Somebody says that it runs: an operator applied the policy with exactly this exception. Raises Refused.

    What somebody says is no evidence: while it is not confirmed, roles and rules are asked as before it was implemented.
    """
    request = find(desk, number)
    _must_operate(desk, request)
    _must_stand(desk, request)
    return move(desk, request, Act.IMPLEMENT, version, details=evidence)


def confirm(desk: Desk, number: int, evidence: Mapping[str, str]) -> Request:
    """It was seen to run, by `firewright confirm` on its host, as it was agreed to: from now on it stands to its end. Raises Refused."""
    request = find(desk, number)
    _must_operate(desk, request)
    _must_stand(desk, request)
    act = Act.IMPLEMENT if request.state is State.APPROVED else Act.CONFIRM
    return move(desk, request, act, None, details={**evidence, "confirmed": "yes"}, is_confirmed=True)


def verify(desk: Desk, number: int, evidence: Mapping[str, str], version: int | None = None) -> Request:
    """It was seen to be open: by a probe, or by a proof over what runs. Raises Refused."""
    request = find(desk, number)
    _must_operate(desk, request)
    return move(desk, request, Act.VERIFY, version, details=evidence)


def recertify(desk: Desk, number: int, because: str, version: int | None = None) -> Request:
    """Somebody who may decide says that an exception is still needed. Raises Refused."""
    request, _ = _decided(desk, number)
    if request.is_break_glass and not request.is_reviewed:
        message = f"request {number} was opened without asking, and nobody has looked at it"
        raise Refused("not-reviewed", message, "look at it first", 409)
    review = _review_day(desk, request)
    return move(desk, request, Act.RECERTIFY, version, because=_reason(because), review=review)


def review(desk: Desk, number: int, because: str, version: int | None = None) -> Request:
    """Somebody else looked at what was opened without asking. Raises Refused."""
    request, _ = _decided(desk, number)
    if not request.is_break_glass or request.is_reviewed:
        raise Refused("not-due", f"request {number} waits for no review", status=409)
    return move(desk, request, Act.REVIEW, version, because=_reason(because), is_reviewed=True, review="")


_TOGETHER = (State.SUBMITTED, State.APPROVED, State.IMPLEMENTED, State.VERIFIED)
"""In these states requests open, or may open, something together."""


def checked_now(desk: Desk, wish: Wish, number: int = 0, author: str = "") -> CheckedRequest:
    """What a wish means as an act weighs it: together with the others of its author and owner. Raises Refused."""
    return with_others(desk, check_for(desk.estate, desk.actor, wish, desk.now, number), number, author)


def with_others(desk: Desk, checked: CheckedRequest, number: int = 0, author: str = "") -> CheckedRequest:
    """A check at the severity of what it opens together with the author's and the owner's other requests. Raises Refused.

    `number` is the request's own, `author` is whoever acts where none is named.
    """
    who, wish = author or desk.actor.account, checked.wish
    others = requests.wishes_of(desk.connection, wish.policy, _TOGETHER, who, wish.owner)
    others.pop(number, None)
    return together(desk.estate, checked, others)


def check_for(estate: Estate, actor: Actor, wish: Wish, now: datetime, number: int = 0) -> CheckedRequest:
    """What a wish would mean, for somebody who may know of the policy. Raises Refused, which tells of nothing that they do not see."""
    seen = [name for name in estate.policies if actor.touches(Role.VIEWER, name)]
    if wish.policy.strip() not in seen:
        if estate.broken and not seen:
            raise Refused("broken", "the policies cannot be read now", "whoever runs this sees why", 409)
        named = harmless(wish.policy, 60)
        known = f"yours are: {', '.join(seen)}" if seen else "ask an admin for a role on one"
        raise Refused("unknown-policy", f"there is no policy {named!r} of yours", known, 422)
    try:
        return check_wish(estate, wish, now, number)
    except Refused as refused:
        if actor.is_allowed(Role.VIEWER, wish.policy.strip()):
            raise
        raise veiled(refused) from None


def folder_for(desk: Desk, wish: Wish) -> str:
    """The folder of a wish's policy."""
    return checking.folder_of(desk.estate.policies[wish.policy])


def _may_ask(desk: Desk, checked: CheckedRequest) -> None:
    zones = (*checked.source_zones, *checked.destination_zones)
    policy = checked.wish.policy
    if not any(desk.actor.is_allowed(Role.REQUESTER, policy, zone) for zone in zones):
        raise may_not(checked.wish)


def must_open(desk: Desk, checked: CheckedRequest) -> None:
    """Raises Refused where there is nothing to decide: it is permitted already, or a ban stands against it."""
    checked = told_to(desk.actor, desk.estate.policies[checked.wish.policy], checked)
    if checked.verdict == "permitted":
        lines = "; ".join(f"{one.at}: {one.line}" for one in checked.permitted) or "nothing changes"
        raise Refused("permitted", f"no change is necessary: {lines}", "use it as it is", 409)
    if checked.verdict == "denied":
        said = "; ".join(dict.fromkeys(f"{one.at}: {one.because or one.line}" for one in checked.denied))
        names = ", ".join(dict.fromkeys(one.rule for one in checked.denied if one.rule))
        way_out = checked.alternative or "ask for less"
        if names:
            way_out += f"; or say that it overrides {names}, with the reason"
        raise Refused("denied", f"it is denied: {said}", way_out, 409)


def _must_be_new(desk: Desk, wish: Wish) -> None:
    """Raises Refused where the same person asks for exactly the same already: a form that was sent twice."""
    own = requests.listed(
        desk.connection, states=(State.SUBMITTED, State.APPROVED), policies=(wish.policy,), author=desk.actor.account
    )
    for one in own:
        if one.wish == wish:
            message = f"you ask for exactly that already, in request {one.number}, which is {one.state}"
            raise Refused("asked-already", message, f"look at request {one.number}", 409)


def _must_be_narrower(desk: Desk, request: Request, checked: CheckedRequest) -> None:
    policy = desk.estate.policies[request.wish.policy]
    asked = checking.with_exception(policy, request.path, request.text)
    less = checking.with_exception(policy, checked.path, checked.text)
    try:
        compared = compare(asked, less, desk.estate.day_of(policy))
    except Undecided as error:
        raise Refused("undecided", f"it could not be decided whether that is less: {error}", status=422) from None
    if compared.opens:
        message = f"that is not less than what was asked for: {compared.opens[0].lines[0]}"
        raise Refused("not-narrower", message, "propose a part of it", 422)
    if ends(moment_from(checked.wish.until)) > ends(moment_from(request.wish.until)):
        raise Refused("not-narrower", "that lasts longer than what was asked for", "propose an earlier end", 422)
    if not compared.closes and checked.wish.until == request.wish.until:
        raise Refused("not-narrower", "that is all that was asked for", "propose a part of it, or an earlier end", 422)


def own(desk: Desk, number: int, verb: str) -> Request:
    """A request of the actor's own. Raises Refused (403, 404)."""
    request = find(desk, number)
    if request.author != desk.actor.account:
        raise Refused("may-not", f"only {request.author} may {verb} request {number}", status=403)
    return request


def _decided(desk: Desk, number: int) -> tuple[Request, Matter]:
    """A request with what is decided about, for somebody whose decision counts."""
    request = find(desk, number)
    matter = matter_of(desk.estate, request)
    if matter is None:
        message = f"the zones of request {number} are not in {request.wish.policy} any more"
        raise Refused("gone", message, "its author can edit it", 409)
    if why := rules_gone(desk, request):
        raise Refused("rules-gone", why, way_to_rules(request.wish.policy), 409)
    if request.author == desk.actor.account:
        raise Refused("own-request", "nobody decides about what they asked for themselves", status=403)
    if request.author == desk.actor.let_in_by:
        message = f"your password was set by {request.author}, so that what you agree to for them does not count"
        raise Refused("own-request", message, "another admin makes you a link for a new one", 403)
    if not may_decide(desk.estate.rules, desk.actor, matter):
        owners = " or ".join(matter.zones)
        raise Refused("may-not", f"you do not decide about {owners}", "its owners are in approvals.yaml", 403)
    return request, matter


def _must_operate(desk: Desk, request: Request) -> None:
    if not desk.actor.is_allowed(Role.OPERATOR, request.wish.policy):
        raise Refused("may-not", f"you do not operate {request.wish.policy}", "an operator says what runs", 403)


def _must_stand(desk: Desk, request: Request) -> None:
    why = standing_reason(desk, request)
    if why:
        raise Refused("not-approved", why, "it is to be approved again", 409)


def all_zones(desk: Desk, checked: CheckedRequest) -> tuple[str, ...]:
    """The zones of both ends whose owners decide."""
    sides = checked.source_zones, checked.destination_zones
    sources, destinations = concerned(desk.estate.policies[checked.wish.policy], desk.estate.rules, sides, checked.wish)
    return tuple(dict.fromkeys((*sources, *destinations)))


def every(desk: Desk, *states: State) -> tuple[Request, ...]:
    """Every request in one of these states, by number, whoever may see it."""
    found: list[Request] = []
    after = 0
    while page := requests.listed(desk.connection, states=states, after=after, limit=500, newest=False):
        found += page
        after = page[-1].number
    return tuple(found)


def _rewritten(desk: Desk, request: Request, checked: CheckedRequest, why: str) -> dict[str, Any]:
    """What changes with another text: the approvals of the old one are void."""
    approvals = tuple(replace(one, voided=why) if one.stands else one for one in request.approvals)
    text, path = text_of(checked.wish, request.number), path_of(request.number, folder_for(desk, checked.wish))
    return {
        "wish": checked.wish, "text": text, "path": path, "severity": checked.severity, "approvals": approvals,
        "revision": request.revision + 1, "answer": None, "review": "",
    }  # fmt: skip


def _review_day(desk: Desk, request: Request) -> str:
    """The day on which somebody has to say whether it is still needed; empty where it ends before."""
    policy = desk.estate.policies[request.wish.policy]
    day = (desk.now + timedelta(seconds=desk.estate.rules.review)).astimezone(ZoneInfo(policy.timezone)).date()
    return day.isoformat() if ends(day) < ends(moment_from(request.wish.until)) else ""


def must_be_possible(request: Request, act: Act) -> None:
    """Raises Refused (409) where a request is not in a state in which that is done."""
    if next_state(request.state, act) is None:
        raise wrong_state(request, act.value)


def _reason(because: str) -> str:
    said = because.strip()
    if not said:
        raise Refused("missing", "the reason is missing", "say in a sentence why", 422)
    return _comment(said)


def _comment(because: str) -> str:
    said = because.strip()
    if len(said) > checking.LONGEST["because"]:
        raise Refused("too-long", "the reason is too long", f"at most {checking.LONGEST['because']:,}", 422)
    return said
