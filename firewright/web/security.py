"""What every request passes: known host, no foreign forms, a bound on time, headers that keep browsers safe, one line of log."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from secrets import token_hex
from time import perf_counter
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders

from firewright.diagnostic import harmless
from firewright.web.access import SAFE
from firewright.web.measures import Measures
from firewright.web.patience import within
from firewright.web.problem import Problem, answer
from firewright.web.settings import Settings

LOG = logging.getLogger("firewright.web")
"""One line of JSON for each request; whoever starts the application says where it goes."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TLS_FOR_A_YEAR = "max-age=31536000"
_PATH_LIMIT = 300
_TRACE_LIMIT = 20

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Guard:
    """The outermost part of the application, around everything that answers."""

    def __init__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], settings: Settings, measures: Measures
    ) -> None:
        self._app, self._settings, self._measures = app, settings, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong inside is an error with the number of its line in the log."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a websocket, which nothing here speaks: uvicorn refuses it when nobody answers
        began, method = perf_counter(), scope["method"]
        state = scope.setdefault("state", {})
        state["id"], state["now"] = token_hex(8), datetime.now(UTC)
        if method == "HEAD":  # answered as GET is, without the body (RFC 9110, 9.3.2)
            scope = {**scope, "method": "GET"}
        request = Request(scope, receive)
        sending = _Sending(send, self._settings, is_bare=method == "HEAD")
        fault = ""
        try:
            is_done = await self._answer(request, sending, receive)
            if not is_done:
                fault = "timeout"
                await self._instead(request, sending, _took_too_long(request))
            elif sending.is_held_back:
                problem = Problem(413, "too-large", "this is larger than what is taken here", "send less at once")
                await self._instead(request, sending, problem)
        except Exception as error:
            fault = harmless("".join(traceback.format_exception(error)[-_TRACE_LIMIT:]), 8000)
            help_ = "whoever runs this finds what happened in the log, under the number below"
            await self._instead(request, sending, Problem(500, "fault", "something went wrong in this program", help_))
        finally:
            seconds = perf_counter() - began
            self._measures.answered(_route_of(scope), method, sending.status, seconds)
            LOG.info("%s", _line(request, method, sending, seconds, fault))

    async def _answer(self, request: Request, send: _Sending, receive: Receive) -> bool:
        """Whether there was an answer in time; whatever comes later goes nowhere."""
        refused = self._refused(request)
        if refused is not None:
            await answer(request, refused)(request.scope, receive, send)
            return True
        send.is_left = not await within(self._settings.seconds, self._run(request.scope, receive, send.of_app))
        return not send.is_left

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _refused(self, request: Request) -> Problem | None:
        """Why a request is not even looked at: a host that is not ours, or a form from another site."""
        host = _without_port(request.headers.get("host", "").lower())
        if host not in self._settings.allowed_hosts:
            way_out = "ask by the name in --base-url, or start it with --host NAME"
            return Problem(421, "wrong-host", f"this is not served as {harmless(host, 80) or 'nothing'}", way_out)
        own = (self._settings.origin, f"{request.url.scheme}://{request.headers['host'].lower()}")
        if request.method not in SAFE and not _is_ours(request.headers, own):
            return Problem(403, "foreign", "this was sent from another site", f"open {self._settings.origin} itself")
        return None

    async def _instead(self, request: Request, send: _Sending, problem: Problem) -> None:
        """Say what went wrong, unless an answer was on its way already: then it ends short, which clients see."""
        if not send.status:
            send.is_held_back = False
            await answer(request, problem)(request.scope, request.receive, send)


class _Sending:
    """What goes out, with the headers put in and the size counted."""

    def __init__(self, send: Send, settings: Settings, *, is_bare: bool = False) -> None:
        self._send, self._settings, self._is_bare = send, settings, is_bare
        self.status, self.size = 0, 0
        self.is_held_back = self.is_left = False

    async def of_app(self, message: Message) -> None:
        """Pass on what the application says, as long as it is waited for."""
        if not self.is_left:
            await self(message)

    async def __call__(self, message: Message) -> None:
        """Pass one message on, but for the bare refusal of a large body: the guard says that as all errors are said."""
        if message["type"] == "http.response.start":
            self.is_held_back = not self.status and _is_bare(message)
        if self.is_held_back:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if self._settings.is_secure:
                headers["Strict-Transport-Security"] = _TLS_FOR_A_YEAR
        elif message["type"] == "http.response.body":
            if self._is_bare:
                message = {**message, "body": b""}
            self.size += len(message.get("body", b""))
        await self._send(message)


def _took_too_long(request: Request) -> Problem:
    """That nobody waits any longer. What was to be changed may be changed all the same: a thread is not stopped midway."""
    is_asking = request.method in SAFE
    way_out = "ask for less, or again in a moment" if is_asking else "look whether it was done before you send it again"
    return Problem(503, "timeout", "this took too long", way_out)


def _is_bare(start: Message) -> bool:
    """Whether an answer is the framework's own 413, which is plain text where people and programs expect otherwise."""
    return bool(start["status"] == 413 and Headers(scope=start).get("content-type", "").startswith("text/plain"))


def _is_ours(headers: Headers, own: tuple[str, ...]) -> bool:
    """Whether browsers say that a request comes from a page of ours, or say nothing of it.

    Sec-Fetch-Site cannot be set by scripts; older browsers send Origin, which under our Referrer-Policy may be `null` (Fetch,
    "append a request Origin header"). Where neither tells, the token in the form decides, which each session's forms need.
    """
    site = headers.get("sec-fetch-site", "")
    if site:
        return site in ("same-origin", "none")
    return headers.get("origin", "null") in ("null", *own)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _route_of(scope: Scope) -> str:
    """The template of the path, so that a measure does not have as many names as there are requests."""
    return getattr(scope.get("route"), "path", "") or "unmatched"


def _line(request: Request, method: str, sending: _Sending, seconds: float, fault: str) -> str:
    """What is logged: no query, no header, no body, since secrets may be in any of them."""
    identity = getattr(request.state, "identity", None)
    said: dict[str, object] = {
        "at": request.state.now.isoformat(timespec="milliseconds"),
        "id": request.state.id,
        "from": request.client.host if request.client else "",
        "who": identity.actor.account if identity else "",
        "method": harmless(method, 20),
        "path": harmless(request.url.path, _PATH_LIMIT),
        "status": sending.status,
        "ms": round(seconds * 1000, 1),
        "bytes": sending.size,
    }
    if fault := fault or getattr(request.state, "fault", ""):
        said["fault"] = harmless(fault, 8000)
    return json.dumps(said, ensure_ascii=False)
