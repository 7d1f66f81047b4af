"""Go over the hosts of a fleet batch by batch: who begins when, what comes to its end, and when nothing begins any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from time import monotonic

from firewright.diagnostic import harmless
from firewright.live.executors import Workers
from firewright.live.run_record import RecordError, RunRecord
from firewright.reports import Became, HostOutcome
from firewright.workflows.change import Job
from firewright.workflows.resuming import Earlier, entry_of_outcome
from firewright.workflows.schedule import Batches
from firewright.workflows.selection import Saying, silent

_LOOKING = 0.5
"""Seconds between two looks at whether somebody wants it to stop."""
Change = Callable[[Job], HostOutcome]
"""What is done on one host: a function of a module, so that it can be sent to another process."""


@contextmanager
def unstoppable() -> Iterator[Callable[[], bool]]:
    """Nobody stops it."""
    yield lambda: False


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches: is told each step that takes long (`saying`), and what becomes of each host (`telling`).

    While hosts are changed, `stopping` tells whether somebody wants no more of them to begin.
    """

    saying: Saying = silent
    telling: Saying = silent
    stopping: Callable[[], AbstractContextManager[Callable[[], bool]]] = unstoppable


class Running:
    """A run over the batches: what became of each host so far, told to whoever watches and, if there is one, to the record."""

    def __init__(
        self,
        plan: Batches,
        jobs: Mapping[str, Job],
        watch: Watch,
        record: RunRecord | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        self.plan, self.jobs, self.watch, self.record = plan, jobs, watch, record
        self.outcomes: dict[str, HostOutcome] = dict(earlier.done) if earlier is not None else {}
        self.trouble: RecordError | None = None
        self.has_failed = self.was_stopped = False
        self.is_stopped: Callable[[], bool] = lambda: False

    def run(self, workers: Workers, change: Change, stops: bool = True) -> None:
        """Change the hosts batch by batch; with `stops`, none begins once one is not as it was to be.

        Hosts that were begun come to their end in any case. Law: test_nothing_begins_after_a_failure
        """
        with self.watch.stopping() as self.is_stopped:
            self._batches(workers, change, stops)

    def _batches(self, workers: Workers, change: Change, stops: bool) -> None:
        for number, batch in enumerate(self.plan, 1):
            todo = deque(name for name in batch if name not in self.outcomes)
            if todo:
                self.watch.telling(f"batch {number} of {len(self.plan)}: {_named(todo)}")
                self._batch(todo, workers, change, stops)
            if self._is_over(stops):
                return

    def _batch(self, todo: deque[str], workers: Workers, change: Change, stops: bool) -> None:
        running: dict[Future[HostOutcome], tuple[str, float]] = {}
        while todo or running:
            while todo and len(running) < workers.count and not self._is_over(stops):
                name = todo.popleft()
                self._append({"kind": "begun", "host": name})
                if self.trouble is not None:
                    break
                try:
                    running[workers.begin(change, self.jobs[name])] = (name, monotonic())
                except Exception as error:  # the executor's own: its workers died, or its scheduler is gone
                    self._end(HostOutcome(name, Became.NOT_CHANGED, why=f"no worker takes it: {_words(error)}"))
            if not running:
                return
            done, _ = wait(running, timeout=_LOOKING, return_when=FIRST_COMPLETED)
            for future in done:
                name, since = running.pop(future)
                self._end(_outcome(future, name, monotonic() - since))

    def _is_over(self, stops: bool) -> bool:
        if not self.was_stopped and self.is_stopped():
            self.was_stopped = True
        return self.was_stopped or self.trouble is not None or (stops and self.has_failed)

    def _end(self, outcome: HostOutcome) -> None:
        self.outcomes[outcome.host] = outcome
        self.has_failed = self.has_failed or not outcome.is_good
        self._append(entry_of_outcome(outcome))
        generation = f", generation {outcome.generation}" if outcome.generation else ""
        why = f": {outcome.why}" if outcome.why else ""
        told = f"{outcome.host}: {outcome.became.value}{generation} ({outcome.seconds:.1f} s){why}"
        self.watch.telling(harmless(told, 400))

    def _append(self, entry: Mapping[str, object]) -> None:
        """Put a line into the record; where that fails, nothing begins any more."""
        if self.record is not None and self.trouble is None:
            try:
                self.record.append(entry)
            except RecordError as error:
                self.trouble = error


def _named(names: deque[str]) -> str:
    shown = ", ".join(harmless(name, 60) for name in list(names)[:6])
    return shown + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _words(error: BaseException) -> str:
    return harmless(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, 200)


def _outcome(future: Future[HostOutcome], name: str, seconds: float) -> HostOutcome:
    """What a host's change came to; unknown where whoever did it died."""
    try:
        found = future.result()
    except Exception as error:  # whatever kills a worker: nothing is known of the host then
        why = f"the worker did not come back ({_words(error)}); the host takes back by itself what is not confirmed"
        return HostOutcome(name, Became.UNKNOWN, seconds=seconds, why=why)
    return replace(found, seconds=found.seconds or seconds)
