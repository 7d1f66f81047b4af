"""Running one task with several contestants: their times side by side, their answers checked against each other."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import perf_counter

DEADLINE = 20.0
"""Seconds after which a contestant is stopped, where it can be stopped. Some stop only between two steps."""


class StoppedError(Exception):
    """A contestant did not get to the end; its text says why."""


@dataclass
class Clock:
    """Tells a contestant when to stop."""

    started: float = field(default_factory=perf_counter)

    def check(self) -> None:
        """Stop the contestant if its time is over."""
        if perf_counter() - self.started > DEADLINE:
            raise StoppedError(f"over {DEADLINE:.0f} s")


@dataclass(frozen=True)
class Row:
    """One contestant at one task: seconds, or why there are none."""

    task: str
    contestant: str
    seconds: float | None
    answer: str


class Contest:
    """All rows of one run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

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
                seconds = perf_counter() - clock.started
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
        own = next((one.seconds for one in self.rows if one.task == row.task and one.contestant == "Firewright"), None)
        return "" if row.seconds is None or not own or row.contestant == "Firewright" else f"{row.seconds / own:.1f} x"

    def table(self) -> str:
        """Every row as a Markdown table."""
        lines = ["| task | engine | time | of Firewright's | answer |", "|---|---|---:|---:|---|"]
        for row in self.rows:
            name = f"**{row.contestant}**" if row.contestant == "Firewright" else row.contestant
            lines.append(f"| {row.task} | {name} | {self.time_of(row)} | {self.ratio_of(row)} | {row.answer} |")
        return "\n".join(lines)


def machine() -> str:
    """The machine in general words."""
    return f"{os.cpu_count()} shared cores ({platform.machine()}), Python {sys.version_info.major}.{sys.version_info.minor}"
