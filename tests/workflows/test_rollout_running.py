"""A run over batches: real worker processes, changes that only remember, and what is never begun."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.diagnostic import Diagnostic, Severity
from firewright.live.executors import NoWorkers, Workers, dask, processes
from firewright.live.run_record import RecordError, RunRecord, only_run
from firewright.reports import Became, HostOutcome, Look, Rollout
from firewright.reports.json import REPORT as JSON
from firewright.reports.markdown import REPORT as MARKDOWN
from firewright.reports.text import REPORT as TEXT
from firewright.workflows.batchwise import Running, Watch
from firewright.workflows.change import Job
from firewright.workflows.resuming import earlier_run
from firewright.workflows.schedule import batches
from tests.workflows.fleets import TODAY, done_in, jobs, remember

ROOT = Path(__file__).parents[2]
FIRST = {
    "kind": "run", "schema_version": "1", "run": "r", "inventory": "fleet.yaml", "digests": {"it": "1"},
    "days": [["p.yaml", "local", TODAY.isoformat()]],
}  # fmt: skip


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """An inventory that can be locked."""
    path = tmp_path / "fleet.yaml"
    path.write_text("hosts: {}\n")
    return path


def became(running: Running) -> dict[str, str]:
    """What became of each host that was begun."""
    return {name: one.became.value for name, one in running.outcomes.items()}


def test_processes_change_every_host_in_order_of_batches(tmp_path: Path, locked: Path) -> None:
    """Real worker processes change every host once, the canary before any other is begun, a batch after the one before it."""
    plan = batches(("a", "b", "c", "d", "e"), ("c",), 2)
    running = Running(plan, jobs("abcde", tmp_path), Watch())
    with only_run(locked), processes(2, locked) as workers:
        running.run(workers, remember)
    lines = done_in(tmp_path)
    assert lines[:2] == ["begin c", "end c"]
    assert sorted(lines[2:6]) == ["begin a", "begin b", "end a", "end b"]
    assert sorted(lines[6:]) == ["begin d", "begin e", "end d", "end e"]
    assert set(became(running).values()) == {"confirmed"}


@pytest.mark.parametrize(("name", "state"), [("fails", "not changed"), ("back", "rolled back"), ("raises", "unknown")])
def test_a_host_that_is_not_as_it_was_to_be_stops_the_rest(tmp_path: Path, locked: Path, name: str, state: str) -> None:
    """After a failure no batch begins; what ran comes to its end and is remembered."""
    plan = batches(("a", "slow", name, "d", "e"), ("a",), 2)
    running = Running(plan, jobs(("a", "slow", name, "d", "e"), tmp_path), Watch())
    with only_run(locked), processes(2, locked) as workers:
        running.run(workers, remember)
    assert became(running) == {"a": "confirmed", "slow": "confirmed", name: state}
    assert "begin d" not in done_in(tmp_path)
    assert "end slow" in done_in(tmp_path)


def test_a_worker_that_dies_leaves_its_host_unknown(tmp_path: Path, locked: Path) -> None:
    """Nothing is said of a host whose worker was killed, nothing more begins, and another worker is not ended midway."""
    names = ("dies", "slow", "c")
    running = Running(batches(names, (), 2), jobs(names, tmp_path), Watch())
    with only_run(locked), processes(2, locked) as workers:
        running.run(workers, remember)
    assert became(running)["dies"] == "unknown"
    assert "takes back by itself" in running.outcomes["dies"].why
    assert "begin c" not in done_in(tmp_path)
    assert ("end slow" in done_in(tmp_path)) == ("begin slow" in done_in(tmp_path))


def test_whoever_stops_it_lets_what_runs_come_to_its_end(tmp_path: Path, locked: Path) -> None:
    """Once it is stopped no host begins, and the one that runs ends and is remembered."""

    @contextmanager
    def stopping() -> Iterator[Callable[[], bool]]:
        yield lambda: "begin slow" in done_in(tmp_path)

    names = ("slow", "b", "c")
    running = Running(batches(names, (), 3), jobs(names, tmp_path), Watch(stopping=stopping))
    with only_run(locked), processes(1, locked) as workers:
        running.run(workers, remember)
    assert running.was_stopped
    assert became(running) == {"slow": "confirmed"}


class _Here(Executor):
    """Does its work at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@given(st.data())
def test_nothing_begins_after_a_failure(data: st.DataObject) -> None:
    """Law: whatever the fleet, its batches, workers and failures, no host begins after one is not as it was to be."""
    names = [f"h{number}" for number in range(data.draw(st.integers(1, 12)))]
    bad = data.draw(st.sets(st.sampled_from(names)))
    canaries = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
    plan = batches(names, canaries, data.draw(st.integers(1, 5)))
    begun: list[str] = []

    def change(job: Job) -> HostOutcome:
        begun.append(job.name)
        return HostOutcome(job.name, Became.ROLLED_BACK if job.name in bad else Became.CONFIRMED)

    count = data.draw(st.integers(1, 4))
    running = Running(plan, jobs(names, Path("/nowhere")), Watch())
    running.run(Workers(_Here(), count, is_here=False), change)
    order = [name for batch in plan for name in batch]
    assert begun == order[: len(begun)]
    assert len(set(begun)) == len(begun)
    assert set(running.outcomes) == set(begun)
    failed = [index for index, name in enumerate(begun) if name in bad]
    if not failed:
        assert begun == order
        return
    batch_of = {name: number for number, batch in enumerate(plan) for name in batch}
    assert batch_of[begun[-1]] == batch_of[begun[failed[0]]]
    assert len(begun) - failed[0] <= count


def test_a_plan_goes_through_all_hosts(tmp_path: Path) -> None:
    """Where nothing is changed, no host keeps the others from being looked at."""
    names = ("fails", "b", "c")
    running = Running(batches(names, ("fails",), 1), jobs(names, tmp_path), Watch())
    with ThreadPoolExecutor(1) as pool:
        running.run(Workers(pool, 1, is_here=False), remember, stops=False)
    assert became(running) == {"fails": "not changed", "b": "confirmed", "c": "confirmed"}


def test_two_runs_of_one_inventory_do_not_mix(locked: Path) -> None:
    """While one run holds the lock another is refused; afterwards it is free, with no file left behind."""
    with only_run(locked), pytest.raises(RecordError, match="another run"), only_run(locked):
        pass
    with only_run(locked):
        pass
    assert [path.name for path in locked.parent.iterdir()] == ["fleet.yaml"]


def test_a_half_written_line_does_not_count(tmp_path: Path) -> None:
    """What a killed run did not finish writing is taken away when it goes on; a file with a strange line is refused."""
    path = tmp_path / "r.jsonl"
    with RunRecord.create(path, FIRST) as record:
        record.append({"kind": "begun", "host": "a"})
    with path.open("ab") as stream:
        stream.write(b'{"kind": "ended", "ho')
    with RunRecord.resume(path) as record:
        assert [entry["kind"] for entry in record.entries] == ["run", "begun"]
        record.append({"kind": "begun", "host": "b"})
    path.write_bytes(b'{"kind": "run"}\nno json\n')
    with pytest.raises(RecordError, match=r"r\.jsonl:2 is no line"):
        RunRecord.resume(path)


_KILLED = """
import sys
from pathlib import Path
from firewright.live.executors import processes
from firewright.live.run_record import RunRecord, only_run
from firewright.workflows.batchwise import Running, Watch
from tests.workflows.fleets import jobs, remember
from tests.workflows.test_rollout_running import FIRST

folder = Path(sys.argv[1])
plan = (("a",), ("b", "slow"), ("d",))
held = folder / "fleet.yaml"
first = {**FIRST, "batches": [list(batch) for batch in plan]}
with only_run(held), processes(2, held) as workers, RunRecord.create(folder / "r.jsonl", first) as record:
    Running(plan, jobs(("a", "b", "slow", "d"), folder), Watch(), record).run(workers, remember)
"""


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path: Path, locked: Path) -> None:
    """After kill -9 the host that ran still ends; until then no other run begins; then only what is not done is done."""
    run = subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path)], cwd=ROOT)
    try:
        _until(lambda: "begin slow" in done_in(tmp_path))
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    with pytest.raises(RecordError, match="another run"), only_run(locked):
        pass
    _until(lambda: _is_free(locked))
    assert "end slow" in done_in(tmp_path)
    earlier = earlier_run(tmp_path, "r.jsonl", tmp_path)
    assert set(earlier.begun) == {"slow"}
    assert "a" in earlier.done
    before = done_in(tmp_path)
    running = Running(earlier.batches, jobs(("a", "b", "slow", "d"), tmp_path), Watch(), earlier=earlier)
    with only_run(locked), processes(2, locked) as workers:
        running.run(workers, remember)
    again = done_in(tmp_path)[len(before) :]
    assert (
        {"begin slow", "begin d"}
        <= set(again)
        <= {f"{word} {name}" for word in ("begin", "end") for name in ("b", "slow", "d")}
    )
    assert set(became(running)) == {"a", "b", "slow", "d"}
    assert set(became(running).values()) == {"confirmed"}


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came so far")


def _is_free(path: Path) -> bool:
    try:
        with only_run(path):
            return True
    except RecordError:
        return False


@pytest.mark.parametrize(
    ("found", "is_interrupted", "code"),
    [
        ("confirmed unchanged", False, 0),
        ("confirmed", True, 0),
        ("would-change", False, 0),
        ("confirmed rolled-back not-begun", False, 3),
        ("rolled-back", False, 3),
        ("confirmed not-changed", False, 4),
        ("confirmed unknown", False, 4),
        ("unchanged not-changed", False, 1),
        ("unknown", False, 1),
        ("confirmed not-begun", True, 130),
        ("confirmed rolled-back", True, 3),
    ],
)
def test_the_exit_code_says_how_the_fleet_stands(found: str, is_interrupted: bool, code: int) -> None:
    """0 if all is done, 3 if a host was rolled back, 130 if somebody stopped it, 4 if a part was changed, 1 if none was."""
    became = [Became(word.replace("-", " ")) for word in found.split()]
    outcomes = tuple(HostOutcome(f"h{number}", one) for number, one in enumerate(became))
    assert Rollout("r", "fleet.yaml", (), outcomes, is_interrupted=is_interrupted).exit_code == code


def test_what_a_host_says_reaches_no_terminal_as_it_is() -> None:
    """Names and sentences from outside are shown with their control characters as escapes, in every format."""
    bad = "a\x1b[31m\n"
    outcome = HostOutcome(bad, Became.UNKNOWN, why=bad, diagnostics=(Diagnostic("x", Severity.ERROR, bad, help=bad),))
    shown = Rollout("r", bad, ((bad,),), (outcome,), again=bad)
    for renderers in (TEXT, JSON, MARKDOWN):
        said = renderers[Rollout](shown, Look())
        assert "\x1b" not in said
        assert "a" in said


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a Dask cluster of this machine, with two workers."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (pip install firewright[dask])")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(host="127.0.0.1", **options) as here:
        yield here.scheduler_address


def test_dask_does_what_processes_do(tmp_path: Path, cluster: str) -> None:
    """The same run on the workers of a real Dask cluster: canary first, every host once, nothing after a failure."""
    names = ("a", "b", "c", "fails", "e")
    running = Running(batches(names, ("b",), 3), jobs(names, tmp_path), Watch())
    with dask(cluster) as workers:
        assert workers.count == 2
        running.run(workers, remember)
    lines = done_in(tmp_path)
    assert lines[:2] == ["begin b", "end b"]
    assert became(running) == {"b": "confirmed", "a": "confirmed", "c": "confirmed", "fails": "not changed"}
    assert "begin e" not in lines


def test_a_dask_worker_that_dies_leaves_its_host_unknown(tmp_path: Path, cluster: str) -> None:
    """A host whose worker is killed again and again is unknown, and nothing more begins."""
    running = Running((("dies",), ("b",)), jobs(("dies", "b"), tmp_path), Watch())
    with dask(cluster) as workers:
        running.run(workers, remember)
    assert became(running) == {"dies": "unknown"}
    assert "begin b" not in done_in(tmp_path)


def test_no_scheduler_is_said() -> None:
    """Where nobody answers at the address of a cluster, that is said, with a way out."""
    pytest.importorskip("distributed", reason="Dask is not installed (pip install firewright[dask])")
    with pytest.raises(NoWorkers, match=re.escape("tcp://127.0.0.1:1")), dask("tcp://127.0.0.1:1"):
        pass
