"""Changes of hosts that only remember, for tests of who is changed when: each is a function that a worker process can be sent."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from firewright.live.host import Local
from firewright.model.policy import Firewall, Policy
from firewright.reports import Became, Compiled, HostOutcome
from firewright.workflows.change import Job
from firewright.workflows.prepare import Prepared

TODAY = date(2026, 11, 21)


def prepared() -> Prepared:
    """A policy that says nothing, as it would go to a host."""
    compiled = Compiled("p", "local", "nftables", "", TODAY, 1, 1)
    return Prepared(Policy("p", "p.yaml", {}, {}, {}, {}, ()), Firewall("local"), TODAY, compiled, "", ())


def jobs(names: Iterable[str], folder: Path) -> dict[str, Job]:
    """A job for each name; what is done is written into a folder, by a word of the policy's that no rollout looks at."""
    given = prepared()
    return {name: Job(name, Local({"FIREWRIGHT_STATE": str(folder)}), given) for name in names}


def folder_of(job: Job) -> Path:
    """Where a job writes down what was done."""
    assert isinstance(job.host, Local)
    return Path(job.host.folders["FIREWRIGHT_STATE"])


def remember(job: Job) -> HostOutcome:
    """Write down that a host was begun and ended; it fails, is rolled back, kills its worker or lasts, as its name says."""
    folder = folder_of(job)
    _note(folder, f"begin {job.name}")
    if "slow" in job.name:
        time.sleep(1.0)
    if "dies" in job.name:
        os._exit(9)
    if "raises" in job.name:
        raise RuntimeError("no such thing")
    became = Became.CONFIRMED
    if "fails" in job.name:
        became = Became.NOT_CHANGED
    if "back" in job.name:
        became = Became.ROLLED_BACK
    _note(folder, f"end {job.name}")
    return HostOutcome(job.name, became, 1, 0.0, "" if became is Became.CONFIRMED else "as its name says")


def _note(folder: Path, line: str) -> None:
    handle = os.open(folder / "done", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def done_in(folder: Path) -> list[str]:
    """What was done, in order."""
    file = folder / "done"
    return file.read_text().splitlines() if file.exists() else []
