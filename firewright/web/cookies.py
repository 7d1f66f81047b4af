"""Cookies: never read by scripts, never sent from other sites' forms, and bound to this host wherever TLS lets browsers do that."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from firewright.web.settings import Settings

_PREFIX = "__Host-"
"""Browsers take such a cookie only with Secure, Path=/ and no Domain (RFC 6265bis, 4.1.3.2): a neighbour cannot plant one."""


def _named(settings: Settings, name: str) -> str:
    return f"{_PREFIX}firewright-{name}" if settings.is_secure else f"firewright-{name}"


def set_cookie(response: Response, settings: Settings, name: str, value: str, *, seconds: int | None = None) -> None:
    """Give the browser a cookie; without `seconds` it goes when the browser is closed. `value` must be of URL characters."""
    response.set_cookie(
        _named(settings, name),
        value,
        max_age=seconds,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def read_cookie(request: Request, settings: Settings, name: str) -> str:
    """What the browser sent, or nothing."""
    return request.cookies.get(_named(settings, name), "")


def drop_cookie(response: Response, settings: Settings, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(_named(settings, name), path="/", secure=settings.is_secure, httponly=True, samesite="lax")
