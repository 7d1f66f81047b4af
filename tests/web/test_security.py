"""What every answer and every request must keep to: headers, hosts, origins, sizes, times, the log, and faults without traces."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from firewright.store import accounts
from firewright.store.database import Store
from firewright.web import app as web_app
from firewright.web.access import Anybody, Viewer
from firewright.web.app import application, store_of
from firewright.web.page import back, page
from firewright.web.problem import Problem
from firewright.web.security import CONTENT_POLICY, LOG
from firewright.web.settings import BadSettings, Settings, hosts_of
from tests.web.conftest import BASE, Client

EVIL = "<script>alert(1)</script>\"'\u202e\n{{7*7}}"
ROUTER = APIRouter()
RECKONED = Event()


@ROUTER.get("/test/fault")
def fault(_actor: Anybody) -> None:
    """A page that fails."""
    raise RuntimeError("the secret inside\nsecond line")


@ROUTER.get("/api/test/fault")
def api_fault(_actor: Anybody) -> None:
    """An endpoint that fails."""
    raise RuntimeError("the secret inside")


@ROUTER.get("/test/slow")
async def slow(_actor: Anybody) -> None:
    """A page that takes too long."""
    import asyncio

    await asyncio.sleep(5)


@ROUTER.get("/test/busy")
def busy(_actor: Anybody) -> None:
    """A page that reckons for too long, in a thread that nobody can stop."""
    RECKONED.wait(30)


@ROUTER.post("/test/body")
async def body(request: Request, _actor: Viewer) -> Response:
    """A page that reads whatever is sent."""
    return Response(str(len(await request.body())))


@ROUTER.post("/test/large", max_body_size=4 << 20)
async def large(request: Request, _actor: Viewer) -> Response:
    """A page that takes more than others."""
    return Response(str(len(await request.body())))


@ROUTER.post("/test/notice")
def notice(request: Request, _actor: Viewer) -> Response:
    """A form whose answer says something on the next page."""
    return back(request, "/test/said", EVIL)


@ROUTER.get("/test/said")
def said(request: Request, _actor: Viewer) -> Response:
    """The page after it."""
    return page(request, "error.html", title=EVIL, problem=Problem(400, "x", EVIL, EVIL))


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The application with some pages more."""
    routers = tuple(web_app.routers())
    monkeypatch.setattr(web_app, "routers", lambda: iter((*routers, ROUTER)))
    made = application(settings)
    yield made
    store_of(made).close()


@pytest.fixture
def hasty(app: FastAPI, settings: Settings) -> Iterator[FastAPI]:
    """The same with little patience."""
    made = application(replace(settings, seconds=0.2))
    yield made
    store_of(made).close()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The lines of the log so far."""
    caplog.set_level(logging.INFO, LOG.name)
    return lambda: [json.loads(record.getMessage()) for record in caplog.records if record.name == LOG.name]


@pytest.mark.parametrize(
    "path", ["/login", "/nothing-here", "/healthz", "/account", "/api/v1/nothing", "/test/fault", "/static/x"]
)
def test_every_answer_keeps_browsers_safe(client: Client, path: str) -> None:
    """Pages, errors, redirects and faults all have the same headers: nothing inline, no frames, no sniffing, nothing kept."""
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == CONTENT_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in CONTENT_POLICY and "unsafe" not in CONTENT_POLICY
    assert "Server" not in headers and "Strict-Transport-Security" not in headers


def test_pages_have_nothing_inline(client: Client, client_of: Any) -> None:
    """No page has a script or a style in it, nor an attribute that is one: the policy would not let it work."""
    viewer = client_of("admin")
    for browser, path in ((client, "/login"), (viewer, "/account"), (viewer, "/admin/accounts"), (viewer, "/nothing")):
        text = browser.get(path).text
        assert "<style" not in text and " style=" not in text and " onclick=" not in text and "javascript:" not in text
        assert all(" src=" in one[:40] for one in text.split("<script")[1:])


def test_files_are_kept_by_browsers_as_long_as_they_are_the_same(client: Client) -> None:
    """A file asked for by its hash is kept for ever; by another hash or none it is asked for again; no path leads out."""
    address = client.get("/login").text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in client.get(address).headers["Cache-Control"]
    for other in ("/static/firewright.css", "/static/firewright.css?v=0"):
        assert client.get(other).headers["Cache-Control"] == "no-cache"
    for outside in ("/static/..%2fapp.py", "/static/../app.py", "/static/app.py", "/static/%2e%2e/settings.py"):
        assert client.get(outside).status_code == 404


def test_with_tls_cookies_are_bound_to_the_host(settings: Settings) -> None:
    """Behind https the cookies have the prefix that browsers keep to this host, Secure, and browsers are told to stay with TLS."""
    app = application(replace(settings, base_url="https://firewall.example.net"))
    client = Client(app)
    client.base_url = "https://firewall.example.net"
    answer = client.get("/login")
    cookie = answer.headers["Set-Cookie"]
    assert (
        cookie.startswith("__Host-firewright-begin=")
        and "Secure" in cookie
        and "Path=/" in cookie
        and "Domain" not in cookie
    )
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert client.get("/login", headers={"Host": "other.example"}).status_code == 421
    store_of(app).close()


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "", "127.0.0.1", "testserver:80:80"])
def test_a_host_that_is_not_ours_is_not_answered(client: Client, host: str) -> None:
    """A name that nobody gave this server gets no page: its links would lead there."""
    answer = client.get("/login", headers={"Host": host})
    assert answer.status_code == 421 and "csrf" not in answer.text


def test_further_names_can_be_given(settings: Settings) -> None:
    """What --host says is answered, with any port, in any case."""
    app = application(replace(settings, hosts=(*hosts_of("::1"), "Other.example")))
    for host in ("other.EXAMPLE:8080", "localhost:1", "[::1]:8080", "127.0.0.1", "testserver"):
        assert Client(app).get("/healthz", headers={"Host": host}).status_code == 200
    store_of(app).close()


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": BASE}, False),
        ({"Origin": BASE}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": f"{BASE}.evil.example"}, False),
        ({"Origin": "https://testserver"}, False),
    ],
)
def test_what_another_site_sends_is_refused_even_with_the_token(
    client_of: Any, headers: dict[str, str], is_taken: bool
) -> None:
    """A browser says where a form is from; one from elsewhere is refused before its token is looked at."""
    answer = client_of("viewer").post("/test/body", content=b"x", headers=headers)
    assert answer.status_code == (200 if is_taken else 403)
    assert is_taken or "sent from another site" in answer.text


@pytest.mark.parametrize("path", ["/login", "/zones", "/healthz", "/api/v1/openapi.json", "/requests/7"])
def test_head_is_answered_as_get_is_without_the_body(client: Client, client_of: Any, lines: Any, path: str) -> None:
    """Whoever only looks whether a page is there gets the status and the headers of it, and nothing else."""
    viewer = client_of("viewer")
    whole, bare = viewer.get(path), viewer.head(path)
    assert (bare.status_code, bare.content) == (whole.status_code, b"")
    assert bare.headers.get("Content-Type") == whole.headers.get("Content-Type")
    assert [one["method"] for one in lines()[-2:]] == ["GET", "HEAD"]


def test_the_api_says_where_it_is_described(client: Client) -> None:
    """Its address names its description, which is there; an address below it that is nothing says so too."""
    found = client.get("/api/v1").json()
    assert all(client.get(found[one]).status_code == 200 for one in ("openapi", "reference"))
    assert "/api/v1/openapi.json" in client.get("/api/v1/nothing").json()["help"]


def test_a_notice_is_said_by_its_own_page(client_of: Any) -> None:
    """What a form did is said once by the page that it leads to, and by no other that somebody opens before."""
    viewer = client_of("viewer")
    answer = viewer.post("/account/sessions/end")
    assert answer.headers["Location"] == "/account"
    assert all("Nothing else was open" not in viewer.get(path).text for path in ("/zones", "/nowhere"))
    assert "Nothing else was open" in viewer.get("/account").text
    assert "Nothing else was open" not in viewer.get("/account").text


@pytest.mark.parametrize("name", ["<b>", "a b", "", "a/b", "a:80"])
def test_a_host_that_is_no_name_is_refused(settings: Settings, name: str) -> None:
    """What no request could name is told at the start."""
    with pytest.raises(BadSettings, match="no name of a host"):
        replace(settings, hosts=(name,))


@pytest.mark.parametrize("is_told", [True, False])
def test_a_body_that_is_too_large_is_not_read(client_of: Any, is_told: bool) -> None:
    """One byte over the limit is refused, whether its length is told before or found while reading; a route may take more."""

    def chunks(size: int) -> Any:
        return b"x" * size if is_told else (b"x" * min(65536, size - at) for at in range(0, size, 65536))

    viewer = client_of("viewer")
    assert viewer.post("/test/body", content=chunks(1 << 20)).text == str(1 << 20)
    answer = viewer.post("/test/body", content=chunks((1 << 20) + 1))
    assert answer.status_code == 413 and "larger than what is taken" in answer.text
    assert viewer.post("/test/large", content=chunks(4 << 20)).text == str(4 << 20)
    assert viewer.post("/test/large", content=chunks((4 << 20) + 1)).status_code == 413


@pytest.mark.parametrize("path", ["/test/slow", "/test/busy"])
def test_an_answer_that_takes_too_long_is_given_up(hasty: FastAPI, lines: Any, path: str) -> None:
    """Whoever waits is told at once, also where a thread still reckons; the log says so, and what comes later goes nowhere."""
    with Client(hasty) as client:  # one event loop for both requests
        answer = client.get(path)
        assert not RECKONED.is_set() and len(lines()) == 1
        RECKONED.set()
        assert client.get("/healthz").status_code == 200
    RECKONED.clear()
    assert answer.status_code == 503 and "took too long" in answer.text
    line = next(one for one in lines() if one["path"] == path)
    assert line["fault"] == "timeout" and line["status"] == 503


@pytest.mark.parametrize("path", ["/test/fault", "/api/test/fault"])
def test_a_fault_tells_its_number_and_nothing_of_itself(client: Client, lines: Any, path: str) -> None:
    """A page, or problem+json for programs, with the number of the line in the log, which has the whole story in one line."""
    answer = client.get(path)
    line = lines()[-1]
    assert answer.status_code == 500 and "secret inside" not in answer.text and "Traceback" not in answer.text
    assert line["id"] in answer.text and "the secret inside" in line["fault"] and "\n" not in line["fault"]
    if path.startswith("/api/"):
        assert answer.headers["Content-Type"] == "application/problem+json" and answer.json()["status"] == 500


def test_errors_for_programs_are_problems(client: Client, client_of: Any) -> None:
    """Under /api/ every error is problem+json with type, title, status, detail and the number of its line."""
    for browser, path, status in ((client, "/api/v1/no/such", 404), (client_of("viewer"), "/api/v1/no/such", 404)):
        answer = browser.get(path)
        told = answer.json()
        assert (answer.status_code, told["status"], told["type"]) == (
            status,
            status,
            "urn:firewright:problem:not-found",
        )
        assert told["instance"].startswith("urn:firewright:request:") and told["detail"] and told["title"]
    answer = client.get("/api/v1/no/such", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 404


def test_a_wrong_token_is_refused_and_not_taken_for_nobody(client: Client) -> None:
    """A token that is none gets 401 also where nobody would get an answer: a program must see that its token is over."""
    answer = client.get("/metrics", headers={"Authorization": "Bearer fw_wrong"})
    assert answer.status_code == 401 and "invalid_token" in answer.headers["WWW-Authenticate"]
    assert client.get("/metrics", headers={"Authorization": "Basic dmVyYTp4"}).status_code == 401


def test_the_log_has_a_line_for_each_request_and_no_secret(client: Client, client_of: Any, lines: Any) -> None:
    """Who, from where, what, how it ended; no query, no cookie, no token, no field of a form, no control character."""
    viewer = client_of("viewer", name="vera")
    client.get("/invitation?link=secretlink")
    client.post("/login", data={"name": "secretname", "password": "secretword", "csrf": "secretcsrf"})
    client.get("/metrics", headers={"Authorization": "Bearer secrettoken"})
    viewer.get("/a%1b[31m")
    told = lines()
    assert [(one["method"], one["status"]) for one in told] == [("GET", 404), ("POST", 403), ("GET", 401), ("GET", 404)]
    assert told[0]["path"] == "/invitation" and told[0]["from"] == "testclient" and told[0]["who"] == ""
    assert told[3]["who"] == "vera" and told[3]["path"] == "/a\\u001b[31m"
    assert all(one["ms"] >= 0 and len(one["id"]) == 16 for one in told)
    assert "secret" not in json.dumps(told)


def test_what_people_wrote_is_text_on_every_page(client_of: Any, store: Store) -> None:
    """A notice, a title, an error and a name that look like HTML or a template stay letters."""
    from firewright.model.account import Grant, Role

    viewer = client_of(None, name="vera", grants=(Grant(Role.VIEWER),))
    with store.writing() as c:
        found = accounts.find(c, "vera")
        assert found is not None and accounts.put(c, replace(found, shown="vera<img/src=x>"))
    answer = viewer.post("/test/notice")
    assert answer.headers["Location"] == "/test/said"
    text = viewer.get("/test/said").text
    assert (
        "<script>alert" not in text
        and "<img" not in text.casefold()
        and "49" not in text.split("<main")[1].split("notice")[1][:400]
    )
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_a_page_of_somebody_is_kept_by_nobody(client_of: Any) -> None:
    """What was shown to somebody logged in is not kept by browsers or proxies, and differs by cookie."""
    headers = client_of("viewer").get("/account").headers
    assert headers["Cache-Control"] == "no-store" and "Cookie" in headers["Vary"]


def test_a_database_that_fails_is_told_and_nobody_is_let_in(
    app: FastAPI, client_of: Any, store: Store, settings: Settings
) -> None:
    """With the database gone, pages say so with a way out (503), the process still answers, and readiness is false."""
    viewer = client_of("viewer")
    store.close()
    for path in settings.state_folder.iterdir():
        path.unlink()
    (settings.state_folder / "firewright.db").mkdir()
    answer = viewer.get("/account")
    assert answer.status_code == 503 and "database" in answer.text and "Vera" not in answer.text
    assert Client(app).get("/healthz").status_code == 200
    ready = Client(app).get("/readyz")
    assert ready.status_code == 503 and ready.json()["checks"]["database"] != "ok"


@pytest.mark.parametrize("url", ["firewall.example.net", "ftp://x", "https://", "https://x/path", "https://x?y"])
def test_an_address_that_is_none_is_refused(settings: Settings, url: str) -> None:
    """What --base-url says must be the address of a site's root."""
    with pytest.raises(BadSettings, match="is no address of a web page"):
        replace(settings, base_url=url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Firewall.Example.net/", "https://firewall.example.net"),
        ("https://firewall.example.net:443", "https://firewall.example.net"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(settings: Settings, url: str, origin: str) -> None:
    """Lower case, no usual port, brackets around IPv6."""
    assert replace(settings, base_url=url).origin == origin


def test_a_secret_in_the_settings_is_not_shown(settings: Settings) -> None:
    """Neither the database's URL nor a client's secret is in what a log would show of the settings."""
    from firewright.web.settings import Oidc

    shown = repr(replace(settings, database_url="postgresql://u:hidden@h/d", oidc=Oidc("https://i", "c", "hidden")))
    assert "hidden" not in shown


def test_what_is_vendored_is_what_the_notice_says() -> None:
    """The script of another project is byte for byte the one whose hash and licence NOTICE names."""
    root = Path(__file__).parents[2]
    notice = (root / "NOTICE").read_text(encoding="utf-8")
    found = sha256((root / "firewright/web/static/htmx.min.js").read_bytes()).hexdigest()
    assert f"SHA-256 {found}" in notice and "Zero-Clause BSD" in notice
