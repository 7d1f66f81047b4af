"""What the state file of a rollout says: what a run is about, which hosts it began, and which it came to a good end with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from firewright.diagnostic import Note, Report, harmless
from firewright.live.run_record import Entry, RecordError, RunRecord, latest
from firewright.model.moment import iso, parse
from firewright.readers.inventory import Inventory
from firewright.reports import Became, HostOutcome
from firewright.reports._result import SCHEMA_VERSION
from firewright.workflows.fleet import Fleet, Pair
from firewright.workflows.schedule import Batches


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run that goes on: its name, its file, its batches, what it was about, and what became of its hosts.

    `begun` are the hosts that it began and never saw the end of, `done` those that are as they were to be. `days` are those
    from which on its rulesets hold; `is_probed` says that it probes each host before it confirms.
    """

    run: str
    path: Path
    batches: Batches
    digests: Mapping[str, str]
    days: Mapping[Pair, date]
    begun: Mapping[str, int]
    done: Mapping[str, HostOutcome]
    is_probed: bool = False


def first_entry(run: str, inventory: Inventory, plan: Batches, fleet: Fleet, is_probed: bool = False) -> Entry:
    """The first line of a state file: what the run is about."""
    days = {one.pair: iso(one.prepared.day) for one in fleet.given.values()}
    return {
        "kind": "run",
        "schema_version": SCHEMA_VERSION,
        "run": run,
        "inventory": inventory.path,
        "batches": [list(batch) for batch in plan],
        "digests": dict(fleet.digests),
        "days": [[*pair, day] for pair, day in days.items()],
        "probed": is_probed,
    }


def entry_of_outcome(outcome: HostOutcome) -> Entry:
    """The line of a host's end."""
    return {
        "kind": "ended",
        "host": outcome.host,
        "result": outcome.became.value,
        "generation": outcome.generation,
        "seconds": round(outcome.seconds, 1),
        "why": outcome.why,
    }


def earlier_run(folder: Path, state: str, here: Path) -> Earlier:
    """The run of a state file, or of the newest one in a folder. Raises RecordError where there is none to go on with."""
    path = here / state if state else latest(folder)
    if path is None:
        raise RecordError(f"no rollout of this inventory was begun: {folder} has no state file", "leave --resume out")
    with RunRecord.resume(path) as record:
        entries = record.entries
    try:
        return _earlier(path, entries)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RecordError(f"{path} is no state file of a rollout", "begin a new rollout") from None


def _earlier(path: Path, entries: list[Entry]) -> Earlier:
    first = entries[0]
    if first["kind"] != "run" or first["schema_version"] != SCHEMA_VERSION:
        raise ValueError(first)
    begun: dict[str, int] = {}
    done: dict[str, HostOutcome] = {}
    for number, entry in enumerate(entries[1:], 2):
        name = str(entry["host"])
        if entry["kind"] == "begun":
            begun[name] = number
            done.pop(name, None)
        else:
            outcome = _outcome(name, entry)
            if outcome.became is not Became.UNKNOWN:
                begun.pop(name, None)
            if outcome.is_good:
                done[name] = outcome
    return Earlier(
        str(first["run"]),
        path,
        tuple(tuple(str(name) for name in batch) for batch in first["batches"]),
        {str(name): str(digest) for name, digest in first["digests"].items()},
        {(str(file), str(firewall)): parse(day) for file, firewall, day in first["days"]},
        begun,
        done,
        bool(first.get("probed", False)),
    )


def _outcome(name: str, entry: Mapping[str, Any]) -> HostOutcome:
    became = Became(entry["result"])
    return HostOutcome(name, became, int(entry["generation"]), float(entry["seconds"]), str(entry["why"]))


def must_be_the_same(earlier: Earlier, fleet: Fleet, report: Report) -> bool:
    """Whether a run can go on: what it is about is byte for byte what it was; else what differs is in the report."""
    names = dict.fromkeys((*earlier.digests, *fleet.digests))
    differing = [name for name in names if earlier.digests.get(name) != fleet.digests.get(name)]
    if differing:
        notes = [Note(f"changed: {harmless(name, 200)}") for name in differing[:8]]
        message = f"the rollout {harmless(earlier.run, 60)} was about something else"
        way_out = "a run goes on with what it began with: begin a new rollout, without --resume"
        report.error("run-differs", message, help=way_out, notes=notes)
    return not differing
