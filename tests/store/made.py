"""Requests, entries and accounts as tests need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from firewright.model.request import Request, State, Wish
from firewright.store.log import Entry

NOW = datetime(2026, 11, 21, 18, 30, 0, 250, UTC)
"""When the tests take place."""


def later(**span: float) -> datetime:
    """So much after `NOW`."""
    return NOW + timedelta(**span)


def wish(**changed: Any) -> Wish:
    """A tenant's wish for web pages of the internet."""
    plain = Wish("edge", ("tenants",), ("internet",), ("tcp/443",), "the shop needs its payments", "ann", "2026-12-24")
    return replace(plain, **changed)


def request(**changed: Any) -> Request:
    """A new request by ann."""
    text = "policy: edge\nrules: []\n"
    return replace(Request(0, State.DRAFT, "ann", wish(), text, "exceptions/a.yaml", "low", NOW, NOW), **changed)


def entry(nth: int = 1, **changed: Any) -> Entry:
    """What ann did to a request."""
    about = f"request/{nth}"
    return replace(
        Entry("ann", "submit", about, "2001:db8::7", "web", "why", {"zone": "tenants", "a": "ü"}, NOW), **changed
    )
