"""What pages show of one's own account, of exceptions and of what may be done, over the API too."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from firewright.model.account import Actor, Grant, Role
from firewright.store import accounts
from firewright.store.database import Store
from firewright.web.views import hosts
from firewright.workflows.accounts import put_password
from firewright.workflows.invitations import accept, invite
from tests.web.conftest import Client, browser_of
from tests.web.described import PREFIX
from tests.web.test_api_acts import WISH
from tests.web.test_unused_exceptions import EXCEPTION


def test_sessions_are_seen_and_ended(app: FastAPI, token_of: Callable[..., dict[str, str]]) -> None:
    """One sees where one is logged in; all but the session that asks end; a token ends them all, and no others'."""
    grants = (Grant(Role.VIEWER),)
    here, there, other = (browser_of(app, name, grants) for name in ("vera", "vera", "otto"))
    found = here.get(f"{PREFIX}/sessions").json()["sessions"]
    assert sorted(one["is_own"] for one in found) == [False, True]
    assert here.delete(f"{PREFIX}/sessions").status_code == 204
    assert there.get(f"{PREFIX}/me").status_code == 401 and here.get(f"{PREFIX}/me").status_code == 200
    header = token_of("viewer", name="vera")
    assert Client(app).delete(f"{PREFIX}/sessions", headers=header).status_code == 204
    assert here.get(f"{PREFIX}/me").status_code == 401 and other.get(f"{PREFIX}/me").status_code == 200


def test_one_is_told_whose_link_set_the_password(app: FastAPI, store: Store) -> None:
    """Who made the link, when it was followed and whether it replaced a password is told to its holder, and to admins by whom."""
    now, vera = datetime.now(UTC), browser_of(app, "vera", (Grant(Role.VIEWER),))
    assert vera.get(f"{PREFIX}/me").json()["links"] == []
    with store.writing() as c:
        found = accounts.find(c, "vera")
        assert found is not None
        put_password(c, Actor("vera"), found, "hash", now)
        accept(c, invite(c, Actor("ada"), "vera", now), Actor("vera"), "vera", "hash", now)
    told = browser_of(app, "vera", ()).get(f"{PREFIX}/me").json()
    assert (told["let_in_by"], told["links"]) == ("ada", [{"maker": "ada", "at": now.isoformat(), "was_reset": True}])
    admin = browser_of(app, "eve", (Grant(Role.ADMIN),))
    assert admin.get(f"{PREFIX}/accounts/vera").json()["let_in_by"] == "ada"


def test_exceptions_say_what_they_let_in(client_of: Callable[..., Client], store: Store, folder: Path) -> None:
    """Beside each exception are the packets that hosts counted, and those without any are found by it, as by words."""
    (folder / "exceptions").mkdir()
    for name, port in (("idle", "11371"), ("busy", "11372")):
        text = EXCEPTION.replace("NAME", name).replace("PORT", port)
        (folder / "exceptions" / f"{name}.yaml").write_text(text, encoding="utf-8")
    counter = {"rule": "busy", "file": "exceptions/busy.yaml", "line": 3, "packets": 12, "bytes": 7, "let_pass": False}
    report = {"kind": "status", "time": 1_800_000_000, "policy": "internet-ports-regions-1-2", "counters": [counter]}
    with store.writing() as c:
        hosts.keep(c, "edge-1", json.dumps(report), datetime.now(UTC))
    viewer = client_of("viewer")

    def told(query: str) -> dict[str, int | None]:
        found = viewer.get(f"{PREFIX}/exceptions{query}").json()["exceptions"]
        return {one["rule"]: one["hits"] for one in found}

    assert told("") == {"busy": 12, "idle": 0}
    assert told("?kind=unused") == {"idle": 0} and told("?q=11372") == {"busy": 12} and told("?kind=ended") == {}
    assert viewer.get(f"{PREFIX}/exceptions?kind=other").status_code == 422


def test_what_may_be_done_is_told(client_of: Callable[..., Client]) -> None:
    """A request names the acts that whoever looks may do to it now, as its page offers them."""
    tom = client_of("requester", name="tom")
    number = tom.post(f"{PREFIX}/requests", json=WISH).json()["number"]
    anna, vera = client_of("approver", name="anna"), client_of("viewer", name="vera")
    told: dict[str, Any] = {
        one.csrf: one.get(f"{PREFIX}/requests/{number}").json()["acts"] for one in (tom, anna, vera)
    }
    assert set(told[tom.csrf]) == {"edit", "withdraw"} and told[vera.csrf] == []
    assert {"agree", "decline", "answer"} <= set(told[anna.csrf])


def test_a_policy_names_its_services_and_bans(client_of: Callable[..., Client]) -> None:
    """What the form of a request offers is in the answer about the policy; of somebody who sees one zone only what they see."""
    whole = client_of("viewer").get(f"{PREFIX}/policies/internet-ports-regions-1-2").json()
    assert whole["bans"] and isinstance(whole["services"], list)
    part = client_of("viewer", "internet-ports-regions-1-2/tenants").get(
        f"{PREFIX}/policies/internet-ports-regions-1-2"
    )
    assert set(part.json()["bans"]) <= set(whole["bans"])
