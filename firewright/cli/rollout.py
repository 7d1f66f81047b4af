"""`firewright rollout`: a policy on all hosts of an inventory, a canary first, then batch by batch."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firewright.cli import _output
from firewright.cli._approvals import must_be_approved
from firewright.cli._host import _folders as state_folders
from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows

if TYPE_CHECKING:
    from firewright.live.executors import Workers
    from firewright.readers.inventory import Inventory
    from firewright.workflows.rollout import Order

INTERRUPTED = 130
WORKERS = 8
"""Hosts that are changed at the same time, where nobody says how many."""


@click.command(
    "rollout",
    short_help="A policy on many hosts: a canary first, then in batches.",
    epilog="Example: firewright rollout fleet.yaml --check && firewright rollout fleet.yaml --canary web1 --batch 10%. "
    "Ends with 5 where an exception was not approved.",
)
@click.argument("inventory", metavar="INVENTORY", type=click.Path())
@click.option(
    "--limit", multiple=True, metavar="PATTERN", help="Only hosts and groups that fit, as web*,!web3. Again for more."
)
@click.option(
    "--batch", default="", metavar="N|N%", help="Hosts that are changed before the next ones begin; 20% by default."
)
@click.option("--canary", default="", metavar="HOST|N", help="Who goes first and alone; the first host by default.")
@click.option("--check", "is_check", is_flag=True, help="Plan only: look at every host, change none.")
@click.option("--probe", "has_probe", is_flag=True, help="Probe each host from here before it is confirmed.")
@click.option("--wait", type=click.IntRange(5, 86_400), default=120, show_default=True, metavar="SECONDS",
              help="After so long a host takes back what is not confirmed.")  # fmt: skip
@click.option("--resume", "is_resumed", is_flag=True, help="Go on with the last rollout of this inventory.")
@click.option("--state", default="", metavar="FILE", help="The state file, instead of one in .firewright/rollouts/.")
@click.option("--workers", type=click.IntRange(1, 256), default=WORKERS, show_default=True, metavar="N",
              help="Hosts that are changed at the same time.")  # fmt: skip
@click.option(
    "--dask", default="", metavar="ADDRESS", help="Change hosts from a Dask cluster, as tcp://scheduler:8786."
)
@click.option("--inventory-format", default="", metavar="NAME", help="firewright, ansible-yaml or ansible-ini.")
@click.option("--ssh-config", default="", metavar="FILE", envvar="FIREWRIGHT_SSH_CONFIG", type=click.Path(),
              help="A configuration of ssh's in the place of the user's own.")  # fmt: skip
@click.option("--identity", default="", metavar="FILE", type=click.Path(), help="The key for hosts that name none.")
@click.option("--user", default="", metavar="NAME", help="Who logs in on hosts that name nobody.")
@selects
@shows("text", "json", "markdown")
def COMMAND(
    inventory: str, inventory_format: str, workers: int, dask: str, picked: Picked, shown: Shown, **flags: Any
) -> int:
    """Bring the hosts of an inventory to their policies.

    INVENTORY is YAML of Firewright's own (hosts, groups, policy, batch, canary), or Ansible's YAML or INI. Each policy is compiled and
    proved once. Then, host by host: plan, apply, prove that the kernel has what was meant, probe if asked, confirm over a new
    connection. A host that is not as it was to be is rolled back, and nothing begins any more. What runs then comes to its end.

    Ctrl-C does the same: no host is left half changed, and --resume goes on later. It ends with 0 if all is done, 3 if a host was
    rolled back, 4 if only a part of the hosts was changed, 1 if none was, 5 if an exception of a policy was not approved, and 130 if
    somebody stopped it.
    """
    from firewright.reports import Rollout
    from firewright.workflows.batchwise import Watch
    from firewright.workflows.change import change_host
    from firewright.workflows.rollout import rollout

    run = Run.begin(shown)
    run.will_show(Rollout)
    order = _order(**flags)
    if dask and order.has_probe:
        raise click.UsageError("--probe is from this machine: it does not go with --dask")
    found = _read(run, inventory, inventory_format)
    wanted = run.wanted(picked)
    permit = partial(must_be_approved, run)
    with ExitStack() as watching:
        saying = watching.enter_context(progress())
        executing = partial(_executing, workers, dask, watching)
        watch = Watch(saying, _output.say, _stopping)
        done = rollout(found, order, wanted, run.report, executing, watch, change_host, permit)
    if done is None:
        run.refuse(has_notes=shown.is_verbose)
    run.warn(has_notes=shown.is_verbose)
    run.show(done)
    return 1 if run.report.has_errors() and done.is_done else done.exit_code


def _order(ssh_config: str, identity: str, user: str, **flags: Any) -> Order:
    """What the flags ask for. Raises UsageError where they contradict each other."""
    from firewright.workflows.fleet import Reaching
    from firewright.workflows.rollout import Order

    if flags["is_resumed"] and (flags["limit"] or flags["batch"] or flags["canary"] or flags["is_check"]):
        raise click.UsageError(
            "--resume goes on with the hosts and batches that it began with; leave the other options out"
        )
    for file in (ssh_config, identity):
        if file and not Path(file).is_file():
            raise click.UsageError(f"there is no file {_output.shown(file)}")
    return Order(**flags, reaching=Reaching(ssh_config, identity, user, state_folders()))


def _read(run: Run, path: str, format: str) -> Inventory:
    """The inventory. Leaves with exit code 2 where it cannot be understood."""
    from firewright.readers.inventory import INVENTORIES
    from firewright.workflows.fleet import inventory_of

    if format and format not in INVENTORIES.names():
        raise click.UsageError(f"there is no inventory format {format!r}; there are: {', '.join(INVENTORIES.names())}")
    inventory = inventory_of(run.folder, path, run.report, format)
    if inventory is None:
        run.refuse(has_notes=run.shown.is_verbose)
    return inventory


@contextmanager
def _executing(workers: int, dask: str, watching: ExitStack, held: Path | None) -> Iterator[Workers]:
    """Workers, once nothing else runs in this process: a copy of it would inherit the locks of other threads."""
    from firewright.live import executors

    watching.close()
    with executors.dask(dask) if dask else executors.processes(workers, held) as found:
        yield found


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Tells whether somebody has pressed Ctrl-C, or ended the program: what runs then comes to its end.

    A second Ctrl-C leaves at once: hosts that are being changed still come to their end, or take it back by themselves.
    """
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            _output.say("left: hosts that were begun come to their end without this; --resume looks at them again")
            os._exit(INTERRUPTED)  # an orderly end would wait for the workers
        _output.say("stopping: nothing more is begun; what runs comes to its end (again to leave at once)")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
