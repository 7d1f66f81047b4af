"""Sign the end of the audit log every quarter of an hour in which it grew, so that a tail that is cut off later shows."""

from __future__ import annotations

from datetime import datetime, timedelta

from firewright.store import head_files, log
from firewright.web.clock import Duty
from firewright.web.running import Running
from firewright.workflows.requests.log_check import HEADS, sign_head


def run(parts: Running, now: datetime) -> None:
    """Sign the head, unless the last one that was signed is of the same row."""
    state = parts.settings.state_folder
    with parts.store.reading() as connection:
        head = log.head(connection)
    signed = head_files.kept(state / HEADS)
    if head.number and (not signed or signed[-1].number != head.number):
        sign_head(parts.store, state, now)


DUTY = Duty(timedelta(minutes=15), run)
"""How often, and what."""
