"""Pages: templates with everything that their frame needs, and the way back after a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from firewright.web.cookies import drop_cookie, read_cookie, set_cookie
from firewright.web.nav import is_current, shown
from firewright.web.running import running

NOTICE = "notice"
"""The cookie with what the next page is to say once."""
_NOTICE_LIMIT = 600
_NOTICE_SECONDS = 60
_HUGE = 10**15
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_THIN = "\u202f"


def templates(static: Callable[[str], str]) -> Environment:
    """The templates of `web/templates`: everything is escaped, a name that nobody passed is an error, not nothing."""
    environment = Environment(
        loader=PackageLoader("firewright.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(static=static, is_current=is_current)
    environment.filters.update(moment=moment, day=day, count=count, plural=plural)
    return environment


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page from a template, with what every frame needs beside `values`: who is logged in, header, token, notice.

    Raises jinja2.UndefinedError where the template asks for something that nobody passed.
    """
    parts = running(request)
    identity = getattr(request.state, "identity", None)
    actor = identity.actor if identity else None
    place, _, notice = unquote(read_cookie(request, parts.settings, NOTICE)).partition("\n")
    notice = notice[:_NOTICE_LIMIT] if place == request.url.path else ""  # another page says nothing of it
    estate = getattr(request.state, "estate", None)
    frame: Mapping[str, Any] = {
        "state_of": estate.wanted.now if estate is not None and estate.wanted.now < request.state.now else None,
        "actor": actor,
        "csrf": identity.csrf if identity else "",
        "now": request.state.now,
        "nav": shown(parts.nav, actor),
        "path": request.url.path,
        "notice": notice,
        "is_demo": parts.settings.is_demo,
        "identity_of_request": request.state.id,
        "search": "",
        "title": "",
    }
    text = parts.templates.get_template(template).render({**frame, **values})
    response = HTMLResponse(text, status)
    response.headers["Vary"] = "HX-Request, Cookie"
    if notice:
        drop_cookie(response, parts.settings, NOTICE)
    return response


def back(request: Request, path: str, notice: str = "") -> RedirectResponse:
    """On to another page of ours with GET (303), which says `notice` once."""
    response = RedirectResponse(safe_path(path), 303)
    if notice:
        place = urlsplit(safe_path(path)).path
        text = quote(f"{place}\n{notice[:_NOTICE_LIMIT]}", safe=" ").replace(" ", "%20")
        set_cookie(response, running(request).settings, NOTICE, text, seconds=_NOTICE_SECONDS)
    return response


def safe_path(asked: str, otherwise: str = "/") -> str:
    """A path of this application, or `otherwise` where it could lead anywhere else.

    Browsers take a backslash for a slash and leave out tabs and line ends, and two slashes begin another host (WHATWG URL).
    """
    is_plain = asked.isprintable() and asked.isascii() and "\\" not in asked
    if not is_plain or not asked.startswith("/") or asked.startswith("//"):
        return otherwise
    parts = urlsplit(asked)
    return otherwise if parts.scheme or parts.netloc else asked


def moment(at: datetime | None, otherwise: str = "never") -> Markup:
    """A moment as people read it, to the minute in UTC, with the exact one for programs."""
    if at is None:
        return escape(otherwise)
    exact = at.astimezone(UTC)
    text = f'<time datetime="{exact.isoformat(timespec="seconds")}">{exact:%Y-%m-%d %H:%M} UTC</time>'
    return Markup(text)  # noqa: S704 - made of numbers only


def day(at: date | datetime | None, otherwise: str = "never") -> Markup:
    """A day as 2027-03-31."""
    if at is None:
        return escape(otherwise)
    text = f"{at:%Y-%m-%d}"
    return Markup(f'<time datetime="{text}">{text}</time>')  # noqa: S704 - made of numbers only


def count(number: int) -> str:
    """A number in groups of three, with narrow spaces that do not break: 4 294 967 296; huge ones as powers of ten, 3.4×10³⁸."""
    if number < _HUGE:
        return f"{number:,}".replace(",", _THIN)
    digits, _, power = f"{number:.1e}".partition("e+")
    return f"{digits}×10{power.lstrip('0').translate(_RAISED)}"


def plural(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 rule, 2 rules; `many` where an s does not do."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
