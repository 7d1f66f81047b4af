"""Exceptions that nobody uses: what hosts counted, beside each."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from firewright.store.database import Store
from firewright.web.views import hosts

EXCEPTION = """\
policy: internet-ports-regions-1-2
rules:
  - {name: NAME, from: tenants, to: internet, allow: tcp/PORT, because: keys, owner: tenant A, until: 2099-03-31}
"""


def test_an_exception_that_let_nothing_in_is_said_to_be_unused(
    client_of: Callable[..., httpx.Client], store: Store, folder: Path
) -> None:
    """Where a host of the policy was heard of, an exception without packets is unused; another says how many it let in."""
    (folder / "exceptions").mkdir(exist_ok=True)
    for name, port in (("idle", "11371"), ("busy", "11372")):
        text = EXCEPTION.replace("NAME", name).replace("PORT", port)
        (folder / "exceptions" / f"{name}.yaml").write_text(text, encoding="utf-8")
    client = client_of("viewer")
    assert "packet" not in client.get("/exceptions").text
    assert "No such exception" in client.get("/exceptions?show=unused").text
    report = {
        "kind": "status", "time": 1_800_000_000, "policy": "internet-ports-regions-1-2",
        "counters": [
            {"rule": "busy", "file": "exceptions/busy.yaml", "line": 3, "packets": 12, "bytes": 700, "let_pass": False},
            {"rule": "idle", "file": "exceptions/idle.yaml", "line": 3, "packets": 0, "bytes": 0, "let_pass": False},
            {"rule": "idle", "file": "exceptions/idle.yaml", "line": 3, "packets": 5, "bytes": 9, "let_pass": True},
        ],
    }  # fmt: skip
    with store.writing() as connection:
        hosts.keep(connection, "edge-1", json.dumps(report), datetime.now(UTC))
    unused = client.get("/exceptions?show=unused").text
    assert "tcp/11371" in unused and "tcp/11372" not in unused
    whole = client.get("/exceptions").text
    assert "12 packets" in whole and "no packet was let in by it" in whole
