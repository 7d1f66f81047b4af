"""What is the same for every operation of the API: its address, who it is asked by first, and which content it reads."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from firewright.diagnostic import harmless
from firewright.web.access import Needs, Public
from firewright.web.problem import Problem
from firewright.workflows.requests.refused import Refused

PREFIX = "/api/v1"
"""Where this version of the API lies; what would break a client goes under another number."""
JSON = "application/json"
_MOST_NAMED = 20


class Route(APIRoute):
    """A route whose errors come in the order in which they matter: who asks, then what it is written in, then what it says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with what it refuses told apart."""
        inner, known = super().get_route_handler(), self._parameters()

        async def handle(request: Request) -> Response:
            strange = request.query_params.keys() - known
            if strange:  # a filter that is misspelt must not answer everything
                await self._admit(request)
                fields = {harmless(name, 60): "there is no such parameter" for name in sorted(strange)[:_MOST_NAMED]}
                way_out = f"there are: {', '.join(sorted(known)) or 'none'}"
                raise Problem(422, "no-such-parameter", "there is no such parameter", way_out, fields)
            try:
                return await inner(request)
            except Refused as refused:
                request.state.complaints = refused.diagnostics  # the problem lists them with their places
                raise
            except RequestValidationError as error:
                await self._admit(request)  # a body that is no JSON was refused before anybody was asked for
                if self.body_field is not None and not _is_json(request) and await request.body():
                    problem = Problem(415, "not-json", "this is read as JSON only", f"send Content-Type: {JSON}")
                    problem.headers["Accept"] = JSON
                    raise problem from None
                if any(each["type"] == "json_invalid" for each in error.errors()):
                    raise Problem(400, "no-json", "the body is not JSON", "look at where it breaks off") from None
                raise

        return handle

    def _parameters(self) -> frozenset[str]:
        """The names of what its address may ask."""
        return frozenset(one.alias for one in self.dependant.query_params)

    async def _admit(self, request: Request) -> None:
        """Raises Problem where whoever asks may not."""
        for one in self.dependant.dependencies:
            if isinstance(one.call, Needs | Public):
                await one.call(request)


def _is_json(request: Request) -> bool:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == JSON or (media.startswith("application/") and media.endswith("+json"))


def router(tag: str) -> APIRouter:
    """A router for the operations of one subject."""
    tags: list[str | Enum] = [tag]
    return APIRouter(prefix=PREFIX, tags=tags, route_class=Route)
