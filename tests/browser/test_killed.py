"""A server that is killed again and again while people work loses nothing that it said was done."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from firewright.model.account import Grant, Role
from firewright.store import log, requests
from tests.browser.site import Site, interpreter, site
from tests.workflows.requests.world import APPROVALS, POLICY

KILLS = 20
PEOPLE = {
    "ann": (Grant(Role.REQUESTER),), "eve": (Grant(Role.REQUESTER),), "bob": (Grant(Role.APPROVER),), "cas": (Grant(Role.APPROVER),),
}  # fmt: skip
RULES = APPROVALS.replace('owners: {tenants: [bob, eve, "@net"], office: [cas, eve]}\n', "")


class Told:
    """What clients were told is done."""

    def __init__(self) -> None:
        self.made: dict[int, str] = {}
        self.approved: set[int] = set()
        self.withdrawn: set[int] = set()
        self.faults: list[str] = []


@pytest.fixture
def served() -> Iterator[Site]:
    """A server with two who ask and two who decide."""
    interpreter()
    with site({"edge.yaml": POLICY, "approvals.yaml": RULES}, PEOPLE) as made:
        made.start()
        yield made


def _client(served: Site, name: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {served.tokens[name]}", "If-Match": "*"}
    return httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=20)


def _asking(served: Site, name: str, told: Told, over: threading.Event) -> None:
    """Ask for one thing after the other; every fifth is withdrawn."""
    until, nth, first = (datetime.now(UTC) + timedelta(days=9)).date().isoformat(), 0, 20000 if name == "ann" else 40000
    with _client(served, name) as client:
        while not over.is_set():
            nth += 1
            body = {"policy": "edge", "from": ["tenants"], "to": ["internet"], "services": [f"udp/{first + nth}"],
                    "because": f"{name} {nth}", "owner": name, "until": until}  # fmt: skip
            with suppress(httpx.TransportError):
                answer = client.post("/requests", json=body)
                if answer.status_code == 201:
                    number = answer.json()["number"]
                    told.made[number] = f"{name} {nth}"
                    if (
                        nth % 5 == 0
                        and client.post(f"/requests/{number}/withdraw", json={"because": ""}).status_code == 200
                    ):
                        told.withdrawn.add(number)
                elif answer.status_code not in (409, 429, 503):
                    told.faults.append(f"{answer.status_code} {answer.text}")
                continue
            time.sleep(0.05)


def _deciding(served: Site, name: str, told: Told, over: threading.Event) -> None:
    """Approve whatever was made."""
    done: set[int] = set()
    with _client(served, name) as client:
        while not over.is_set():
            waiting = [number for number in sorted(told.made) if number not in done][-3:]
            if not waiting:
                time.sleep(0.05)
            for number in waiting:
                with suppress(httpx.TransportError):
                    shown = client.get(f"/requests/{number}")
                    if shown.status_code == 200:
                        body = {"digest": shown.json()["digest"], "because": ""}
                        answer = client.post(f"/requests/{number}/approve", json=body)
                        if answer.status_code == 200 and answer.json()["state"] == "approved":
                            told.approved.add(number)
                        elif answer.status_code not in (200, 409, 412, 429, 503):
                            told.faults.append(f"{answer.status_code} {answer.text}")
                        done.add(number)
                    continue
                time.sleep(0.05)


def test_twenty_kills_lose_nothing(served: Site) -> None:
    """After each of twenty kills amid the work of four, whatever was acknowledged is there, with its row, in a log that is whole."""
    told, over = Told(), threading.Event()
    workers = [threading.Thread(target=_asking, args=(served, name, told, over)) for name in ("ann", "eve")]
    workers += [threading.Thread(target=_deciding, args=(served, name, told, over)) for name in ("bob", "cas")]
    for one in workers:
        one.start()
    try:
        for nth in range(KILLS):
            before = len(told.made)
            until = time.monotonic() + 15
            while len(told.made) < before + 3 and time.monotonic() < until:
                time.sleep(0.02)
            assert len(told.made) > before, f"nobody gets anything done before kill {nth}: {told.faults[:3]}"
            served.stop(signal.SIGKILL)
            if nth % 4 == 0:
                _is_all_there(served, told)
            served.start()
    finally:
        over.set()
        for one in workers:
            one.join(60)
    served.stop(signal.SIGKILL)
    assert not told.faults, told.faults[:3]
    assert len(told.made) > 2 * KILLS and told.approved and told.withdrawn
    _is_all_there(served, told)
    served.start()  # what was interrupted between the database and the files is finished
    settled = served.firewright("exceptions", "--settle", who="bob")
    assert settled.returncode == 0, settled.stderr
    with served.store() as store, store.reading() as c:
        found = requests.listed(c, limit=1000)
    there = {path.name: path.read_text() for path in (served.folder / "exceptions").glob("*")}
    assert there == {f"request-{one.number}.yaml": one.text for one in found if one.state.has_exception}


def _is_all_there(served: Site, told: Told) -> None:
    """The database, as a program finds it after a kill, has all that was acknowledged, and the log is one chain."""
    made, approved, withdrawn = dict(told.made), set(told.approved), set(told.withdrawn)
    verified = served.firewright("log", "verify", who="bob")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    with served.store() as store, store.reading() as c:
        found = {one.number: one for one in requests.listed(c, limit=1000)}
        rows = [row.entry for row in log.stream(c)]
    said = {(row.about, row.act.removeprefix("request.")) for row in rows}
    for number, because in made.items():
        assert found[number].wish.because == because and (f"request {number}", "submit") in said
    for number in approved:
        assert found[number].approvals and (f"request {number}", "approve") in said
    for number in withdrawn:
        assert found[number].state == "withdrawn" and (f"request {number}", "withdraw") in said
    counts = {number: sum(row.about == f"request {number}" for row in rows) for number in found}
    assert all(counts[number] == one.version - 1 for number, one in found.items())
    assert re.search("one chain|intact|whole", verified.stdout), verified.stdout
