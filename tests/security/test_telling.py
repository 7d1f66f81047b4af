"""What a tenant is told of what they ask for: nothing of another's addresses, lines or reasons, in no answer and no refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from firewright.model.account import Grant, Role
from firewright.store.database import Store
from tests.web import two_tenants
from tests.web.conftest import Client, app, browser_of, client, quick_hashes, settings, store  # noqa: F401 - fixtures
from tests.web.described import PREFIX, token

WISHES: tuple[dict[str, Any], ...] = (
    {"to": ["tenant-b"], "services": ["any"]},
    {"to": ["tenant-b"], "services": ["tcp/22"]},
    {"to": ["tenant-b"], "services": ["smb"]},
    {"to": ["tenant-b"], "services": ["postgresql"]},
    {"to": ["ops"]},
    {"to": ["any"], "services": ["any"]},
    {"from": ["internet"], "to": ["tenant-a"], "services": ["tcp/8080"]},
    {"policy": "bravo-only", "from": ["inner"]},
    {"policy": "bravo", "from": ["inner"]},
)
UNTIL = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
GRANT = Grant(Role.REQUESTER, "shared/tenant-a")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two tenants."""
    made = tmp_path / "policies"
    made.mkdir()
    two_tenants.write(made)
    monkeypatch.chdir(made)
    return made


def _wish(**changed: Any) -> dict[str, Any]:
    return {
        "policy": "shared", "from": ["tenant-a"], "to": ["internet"], "services": ["tcp/11371"], "because": "keys",
        "owner": "ann", "until": UNTIL, **changed,
    }  # fmt: skip


def _secrets_in(text: str, asked: dict[str, Any]) -> list[str]:
    return [one for one in two_tenants.SECRETS if one in text and one not in str(asked)]


@pytest.mark.parametrize("changed", WISHES, ids=str)
def test_what_a_wish_means_tells_nothing_of_others(client: Client, store: Store, changed: dict[str, Any]) -> None:  # noqa: F811
    """Asked only, kept as a request, and looked at again: no example, prefix, line or reason of another tenant's is in it."""
    ann, asked = token(store, "ann", GRANT), _wish(**changed)
    for path in ("/check", "/requests"):
        answer = client.post(f"{PREFIX}{path}", json=asked, headers=ann)
        assert answer.status_code in (200, 201, 409, 422), answer.text
        assert not _secrets_in(answer.text, asked), (path, answer.text)
        if answer.status_code == 201:
            shown = client.get(f"{PREFIX}/requests/{answer.json()['number']}", headers=ann)
            assert shown.status_code == 200 and shown.json()["check"] is not None
            assert not _secrets_in(shown.text, asked), shown.text


@pytest.mark.parametrize("changed", WISHES, ids=str)
def test_the_form_tells_nothing_of_others(app: FastAPI, store: Store, changed: dict[str, Any]) -> None:  # noqa: F811
    """Neither what stands beside the form while it is typed, nor the form that comes back, tells of another tenant."""
    asked = _wish(**changed)
    form = {
        "policy": asked["policy"], "sources": " ".join(asked["from"]), "destinations": " ".join(asked["to"]),
        "services": " ".join(asked["services"]), "because": "keys", "owner": "ann", "until": UNTIL,
    }  # fmt: skip
    browser = browser_of(app, "ann", (GRANT,))
    for path, act in (("/requests/check", ""), ("/requests", ""), ("/requests", "submit")):
        answer = browser.post(path, data={**form, "act": act})
        if answer.status_code == 303:
            answer = browser.get(answer.headers["location"])
        assert answer.status_code in (200, 403, 409, 422), answer.status_code
        assert not _secrets_in(answer.text, asked), path


@pytest.mark.parametrize("address", ["198.51.100.70", "10.9.0.5"])
def test_nobody_finds_out_whose_an_address_is(client: Client, store: Store, address: str) -> None:  # noqa: F811
    """A flow from an address of another's is refused, or answered, without the name of the zone that it lies in."""
    ann = token(store, "ann", GRANT)
    for to in ("internet", "tenant-a"):
        for path in ("/check", "/requests"):
            answer = client.post(f"{PREFIX}{path}", json=_wish(**{"from": [address], "to": [to]}), headers=ann)
            assert answer.status_code in (200, 201, 403)
            assert "tenant-b" not in answer.text and '"ops"' not in answer.text and "ops " not in answer.text


def test_whoever_sees_all_is_told_all(client: Client, store: Store) -> None:  # noqa: F811
    """Somebody with a role for the whole policy is told lines, reasons and examples as before."""
    eve = token(store, "eve", Grant(Role.REQUESTER, "shared"))
    text = client.post(f"{PREFIX}/check", json=_wish(to=["tenant-b"], services=["smb"]), headers=eve).text
    assert "bravo secret ban" in text and "198.51.100.65" in text
