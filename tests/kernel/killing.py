"""Killing what applies or confirms a ruleset at any moment, by itself or with all that it started, and what the host makes of it."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from firewright.live.host import HostError
from tests.kernel.managed import Managed, until
from tests.kernel.network import Namespace
from tests.kernel.policies import made
from tests.kernel.tools import Tool, is_running

WAIT = 1
"""Seconds after which an apply is taken back."""
WAIT_FOR_CONFIRMATION = 4
"""The same where a confirmation is what is killed."""
_PATIENCE = 60.0
"""Seconds in which a watchdog must have done its work, however busy the machine is."""
TOOL, GROUP, CONFIRMATION = "an apply alone", "an apply with all it started", "a confirmation with all it started"
TOO_LATE = "nothing: it had ended"
_TRIES = 3
"""Trials for each kill that is wanted, at most."""


@dataclass
class Killed:
    """What was seen after kills: how many of each kind, which ruleset the kernel had at once, and whatever was wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Killed) -> None:
        """Count another's as well."""
        self.kills += other.kills
        self.found += other.found
        self.wrong += other.wrong


class _Trials:
    """Kills on one host, which has one of two generations confirmed and is asked for the other."""

    def __init__(self, host: Managed, tool: Tool, seed: int) -> None:
        self.host, self.tool, self.random, self.seen = host, tool, Random(seed), Killed()
        self.listings: dict[int, str] = {}
        for generation in (1, 2):
            host.keep(made(generation).text)
            self.listings[generation] = host.rules()
        assert self.listings[1] != self.listings[2]
        self.old, self.new, self.number = 2, 1, int(host.stored("confirmed"))
        self._plan()
        self.seconds = {TOOL: self._time_of(tool.apply(self.new, 60))}
        self.seconds[GROUP] = self.seconds[TOOL]
        self.seconds[CONFIRMATION] = self._time_of(tool.confirm())
        self._turn(int(host.stored("confirmed")))

    def run(self, count: int) -> Killed:
        """So many kills, each of the three kinds in turn; what ended before it could be killed is tried and not counted."""
        for number in range(_TRIES * count):
            if sum(self.seen.kills.values()) - self.seen.kills[TOO_LATE] == count:
                break
            whose = (TOOL, GROUP, CONFIRMATION)[number % 3]
            try:
                self._trial(f"trial {number}, {whose}", whose, is_booted=number % 2 == 0)
            except HostError as error:
                self.seen.wrong.append(f"trial {number}, {whose}: the host refuses what is done next: {error}")
                self.host.host.call("boot")
        return self.seen

    def _trial(self, place: str, whose: str, is_booted: bool) -> None:
        if whose == CONFIRMATION:
            self.host.apply(made(self.new).text, WAIT_FOR_CONFIRMATION)
            victim = self.tool.confirm()
        else:
            victim = self.tool.apply(self.new, WAIT)
        moment = self.random.uniform(0, 1.1 * self.seconds[whose])
        has_ended = until(lambda: not is_running(victim), moment, 0.001)
        self._kill(victim, whose)
        self.seen.kills[TOO_LATE if has_ended else whose] += 1
        # The machine is not always as busy as it was when the time was taken.
        self.seconds[whose] *= 0.8 if has_ended else 1.05
        self._must_be_whole(place)
        if not until(self._is_quiet, _PATIENCE, 0.05):
            self.seen.wrong.append(f"{place}: somebody is still at work")
        self._must_be_confirmed(place, may_be_new=whose == CONFIRMATION)
        self._must_go_on(place, is_booted)

    def _kill(self, victim: int, whose: str) -> None:
        """Kill a process; with it, where it is asked for, whatever is at work there but the watchdog."""
        victims = {victim}
        if whose != TOOL:
            # They stand still while it is looked up who is who: an apply that went on would rely on a watchdog that is taken for its own.
            victims |= self.host.space.processes() - {self.tool.number}
            _send(victims, signal.SIGSTOP)
            watchdog = int((self.host.stored("pending/watch") or "0").split()[0])
            _send(victims & {watchdog}, signal.SIGCONT)
            victims -= {watchdog}
        _send(victims, signal.SIGKILL)
        self.tool.ended(victim)

    def _is_quiet(self) -> bool:
        return not self.host.space.processes() - {self.tool.number}

    def _must_be_whole(self, place: str) -> None:
        held = {self.listings[self.old]: "the old ruleset", self.listings[self.new]: "the new"}.get(
            self.host.rules(), "neither"
        )
        self.seen.found[held] += 1
        if held == "neither":
            self.seen.wrong.append(f"{place}: the kernel has neither ruleset")

    def _must_be_confirmed(self, place: str, may_be_new: bool) -> None:
        """What the state says is confirmed is what runs."""
        stored = int(self.host.stored("confirmed"))
        if stored != self.number and may_be_new:
            self._turn(stored)
        if stored != self.number:
            self.seen.wrong.append(f"{place}: {stored} is called confirmed, not {self.number}")
        if self.host.rules() != self.listings[self.old]:
            self.seen.wrong.append(
                f"{place}: the confirmed ruleset did not come back; {self.host.stored('journal')[-300:]}"
            )

    def _must_go_on(self, place: str, is_booted: bool) -> None:
        """A host that was left like that starts anew with what is confirmed, and takes the next apply."""
        if is_booted:
            self.host.host.call("boot")
        else:
            self.number = self.host.keep(made(self.old).text)
        if self.host.rules() != self.listings[self.old] or self.host.is_pending:
            self.seen.wrong.append(f"{place}: what is done next does not end with the confirmed ruleset")

    def _turn(self, number: int) -> None:
        """The other generation is the confirmed one now."""
        self.old, self.new, self.number = self.new, self.old, number
        self._plan()

    def _plan(self) -> None:
        self.tool.plan(self.new)

    def _time_of(self, process: int) -> float:
        begun = time.perf_counter()
        assert self.tool.ended(process) == 0
        return time.perf_counter() - begun


def _send(numbers: set[int], what: signal.Signals) -> None:
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, what)


def killing(count: int, seed: int = 1) -> Killed:
    """So many kills on one host, each at a moment of its own."""
    space = Namespace()
    try:
        with Managed(space) as host, Tool(space, host.folders) as tool:
            return _Trials(host, tool, seed).run(count)
    finally:
        space.close()
