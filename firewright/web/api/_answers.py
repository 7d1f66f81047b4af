"""How the API answers: JSON with an ETag, pages with a link to the next, and acts that are done once however often they are sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from firewright import __version__
from firewright.model.account import Actor
from firewright.model.request import Wish
from firewright.store import idempotency
from firewright.web.desk import deciding, settled
from firewright.web.estate import estate_of
from firewright.web.problem import Problem
from firewright.workflows.requests.acting import Desk

Tree = dict[str, Any]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="What is sent again with the same key within 24 hours is not done again: it gets the same answer.",
        examples=["b7c1e0a2"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The ETag of what you looked at: where it changed meanwhile, nothing is done (412). `*` for whatever is there.",
        examples=['"3"'],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=2000,
        description="ETags of what you have already: where it is one of them, the answer is 304 without a body.",
        examples=['"3.5f1c"'],
    ),
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many of a page at most.", examples=[50])]
After = Annotated[
    int, Query(ge=0, le=10**6, description="Where to go on: take it from `next` of the page before.", examples=[0])
]
Words = Annotated[str, Query(max_length=200, description="Only what holds all of these words.", examples=["ssh"])]
PolicyFilter = Annotated[
    str, Query(max_length=200, description="Only of the policy of this name.", examples=["tenant-a-edge"])
]
PolicyName = Annotated[
    str, Path(min_length=1, max_length=200, description="A policy's name.", examples=["tenant-a-edge"])
]
_NO_CACHE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


_COMPLAINT: dict[str, str | int] = {
    "name": "unknown-rule", "message": "no rule is called 'no-smtp'", "help": "did you mean no-smb?",
    "path": "exceptions/request-7.yaml", "line": 11, "column": 16,
}  # fmt: skip


class ProblemBody(BaseModel):
    """What stops a request (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="What kind of problem it is.", examples=["urn:firewright:problem:denied"])
    title: str = Field(description="What the status means, in words.", examples=["This cannot be done now"])
    status: int = Field(description="The status of the answer.", examples=[409])
    detail: str = Field(
        description="What is wrong this time.",
        examples=["it is denied: provider-perimeter.yaml:88:21: over a VPN only"],
    )
    instance: str = Field(
        description="This one answer, under which the server's log has it.",
        examples=["urn:firewright:request:55b69145983124be"],
    )
    help: str = Field("", description="The way out.", examples=["a VPN, SMB over QUIC, or sftp"])
    fields: dict[str, str] = Field(
        default_factory=dict, description="What is wrong with single fields.", examples=[{"until": "31.3. is no day"}]
    )
    errors: list[dict[str, str | int]] = Field(
        default_factory=list,
        description="What is wrong with the file that would be written: each complaint with its place, line and column from 1.",
        examples=[[_COMPLAINT]],
    )


_SAYS = {
    400: "This cannot be read", 401: "Nobody is logged in", 403: "Not allowed", 404: "There is nothing here",
    406: "Not in this form", 409: "This cannot be done now", 412: "Somebody else was faster",
    413: "Larger than what is taken", 415: "Not in a form that is read", 421: "Asked by another name",
    422: "What was sent does not have the right form", 428: "Say what you looked at: If-Match",
    429: "Too many tries", 503: "Not answered in time",
}  # fmt: skip
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The documentation of what an operation may be stopped by, beside what stops all of them."""
    wanted = sorted({400, 401, 403, 422, 503, *statuses})
    return {status: {"description": _SAYS[status], "content": _PROBLEM} for status in wanted}


def reading(*statuses: int) -> Responses:
    """The same for an operation that reads what has an ETag."""
    return {304: {"description": "You have it already"}, **problems(*statuses)}


def writing(*statuses: int) -> Responses:
    """The same for an operation with a body."""
    return problems(413, 415, *statuses)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a status, a tree, and headers. `kept` is what is remembered of it where that has to be less: no secrets."""

    tree: Tree
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: Tree | None = None


def etag_of(*parts: object) -> str:
    """A strong ETag over some parts."""
    return f'"{_hash(parts)[:32]}"'


def version_tag(version: int, *parts: object) -> str:
    """A strong ETag that begins with a version, against which If-Match is held; the rest tells what else is shown."""
    return f'"{version}.{_hash(parts)[:16]}"' if parts else f'"{version}"'


def _hash(parts: object) -> str:
    return sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def version_of(if_match: str | None) -> int | None:
    """The version in an If-Match; None for none and `*`. Raises Problem (412) for an ETag that none of ours can be."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip()
    word = tag[1:-1].partition(".")[0] if len(tag) > 2 and tag[0] == tag[-1] == '"' else ""
    if not word.isascii() or not word.isdecimal() or len(word) > 12:
        raise Problem(412, "changed", "this is not the ETag of what is there now", "look at it again")
    return int(word)


def must_match(if_match: str | None) -> None:
    """Raises Problem (428) where nobody says what was looked at (RFC 6585)."""
    if if_match is None:
        raise Problem(428, "unconditional", "say what you looked at", "send If-Match with the ETag that you got, or *")


def must_be(tag: str, if_match: str | None) -> None:
    """Raises Problem: 428 where nobody says what was looked at, 412 where that is not what is there (compared strongly)."""
    must_match(if_match)
    known = [one.strip() for one in (if_match or "").split(",")]
    if tag not in known and "*" not in known:
        raise Problem(412, "changed", "this changed meanwhile", "look at it again")


def sent(answer: Answer, if_none_match: str | None = None) -> Response:
    """An answer as JSON; 304 without a body where whoever asks has it already."""
    tag = answer.headers.get("ETag", "")
    if tag and answer.status == 200 and _is_known(tag, if_none_match):
        return _not_modified(tag)
    headers = {**(_NO_CACHE if tag else {}), **answer.headers}
    return JSONResponse(answer.tree, answer.status, headers)


def reckoned(
    request: Request, actor: Actor, if_none_match: str | None, make: Callable[[], Answer | Response]
) -> Response:
    """What is reckoned from the policies alone: its ETag is known before it is made, so that whoever has it waits for nothing.

    The same files, day, address and grants give the same bytes, of one version of the program.
    """
    estate = estate_of(request)
    days = [estate.day_of(policy) for policy in estate.policies.values()]
    grants = sorted(f"{grant.role} {grant.scope}" for grant in actor.grants)
    tag = etag_of(__version__, estate.digest, days, grants, request.url.path, request.url.query)
    if _is_known(tag, if_none_match):
        return _not_modified(tag)
    found = make()
    response = found if isinstance(found, Response) else sent(found)
    if response.status_code == 200:
        response.headers.update({"ETag": tag, **_NO_CACHE})
    return response


def _is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether a client has it (RFC 9110, 13.1.2: compared weakly)."""
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    return tag in known or "*" in known


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, **_NO_CACHE})


def next_link(request: Request, after: object) -> str:
    """The address of the page after this one."""
    values = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{request.url.path}?{urlencode([*values, ('after', str(after))])}"


def paged(request: Request, name: str, items: Sequence[Tree], after: object | None, **more: object) -> Answer:
    """One page of a list, with the address of the next where there is one, in the body and as a Link (RFC 8288)."""
    link = next_link(request, after) if after else None
    headers = {"Link": f'<{link}>; rel="next"'} if link else {}
    return Answer({**more, name: list(items), "next": link}, 200, headers)


def page_of(
    request: Request,
    name: str,
    every: Sequence[Any],
    after: int,
    limit: int,
    tree: Callable[[Any], Tree],
    **more: object,
) -> Answer:
    """A page of a list that is at hand whole; `after` is how many were shown before."""
    rest = after + limit if after + limit < len(every) else None
    return paged(request, name, [tree(one) for one in every[after : after + limit]], rest, total=len(every), **more)


def acted(
    request: Request,
    actor: Actor,
    key: str | None,
    asked: object,
    act: Callable[[Desk], Answer],
    *,
    wish: Wish | None = None,
    number: int = 0,
    settles: bool = True,
) -> Response:
    """Do an act in one transaction, put the files in place, and answer; under the same key the same answer, and no second act.

    Whoever sends the same at the same time waits for the first one: everybody who writes takes turns. What was refused is not
    remembered, so that it can be tried again. Raises Problem (422) for a key that another request was sent with.
    """
    mark = _hash([request.method, request.url.path, request.url.query, asked, sorted(map(str, actor.grants))])
    with deciding(request, actor, wish, number) as desk:
        if key is not None:
            known = idempotency.find(desk.connection, actor.account, key, desk.now)
            if known is not None:
                return _again(known, mark)
        answer = act(desk)
        if key is not None:
            body = JSONResponse(answer.tree if answer.kept is None else answer.kept).body
            kept = idempotency.Answer(mark, answer.status, bytes(body).decode(), dict(answer.headers))
            idempotency.keep(desk.connection, actor.account, key, kept, desk.now)
    trouble = settled(request) if settles else ""
    headers = {**answer.headers, **({"Firewright-Trouble": _one_line(trouble)} if trouble else {})}
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return JSONResponse(answer.tree, answer.status, headers)


def _again(known: idempotency.Answer, mark: str) -> Response:
    if known.request != mark:
        message = "this Idempotency-Key was sent with another request"
        raise Problem(422, "key-reused", message, "make a new key for each thing that is to be done")
    headers = {**known.headers, "Idempotency-Replayed": "true"}
    if known.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(known.body, known.status, headers, "application/json")


def _one_line(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:500]
