"""Every page in a real browser, at a desk and on a phone, in light and dark: nothing runs over, all has a name, all can be read.

FIREWRIGHT_SHOTS names a folder that gets a picture of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firewright.model.account import Actor, Grant, Role
from firewright.model.request import Request, State, Wish
from firewright.store import log, requests
from firewright.workflows.requests import acting, exceptions
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.estate import read_estate
from tests.browser.site import CHROMIUM, PASSWORD, Site, needs_chromium, site
from tests.web.conftest import PROFILE

NAME = "internet-ports-regions-1-2"
LONG = "a-very-long-account-name-of-somebody-whose-parents-liked-names"
PEOPLE = {
    "tom": (Grant(Role.REQUESTER),),
    "anna": (Grant(Role.APPROVER),),
    "otto": (Grant(Role.OPERATOR),),
    "vera": (Grant(Role.VIEWER),),
    LONG: tuple(Grant(role) for role in Role),
}
APPROVALS = "approve: {low: {count: 1}, medium: {count: 1, of: either}, high: {count: 2}}\nbreak-glass: {who: [otto]}\n"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in PROFILE.glob("*.yaml") if path.name != "profile.yaml"}
BROAD, NARROW = (1280, 900), (390, 844)
USUAL = ((BROAD, "light"), (NARROW, "dark"))
ALL = ((BROAD, "light"), (BROAD, "dark"), (NARROW, "light"), (NARROW, "dark"))
PAGES = {
    "overview": "/", "zones": "/zones", "pair": f"/zones/{NAME}/internet/tenants", "statuses": "/status", "status": f"/status/{NAME}",
    "ports": "/ports", "ports-found": "/ports?q=sql", "port": "/ports/445", "port-stopped": "/ports/22", "port-long": "/ports/3389",
    "paths": "/paths", "ask": "/ask",
    "answer": "/ask?source=internet&destination=tenants&service=smb&policy=" + NAME, "requests": "/requests",
    "requests-waiting": "/requests?box=waiting", "requests-none": "/requests?q=zzzz", "request-new": "/requests/new",
    "request-submitted": "/requests/1", "request-approved": "/requests/2", "request-expired": "/requests/3",
    "request-long": "/requests/4", "request-edit": "/requests/4/edit", "exceptions": "/exceptions", "exceptions-none": "/exceptions?q=zzzz",
    "compare": "/compare", "audit": "/audit", "generations": "/generations", "log": "/log", "log-verify": "/log/verify",
    "account": "/account", "accounts": "/admin/accounts", "missing": "/requests/999999",
}  # fmt: skip
"""What is shown, by the name of its picture."""
EMPTY = ("overview", "requests", "requests-waiting", "exceptions", "generations", "log", "audit", "accounts")
"""The same where nobody asked for anything yet."""
JUDGING = Path(__file__).with_name("judging.js").read_text(encoding="utf-8")


def _fill(made: Site, now: datetime) -> None:
    """2,000 requests in every state, some of them exceptions that stand, and texts as long as they may be."""
    where = Path.cwd()
    os.chdir(made.folder)
    try:
        with made.store() as store:
            estate = read_estate(now, Path())
            until = (now + timedelta(days=20)).date().isoformat()
            plain = Wish(
                NAME,
                ("tenants",),
                ("internet",),
                ("tcp/11371",),
                "OpenPGP keys are fetched",
                "key team",
                until,
                "OPS-7",
            )
            words = "the-quick-brown-fox-" * 12
            long = replace(
                plain, because=("Wofür? " + "Weil es so ist, und " * 60)[:1200], owner=words[:190], ticket=words[:95],
                services=("tcp/20000-29999", "udp/33000", "sctp/4000"),
            )  # fmt: skip
            with store.writing() as c:
                tom, anna = (Desk(c, estate, Actor(name, PEOPLE[name]), now) for name in ("tom", "anna"))
                for wish in (plain, replace(plain, services=("tcp/11372",)), replace(plain, services=("tcp/11373",))):
                    acting.make(tom, wish)
                acting.make(replace(tom, actor=Actor(LONG, PEOPLE[LONG])), long)
                acting.approve(anna, 2, acting.find(anna, 2).digest, "They need it")
                for nth in range(12):
                    number = acting.make(tom, replace(plain, services=(f"udp/{9100 + nth}",))).number
                    acting.approve(anna, number, acting.find(anna, number).digest)
                one = requests.find(c, 3)
                assert one is not None
                requests.put(c, replace(one, state=State.EXPIRED, version=one.version + 1), one.version)
                blank = Request(0, State.DRAFT, "tom", plain, "", "", "low", now, now)
                old = (State.DECLINED, State.EXPIRED, State.WITHDRAWN, State.SUBMITTED)
                for nth in range(2000):
                    requests.add(c, replace(blank, state=old[nth % 4], wish=replace(plain, ticket=f"OPS-{nth}")))
            exceptions.settle(store, estate, now)
    finally:
        os.chdir(where)
    made.give_away()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser."""
    needs_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture(scope="module")
def full(browser: Any) -> Iterator[Site]:
    """A server with all that people did in years."""
    with site({**TEXTS, "approvals.yaml": APPROVALS}, PEOPLE) as made:
        _fill(made, datetime.now(UTC))
        made.start()
        yield made


@pytest.fixture(scope="module")
def fresh(browser: Any) -> Iterator[Site]:
    """A server on which nobody did anything yet."""
    with site({**TEXTS, "approvals.yaml": APPROVALS}, PEOPLE) as made:
        made.start()
        yield made


def _screen(
    browser: Any, served: Site, who: str, size: tuple[int, int] = BROAD, scheme: str = "light", **more: Any
) -> Any:
    """A page of a browser in which somebody is logged in; nobody where no name is given."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        base_url=served.url,
        reduced_motion="reduce",
        **more,
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    if who:
        page.goto("/login")
        page.locator("input[name=name]").fill(who)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        page.wait_for_url(re.compile(r"^(?!.*/login)"))
    return page


def _shot(page: Any, name: str, size: tuple[int, int], scheme: str) -> None:
    folder = os.environ.get("FIREWRIGHT_SHOTS", "")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder, f"{name}-{size[0]}-{scheme}.png")), full_page=True)


@pytest.mark.parametrize(("size", "scheme"), ALL if os.environ.get("FIREWRIGHT_SHOTS") else USUAL)
def test_every_page_can_be_read_and_used(
    browser: Any, full: Site, fresh: Site, size: tuple[int, int], scheme: str
) -> None:
    """No page runs over its width, loads what it may not, has a control without a name, or words that are too pale."""
    wrong: dict[str, list[str]] = {}
    for served, names, prefix in ((full, tuple(PAGES), ""), (fresh, EMPTY, "empty-")):
        page = _screen(browser, served, LONG, size, scheme)
        said: list[str] = []
        page.on("console", lambda one, said=said: said.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda one, said=said: said.append(str(one)))
        for name in names:
            said.clear()
            answer = page.goto(PAGES[name], wait_until="load")
            assert answer.status == (404 if name == "missing" else 200), (name, answer.status)
            _shot(page, prefix + name, size, scheme)
            found = [*page.evaluate(JUDGING), *(one for one in said if "404" not in one)]
            if found:
                wrong[prefix + name] = found
        page.context.close()
    page = _screen(browser, fresh, "", size, scheme)
    page.goto("/login")
    _shot(page, "login", size, scheme)
    if found := page.evaluate(JUDGING):
        wrong["login"] = found
    page.context.close()
    assert not wrong, "\n".join(f"{name}: {one}" for name, found in wrong.items() for one in found)


def test_two_thousand_requests_are_pages(browser: Any, full: Site) -> None:
    """The newest fifty are shown, the next ones are a link away, words and states narrow them, and the list is a file."""
    page = _screen(browser, full, "vera")
    page.goto("/requests")
    assert page.locator("tbody tr").count() == 50
    page.get_by_role("link", name="Older").click()
    page.wait_for_url(re.compile("after="))
    assert page.locator("tbody tr").count() == 50
    page.goto("/requests?q=OPS-1234")
    assert page.locator("tbody tr").count() == 1
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert "OPS-1234" in Path(saved.value.path()).read_text(encoding="utf-8")
    page.context.close()


def test_a_request_is_made_with_the_keyboard_alone(browser: Any, fresh: Site) -> None:
    """From the list to a submitted request there is nothing that Tab, letters and Enter do not reach; the focus is always seen."""
    page = _screen(browser, fresh, "tom")
    page.goto("/requests")
    _tab_to(page, "Ask for a port")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/new*")
    _tab_to(page, "Policy")
    page.keyboard.type(NAME)
    for field, words in (
        ("From", "tenants"), ("To", "internet"), ("Services", "tcp/11371"), ("Why", "keys are fetched")
    ):  # fmt: skip
        _tab_to(page, field)
        page.keyboard.press("Control+A")
        page.keyboard.type(words)
    _tab_to(page, "What would it mean?")
    page.keyboard.press("Enter")
    page.get_by_text("to be decided").first.wait_for()
    _tab_to(page, "Submit")
    page.keyboard.press("Enter")
    page.get_by_text("is submitted").first.wait_for()
    assert re.search(r"/requests/\d+$", page.url)
    page.context.close()


_FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const label = one.labels && one.labels.length ? one.labels[0].textContent : one.getAttribute("aria-label") || one.textContent || "";
  const seen = (parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none") || style.boxShadow !== "none";
  return [label.trim(), seen, one.tagName, one.checkVisibility()];
}"""


def _tab_to(page: Any, label: str) -> None:
    """Press Tab until something of that name has the focus; it is seen on whatever has it meanwhile."""
    for _ in range(80):
        page.keyboard.press("Tab")
        found, is_seen, tag, is_there = page.evaluate(_FOCUSED)
        assert tag in ("BODY", "MAIN") or (is_seen and is_there), f"the focus is not seen on {tag} {found!r}"
        if found == label:
            return
    raise AssertionError(f"Tab never comes to {label!r}")


def test_all_of_it_works_without_javascript(browser: Any, fresh: Site) -> None:
    """Asked, looked at, submitted, approved and withdrawn with forms and links alone."""
    tom = _screen(browser, fresh, "tom", java_script_enabled=False)
    tom.goto(f"/requests/new?policy={NAME}")
    for name, text in (
        ("sources", "tenants"),
        ("destinations", "internet"),
        ("services", "tcp/4711"),
        ("because", "no script"),
    ):
        tom.locator(f"#{name}").fill(text)
    tom.get_by_role("button", name="What would it mean?").click()
    assert "to be decided" in tom.locator("#check").inner_text()
    tom.get_by_role("button", name="Submit", exact=True).click()
    number = tom.url.rsplit("/", 1)[1]
    anna = _screen(browser, fresh, "anna", java_script_enabled=False)
    anna.goto(f"/requests/{number}")
    anna.get_by_role("button", name="Approve exactly this").click()
    assert "is approved" in anna.locator("[role=status]").inner_text()
    anna.goto("/ports?q=postgres")
    assert "postgresql" in anna.locator("main").inner_text()
    tom.goto(f"/requests/{number}")
    tom.get_by_role("button", name="Withdraw").click()
    assert "is withdrawn" in tom.locator("[role=status]").inner_text()
    assert not list((fresh.folder / "exceptions").glob(f"request-{number}.yaml"))
    for page in (tom, anna):
        page.context.close()


def test_a_page_can_be_zoomed_to_four_times(browser: Any, full: Site) -> None:
    """At 320 pixels, which is a desk's page at four times, nothing runs over (WCAG 1.4.10)."""
    page = _screen(browser, full, LONG, (320, 640))
    for name in ("requests", "request-long", "request-new", "exceptions", "log"):
        page.goto(PAGES[name])
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    page.context.close()


def test_what_people_type_is_only_words(browser: Any, fresh: Site) -> None:
    """Markup in every field that a person can fill is shown as it was typed, on every page that shows it, and nothing of it runs."""
    bad = "<img src=x onerror=window.ran=1><script>window.ran=1</script>{{7*7}}\"'"
    client = fresh.log_in("tom")
    form = {"policy": NAME, "sources": "tenants", "destinations": "internet", "services": "tcp/4712", "because": bad, "owner": bad[:190],
            "ticket": bad[:90], "until": (datetime.now(UTC) + timedelta(days=9)).date().isoformat(), "act": "submit"}  # fmt: skip
    number = client.post("/requests", data=form).headers["location"].rsplit("/", 1)[1]
    page = _screen(browser, fresh, "anna")
    page.goto(f"/requests/{number}")
    page.get_by_role("button", name="Approve exactly this").click()
    for path in (
        f"/requests/{number}",
        "/requests",
        "/exceptions",
        "/log",
        "/",
        "/audit",
        f"/zones/{NAME}/tenants/internet",
    ):
        page.goto(path)
        assert page.evaluate("window.ran") is None and page.locator("main img[src=x]").count() == 0, path
    page.goto(f"/requests/{number}")
    assert bad in page.locator("main").inner_text()
    with fresh.store() as store, store.reading() as c:
        assert log.rows(c, about=f"request {number}")
    page.context.close()


FAULTS = """<!doctype html><html lang="en"><head><style>body { margin: 0; background: #fff; color: #000 }</style></head><body><main>
<h1>One</h1><h1>Two</h1><h3>Too deep</h3><p id="x" style="color: #999">pale</p><p id="x">again</p>
<div style="width: 3000px">wide</div><button></button><input><table><tr><th>head</th></tr></table>
<a href="/" tabindex="3">out of turn</a><div style="background: #0008"><p style="color: #444">on grey</p></div></main></body></html>"""


def test_the_judge_finds_each_fault(browser: Any) -> None:
    """What judges the pages finds each kind of fault on a page that has it, so that a clean page says something."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.set_content(FAULTS)
    found = "\n".join(page.evaluate(JUDGING))
    for words in ("the page is 3000 wide", "no name: button", "no name: input", "takes the focus out of turn", "twice: id x",
                  "2 first headings", "a heading of level 3 under one of 1", "of what is it the head", "contrast 2.85: p#x"):  # fmt: skip
        assert words in found, (words, found)
    assert "on grey" in found
    page.close()
