"""Applies over ssh whose tool, terminal or connection dies: what nobody confirms is taken back, and what somebody confirms is kept."""

from __future__ import annotations

import os
import pty
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.kernel.managed import Managed, until
from tests.kernel.network import Network
from tests.kernel.policies import made
from tests.kernel.sshd import Sshd
from tests.kernel.tools import Tool, is_running

VICTIMS = ("the tool", "the terminal", "the connection")
WAIT, WAIT_FOR_CONFIRMATION = 2, 20
"""Seconds after which an apply is taken back: of those that nobody confirms, and of those that somebody does."""
_PATIENCE = 60.0


@dataclass
class Confirmed:
    """What became of the trials, by what was killed and how they ended, and whatever was wrong."""

    trials: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Confirmed) -> None:
        """Count another's as well."""
        self.trials += other.trials
        self.wrong += other.wrong


class _Trials:
    """Applies of two generations to one host, each in the place of the other."""

    def __init__(self, network: Network, host: Managed, sshd: Sshd, tool: Tool, seed: int) -> None:
        self.network, self.host, self.sshd, self.tool = network, host, sshd, tool
        self.random, self.seen = Random(seed), Confirmed()
        self.listings: dict[int, str] = {}
        for generation in (1, 2):
            host.keep(made(generation).text)
            self.listings[generation] = host.rules()
        self.old, self.new = 2, 1
        self._plan()

    def run(self, count: int) -> Confirmed:
        """So many trials: each victim in turn, every other one confirmed, every third over the other family."""
        for number in range(count):
            self._trial(f"trial {number}", number // 3 % 2, VICTIMS[number % 3], is_confirmed=number % 2 == 0)
        return self.seen

    def _trial(self, place: str, way: int, victim: str, is_confirmed: bool) -> None:
        place = f"{place}, {victim}"
        if not self._apply_and_kill(way, victim, WAIT_FOR_CONFIRMATION if is_confirmed else WAIT):
            self._note(place, (victim, "never loaded"), is_right=self._comes_back())
        elif is_confirmed:
            is_kept = self.tool.ended(self.tool.confirm(way)) == 0 and self._stays()
            self._note(place, (victim, "kept"), is_right=is_kept)
            if is_kept:
                self.old, self.new = self.new, self.old
                self._plan()
        else:
            self._note(place, (victim, "taken back"), is_right=self._comes_back())

    def _note(self, place: str, ended: tuple[str, str], is_right: bool) -> None:
        if is_right:
            self.seen.trials[ended] += 1
        else:
            self.seen.wrong.append(f"{place}: not {ended[1]}; the last: {self.host.stored('journal')[-300:]}")

    def _plan(self) -> None:
        self.number = int(self.host.stored("confirmed"))
        self.tool.plan(self.new)

    def _apply_and_kill(self, way: int, victim: str, wait: int) -> bool:
        """Apply, kill at some moment from the arming of the watchdog on, and say whether the ruleset got loaded."""
        terminal, inner = pty.openpty()
        process = self.tool.apply(self.new, wait, os.ttyname(inner) if victim == "the terminal" else "", way)
        os.close(inner)
        until(lambda: self.host.is_pending or not is_running(process), 30, 0.002)
        time.sleep(self.random.uniform(0, 0.3))
        if victim == "the tool":
            os.kill(process, signal.SIGKILL)
        elif victim == "the connection":
            self._cut(process)
        os.close(terminal)
        self.tool.ended(process)
        # What the host was told to do it does to its end, or not at all; only then is it clear what it has.
        until(lambda: self._has(self.new) or not self._is_applying(), 30)
        return self._has(self.new)

    def _cut(self, process: int) -> None:
        """Kill what serves the connection on the host, and what holds it on this side."""
        self.sshd.cut()
        for number in self.network.client.processes() - {process, self.tool.number}:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def _has(self, generation: int) -> bool:
        return self.host.rules() == self.listings[generation]

    def _is_applying(self) -> bool:
        watch = int((self.host.stored("pending/watch") or "0").split()[0])
        return bool(self.network.firewall.processes() - {self.sshd.listener, watch})

    def _stays(self) -> bool:
        """What was confirmed is still there when nothing is left that could take it back."""
        return until(self._is_quiet, _PATIENCE) and self._has(self.new)

    def _comes_back(self) -> bool:
        """What was confirmed before is there again, on disk as well."""
        is_back = until(lambda: self._is_quiet() and self._has(self.old), _PATIENCE)
        return is_back and self.host.stored("confirmed") == str(self.number) and not self.host.is_pending

    def _is_quiet(self) -> bool:
        """Nothing but sshd runs on the firewall: no watchdog, no session."""
        return not self.network.firewall.processes() - {self.sshd.listener}


def confirming(count: int, seed: int = 1) -> Confirmed:
    """So many applies over ssh, every other confirmed over a connection of its own."""
    with (
        Network() as network,
        Managed(network.firewall) as host,
        Sshd(network.firewall) as sshd,
        Tool(network.client, host.folders, str(sshd.config), "gate6", "gate4") as tool,
    ):
        return _Trials(network, host, sshd, tool, seed).run(count)
