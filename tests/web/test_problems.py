"""What stops a request says the way out that there is where it was asked, and each complaint with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from firewright.store.database import Store
from firewright.store.tables import ACCOUNTS
from firewright.web.access import declared
from tests.web.conftest import Client
from tests.web.described import PREFIX

UNTIL = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@pytest.mark.parametrize("path", ["/requests/7", "/requests/7/edit", "/zones?policy=x", "/admin/accounts/x"])
def test_no_way_out_of_a_page_leads_to_the_command_line(client_of: Callable[..., Client], path: str) -> None:
    """What is not there is not there, and the sentence after it names a list of this site, not a command."""
    grants = client_of("admin", name="all")
    answer = (client_of("requester", name="req") if path.startswith("/req") else grants).get(path)
    assert answer.status_code == 404
    assert "firewright requests" not in answer.text and "list of" in answer.text


def test_the_api_names_its_own_lists(client_of: Callable[..., Client]) -> None:
    """Over the API the way out of a request that is not there is the API's list of requests."""
    answer = client_of("viewer").get(f"{PREFIX}/requests/7")
    assert answer.status_code == 404 and answer.json()["help"].startswith(f"GET {PREFIX}/requests")


def test_complaints_about_what_was_written_have_their_places(client_of: Callable[..., Client]) -> None:
    """A wish that the language does not take is refused with each complaint, its line and column in the file that it would be."""
    wish: dict[str, Any] = {
        "policy": "tenant-a-edge", "from": ["tenant-a"], "to": ["internet"], "services": ["tcp/11371"], "because": "x",
        "owner": "x", "until": UNTIL, "overrides": ["no-such-ban"],
    }  # fmt: skip
    for path in ("/check", "/requests"):
        answer = client_of("requester").post(f"{PREFIX}{path}", json=wish)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["path"].startswith("exceptions/") and error["line"] > 1 and error["column"] > 1, error
        assert "no-such-ban" in error["message"]
    assert "errors" not in client_of("viewer").get(f"{PREFIX}/requests/7").json()


def test_each_path_answers_head_as_get(app: FastAPI, client_of: Callable[..., Client]) -> None:
    """Every address that is read answers HEAD with the status and the headers of GET, and without its body."""
    admin = client_of("admin")
    paths = sorted({path for method, path, _ in declared(app) if method == "GET" and "{" not in path})
    paths = [path for path in paths if not path.startswith("/login/") and path != "/metrics"]
    assert len(paths) > 30 and f"{PREFIX}/requests" in paths
    for path in paths:
        whole, bare = admin.get(path), admin.head(path)
        assert (bare.status_code, bare.content) == (whole.status_code, b""), path
        for name in ("content-type", "content-length", "etag", "location"):
            assert bare.headers.get(name) == whole.headers.get(name), (path, name)


def test_an_unfit_name_is_shown_to_admins(client_of: Callable[..., Client], store: Store) -> None:
    """The list of accounts and the page of one say that its name would not be taken today, and what to do; the API says why."""
    admin = client_of("admin")
    with store.writing() as c:
        kept = {"shown": "x", "password_hash": "", "grants": (), "groups": (), "is_active": True}
        c.execute(insert(ACCOUNTS).values(key="@net", name="@net", **kept))
    assert admin.get("/admin/accounts").text.count("unfit name") == 1
    assert "make its holder another account" in admin.get("/admin/accounts/@net").text
    told = {one["name"]: one["unfit"] for one in admin.get(f"{PREFIX}/accounts").json()["accounts"]}
    assert told == {"@net": "the account's name means something else here", "admin-all": ""}
