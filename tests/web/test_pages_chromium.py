"""The pages that show in a real browser: nothing is refused by their own rules, nothing runs over, and typing finds ports."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from firewright.model.account import Role
from firewright.web.app import application, store_of
from firewright.web.settings import Settings
from tests.web.conftest import Client

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = "/usr/bin/chromium"
PERIMETER = "internet-ports-regions-1-2"
PAGES = (
    "/",
    f"/zones?policy={PERIMETER}",
    f"/zones/{PERIMETER}/internet/tenants",
    f"/status/{PERIMETER}",
    "/paths?policy=tenant-a-edge",
    "/ports",
    "/ports/445",
    "/ask?source=internet&destination=tenant-a&service=tcp/25",
    "/compare",
    "/audit",
    "/generations",
)


@pytest.fixture
def port() -> int:
    """A port of loopback that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


@pytest.fixture
def app(settings: Settings, port: int) -> Iterator[FastAPI]:
    """The application, reached under the address at which it listens."""
    made = application(
        Settings(settings.folder, "", settings.state_folder, f"http://127.0.0.1:{port}", hosts=("testserver",))
    )
    yield made
    store_of(made).close()


@pytest.fixture
def listening(app: FastAPI, port: int) -> Iterator[str]:
    """A server of it on loopback."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_pages_in_a_browser(listening: str, client_of: Callable[..., Client]) -> None:
    """At a desk and on a phone no page runs over its width, loads what it may not, or has a control without a name."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip("chromium is not installed")
    secret = client_of(Role.VIEWER).cookies["firewright-session"]
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for width, scheme in ((1280, "light"), (390, "dark")):
            context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
            context.add_cookies([{"name": "firewright-session", "value": secret, "url": listening}])
            tab = context.new_page()
            tab.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
            tab.on("pageerror", lambda error: complaints.append(str(error)))
            for path in PAGES:
                tab.goto(listening + path)
                complaints.extend(f"{path} at {width}: {fault}" for fault in _faults(tab))
            tab.goto(f"{listening}/ports")
            tab.locator("#q").press_sequentially("postgres", delay=10)
            tab.locator("#hits a", has_text="postgresql").first.wait_for(timeout=10_000)
            context.close()
        browser.close()
    assert not complaints


def _faults(tab: Any) -> Iterator[str]:
    """What is wrong with a page as it is drawn."""
    over = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        yield f"runs over by {over} pixels"
    if "/login" in tab.url:
        yield "asks for a login"
    for words in tab.evaluate(_NAMELESS):
        yield f"has a control without a name: {words}"
    for source in tab.evaluate(
        "[...document.images].filter((one) => !one.naturalWidth || !one.alt).map((one) => one.src)"
    ):
        yield f"has a picture that does not load, or says nothing: {source}"


_NAMELESS = """[...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea:not([hidden]), [role=region]")]
  .filter((one) => !(one.textContent.trim() || one.labels?.length || one.getAttribute("aria-label")))
  .map((one) => one.outerHTML.slice(0, 120))"""
