"""What machines ask: health, readiness, and numbers for whoever may see them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from firewright.model.request import State
from tests.web.conftest import Client

_WHOLE = {"database": "ok", "folder": "ok", "policies": "ok", "approvals": "ok"}


def test_health_and_readiness_need_no_login_and_name_no_place(client: Client, settings: Any) -> None:
    """Both answer to anybody; readiness looks at database and folder and names neither."""
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": _WHOLE})
    assert str(settings.folder) not in ready.text


def test_a_policy_that_cannot_be_read_is_no_reason_to_send_nobody(client: Client, settings: Any) -> None:
    """What is broken in the folder is told as degraded, with its number and no name; everything else is answered, so it is ready."""
    (settings.folder / "tenant-edge.yaml").write_text("policy: [", encoding="utf-8")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == {**_WHOLE, "policies": "1 of 4 not readable"} and "tenant" not in ready.text
    (settings.folder / "approvals.yaml").write_text("owners: 3", encoding="utf-8")
    assert client.get("/readyz").json()["checks"]["approvals"] == "not readable"


def test_a_folder_that_is_gone_is_not_ready(client: Client, settings: Any) -> None:
    """Where the policies cannot be read, nothing is to be sent here."""
    settings.folder.rename(settings.folder.with_name("moved"))
    ready = client.get("/readyz")
    assert ready.status_code == 503 and ready.json()["checks"] == {"database": "ok", "folder": "not readable"}


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, 401),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.1"}, 401),
        ("192.0.2.1", {}, 401),
        ("192.0.2.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
    ],
)
def test_numbers_are_for_this_machine(app: FastAPI, address: str, headers: dict[str, str], status: int) -> None:
    """A scraper on the machine itself needs no token; whoever comes through a proxy or from elsewhere does."""
    answer = Client(app, client=(address, 1)).get("/metrics", headers=headers)
    assert answer.status_code == status


def test_numbers_are_for_tokens_of_those_who_may_view_everything(client: Client, token_of: Any) -> None:
    """A viewer's token for everything opens them; one for a single policy does not."""
    assert client.get("/metrics", headers=token_of("viewer")).status_code == 200
    assert client.get("/metrics", headers=token_of("viewer", "tenant-a-edge")).status_code == 401


def test_the_numbers_are_right(app: FastAPI, client_of: Any, token_of: Any) -> None:
    """Answers are counted by the route's template, never by what was asked for; requests by state; rows; policies."""
    client = client_of("viewer")
    client.get("/healthz"), client.get("/no/such/1"), client.get("/no/such/2")
    client.request("BREW", "/healthz")
    text = client.get("/metrics", headers=token_of("viewer")).text
    values = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def answered(route: str, method: str, status: str) -> float:
        labels = (("method", method), ("route", route), ("status", status))
        return values["firewright_web_requests_total", labels]

    assert answered("/healthz", "GET", "200") == 1 and answered("unmatched", "GET", "404") == 2
    assert "BREW" not in text and "/no/such" not in text
    assert {dict(labels)["state"] for name, labels in values if name == "firewright_requests"} == {
        str(one) for one in State
    }
    assert values["firewright_log_rows", ()] == 0 and values["firewright_policies", ()] == 4
    assert values["firewright_policies_broken", ()] == 0
