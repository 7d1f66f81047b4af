"""Pages and the API show what means more by now and let it be decided again, how it is known what runs, and that nobody decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from firewright.model.account import Actor, Grant, Role
from firewright.model.request import State
from firewright.store.database import Store
from firewright.web.running import Running
from firewright.workflows.requests import acting, checking, gate
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.estate import read_estate
from firewright.workflows.requests.exceptions import settle
from tests.web.conftest import Client
from tests.web.described import PREFIX, described, token
from tests.workflows.requests.world import APPROVALS, POLICY, wish

Made = Callable[..., Client]
UNTIL = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
GROWN = POLICY.replace("[198.51.100.0/24,", "[198.51.100.0/24, 203.0.113.0/24,")
TELL = APPROVALS + "growth: tell\n"
BOB = Actor("bob", (Grant(Role.APPROVER, "edge/tenants"),))


@pytest.fixture(autouse=True)
def small(folder: Path) -> Iterator[None]:
    """A small policy in the place of the provider's, and who decides about it."""
    for path in folder.glob("*.yaml"):
        path.unlink()
    (folder / "edge.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "approvals.yaml").write_text(APPROVALS, encoding="utf-8")
    yield
    checking._KEPT.clear()


@pytest.fixture
def people(client_of: Made) -> dict[str, Client]:
    """Who asks, who decides for the zone, who sees all, who operates."""
    grants = {
        "ann": Grant(Role.REQUESTER, "edge/tenants"),
        "bob": Grant(Role.APPROVER, "edge/tenants"),
        "cas": Grant(Role.APPROVER),
        "otto": Grant(Role.OPERATOR, "edge"),
        "vera": Grant(Role.VIEWER),
    }
    return {name: client_of(None, name=name, grants=(grant,)) for name, grant in grants.items()}


def _approve(store: Store, folder: Path, **changed: Any) -> None:
    """A request of ann's that bob agreed to, its file in place."""
    now = datetime.now(UTC)
    with store.writing() as c:
        ann = Actor("ann", (Grant(Role.REQUESTER, "edge/tenants"),))
        made = acting.make(Desk(c, read_estate(now, folder), ann, now), wish(until=UNTIL, **changed))
    with store.writing() as c:
        found = acting.approve(Desk(c, read_estate(now, folder), BOB, now), made.number, made.digest)
    assert found.state is State.APPROVED
    settle(store, read_estate(now, folder), now)


def _look(store: Store, folder: Path) -> None:
    now = datetime.now(UTC)
    gate.look(store, read_estate(now, folder), now)


def _state(store: Store, number: int = 1) -> State:
    from firewright.store import requests

    with store.reading() as c:
        found = requests.find(c, number)
    assert found is not None
    return found.state


@pytest.mark.parametrize("rules", [APPROVALS, TELL])
def test_what_means_more_is_shown_and_decided_again(
    people: dict[str, Client], store: Store, folder: Path, rules: str
) -> None:
    """Its page and the list say so and offer to ask again, to those who may; the form needs its token and a reason."""
    (folder / "approvals.yaml").write_text(rules)
    _approve(store, folder)
    assert "Have it decided again" not in people["cas"].get("/requests/1").text
    (folder / "edge.yaml").write_text(GROWN)
    assert "Nobody has looked yet" in people["cas"].get("/requests/1").text
    assert "nobody has looked yet whether 1 exception means more" in people["cas"].get("/exceptions").text
    _look(store, folder)
    page = people["cas"].get("/requests/1").text
    assert "It means more by now" in page and "203.0.113." in page and 'action="/requests/1/again"' in page
    assert ("applied all the same" in page) is (rules == TELL)
    listed = people["cas"].get("/exceptions?show=grown").text
    assert "means more" in listed and "203.0.113." in listed and "Have it decided again" in listed
    assert ("not approved</span>" in listed) is (rules == APPROVALS)
    hers = people["ann"].get("/requests/1").text
    assert "It means more by now" in hers and "203.0.113." not in hers, "the policy is not hers to see whole"
    assert "203.0.113." not in people["ann"].get("/exceptions").text
    assert 'action="/requests/1/again"' not in people["vera"].get("/requests/1").text
    assert people["vera"].post("/requests/1/again", data={"because": "it grew"}).status_code == 403
    forged = people["cas"].post("/requests/1/again", data={"because": "it grew"}, headers={"X-CSRF-Token": "made up"})
    assert forged.status_code == 403 and _state(store) is State.APPROVED
    assert people["cas"].post("/requests/1/again", data={"because": " "}).status_code == 422
    assert people["otto"].post("/requests/1/again", data={"because": "it grew"}).status_code == 303
    assert _state(store) is State.SUBMITTED and not list((folder / "exceptions").iterdir())
    assert "Have it decided again" not in people["cas"].get("/requests/1").text


def test_the_api_tells_what_means_more_and_asks_again(client: Client, store: Store, folder: Path) -> None:
    """The same as data: null where nobody has looked, why where it means more, `lapse` among the acts, and the way to do it."""
    headers = token(store, "cas", Grant(Role.APPROVER))
    token(store, "bob", *BOB.grants)
    _approve(store, folder)
    here, there = f"{PREFIX}/requests/1", f"{PREFIX}/exceptions"

    def told() -> tuple[Any, Any]:
        one, every = client.get(here, headers=headers), client.get(there, headers=headers)
        described().hold(one, "get", here)
        described().hold(every, "get", there)
        assert "lapse" in one.json()["acts"] and one.json()["is_confirmed"] is False
        assert every.json()["ungoverned"] == []
        return one.json(), every.json()["exceptions"][0]

    assert [tree["grown"] for tree in told()] == [None, None]
    _look(store, folder)
    assert [tree["grown"] for tree in told()] == ["", ""]
    (folder / "edge.yaml").write_text(GROWN)
    _look(store, folder)
    one, listed = told()
    assert "203.0.113." in one["grown"] == listed["grown"] == one["against"] == listed["unapproved"]
    assert len(client.get(f"{there}?kind=grown", headers=headers).json()["exceptions"]) == 1
    assert client.post(f"{here}/again", json={"because": ""}, headers=headers).status_code == 422
    stranger = token(store, "vera", Grant(Role.VIEWER))
    assert client.post(f"{here}/again", json={"because": "it grew"}, headers=stranger).status_code == 403
    done = client.post(f"{here}/again", json={"because": "it grew"}, headers=headers)
    described().hold(done, "post", f"{here}/again")
    assert (done.status_code, done.json()["state"]) == (200, "submitted")


def test_the_server_looks_by_itself(app: FastAPI, store: Store, folder: Path, people: dict[str, Client]) -> None:
    """The duty that brings requests to where they are also finds what means more."""
    from firewright.web.duties import requests as duty

    parts: Running = app.state.running
    _approve(store, folder)
    (folder / "edge.yaml").write_text(GROWN)
    duty.run(parts, datetime.now(UTC))
    assert "means more" in people["cas"].get("/exceptions?show=grown").text


def test_how_it_is_known_that_it_runs_is_shown(people: dict[str, Client], store: Store, folder: Path) -> None:
    """What an operator says by hand is told from what was seen, on the page and in the list."""
    _approve(store, folder)
    otto = Actor("otto", (Grant(Role.OPERATOR, "edge"),))
    now = datetime.now(UTC)
    with store.writing() as c:
        acting.implement(Desk(c, read_estate(now, folder), otto, now), 1, {})
    assert "said by hand to run" in people["ann"].get("/requests/1").text
    assert "said by hand" in people["cas"].get("/exceptions").text
    with store.writing() as c:
        acting.confirm(Desk(c, read_estate(now, folder), otto, now), 1, {"host": "h"})
    for path, words in (("/requests/1", "seen to run"), ("/exceptions", "seen to run")):
        text = people["cas"].get(path).text
        assert words in text and "said by hand" not in text


def test_rules_that_are_gone_are_told_loudly(
    people: dict[str, Client], client: Client, store: Store, folder: Path
) -> None:
    """The overview, the exceptions and the API say that nobody decides, of which policy, and the way out; not to strangers."""
    _approve(store, folder)
    headers = token(store, "hank", Grant(Role.VIEWER))
    for path in ("/", "/exceptions"):
        assert "Nobody decides" not in people["vera"].get(path).text
    (folder / "approvals.yaml").unlink()
    for path in ("/", "/exceptions"):
        text = people["vera"].get(path).text
        assert "Nobody decides about edge" in text and "--without-rules edge" in text and 'role="alert"' in text
    answer = client.get(f"{PREFIX}/exceptions", headers=headers)
    described().hold(answer, "get", f"{PREFIX}/exceptions")
    (gone,) = answer.json()["ungoverned"]
    assert gone["policy"] == "edge" and "approvals.yaml" in gone["why"] and "--without-rules edge" in gone["help"]
    other = token(store, "zoe", Grant(Role.VIEWER, "another"))
    assert client.get(f"{PREFIX}/exceptions", headers=other).json()["ungoverned"] == []


def _ask(store: Store, folder: Path, **changed: Any) -> None:
    now = datetime.now(UTC)
    with store.writing() as c:
        ann = Actor("ann", (Grant(Role.REQUESTER, "edge/tenants"),))
        acting.make(Desk(c, read_estate(now, folder), ann, now), wish(until=UNTIL, **changed))


def test_how_many_people_can_decide_is_told(
    people: dict[str, Client], client: Client, store: Store, folder: Path
) -> None:
    """Whoever sees the policy whole is told how many can, and loudly that nobody can; others are told neither."""
    _ask(store, folder)
    assert "2 people can now." in people["vera"].get("/requests/1").text, (
        "bob for the tenants, cas for what has no owners"
    )
    assert "can now" not in people["ann"].get("/requests/1").text
    headers = token(store, "hank", Grant(Role.VIEWER))
    check = client.get(f"{PREFIX}/requests/1", headers=headers).json()["check"]
    assert (check["able"], check["stuck"]) == (2, [])
    (folder / "approvals.yaml").write_text(APPROVALS.replace("medium: {count: 1", "medium: {count: 3"))
    text = people["vera"].get("/requests/1").text
    assert "Nobody can approve this now" in text and "1 more" in text and "2 people can now." in text
    answer = client.get(f"{PREFIX}/requests/1", headers=headers)
    described().hold(answer, "get", f"{PREFIX}/requests/1")
    assert answer.json()["check"]["stuck"] == ["1 more"]
    assert "Nobody can approve" not in people["ann"].get("/requests/1").text


def test_what_else_is_on_the_ports_of_a_name_is_told(
    people: dict[str, Client], client: Client, store: Store, folder: Path
) -> None:
    """Who asks by a mild name may have anything listen there, so the approver sees what commonly does; it is no more severe for it."""
    _ask(store, folder, services=("openpgp-keyserver",))
    assert "Also commonly on" not in people["bob"].get("/requests/1").text, "nothing else is on its port"
    _ask(store, folder, services=("mumble",))
    page = people["bob"].get("/requests/2").text
    assert "Also commonly on <code>tcp/64738, udp/64738</code>" not in page
    assert "Also commonly on <code>tcp/64738</code>: msrpc-dynamic" in page
    headers = token(store, "hank", Grant(Role.VIEWER))
    answer = client.get(f"{PREFIX}/requests/2", headers=headers)
    described().hold(answer, "get", f"{PREFIX}/requests/2")
    check = answer.json()["check"]
    assert {"ports": "tcp/64738", "names": ["msrpc-dynamic"]} in check["beside"] and check["severity"] == "low"
