"""Running one task with several contestants: their times side by side, their answers checked against each other."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import process_time

DEADLINE = 10.0
"""Processor seconds after which a contestant is stopped, where it can be stopped. Some stop only between two steps."""
OWN = "Firewright"
"""Who is measured against the others."""


class StoppedError(Exception):
    """A contestant did not get to the end; its text says why."""


@dataclass
class Clock:
    """Tells a contestant when to stop."""

    started: float = field(default_factory=process_time)

    def check(self) -> None:
        """Stop the contestant if its time is over."""
        if process_time() - self.started > DEADLINE:
            raise StoppedError(f"over {DEADLINE:.0f} s")


@dataclass(frozen=True)
class Row:
    """One contestant at one task: seconds, or why there are none."""

    task: str
    contestant: str
    seconds: float | None
    answer: str


@dataclass(frozen=True)
class Aim:
    """How good Firewright is to be at a task, in seconds or megabytes, and how good it was."""

    task: str
    unit: str
    wanted: float
    measured: float

    @property
    def line(self) -> str:
        """A row of the table."""
        reached = "reached" if self.measured <= self.wanted else "**missed**"
        return f"| {self.task} | {self.wanted:g} {self.unit} | {self.measured:.3g} {self.unit} | {reached} |"


class Contest:
    """All rows of one run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.aims: list[Aim] = []

    def aim(self, task: str, seconds: float, *, share: int = 1) -> None:
        """Hold Firewright's time at a task that was run, or a share of it, against an aim."""
        own = next(row.seconds for row in self.rows if row.task == task and row.contestant == OWN)
        if own is None:
            raise ValueError(f"{OWN} has no time at {task}")
        self.aims.append(Aim(task if share == 1 else f"{task}, one", "s", seconds, own / share))

    def aim_at_memory(self, task: str, megabytes: float, measured: float) -> None:
        """Hold what a task took of memory against an aim."""
        self.aims.append(Aim(f"{task}, memory beyond the rules", "MB", megabytes, measured))

    def run(
        self,
        task: str,
        contestant: str,
        ask: Callable[[Clock], Hashable],
        *,
        say: Callable[[Hashable], str] = str,
        expected: Hashable = None,
        repeat: int = 1,
    ) -> Hashable:
        """Time a contestant (the best of `repeat`), check its answer against another's, print and keep the row."""
        best, answer = None, None
        try:
            for _ in range(repeat):
                clock = Clock()
                answer = ask(clock)
                seconds = process_time() - clock.started
                best = seconds if best is None or seconds < best else best
        except StoppedError as why:
            self.keep(task, contestant, None, str(why))
            return None
        if expected is not None and answer != expected:
            raise AssertionError(f"{contestant} disagrees at {task}: {say(answer)} against {say(expected)}")
        self.keep(task, contestant, best, say(answer))
        return answer

    def keep(self, task: str, contestant: str, seconds: float | None, answer: str) -> None:
        """Keep and print a row; without seconds the answer says why."""
        row = Row(task, contestant, seconds, answer)
        self.rows.append(row)
        print(
            f"{row.task:70} {row.contestant:28} {self.time_of(row):>10} {self.ratio_of(row):>9}  {row.answer}",
            flush=True,
        )

    @staticmethod
    def time_of(row: Row) -> str:
        """The time in a unit that can be read."""
        if row.seconds is None:
            return "-"
        return f"{row.seconds:.2f} s" if row.seconds >= 1 else f"{1000 * row.seconds:.2f} ms"

    def ratio_of(self, row: Row) -> str:
        """How many times Firewright's time at the same task."""
        own = next((one.seconds for one in self.rows if one.task == row.task and one.contestant == OWN), None)
        return "" if row.seconds is None or not own or row.contestant == OWN else f"{row.seconds / own:.1f} x"

    def aims_table(self) -> str:
        """Every aim as a Markdown table."""
        return "\n".join(["| aim | wanted | measured | |", "|---|---:|---:|---|", *(aim.line for aim in self.aims)])

    def table(self) -> str:
        """Every row as a Markdown table."""
        lines = ["| task | engine | time | of Firewright's | answer |", "|---|---|---:|---:|---|"]
        for row in self.rows:
            name = f"**{row.contestant}**" if row.contestant == OWN else row.contestant
            lines.append(f"| {row.task} | {name} | {self.time_of(row)} | {self.ratio_of(row)} | {row.answer} |")
        return "\n".join(lines)


def machine() -> str:
    """The machine in general words."""
    return f"{os.cpu_count()} shared cores ({platform.machine()}), Python {sys.version_info.major}.{sys.version_info.minor}"
