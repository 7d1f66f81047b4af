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


def test_the_size_of_a_zone_is_its_owners_to_know(client: Client, store: Store, folder: Path) -> None:  # noqa: F811
    """However large another tenant's zone is, and however much of it is open, what a tenant is told of a wish is the same."""
    ann, told = token(store, "ann", GRANT), []
    for size in ("26", "27"):
        text = two_tenants.POLICY.replace("198.51.100.64/26", f"198.51.100.64/{size}")
        (folder / "shared.yaml").write_text(text, encoding="utf-8")
        for services in (["tcp/11371"], ["ssh"]):
            answer = client.post(f"{PREFIX}/check", json=_wish(to=["tenant-b"], services=services), headers=ann)
            assert answer.status_code == 200, answer.text
            told.append(answer.json())
    assert told[0] == told[2] and told[1] == told[3]
    assert told[0]["opens"]["destinations"] is None and told[0]["opens"]["sources"] == {"ipv4": 64, "ipv6": 2**80}
    eve = token(store, "eve", Grant(Role.REQUESTER, "shared"))
    whole = client.post(f"{PREFIX}/check", json=_wish(to=["tenant-b"]), headers=eve).json()
    assert whole["opens"]["destinations"] == {"ipv4": 32, "ipv6": 2**80}


def test_the_form_names_no_zone_service_or_ban_of_others(app: FastAPI, store: Store, folder: Path) -> None:  # noqa: F811
    """What the form offers a tenant is what Ask offers: their own zones and the built-in ones, and the names in their own lines."""
    text = (
        two_tenants.POLICY.replace("firewalls:", "services: {alpha-app: tcp/8443, bravo-app: tcp/8444}\nfirewalls:")
        + """\
  - {from: internet, to: tenant-a, allow: alpha-app, because: ours}
  - {from: internet, to: tenant-b, allow: bravo-app, because: bravo}
  - {name: no-alpha, from: internet, to: tenant-a, deny: smb, because: ours}
  - {name: no-bravo, from: internet, to: tenant-b, deny: smb, because: bravo}
  - {name: no-one, from: internet, to: any, deny: tcp/23, because: nobody}
"""
    )
    (folder / "shared.yaml").write_text(text, encoding="utf-8")
    browser = browser_of(app, "ann", (GRANT,))
    for path in ("/requests/new?policy=shared", "/requests/suggestions?policy=shared", "/ask"):
        said = browser.get(path).text
        assert "tenant-a" in said and 'value="internet"' in said and 'value="any"' in said and "alpha-app" in said, path
        assert not [one for one in ("tenant-b", '"ops"', "bravo-app", "no-bravo") if one in said], path
    form = browser.get("/requests/new?policy=shared").text
    assert "no-alpha, no-one" in form
    allowed = browser.post("/requests/check", data={**_FORM, "destinations": "tenant-b"})
    assert allowed.status_code == 200 and "to be decided" in allowed.text, "they can still name whom they know"


_FORM = {
    "policy": "shared",
    "sources": "tenant-a",
    "services": "tcp/11371",
    "because": "keys",
    "owner": "ann",
    "until": UNTIL,
}


@pytest.mark.parametrize("changed", [{"overrides": ["no-brav"]}, {"services": ["bravo-ap"]}], ids=str)
def test_no_refusal_suggests_a_name_of_others(
    client: Client,  # noqa: F811
    store: Store,  # noqa: F811
    folder: Path,
    changed: dict[str, Any],
) -> None:
    """Neither a ban nor a service of another tenant's lines is suggested to whoever mistypes one; whoever sees all is helped."""
    text = two_tenants.POLICY.replace("firewalls:", "services: {bravo-app: tcp/8444}\nfirewalls:")
    text += "  - {name: no-bravo, from: internet, to: tenant-b, deny: tcp/24, because: bravo}\n"
    (folder / "shared.yaml").write_text(text, encoding="utf-8")
    for name, scope, is_told in (("ann", "shared/tenant-a", False), ("eve", "shared", True)):
        header = token(store, name, Grant(Role.REQUESTER, scope))
        answer = client.post(f"{PREFIX}/check", json=_wish(**changed), headers=header)
        assert answer.status_code == 422
        assert ("no-bravo" in answer.text or "bravo-app" in answer.text) is is_told, answer.text
