"""How the API answers: JSON with an ETag, pages with a link to the next, and acts that are done once however often they are sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from firewright.model.account import Actor
from firewright.model.request import Wish
from firewright.store import idempotency
from firewright.web.desk import deciding, settled
from firewright.web.problem import Problem
from firewright.workflows.requests.acting import Desk

Tree = dict[str, Any]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="The same key within 24 hours is done once.",
        examples=["b7c1"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description="The ETag of what was looked at.", examples=['"3"']),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=2000, description="ETags of what is known already.")
]


class ProblemBody(BaseModel):
    """What stops a request (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:firewright:problem:denied"])
    title: str = Field(examples=["This cannot be done now"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["it is denied: provider-perimeter.yaml:88:21: over a VPN only"])
    instance: str = Field(examples=["urn:firewright:request:55b69145983124be"])
    help: str = Field("", examples=["a VPN, SMB over QUIC, or sftp"])
    fields: dict[str, str] = Field(default_factory=dict)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of what an operation may be stopped by, beside what stops all of them."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    says = {
        400: "This cannot be read", 401: "Nobody is logged in", 403: "Not allowed", 404: "There is nothing here",
        406: "Not in this form", 409: "This cannot be done now", 412: "Somebody else was faster",
        413: "Larger than what is taken", 415: "Not in a form that is read", 421: "Asked by another name",
        422: "What was sent does not have the right form", 428: "Say what you looked at: If-Match",
        429: "Too many tries", 503: "Not answered in time",
    }  # fmt: skip
    wanted = sorted({400, 401, 403, 422, 503, *statuses})
    return {status: {"description": says[status], "content": content} for status in wanted}


class WishBody(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "policy": "internet-ports-regions-1-2", "from": ["tenants"], "to": ["internet"],
                    "services": ["tcp/11371"], "because": "OpenPGP keys of our suppliers", "owner": "tenant A",
                    "until": "2027-03-31", "ticket": "OPS-112", "overrides": [],
                }
            ]
        },
    )  # fmt: skip

    policy: Annotated[str, Field(max_length=100)]
    sources: Annotated[list[Annotated[str, Field(max_length=200)]], Field(alias="from", max_length=50)]
    destinations: Annotated[list[Annotated[str, Field(max_length=200)]], Field(alias="to", max_length=50)]
    services: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=50)]
    because: Annotated[str, Field(max_length=2000)]
    owner: Annotated[str, Field(max_length=200)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    ticket: Annotated[str, Field(max_length=100)] = ""
    overrides: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=50)] = Field(
        default_factory=list
    )

    def wish(self, actor: Actor) -> Wish:
        """The same as a value; who asks is the owner where nobody is named."""
        return Wish(
            self.policy, tuple(self.sources), tuple(self.destinations), tuple(self.services), self.because,
            self.owner or actor.name or actor.account, self.until, self.ticket, tuple(self.overrides),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a status, a tree, and headers."""

    tree: Tree
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def etag_of(*parts: object) -> str:
    """A strong ETag over some parts."""
    return f'"{sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]}"'


def version_of(request: Request, if_match: str | None) -> int | None:
    """The version in an If-Match; None for none and `*`. Raises Problem (412) for an ETag that none of ours can be."""
    if if_match is None or if_match.strip() == "*":
        return None
    word = if_match.strip().strip('"')
    if not word.isascii() or not word.isdecimal() or len(word) > 12:
        raise Problem(412, "changed", "this is not the ETag of what is there now", "look at it again")
    return int(word)


def must_match(if_match: str | None) -> None:
    """Raises Problem (428) where nobody says what was looked at (RFC 6585)."""
    if if_match is None:
        raise Problem(428, "unconditional", "say what you looked at", "send If-Match with the ETag that you got, or *")


def sent(answer: Answer, if_none_match: str | None = None) -> Response:
    """An answer as JSON; 304 without a body where whoever asks has it already."""
    tag = answer.headers.get("ETag", "")
    if tag and if_none_match is not None and answer.status == 200:
        known = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
        if tag in known or "*" in known:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return JSONResponse(answer.tree, answer.status, dict(answer.headers))


def next_link(request: Request, after: object) -> str:
    """The address of the page after this one."""
    values = {**dict(request.query_params), "after": after}
    return f"{request.url.path}?{urlencode(values)}"


def paged(request: Request, name: str, items: list[Tree], after: object | None) -> Answer:
    """One page of a list, with the address of the next where there is one, in the body and as a Link (RFC 8288)."""
    link = next_link(request, after) if after else None
    headers = {"Link": f'<{link}>; rel="next"'} if link else {}
    return Answer({name: items, "next": link}, 200, headers)


def acted(
    request: Request,
    actor: Actor,
    key: str | None,
    body: object,
    act: Callable[[Desk], Answer],
    *,
    wish: Wish | None = None,
    number: int = 0,
) -> Response:
    """Do an act in one transaction, put the files in place, and answer; under the same key the same answer, and no second act.

    Raises Problem (422) for a key that another request was sent with.
    """
    mark = sha256(json.dumps([request.method, request.url.path, body], default=str).encode()).hexdigest()
    with deciding(request, actor, wish, number) as desk:
        if key is not None:
            known = idempotency.find(desk.connection, actor.account, key, desk.now)
            if known is not None:
                return _again(known, mark)
        answer = act(desk)
        if key is not None:
            text = json.dumps(answer.tree)
            kept = idempotency.Answer(mark, answer.status, text, dict(answer.headers))
            idempotency.keep(desk.connection, actor.account, key, kept, desk.now)
    trouble = settled(request)
    headers = {**answer.headers, **({"Firewright-Trouble": _one_line(trouble)} if trouble else {})}
    return JSONResponse(answer.tree, answer.status, headers)


def _again(known: idempotency.Answer, mark: str) -> Response:
    if known.request != mark:
        message = "this Idempotency-Key was sent with another request"
        raise Problem(422, "key-reused", message, "make a new key for each thing that is to be done")
    headers = {**known.headers, "Idempotency-Replayed": "true"}
    return Response(known.body, known.status, headers, "application/json")


def _one_line(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:500]
