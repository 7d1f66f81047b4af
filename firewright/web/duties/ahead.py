"""Reckon what pages about whole policies need before anybody asks: when the server starts, and when the files have changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from firewright.web.clock import Duty
from firewright.web.routes import audit_report, overview, paths, zones
from firewright.web.running import Running


def run(parts: Running, now: datetime) -> None:
    """Have the state of the files that is shown be the one that they are in."""
    estates = parts.estates
    for name, policy in estates.at(now).policies.items():
        for key, make in (overview.dear(name), zones.dear(policy), paths.dear(name)):
            estates.make_ahead(key, make)
    estates.make_ahead(*audit_report.DEAR)
    estates.settled(now)


DUTY = Duty(timedelta(seconds=5), run)
