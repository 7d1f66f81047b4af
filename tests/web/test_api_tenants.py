"""What one tenant reads over the API: everything of their own zones, and nothing of another's, in no answer and no file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firewright.model.account import Grant, Role
from firewright.store import log, tokens
from firewright.store.database import Store
from tests.web import two_tenants
from tests.web.conftest import Client
from tests.web.described import PREFIX, described, token

SHARED = "/policies/shared"
PATHS = (
    "/policies", SHARED, f"{SHARED}/zones", f"{SHARED}/rules", f"{SHARED}/rules?q=secret", f"{SHARED}/matrix",
    f"{SHARED}/matrix?service=ssh", f"{SHARED}/flows/internet/tenant-a", f"{SHARED}/flows/tenant-a/tenant-b",
    f"{SHARED}/flows/tenant-a/any", f"{SHARED}/flows/any/tenant-a", f"{SHARED}/paths", f"{SHARED}/paths.md", f"{SHARED}/paths.svg",
    f"{SHARED}/status.md", f"{SHARED}/status.svg", f"{SHARED}/status.html", f"{SHARED}/status.txt", "/exposure", "/endings",
    "/changes", "/ports/22", "/ports/8080", "/ports/smb", "/ask?from=any&to=any",
    "/ask?from=internet&to=tenant-a,tenant-b&services=tcp/8080",
    "/ask?from=tenant-a&to=tenant-b&services=postgresql", "/audit", "/audit.sarif", "/audit.json", "/audit.markdown", "/audit.junit",
    "/exceptions", "/hosts", "/requests", "/log", "/me", "/tokens",
)  # fmt: skip
HIDDEN = (
    "/policies/bravo-only", "/policies/bravo-only/zones", "/policies/bravo-only/matrix", f"{SHARED}/flows/ops/tenant-b",
    "/hosts/edge-b", "/requests/1",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two tenants."""
    made = tmp_path / "policies"
    made.mkdir()
    two_tenants.write(made)
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def ann(store: Store) -> dict[str, str]:
    """Headers of tenant A."""
    return token(store, "ann", Grant(Role.REQUESTER, "shared/tenant-a"))


def _fill(client: Client, store: Store) -> dict[str, str]:
    """Something of tenant B's in every place that there is, and headers of somebody who sees all."""
    whole = token(store, "program-all")
    wish = {
        "policy": "shared", "from": ["ops"], "to": ["tenant-b"], "services": ["tcp/7777"], "because": "bravo secret request",
        "owner": "beatrix", "until": "2027-01-31",
    }  # fmt: skip
    assert client.post(f"{PREFIX}/requests", json=wish, headers=whole).status_code in (201, 422)
    report = {"kind": "status", "time": 1795302000, "policy": "bravo-only", "firewall": "edge-b", "state": "confirmed"}
    assert client.put(f"{PREFIX}/hosts/edge-b/state", json=report, headers=whole).status_code == 204
    with store.writing() as c:
        entry = log.Entry(
            "bert", "account.grant", "account beatrix", "", "cli", "bravo secret grant", {}, datetime.now(UTC)
        )
        log.append(c, entry)
    return whole


def test_no_answer_tells_a_tenant_of_another(client: Client, store: Store, ann: dict[str, str]) -> None:
    """No word, address, rule, request, host or row of tenant B is in anything that tenant A is answered; and A's own is."""
    whole = _fill(client, store)
    seen = ""
    for path in PATHS:
        answer = client.get(PREFIX + path, headers=ann)
        assert answer.status_code == 200, (path, answer.text)
        described().hold(answer, "get", PREFIX + path)
        assert not [word for word in two_tenants.SECRETS if word in answer.text], path
        seen += answer.text
    assert "alpha public shop" in seen and "198.51.100.0/26" in seen and "2001:db8:a::" in seen
    everything = "".join(client.get(PREFIX + path, headers=whole).text for path in PATHS)
    assert all(
        word in everything for word in ("bravo secret shell", "10.9.0.0/16", "bravo-only", "bravo secret exception")
    )


def test_a_token_for_one_policy_reads_nothing_of_ones_own_in_another(client: Client, store: Store) -> None:
    """What somebody asked for elsewhere is not there for their token of one policy: no request, no row of the log, no count."""
    wide = token(store, "ann", Grant(Role.REQUESTER, "shared/tenant-a"), Grant(Role.REQUESTER, "bravo-only"))
    with store.writing() as c:
        secret, _ = tokens.make(c, "ann", "less", (Grant(Role.REQUESTER, "shared/tenant-a"),), datetime.now(UTC))
    less = {"Authorization": f"Bearer {secret}"}
    wish = {"policy": "bravo-only", "from": ["internet"], "to": ["inner"], "services": ["tcp/7778"], "because": "one of mine",
            "owner": "ann", "until": (datetime.now(UTC) + timedelta(days=60)).date().isoformat()}  # fmt: skip
    made = client.post(f"{PREFIX}/requests", json=wish, headers=wide)
    assert made.status_code == 201, made.text
    number = made.json()["number"]
    assert [one["number"] for one in client.get(f"{PREFIX}/requests", headers=wide).json()["requests"]] == [number]
    assert client.get(f"{PREFIX}/log", headers=wide).json()["rows"]
    assert client.get(f"{PREFIX}/requests/{number}", headers=less).status_code == 404
    assert client.post(f"{PREFIX}/requests/{number}/withdraw", json={}, headers=less).status_code == 404
    for query in ("", "?box=mine", "?q=mine", "?policy=bravo-only"):
        assert client.get(f"{PREFIX}/requests{query}", headers=less).json()["requests"] == []
    assert client.get(f"{PREFIX}/log", headers=less).json()["rows"] == []


def test_what_is_not_a_tenants_is_as_if_it_were_not_there(client: Client, store: Store, ann: dict[str, str]) -> None:
    """A policy, zone, host or request of others answers exactly as one that nobody has."""
    _fill(client, store)
    for path in HIDDEN:
        answer = client.get(PREFIX + path, headers=ann)
        assert answer.status_code == 404, (path, answer.text)
        assert not [word for word in two_tenants.SECRETS if word in json.dumps(answer.json())], path


def test_a_tenant_may_not_ask_or_check_for_another(client: Client, ann: dict[str, str]) -> None:
    """Neither a check nor a request between zones that are not theirs is answered with what is there."""
    wish = {
        "policy": "shared", "from": ["ops"], "to": ["tenant-b"], "services": ["tcp/2222"], "because": "curious",
        "until": "2027-01-31",
    }  # fmt: skip
    for path in ("/check", "/requests"):
        answer = client.post(PREFIX + path, json=wish, headers=ann)
        assert answer.status_code == 403, answer.text
        assert not [word for word in two_tenants.SECRETS if word in answer.text]
    for path in ("/check", "/requests"):
        hidden, absent = (
            client.post(PREFIX + path, json={**wish, "policy": name}, headers=ann)
            for name in ("bravo-only", "zebra-only")
        )
        assert hidden.status_code == absent.status_code and 400 <= hidden.status_code < 500
        told = {**absent.json(), "instance": hidden.json()["instance"]}
        assert hidden.json() == json.loads(json.dumps(told).replace("zebra-only", "bravo-only"))
