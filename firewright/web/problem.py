"""What stops a request: a slug, one sentence and a way out, as a page for people and as problem+json (RFC 9457) for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from firewright.diagnostic import Diagnostic, harmless

API = "/api/"
"""Paths below this are asked by programs."""
TITLES: Mapping[int, str] = {
    400: "This could not be read",
    401: "Please log in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "This cannot be done now",
    412: "Somebody else was faster",
    413: "Too much at once",
    415: "Not in a form that is read",
    421: "Not known by this name",
    422: "Something is not right yet",
    428: "What did you look at?",
    429: "Too many tries",
    500: "A fault of this program",
    503: "Not answered",
}
"""What an error page is called, by the status of the answer."""


class Problem(Exception):
    """A refusal with its HTTP status; `fields` are what is wrong with single fields of a form, by their names."""

    def __init__(
        self, status: int, name: str, message: str, help: str = "", fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.name, self.message, self.help = status, name, message, help
        self.fields = dict(fields or {})
        self.headers: dict[str, str] = {}


_WAYS_OUT: Mapping[str, tuple[str, str]] = {
    "no-request": ("the list of requests shows those that you see", "GET /api/v1/requests lists those that you see"),
    "no-such-policy": (
        "the list of policies shows those that you see",
        "GET /api/v1/policies lists those that you see",
    ),
    "unknown-policy": ("choose one of those that the form offers", ""),
    "own-roles": ("another admin does", ""),
    "own-groups": ("another admin does", ""),
}
"""The way out on pages, and over the API, of what is refused with the command line's; empty: as it was said."""
_MOST_ERRORS = 50


def is_program(request: Request) -> bool:
    """Whether whoever asks reads JSON: everything under `/api/` does, and so do the endpoints for machines."""
    return request.url.path.startswith(API) or request.url.path in ("/metrics", "/healthz", "/readyz")


def answer(request: Request, problem: Problem) -> Response:
    """The problem in the form that whoever asked can read, with the way out that there is here."""
    of_pages, of_api = _WAYS_OUT.get(problem.name, ("", ""))
    problem.help = (of_api if is_program(request) else of_pages) or problem.help
    if is_program(request):
        return _as_json(request, problem)
    from firewright.web.page import page  # the page of an error needs templates, which need to know what a problem is

    response = page(request, "error.html", status=problem.status, problem=problem, title=title_of(problem.status))
    response.headers.update(problem.headers)
    return response


def title_of(status: int) -> str:
    """What an error of this status is called."""
    return TITLES.get(status, "This did not work")


def _as_json(request: Request, problem: Problem) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:firewright:problem:{problem.name}",
        "title": title_of(problem.status),
        "status": problem.status,
        "detail": problem.message,
        "instance": f"urn:firewright:request:{getattr(request.state, 'id', '')}",
    }
    if problem.help:
        body["help"] = problem.help
    if problem.fields:
        body["fields"] = problem.fields
    complaints: Sequence[Diagnostic] = getattr(request.state, "complaints", ())
    if complaints:
        body["errors"] = [_error(one) for one in complaints[:_MOST_ERRORS]]
    return JSONResponse(body, problem.status, problem.headers, "application/problem+json")


def _error(one: Diagnostic) -> dict[str, Any]:
    """One complaint about what was written, with its place in the file that it would be."""
    return {
        "name": one.name, "message": harmless(one.message, 500), "help": harmless(one.help, 500), "path": harmless(one.at.path),
        "line": one.at.line, "column": one.at.column,
    }  # fmt: skip
