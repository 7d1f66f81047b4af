"""Webhooks over the API, for admins: where events are sent, and what became of each."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import httpx
from fastapi import Path, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from firewright.model.account import Actor
from firewright.store import log, outbox
from firewright.store.outbox import Delivery, Endpoint, Fate
from firewright.web import webhook
from firewright.web.access import Admin
from firewright.web.api._answers import (
    Answer,
    IfMatch,
    IfNoneMatch,
    Key,
    Limit,
    Tree,
    acted,
    etag_of,
    must_be,
    paged,
    problems,
    reading,
    sent,
    writing,
)
from firewright.web.api._route import PREFIX, router
from firewright.web.api._wishes import Sent, Told
from firewright.web.problem import Problem
from firewright.web.running import running, store_of
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.refused import Refused

ROUTER = router("webhooks")
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The webhook's number.", examples=[1])]
MOST = 50
"""Webhooks that there can be."""
Kind = Annotated[str, Field(max_length=60, pattern=r"^[a-z]+\.[a-z-]+$")]
Kinds = Annotated[list[Kind], Field(max_length=50, examples=[["request.submit", "request.approve"]])]
Policies = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=200, examples=[[]])]


class WebhookBody(Sent):
    """Where events are to be sent."""

    url: Annotated[
        str, Field(min_length=1, max_length=webhook.URL_LIMIT, examples=["https://hooks.example.net/firewright"])
    ]
    """Over TLS, unless it is this machine or the server was started with `--allow-http`."""
    events: Annotated[Kinds, Field(default_factory=list)]
    """Kinds of events, as request.approve; none: all."""
    policies: Annotated[Policies, Field(default_factory=list)]
    """Of these policies; none: all."""


class WebhookChange(WebhookBody):
    """Where events are to be sent from now on, or not."""

    is_active: Annotated[bool, Field(examples=[True])] = True
    """Events of one that is not active wait."""


class WebhookTold(Told):
    """Where events are sent."""

    number: int
    url: str
    owner: str
    events: list[str]
    policies: list[str]
    is_active: bool
    made: datetime


class NewWebhookTold(WebhookTold):
    """One that was just made."""

    secret: str | None
    """What its events are signed with: shown this once, null where the same was sent again."""


class WebhooksBody(Told):
    """All of them."""

    webhooks: list[WebhookTold]


class DeliveryTold(Told):
    """An event on its way."""

    number: int
    kind: str
    made: datetime
    due: datetime | None
    """When it is sent next; null where it is on its way no more."""
    tries: int
    """How often it failed."""
    fate: Fate
    said: str
    """Why it did not arrive the last time."""
    data: dict[str, Any]
    """What it tells."""


class DeliveriesBody(Told):
    """One page of events."""

    deliveries: list[DeliveryTold]
    next: str | None


@ROUTER.get("/webhooks", response_model=WebhooksBody, responses=problems(), summary="Where events are sent")
def listed(request: Request, _actor: Admin) -> Response:
    """All of them, without their secrets."""
    with store_of(request).reading() as c:
        return sent(Answer({"webhooks": [_tree(one) for one in outbox.endpoints(c)]}))


@ROUTER.post(
    "/webhooks", status_code=201, response_model=NewWebhookTold, responses=writing(409), summary="Add a webhook"
)
def add(request: Request, actor: Admin, body: WebhookBody, key: Key = None) -> Response:
    """Every event from now on is sent there, signed with the secret that this answer shows once."""
    url = _checked(request, body.url)

    def act(desk: Desk) -> Answer:
        if len(outbox.endpoints(desk.connection)) >= MOST:
            raise Refused("too-many-webhooks", f"there are {MOST} webhooks already", "remove one", 409)
        secret, made = outbox.add_endpoint(desk.connection, url, actor.account, desk.now, body.events, body.policies)
        _tell(desk, actor, "webhook.add", made)
        headers = {"ETag": etag_of(_tree(made)), "Location": f"{PREFIX}/webhooks/{made.number}"}
        return Answer({**_tree(made), "secret": secret}, 201, headers, {**_tree(made), "secret": None})

    return acted(request, actor, key, body.model_dump(), act, settles=False)


@ROUTER.get("/webhooks/{number}", response_model=WebhookTold, responses=reading(404), summary="One webhook")
def one(request: Request, _actor: Admin, number: Number, if_none_match: IfNoneMatch = None) -> Response:
    """Where it leads, and which events go there."""
    with store_of(request).reading() as c:
        return sent(_told(_found(c, number)), if_none_match)


@ROUTER.put(
    "/webhooks/{number}", response_model=WebhookTold, responses=writing(404, 412, 428), summary="Change a webhook"
)
def change(
    request: Request, actor: Admin, number: Number, body: WebhookChange, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Its secret stays: for another one make another webhook, and remove this."""
    url = _checked(request, body.url)

    def act(desk: Desk) -> Answer:
        before = _found(desk.connection, number)
        must_be(etag_of(_tree(before)), if_match)
        events, policies = tuple(body.events), tuple(body.policies)
        changed = replace(before, url=url, events=events, policies=policies, is_active=body.is_active)
        outbox.put_endpoint(desk.connection, changed)
        _tell(desk, actor, "webhook.change", changed)
        return _told(changed)

    return acted(request, actor, key, body.model_dump(), act, settles=False)


@ROUTER.delete(
    "/webhooks/{number}", status_code=204, response_class=Response, responses=problems(404), summary="Remove a webhook"
)
def remove(request: Request, actor: Admin, number: Number) -> Response:
    """What is on its way there is forgotten with it."""

    def act(desk: Desk) -> Answer:
        found = _found(desk.connection, number)
        outbox.remove_endpoint(desk.connection, number)
        _tell(desk, actor, "webhook.remove", found)
        return Answer({}, 204)

    return acted(request, actor, None, None, act, settles=False)


@ROUTER.get(
    "/webhooks/{number}/deliveries",
    response_model=DeliveriesBody,
    responses=problems(404),
    summary="What was sent there",
)
def deliveries(
    request: Request,
    _actor: Admin,
    number: Number,
    after: Annotated[int, Query(ge=0, le=2**62, description="Only those older than this one; 0: all.")] = 0,
    limit: Limit = 50,
) -> Response:
    """What was and is on its way, the newest first; kept for thirty days."""
    with store_of(request).reading() as c:
        _found(c, number)
        found = outbox.deliveries(c, number, before=after, limit=limit + 1)
    page = [_delivery(one) for one in found[:limit]]
    return sent(paged(request, "deliveries", page, found[limit - 1].number if len(found) > limit else None))


@ROUTER.post(
    "/webhooks/{number}/deliveries/{delivery}/again", status_code=202, response_model=DeliveryTold,
    responses=problems(404), summary="Send an event again",
)  # fmt: skip
def again(
    request: Request,
    actor: Admin,
    number: Number,
    delivery: Annotated[int, Path(ge=1, le=2**62, description="The event's number.", examples=[12])],
    key: Key = None,
) -> Response:
    """Put an event that was sent or given up on its way once more, under the number that it has."""

    def act(desk: Desk) -> Answer:
        _found(desk.connection, number)
        here = _of(desk.connection, number, delivery)
        if here is None:
            raise Problem(
                404, "no-such-event", "no such event was sent there", "the deliveries of the webhook show them"
            )
        outbox.again(desk.connection, delivery, desk.now)
        after = _of(desk.connection, number, delivery)
        return Answer(_delivery(after or here), 202)

    return acted(request, actor, key, None, act, settles=False)


def _of(c: Connection, endpoint: int, number: int) -> Delivery | None:
    found = outbox.deliveries(c, endpoint, before=number + 1, limit=1)
    return found[0] if found and found[0].number == number else None


def _checked(request: Request, url: str) -> str:
    """A URL that events can be sent to, in the form in which it is asked. Raises Problem (422)."""
    try:
        found = webhook.target(url)
        if found.scheme == "http" and not running(request).settings.allow_http and not webhook.may_be_here(found.host):
            raise webhook.BadTarget("it is not https", "use https, or start with --allow-http to send in the clear")
    except webhook.BadTarget as error:
        raise Problem(422, "bad-target", str(error), error.help, {"url": str(error)}) from None
    return str(found)


def _found(c: Connection, number: int) -> Endpoint:
    found = outbox.find_endpoint(c, number)
    if found is None:
        raise Problem(404, "no-such-webhook", f"there is no webhook {number}", "GET /api/v1/webhooks lists them")
    return found


def _tell(desk: Desk, actor: Actor, act: str, endpoint: Endpoint) -> None:
    url = httpx.URL(endpoint.url)
    details = {
        "host": f"{url.scheme}://{url.netloc.decode('ascii')}",  # paths of webhooks are secrets often enough
        "events": " ".join(endpoint.events) or "all",
        "policies": " ".join(endpoint.policies) or "all",
        "active": "yes" if endpoint.is_active else "no",
    }
    about = f"webhook {endpoint.number}"
    entry = log.Entry(actor.account, act, about, actor.origin, actor.way.value, "", details, desk.now)
    log.append(desk.connection, entry)


def _told(endpoint: Endpoint) -> Answer:
    tree = _tree(endpoint)
    return Answer(tree, 200, {"ETag": etag_of(tree)})


def _tree(one: Endpoint) -> Tree:
    return {
        "number": one.number,
        "url": one.url,
        "owner": one.owner,
        "events": list(one.events),
        "policies": list(one.policies),
        "is_active": one.is_active,
        "made": one.made.isoformat(),
    }


def _delivery(one: Delivery) -> Tree:
    return {
        "number": one.number,
        "kind": one.kind,
        "made": one.made.isoformat(),
        "due": one.due.isoformat() if one.due else None,
        "tries": one.tries,
        "fate": one.fate.value,
        "said": one.said,
        "data": json.loads(one.body),
    }
