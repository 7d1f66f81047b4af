"""What one tenant reads: everything of their own zones, and nothing of another's, on every page and in every file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firewright.model.account import Grant, Role
from firewright.store.database import Store
from firewright.web.views import history
from firewright.web.views.hosts import keep
from firewright.workflows.requests.estate import read_estate
from tests.web import two_tenants
from tests.web.conftest import Client

OWN = (Grant(Role.REQUESTER, "shared/tenant-a"),)
PATHS = (
    "/",
    "/?format=csv",
    "/?q=ssh",
    "/zones",
    "/zones?policy=shared&format=csv",
    "/zones?policy=shared&service=ssh",
    "/zones/shared/internet/tenant-a",
    "/zones/shared/tenant-a/tenant-b",
    "/zones/shared/tenant-a/tenant-b?format=csv",
    "/zones/shared/tenant-a/any",
    "/zones/shared/any/tenant-a",
    "/status",
    "/status/shared",
    "/status/shared?zone=tenant-b",
    "/status/shared/picture.svg",
    "/status/shared/picture.md",
    "/status/shared/picture.txt",
    "/status/shared/picture.html",
    "/paths",
    "/paths?policy=shared",
    "/paths/shared/map.svg",
    "/paths/shared/map.md",
    "/ports/22",
    "/ports/2222",
    "/ports/8080",
    "/ports/smb",
    "/ask?source=any&destination=any",
    "/ask?source=any&destination=any&format=csv",
    "/ask?source=internet&destination=tenant-a,tenant-b&service=tcp/8080",
    "/ask?source=tenant-a&destination=tenant-b&service=postgresql",
    "/ask?source=internet&destination=nowhere",
    "/audit",
    "/audit?format=csv",
    "/audit?format=json",
    "/audit?format=sarif",
    "/audit?format=junit",
    "/audit?format=markdown",
    "/generations",
    "/generations?format=csv",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two tenants."""
    made = tmp_path / "policies"
    made.mkdir()
    two_tenants.write(made)
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def tenant(client_of: Callable[..., Client]) -> Client:
    """A browser of tenant A."""
    return client_of(None, name="ann", grants=OWN)


OTHERS = ("/ports/9999", "/ports/7777", "/zones/shared/ops/tenant-b", "/zones/bravo-only/internet/inner")
"""Pages of others, on which a viewer reads what the tenant must not."""
NEVER_SHOWN = (
    "198.51.100.64",
    "198.51.100.65",
    "198.51.100.66",
    "198.51.100.70",
    "198.51.100.1/",
    "2001:db8:b:",
    "2001:db8:c",
)
"""Of the secrets, addresses that not even a viewer's pages happen to name."""


def _asked(path: str) -> str:
    """What somebody wrote into the address, and a page says again."""
    return path.partition("?")[2] + path.rpartition("/")[2]


def test_a_tenant_reads_nothing_of_another(tenant: Client, client_of: Callable[..., Client], store: Store) -> None:
    """No page and no file has an address, a reason, a port, or a policy of somebody else, whoever had it made before."""
    with store.writing() as c:
        keep(c, "bravo-host", json.dumps(_status("bravo-only")), datetime.now(UTC))
    viewer, leaks = client_of(Role.VIEWER), dict[str, list[str]]()
    seen = "".join(viewer.get(path).text for path in OTHERS)
    for path in PATHS:
        seen += viewer.get(path).text
        answer = tenant.get(path)
        assert answer.status_code in (200, 404, 422), (path, answer.text)
        found = [secret for secret in two_tenants.SECRETS if secret in answer.text and secret not in _asked(path)]
        leaks |= {path: found} if found else {}
    assert not leaks
    assert not [secret for secret in two_tenants.SECRETS if secret not in seen and secret not in NEVER_SHOWN]


OWN_WORDS = (
    ("/", ("HTTPS 443", "alpha public shop")),
    ("/zones?policy=shared", ("tenant-a",)),
    ("/zones/shared/internet/tenant-a", ("alpha public shop", "tcp/443", "shared.yaml:11")),
    ("/zones/shared/tenant-a/tenant-b", ("tcp/5432", "tenant-b")),
    ("/status/shared/picture.md", ("HTTPS", "443")),
    ("/paths?policy=shared", ("core", "tenant-a")),
    ("/ports/443", ("alpha public shop",)),
    ("/ask?source=internet&destination=tenant-a&service=https", ("open", "alpha public shop")),
    ("/ask?source=internet&destination=tenant-a&service=tcp/1688", ("on request", "/requests/new")),
)


def test_a_tenant_reads_all_of_their_own(tenant: Client) -> None:
    """Their own flows are there with line, reason and example."""
    missing = {path: [word for word in words if word not in tenant.get(path).text] for path, words in OWN_WORDS}
    assert not any(missing.values()), missing


STRANGE = (
    "/zones/shared/internet/tenant-b",
    "/zones/shared/internet/ops",
    "/zones/shared/internet/there-is-none",
    "/zones/bravo-only/internet/inner",
    "/zones?policy=bravo-only",
    "/status/bravo-only",
    "/status/bravo-only/picture.svg",
    "/paths?policy=bravo-only",
    "/paths/bravo-only/map.svg",
    "/generations/bravo-host",
)


def test_what_is_not_theirs_is_not_there(tenant: Client) -> None:
    """A zone or a policy of somebody else is answered as one that there is not."""
    assert {path: tenant.get(path).status_code for path in STRANGE} == dict.fromkeys(STRANGE, 404)


def test_a_rule_of_both_is_told_without_its_line(tenant: Client) -> None:
    """Where a line names another tenant too, its verb, its place and what it does is told, and not its reason."""
    text = tenant.get("/ask?source=internet&destination=tenant-a&service=tcp/8080").text
    assert "open" in text and "shared.yaml:13" in text
    assert "its line names other zones too" in text and "joint secret" not in text


def test_what_changed_for_others_is_not_told(tenant: Client, store: Store, folder: Path) -> None:
    """A change of another tenant's rule is nothing that changed; a change of one's own is told with its flows."""
    text = two_tenants.POLICY.replace("allow: ssh", "allow: telnet")
    (folder / "shared.yaml").write_text(text, encoding="utf-8")
    with store.writing() as c:
        history.remember(c, read_estate(datetime.now(UTC)), datetime(2026, 11, 1, tzinfo=UTC))
    (folder / "shared.yaml").write_text(two_tenants.POLICY, encoding="utf-8")
    assert "No packet notices a difference" in tenant.get("/").text
    (folder / "shared.yaml").write_text(text.replace("allow: https", "allow: [https, imaps]"), encoding="utf-8")
    seen = tenant.get("/").text
    assert "tcp/993" in seen and "bravo secret" not in seen and "tcp/23" not in seen


def test_whoever_sees_everything_reads_it(client_of: Callable[..., Client]) -> None:
    """The same pages tell a viewer of everything what they keep from the tenant."""
    viewer = client_of(Role.VIEWER)
    text = "".join(viewer.get(path).text for path in ("/", "/zones/shared/internet/tenant-b", "/ports/9999", "/paths"))
    assert all(word in text for word in ("bravo secret shell", "bravo secret exception", "198.51.100.6", "bravo-only"))


def _status(policy: str) -> dict[str, object]:
    return {"kind": "status", "time": 1_800_000_000, "policy": policy, "generation": 3, "findings": []}
