"""Forget what is kept for a time only: answers that were given under a key, and events that are on their way no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from firewright.store import idempotency, outbox
from firewright.web.clock import Duty
from firewright.web.running import Running

EVENTS = timedelta(days=30)
"""For how long events that were sent or given up can be looked at, and sent again."""


def run(parts: Running, now: datetime) -> None:
    """Leave what is still wanted."""
    with parts.store.writing() as c:
        idempotency.sweep(c, now)
        outbox.sweep(c, now - EVENTS)


DUTY = Duty(timedelta(hours=1), run)
"""How often, and what."""
