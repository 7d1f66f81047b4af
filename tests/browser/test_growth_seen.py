"""What means more by now, and rules of approval that are gone, can be read in a real browser, at a desk and on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firewright.model.account import Actor
from firewright.model.request import Wish
from firewright.workflows.requests import acting, exceptions, gate
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.estate import read_estate
from tests.browser.site import Site, site
from tests.browser.test_pages import APPROVALS, JUDGING, LONG, NAME, PEOPLE, TEXTS, USUAL, _screen, _shot, browser

__all__ = ["browser"]
POLICY = "provider-perimeter.yaml"
OLD, NEW = "tenants: [198.51.100.0/24,", "tenants: [198.51.100.0/24, 192.0.2.128/25,"
PAGES = {"request-grown": "/requests/1", "request-nobody": "/requests/2", "exceptions-grown": "/exceptions?show=grown"}


def _fill(made: Site, now: datetime) -> None:
    """An approved exception of which the zone grew since, and a request that nobody can approve."""
    where = Path.cwd()
    os.chdir(made.folder)
    try:
        until = (now + timedelta(days=20)).date().isoformat()
        wish = Wish(NAME, ("tenants",), ("internet",), ("tcp/11371",), "OpenPGP keys are fetched", "key team", until)
        mild = Wish(NAME, ("internet",), ("tenants",), ("mumble", "tcp/20000-29999"), "we talk", "team", until)
        with made.store() as store:
            with store.writing() as c:
                tom, anna = (Desk(c, read_estate(now), Actor(name, PEOPLE[name]), now) for name in ("tom", "anna"))
                acting.make(tom, wish)
                acting.approve(anna, 1, acting.find(anna, 1).digest)
                acting.make(tom, mild)
            exceptions.settle(store, read_estate(now), now)
            text = Path(POLICY).read_text(encoding="utf-8")
            assert OLD in text
            Path(POLICY).write_text(text.replace(OLD, NEW), encoding="utf-8")
            gate.look(store, read_estate(now), now)
    finally:
        os.chdir(where)
    made.give_away()


@pytest.fixture
def grown(browser: Any) -> Iterator[Site]:
    """A server of a folder that lets growth be told, and asks more people than there are for what is of high severity."""
    rules = APPROVALS.replace("high: {count: 2", "high: {count: 9") + "growth: tell\n"
    with site({**TEXTS, "approvals.yaml": rules}, PEOPLE) as made:
        _fill(made, datetime.now(UTC))
        made.start()
        yield made


def test_what_is_to_be_seen_is_seen(browser: Any, grown: Site) -> None:
    """Warnings and ways out stand on the pages, nothing runs over, all has a name, and words are not too pale."""
    wrong: dict[str, list[str]] = {}
    words = {
        "request-grown": "It means more by now",
        "request-nobody": "Nobody can approve this now",
        "exceptions-grown": "means more",
    }
    for size, scheme in USUAL:
        page = _screen(browser, grown, LONG, size, scheme)
        for name, address in PAGES.items():
            page.goto(address, wait_until="load")
            assert words[name] in page.content(), name
            _shot(page, name, size, scheme)
            if found := page.evaluate(JUDGING):
                wrong[name] = found
        page.context.close()
    (grown.folder / "approvals.yaml").unlink()
    for size, scheme in USUAL:
        page = _screen(browser, grown, LONG, size, scheme)
        for name, address in (("overview-ungoverned", "/"), ("exceptions-ungoverned", "/exceptions")):
            page.goto(address, wait_until="load")
            assert page.get_by_text("Nobody decides about").count(), name
            _shot(page, name, size, scheme)
            if found := page.evaluate(JUDGING):
                wrong[name] = found
        page.context.close()
    assert not wrong, "\n".join(f"{name}: {one}" for name, found in wrong.items() for one in found)
