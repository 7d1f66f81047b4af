"""What a plan costs more for its exceptions: that each is as it was approved, and means no more than it did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from benchmarks.web.estate import POLICY
from firewright.store import requests
from firewright.store.database import Store
from firewright.workflows.requests import gate, meaning
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.estate import read_estate

_TRIES = 3


def told(store: Store, folder: Path) -> str:
    """The processor's seconds of the gate, the best of three, with what each exception opened kept as it was agreed to."""
    now = datetime.now(UTC)
    estate = read_estate(now, folder)
    policy = estate.policies[POLICY]
    opens = meaning.opened_by_each(policy, estate.day_of(policy))
    with store.writing() as c:
        for path, request in requests.of_paths(c, opens).items():
            requests.keep_opening(c, request.number, meaning.written(opens[path], meaning.end_of(policy, request.wish)))

    def judged() -> None:
        with store.reading() as c:
            said = gate.judge(Desk(c, estate, SYSTEM, now), (policy,)).said
        if said:
            raise SystemExit(f"the gate refuses what was approved: {said[0].message}")

    compared = _best(lambda: meaning.opened_by_each(policy, estate.day_of(policy)))
    return (
        f"`plan` and `apply` ask whether {len(opens)} exceptions are as they were approved, and mean no more: "
        f"{_best(judged):.2f} s of the processor, {compared:.2f} s of them what each opens.\n"
    )


def _best(run: Callable[[], object]) -> float:
    found = []
    for _ in range(_TRIES):
        began = process_time()
        run()
        found.append(process_time() - began)
    return min(found)
