"""What time does to requests: ends, approvals of people who lost their role, reminders, the files that follow, and what means more."""

from __future__ import annotations

from datetime import datetime, timedelta

from firewright.web.clock import Duty
from firewright.web.running import Running
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.exceptions import remind, settle
from firewright.workflows.requests.gate import look
from firewright.workflows.requests.lapsing import expire_due, lapse_lost_roles


def run(parts: Running, now: datetime) -> None:
    """Bring requests and their files to where they are at this moment; nothing changes where nothing is due."""
    estate = parts.estates.at(now)
    with parts.store.writing() as c:
        desk = Desk(c, estate, SYSTEM, now)
        expire_due(desk)
        lapse_lost_roles(desk)
        remind(desk)
    settle(parts.store, estate, now)
    look(parts.store, parts.estates.at(now), now)


DUTY = Duty(timedelta(seconds=30), run)
