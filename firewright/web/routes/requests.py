"""Requests: the inbox, asking with the answer at once, and deciding."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from firewright.model.account import Actor, Role
from firewright.model.request import Act, State, Wish
from firewright.model.request import Request as Asked
from firewright.reports import CheckedRequest
from firewright.store.requests import MOST
from firewright.web.access import Approver, LoggedIn, Operator, Requester, Viewer
from firewright.web.desk import deciding, looking, settled
from firewright.web.estate import estate_of
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import back, page
from firewright.web.views import requests as view
from firewright.web.views.sight import Sight
from firewright.workflows.requests import acting
from firewright.workflows.requests import inbox as inbox_of
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.deciding import shown_check
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.refused import Refused
from firewright.workflows.requests.telling import may_not

ROUTER = APIRouter()
NAV = Nav(60, "Requests", "/requests")
_USUAL_DAYS = 90
_UNSAID = "(not said yet)"
_ASKING = (Role.REQUESTER, Role.APPROVER)
_MOST_EXPORTED = 10_000
_STILL_OPEN = "; on the machines it stays open until the policy is applied again"


class WishForm(BaseModel):
    """The fields of the form in which something is asked for."""

    policy: str = ""
    sources: str = ""
    destinations: str = ""
    services: str = ""
    because: str = ""
    owner: str = ""
    until: str = ""
    ticket: str = ""
    overrides: str = ""
    number: int = 0
    version: int = 0
    act: str = ""
    csrf: str = ""

    def wish(self) -> Wish:
        """What is asked for."""
        lists = (self.sources, self.destinations, self.services)
        sources, destinations, services = (tuple(one.replace(",", " ").split()) for one in lists)
        return Wish(
            self.policy, sources, destinations, services, self.because, self.owner, self.until, self.ticket,
            tuple(self.overrides.replace(",", " ").split()),
        )  # fmt: skip

    @classmethod
    def of(cls, wish: Wish, number: int = 0, version: int = 0) -> WishForm:
        """The form filled with a wish."""
        lists = (", ".join(one) for one in (wish.sources, wish.destinations, wish.services))
        sources, destinations, services = lists
        return cls(
            policy=wish.policy, sources=sources, destinations=destinations, services=services, because=wish.because,
            owner=wish.owner, until=wish.until, ticket=wish.ticket, overrides=", ".join(wish.overrides),
            number=number, version=version,
        )  # fmt: skip


class DecisionForm(BaseModel):
    """The fields of what is decided: the reason, and what exactly was looked at."""

    because: str = ""
    digest: str = ""
    version: int = 0
    csrf: str = ""


@ROUTER.get("/requests")
def inbox(
    request: Request,
    actor: Viewer,
    box: Annotated[str, Query(max_length=20)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    policy: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The requests that somebody may see, narrowed and page by page, or all of them as CSV."""
    filters = inbox_of.Filters(box, state if state in view.TONES else "", policy, q, after)
    with looking(request, actor) as desk:
        if format == "csv":
            return csv_of("requests", view.COLUMNS, view.rows(inbox_of.listing(desk, filters, _MOST_EXPORTED).requests))
        found = inbox_of.listing(desk, filters)
        count = inbox_of.waiting(desk)
        seen = _policies(desk.estate, actor, Role.VIEWER)
    return page(
        request, "requests.html", title="Requests", found=found, more=found.requests[-1].number if found.has_more else 0,
        filters=filters, waiting=count, view=view,
        states=tuple(view.TONES), policies=seen, may_ask=actor_may_ask(actor),
    )  # fmt: skip


@ROUTER.get("/requests/new")
def new(
    request: Request,
    actor: Requester,
    policy: Annotated[str, Query(max_length=100)] = "",
    sources: Annotated[str, Query(max_length=1000)] = "",
    destinations: Annotated[str, Query(max_length=1000)] = "",
    services: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """The empty form, or one filled with what was asked on another page."""
    estate = estate_of(request)
    policies = _policies(estate, actor, Role.REQUESTER)
    until = (request.state.now + timedelta(days=_USUAL_DAYS)).date().isoformat()
    form = WishForm(
        policy=policy or (policies[0] if policies else ""), sources=sources, destinations=destinations,
        services=services, owner=actor.name or actor.account, until=until,
    )  # fmt: skip
    return _form(request, actor, form)


@ROUTER.get("/requests/suggestions")
def suggestions(request: Request, actor: Requester, policy: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The zones and services of a policy that somebody may ask about, for the fields of the form."""
    zones, services = _known(actor, estate_of(request), policy, _policies(estate_of(request), actor, Role.REQUESTER))
    return page(request, "request_suggestions.html", zones=zones, services=services)


@ROUTER.post("/requests/check")
def check(request: Request, actor: Viewer, form: Annotated[WishForm, Form()]) -> Response:
    """What a wish would mean, beside the form while it is typed; for whoever may ask for it, or decides about it."""
    checked, refused = _try(request, actor, form)
    return page(request, "request_check.html", checked=checked, refused=refused)


@ROUTER.post("/requests")
def make(request: Request, actor: Requester, form: Annotated[WishForm, Form()]) -> Response:
    """A new request: looked at, kept as a draft, or submitted, by the button that was used."""
    if form.act not in ("draft", "submit"):
        return _form(request, actor, form, is_checked=True)
    try:
        with deciding(request, actor, form.wish()) as desk:
            made = acting.make(desk, form.wish(), is_draft=form.act == "draft")
    except Refused as refused:
        return _form(request, actor, form, refused)
    said = "is kept as a draft" if form.act == "draft" else "is submitted"
    return back(request, f"/requests/{made.number}", f"Request {made.number} {said}.")


@ROUTER.get("/requests/{number}")
def show(request: Request, actor: LoggedIn, number: int) -> Response:
    """One request: what it would mean now, who agreed, what may be done, and its history."""
    return _shown(request, actor, number)


@ROUTER.get("/requests/{number}/edit")
def edit_form(request: Request, actor: Requester, number: int) -> Response:
    """The form filled with a request of one's own."""
    with looking(request, actor) as desk:
        found = acting.own(desk, number, "edit")
    acting.must_be_possible(found, Act.EDIT)
    return _form(request, actor, WishForm.of(found.wish, number, found.version))


@ROUTER.post("/requests/{number}/edit")
def edit(request: Request, actor: Requester, number: int, form: Annotated[WishForm, Form()]) -> Response:
    """Another wish in place of the old one."""
    form.number = number
    if form.act not in ("save", "submit"):
        return _form(request, actor, form, is_checked=True)
    try:
        with deciding(request, actor, form.wish(), number) as desk:
            had_approvals = bool(acting.own(desk, number, "edit").standing)
            changed = acting.edit(desk, number, form.wish(), form.version or None)
            if form.act == "submit" and changed.state is State.DRAFT:
                acting.submit(desk, number)
    except Refused as refused:
        return _form(request, actor, form, refused)
    return _done(request, number, f"was changed{'; approvals of the old text are void' if had_approvals else ''}")


@ROUTER.get("/requests/{number}/answer")
def answer_form(request: Request, actor: Approver, number: int) -> Response:
    """The form in which less is proposed, filled with what was asked for."""
    with looking(request, actor) as desk:
        found = acting.find(desk, number)
    acting.must_be_possible(found, Act.ANSWER)
    return _form(request, actor, WishForm.of(found.wish, number, found.version), is_answer=True)


@ROUTER.post("/requests/{number}/answer")
def answer(request: Request, actor: Approver, number: int, form: Annotated[WishForm, Form()]) -> Response:
    """Less is proposed instead of what was asked for."""
    form.number = number
    if form.act != "answer":
        return _form(request, actor, form, is_checked=True, is_answer=True)
    try:
        with deciding(request, actor, form.wish(), number) as desk:
            acting.answer(desk, number, form.wish(), form.because, form.version or None)
    except Refused as refused:
        return _form(request, actor, form, refused, is_answer=True)
    return _done(request, number, "has an answer: its author decides whether that will do")


@ROUTER.post("/requests/{number}/submit")
def submit(request: Request, actor: Requester, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """A draft is submitted."""
    return _act(request, actor, number, form, Act.SUBMIT, "is submitted")


@ROUTER.post("/requests/{number}/accept")
def accept(request: Request, actor: Requester, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """The author takes what was proposed instead."""
    with deciding(request, actor) as desk:
        acting.accept_answer(desk, number, form.version or None)
    return _done(request, number, "asks for less now, as was proposed")


@ROUTER.post("/requests/{number}/approve")
def approve(request: Request, actor: Approver, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Agree to exactly what was looked at."""
    with deciding(request, actor, number=number) as desk:
        found = acting.approve(desk, number, form.digest, form.because, form.version or None)
        missing = view.lacks(desk, found)
    said = f"has your approval; it still lacks {' and '.join(missing)}" if missing else "is approved"
    return _done(request, number, said)


@ROUTER.post("/requests/{number}/decline")
def decline(request: Request, actor: Approver, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Say no, or take back what was approved."""
    return _act(request, actor, number, form, Act.DECLINE, "is declined")


@ROUTER.post("/requests/{number}/withdraw")
def withdraw(request: Request, actor: Requester, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """The author no longer wants it."""
    with looking(request, actor) as desk:
        runs = acting.find(desk, number).state in (State.IMPLEMENTED, State.VERIFIED)
    return _act(request, actor, number, form, Act.WITHDRAW, f"is withdrawn{_STILL_OPEN if runs else ''}")


@ROUTER.post("/requests/{number}/recertify")
def recertify(request: Request, actor: Approver, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Say that an exception is still needed."""
    return _act(request, actor, number, form, Act.RECERTIFY, "is confirmed as still needed")


@ROUTER.post("/requests/{number}/review")
def review(request: Request, actor: Approver, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Say that what was opened without asking was looked at."""
    return _act(request, actor, number, form, Act.REVIEW, "is reviewed")


@ROUTER.post("/requests/{number}/implement")
def implement(request: Request, actor: Operator, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Say that it runs, where nobody's tools have said so."""
    return _act(request, actor, number, form, Act.IMPLEMENT, "is implemented")


@ROUTER.post("/requests/{number}/again")
def again(request: Request, actor: LoggedIn, number: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Have it decided again, for it means more by now: for its author, who decides about it, and who operates its policy."""
    return _act(request, actor, number, form, Act.LAPSE, f"is to be decided again{_STILL_OPEN}")


def _act(request: Request, actor: Actor, number: int, form: DecisionForm, act: Act, said: str) -> Response:
    version = form.version or None
    with deciding(request, actor, number=number) as desk:
        match act:
            case Act.SUBMIT:
                acting.submit(desk, number, version)
            case Act.DECLINE:
                acting.decline(desk, number, form.because, version)
            case Act.WITHDRAW:
                acting.withdraw(desk, number, form.because, version)
            case Act.RECERTIFY:
                acting.recertify(desk, number, form.because, version)
            case Act.REVIEW:
                acting.review(desk, number, form.because, version)
            case Act.IMPLEMENT:
                acting.implement(desk, number, {"said": form.because or "by hand"}, version)
            case Act.LAPSE:
                acting.reopen(desk, number, form.because, version)
            case _:
                raise AssertionError(act)
    return _done(request, number, said)


def _done(request: Request, number: int, said: str) -> Response:
    trouble = settled(request)
    more = f" Its file could not be put in place: {trouble}." if trouble else ""
    return back(request, f"/requests/{number}", f"Request {number} {said}.{more}")


def _try(request: Request, actor: Actor, form: WishForm) -> tuple[CheckedRequest | None, Refused | None]:
    """What a wish would mean, or why it means nothing; only for flows that the actor may ask for or decides about.

    Reason and owner can be missing still: those are for whoever decides.
    """
    estate = estate_of(request)
    wish = form.wish()
    wish = replace(wish, because=wish.because.strip() or _UNSAID, owner=wish.owner.strip() or _UNSAID)
    try:
        checked = acting.check_for(estate, actor, wish, request.state.now, form.number)
        with looking(request, actor) as desk:
            author = acting.find(desk, form.number).author if form.number else ""
            zones = (*checked.source_zones, *checked.destination_zones)
            if not any(actor.is_allowed(role, form.policy, zone) for zone in zones for role in _ASKING):
                raise may_not(checked.wish)
            return shown_check(desk, checked, form.number, author), None
    except Refused as refused:
        return None, refused


def _form(
    request: Request,
    actor: Actor,
    form: WishForm,
    refused: Refused | None = None,
    *,
    is_checked: bool = False,
    is_answer: bool = False,
) -> Response:
    estate = estate_of(request)
    checked = None
    if is_checked and refused is None:
        checked, refused = _try(request, actor, form)
    policies = _policies(estate, actor, Role.APPROVER if is_answer else Role.REQUESTER)
    zones, services = _known(actor, estate, form.policy, policies)
    status = 200 if refused is None else refused.status
    return page(
        request, "request_new.html", status=status, title=_title(form, is_answer), form=form, checked=checked,
        refused=refused, policies=policies, zones=zones, services=services, is_answer=is_answer,
        bans=_bans(actor, estate, form.policy) if form.policy in policies else (),
    )  # fmt: skip


def _known(
    actor: Actor, estate: Estate, name: str, policies: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The zones that somebody may name, and the services, of a policy if it is one of those that they may ask about."""
    policy = estate.policies.get(name)
    if policy is None or name not in policies:
        return (), ()
    sight = Sight(actor, policy)
    return sight.nameable(), sight.services()


def _title(form: WishForm, is_answer: bool) -> str:
    if is_answer:
        return f"Propose less than request {form.number}"
    return f"Change request {form.number}" if form.number else "Ask for a port"


def _bans(actor: Actor, estate: Estate, name: str) -> tuple[str, ...]:
    """The named bans of a policy that somebody may read, and so can ask to pass."""
    policy = estate.policies.get(name)
    return () if policy is None else Sight(actor, policy).bans()


def _policies(estate: Estate, actor: Actor, role: Role) -> tuple[str, ...]:
    return tuple(name for name in estate.policies if actor.touches(role, name))


def actor_may_ask(actor: Actor) -> bool:
    """Whether somebody may ask for anything at all."""
    return any(grant.role is Role.REQUESTER for grant in actor.grants)


def _shown(request: Request, actor: Actor, number: int) -> Response:
    with looking(request, actor) as desk:
        found = acting.find(desk, number)
        checked, refused = _now(desk, found)
        unapplied, grown = inbox_of.held(desk, found)
        return page(
            request, "request.html", title=f"Request {number}", view=view, asked=found, checked=checked,
            refused=refused, is_author=actor.account == found.author, steps=view.steps(found),
            history=inbox_of.history(desk, number), edits=inbox_of.edits(desk, found),
            lacks=view.lacks(desk, found), acts=tuple(one.value for one in view.acts(desk, found)),
            ran=_ran(desk, found), grown=grown, unapplied=unapplied,
        )  # fmt: skip


def _ran(desk: acting.Desk, found: Asked) -> bool:
    """Whether it was taken back after it ran somewhere, so that it may be open there still."""
    is_back = found.state in (State.WITHDRAWN, State.DECLINED)
    return is_back and any(row.act == "request.implement" for row in inbox_of.history(desk, found.number))


def _now(desk: acting.Desk, found: Asked) -> tuple[CheckedRequest | None, Refused | None]:
    if found.state.is_final:
        return None, None
    try:
        checked = check_wish(desk.estate, found.wish, desk.now, found.number)
        return shown_check(desk, checked, found.number, found.author), None
    except Refused as refused:
        return None, refused
