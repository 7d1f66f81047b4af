"""What the API says of itself: OpenAPI 3.1 for programs, and the same as one page for people."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from firewright import __version__
from firewright.registry import Registry
from firewright.web.access import ROLE_KEY, Anybody, declare
from firewright.web.api._answers import IfNoneMatch, ProblemBody, Tree, etag_of
from firewright.web.api._examples import example
from firewright.web.api._route import PREFIX
from firewright.web.page import page
from firewright.web.webhook import SIGNATURE

ROUTER = APIRouter(include_in_schema=False)
METHODS = ("get", "put", "post", "delete")
_ABOUT = """\
Everything that the pages of Firewright do, for programs. Who asks is known by a token (`Authorization: Bearer fw_…`), which the page
of an account makes; what is answered is what the token's roles let it see. Every error is problem+json (RFC 9457). What is read has an
ETag; what is changed takes If-Match (412 where it changed, 428 where it has to be sent) and Idempotency-Key, under which it is done
once. Lists come in pages: `next`, and the header Link, lead on."""
_TAGS = {
    "me": "Who you are.",
    "policies": "What the policies say: zones, rules, the matrix, flows with their lines.",
    "pictures": "The port status and the path map, to publish.",
    "overview": "What is open to the internet, what ends, what changed.",
    "ports": "The catalog of services, with advice.",
    "questions": "May this reach that?",
    "requests": "Ask for something, decide, and say that it runs.",
    "exceptions": "What is open for a time.",
    "comparison": "Two rulesets, exactly.",
    "audit": "What is wrong with the policies.",
    "hosts": "What runs where, and whether it drifted.",
    "log": "Who did what, when and why; and whether that is whole.",
    "webhooks": "Events, sent elsewhere.",
    "sessions": "Where you are logged in with a browser.",
    "tokens": "Tokens of your own.",
    "accounts": "Accounts of others.",
}
"""What each subject is about, in the order of the page."""
_EVENT: Tree = {
    "summary": "An event, as a webhook gets it",
    "description": "Signed under the webhook's secret; it arrives at least once, and `number` tells one that comes again.",
    "operationId": "event",
    "parameters": [
        {"name": name, "in": "header", "required": True, "description": about, "schema": {"type": "string"}}
        for name, about in {
            SIGNATURE: "`t=SECONDS,v1=HEX`: HMAC-SHA-256 over the seconds, a point, and the body.",
            "Webhook-Id": "The event's number.",
            "Webhook-Event": "Its kind.",
        }.items()
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["number", "kind", "at", "data"],
                    "properties": {
                        "number": {"type": "integer"},
                        "kind": {"type": "string"},
                        "at": {"type": "string", "format": "date-time"},
                        "data": {"type": "object"},
                    },
                },
                "example": {
                    "number": 12,
                    "kind": "request.approve",
                    "at": "2026-11-21T18:30:00+00:00",
                    "data": {"request": 7, "act": "approve", "by": "anna", "state": "approved"},
                },
            }
        },
    },
    "responses": {"2XX": {"description": "It arrived"}},
}


@ROUTER.get(f"{PREFIX}/openapi.json")
def openapi(request: Request, _actor: Anybody, if_none_match: IfNoneMatch = None) -> Response:
    """The description of the API: nothing of any policy is in it."""
    tag = etag_of(__version__, "openapi")
    headers = {"ETag": tag, "Cache-Control": "public, no-cache"}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return JSONResponse(described(request.app), headers=headers)


@ROUTER.get(PREFIX)
def index(_actor: Anybody) -> Response:
    """Where the API is described: what somebody finds who knows no more than its address."""
    return JSONResponse({"version": __version__, "openapi": f"{PREFIX}/openapi.json", "reference": "/api/docs"})


@ROUTER.get("/api/docs")
def reference(request: Request, _actor: Anybody) -> Response:
    """The same for people."""
    tree = described(request.app)
    groups = [(name, about, list(_operations(tree, name))) for name, about in _TAGS.items()]
    about = [line.strip() for line in _ABOUT.replace("\n", " ").split(". ")]
    return page(request, "api.html", title="API", about=about, groups=groups, version=__version__, prefix=PREFIX)


def described(app: FastAPI) -> Tree:
    """The description of an application's API, made once."""
    known: Tree | None = getattr(app.state, "described", None)
    if known is None:
        known = app.state.described = description()
    return known


def description() -> Tree:
    """The description of the API (OpenAPI 3.1), with an example for each body that is sent or answered."""
    registry: Registry[APIRouter] = Registry("firewright.web.api", "ROUTER")
    found = [router.routes for _, router in registry.all()]
    for each in found:
        declare(each)
    routes = [route for each in found for route in each if isinstance(route, APIRoute)]
    tree = get_openapi(
        title="Firewright",
        version=__version__,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=[route for route in routes if route.include_in_schema],
        tags=[{"name": name, "description": about} for name, about in _TAGS.items()],
    )
    schemas: Tree = tree.setdefault("components", {}).setdefault("schemas", {})
    schemas["ProblemBody"] = ProblemBody.model_json_schema(mode="serialization")
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's own; ours are problems
        schemas.pop(name, None)
    tree["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for methods in tree["paths"].values():
        for operation in methods.values():
            _complete(operation, schemas)
    tree["webhooks"] = {"event": {"post": _EVENT}}
    return tree


_HEADERS = {
    "ETag": "What tells this answer from the next: for If-None-Match, and for If-Match where something is changed.",
    "Link": "The address of the next page (RFC 8288).",
    "Location": "Where it is now.",
    "Idempotency-Replayed": "`true` where it was done before under the same key.",
    "Firewright-Trouble": "What could not be done with files; it is tried again.",
}


def _headers(operation: Tree, status: str, content: Tree) -> Tree:
    """The headers that an answer may have."""
    names = {one["name"] for one in operation.get("parameters", [])}
    keys = content.get("example") or {}
    found = {
        "ETag": "304" in operation["responses"] or "If-Match" in names,
        "Link": "after" in names and isinstance(keys, dict) and "next" in keys,
        "Location": status == "201" and "link" not in keys,
        "Idempotency-Replayed": "Idempotency-Key" in names,
        "Firewright-Trouble": "Idempotency-Key" in names,
    }
    return {
        name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name, has_it in found.items() if has_it
    }


def _complete(operation: Tree, schemas: Tree) -> None:
    """Say of an operation who may, and give an example of what it takes and of what it answers."""
    operation["security"] = [] if operation.get(ROLE_KEY) == "public" else [{"token": []}]
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media, content in body.get("content", {}).items():
            is_json = media == "application/json" and content.get("schema")
            if is_json and not {"example", "examples"} & content.keys():
                content["example"] = example(content["schema"], schemas)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {}).get("application/json", {})
            answer["headers"] = _headers(operation, status, content)
        if "application/problem+json" in answer.get("content", {}):
            problem = {**example({"$ref": "#/components/schemas/ProblemBody"}, schemas), "status": int(status)}
            answer["content"]["application/problem+json"] = {
                "schema": {"$ref": "#/components/schemas/ProblemBody"},
                "example": {**problem, "title": answer["description"]},
            }


def _operations(tree: Tree, tag: str) -> Any:
    """The operations of one subject, for the page."""
    schemas = tree["components"]["schemas"]
    for path, methods in tree["paths"].items():
        for method in METHODS:
            operation = methods.get(method)
            if operation is not None and tag in operation["tags"]:
                yield _operation(path, method, operation, schemas)


def _operation(path: str, method: str, operation: Tree, schemas: Tree) -> Tree:
    body = operation.get("requestBody", {}).get("content", {})
    sent: Tree = next(iter(body.values()), {})
    answers = operation["responses"].items()
    good: tuple[str, Tree] = next(((status, one) for status, one in answers if status.startswith("2")), ("", {}))
    content: Tree = next(iter(good[1].get("content", {}).values()), {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "text": operation.get("description", ""),
        "role": operation.get(ROLE_KEY, ""),
        "parameters": operation.get("parameters", []),
        "fields": _fields(sent.get("schema", {}), schemas),
        "sent": _pretty(sent.get("example") or next(iter(sent.get("examples", [])), None)),
        "status": good[0],
        "media": ", ".join(good[1].get("content", {})),
        "answered": _pretty(content.get("example")),
        "told": _fields(content.get("schema", {}), schemas),
        "problems": [(status, one["description"]) for status, one in answers if status >= "3"],
    }


def _fields(schema: Tree, schemas: Tree) -> list[Tree]:
    """The keys of a body, with what each is."""
    whole = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    needed = whole.get("required", [])
    return [
        {"name": name, "needed": name in needed, "type": _type(one), "text": one.get("description", "")}
        for name, one in whole.get("properties", {}).items()
    ]


def _type(schema: Tree) -> str:
    """A type in a word."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _pretty(value: object) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
