"""Roll a policy out over a fleet: batch by batch, a canary first, until all is done or one host is not as it was to be.

What is done on one host is a parameter (`change`), and who does it an executor, so that the same code runs on processes of this
machine and on a Dask cluster. Where it stands is on disk before and after each host.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timezone
from pathlib import Path

from firewright.diagnostic import Report, harmless, nearest
from firewright.live.executors import NoWorkers, Workers
from firewright.live.run_record import Entry, RecordError, RunRecord, only_run
from firewright.model.policy import Policy
from firewright.readers.inventory import Inventory
from firewright.reports import Became, HostOutcome, Rollout
from firewright.workflows.batchwise import Change, Running, Watch
from firewright.workflows.change import Job, change_host
from firewright.workflows.fleet import Fleet, Reaching, answers_of, fleet_of
from firewright.workflows.resuming import Earlier, earlier_run, first_entry, must_be_the_same
from firewright.workflows.schedule import Batches, batches, canaries_of, limited, size_of
from firewright.workflows.selection import Wanted

FOLDER = Path(".firewright", "rollouts")
"""Where state files lie, beside the inventory."""
BATCH, CANARY = "20%", "1"
"""How many hosts at a time, and how many first, where nobody says it."""
Executing = Callable[[Path | None], AbstractContextManager[Workers]]
"""Who does it: given the file whose lock the run holds, if it holds one, workers for as long as they are needed."""
Permit = Callable[[Iterable[Policy]], None]
"""Is asked about the policies that hosts are to get, as they were read, before any host is looked at; stops it by raising."""


def _freely(policies: Iterable[Policy]) -> None:
    """Stop nothing."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a rollout is to be: which hosts, how many at a time, who first, planned only or done, and what goes on.

    `batch` and `canary` are empty where the inventory decides. `wait` are the seconds a host waits for its confirmation.
    """

    limit: tuple[str, ...] = ()
    batch: str = ""
    canary: str = ""
    is_check: bool = False
    has_probe: bool = False
    wait: int = 120
    state: str = ""
    is_resumed: bool = False
    reaching: Reaching = field(default_factory=Reaching)


def rollout(
    inventory: Inventory,
    order: Order,
    wanted: Wanted,
    report: Report,
    executing: Executing,
    watch: Watch,
    change: Change = change_host,
    permit: Permit = _freely,
) -> Rollout | None:
    """What became of every host of the order; or None, with nothing done, after saying in the report why not."""
    path = wanted.folder / inventory.path
    try:
        if order.is_check:
            return _planned(inventory, order, wanted, report, executing, watch, change, permit)
        with only_run(path):
            return _done(inventory, order, wanted, report, executing, watch, change, permit)
    except RecordError as error:
        report.error("no-run-record", harmless(error.message), help=error.help)
    except NoWorkers as error:
        report.error("no-workers", harmless(error.message), help=error.help)
    return None


def _planned(
    inventory: Inventory,
    order: Order,
    wanted: Wanted,
    report: Report,
    executing: Executing,
    watch: Watch,
    change: Change,
    permit: Permit,
) -> Rollout | None:
    """What would become of every host: each is looked at, none is changed, and none stops the others."""
    plan = batches_of(inventory, order, report)
    fleet = fleet_of(inventory, _all(plan), wanted, report, watch.saying, order.reaching) if plan else None
    if fleet is None:
        return None
    permit(fleet.policies)
    running = Running(plan, _jobs(inventory, fleet, order, wanted, {}), watch)
    with executing(None) as workers:
        running.run(workers, change, stops=False)
    return _result(running, "", inventory, order, fleet, "")


def _done(
    inventory: Inventory,
    order: Order,
    wanted: Wanted,
    report: Report,
    executing: Executing,
    watch: Watch,
    change: Change,
    permit: Permit,
) -> Rollout | None:
    """What became of every host, of those that an earlier run came to the end of too."""
    folder = (wanted.folder / inventory.path).parent / FOLDER
    earlier = earlier_run(folder, order.state, wanted.folder) if order.is_resumed else None
    if earlier is not None and earlier.is_probed:
        order = replace(order, has_probe=True)
    plan = earlier.batches if earlier is not None else batches_of(inventory, order, report)
    if not plan or not _is_known(plan, inventory, report):
        return None
    days = earlier.days if earlier is not None else {}
    fleet = fleet_of(inventory, _all(plan), wanted, report, watch.saying, order.reaching, days)
    if fleet is None or (earlier is not None and not must_be_the_same(earlier, fleet, report)):
        return None
    permit(fleet.policies)
    run = earlier.run if earlier is not None else _new_name(wanted)
    new = wanted.folder / order.state if order.state else folder / f"{run}.jsonl"
    file = new if earlier is None else earlier.path
    jobs = _jobs(inventory, fleet, order, wanted, {} if earlier is None else earlier.begun)
    with (
        executing(wanted.folder / inventory.path) as workers,
        _record(file, earlier, first_entry(run, inventory, plan, fleet, order.has_probe)) as record,
    ):
        running = Running(plan, jobs, watch, record, earlier)
        running.run(workers, change)
        if running.trouble is not None:
            report.error("no-run-record", harmless(running.trouble.message), help=running.trouble.help)
        return _result(running, run, inventory, order, fleet, str(file))


def batches_of(inventory: Inventory, order: Order, report: Report) -> Batches:
    """The batches of a new run; none after saying in the report what is wrong with the order."""
    names = limited(inventory.names(), inventory.groups, order.limit, report)
    if not names or report.has_errors():
        return ()
    # A canary that the inventory names may be none of the hosts that are left: then the first of those goes first.
    said = inventory.canary if inventory.canary.isdecimal() or inventory.canary in names else ""
    canaries = canaries_of(order.canary or said or CANARY, names, report)
    try:
        size = size_of(order.batch or inventory.batch or BATCH, len(names))
    except ValueError as error:
        report.error("bad-batch", f"{harmless(str(error), 40)!r} is no size of a batch", help="write 10, or 20%")
        return ()
    return () if report.has_errors() else batches(names, canaries, size)


def _all(plan: Batches) -> tuple[str, ...]:
    return tuple(name for batch in plan for name in batch)


def _is_known(plan: Batches, inventory: Inventory, report: Report) -> bool:
    """Whether the hosts of an earlier run are still in the inventory."""
    known = set(inventory.names())
    gone = [name for name in _all(plan) if name not in known]
    for name in gone[:5]:
        near = nearest(name, known)
        way_out = f"is it {near} now? begin a new rollout"
        report.error("run-differs", f"the inventory has no host {harmless(name, 60)!r} any more", help=way_out)
    return not gone


def _jobs(inventory: Inventory, fleet: Fleet, order: Order, wanted: Wanted, begun: Mapping[str, int]) -> dict[str, Job]:
    """What each host is to become, as it is handed to whoever does it."""
    addresses = {one.name: one.destination for one in inventory.hosts if order.has_probe and not one.is_local}
    return {
        name: Job(
            name,
            one.host,
            one.prepared,
            order.wait,
            order.is_check,
            name in begun,
            addresses.get(name, ""),
            answers_of(one.prepared.policy, wanted),
        )
        for name, one in fleet.given.items()
    }


def _say_unprobed(inventory: Inventory, fleet: Fleet, order: Order, watch: Watch) -> None:
    for host in inventory.hosts if order.has_probe else ():
        if host.is_local and host.name in fleet.given:
            watch.telling(
                f"{harmless(host.name, 60)}: this machine cannot see itself from outside, so it is not probed"
            )


def _new_name(wanted: Wanted) -> str:
    return f"{wanted.now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}"  # noqa: UP017


def _record(file: Path, earlier: Earlier | None, first: Entry) -> RunRecord:
    return RunRecord.create(file, first) if earlier is None else RunRecord.resume(file)


def _result(running: Running, run: str, inventory: Inventory, order: Order, fleet: Fleet, state: str) -> Rollout:
    """What became of every host: those that nobody began are said too."""
    outcomes = tuple(
        running.outcomes.get(name, HostOutcome(name, Became.NOT_BEGUN)) for batch in running.plan for name in batch
    )
    named = f" --state {order.state}" if order.state else ""
    again = "" if order.is_check else f"firewright rollout {inventory.path}{named} --resume goes on with the others"
    policies = {name: " ".join(one.pair) for name, one in fleet.given.items()}
    return Rollout(
        run, inventory.path, running.plan, outcomes, state, order.is_check, running.was_stopped, again, policies
    )
