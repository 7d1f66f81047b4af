"""The tool that changes a host, as people start it: a process for each apply and each confirmation, so that each can be killed.

Run as a program inside a namespace, it takes a description of its hosts (JSON) on its first line of standard input, and then requests, a
line each: {"plan": generation}, {"apply": generation, "host": which, "wait": seconds, "terminal": path or ""}, {"confirm": which},
{"ended": process}. It answers each with a line. An apply and a confirmation are answered by the number of a process that is at it, in a
session of its own. The hosts are one, by as many ways.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from firewright.diagnostic import Report
from firewright.live._namespace import die_with_parent
from firewright.live.host import Host, Local, Ssh
from firewright.workflows.apply import apply_plan
from firewright.workflows.confirm import confirm
from firewright.workflows.plan import Planned, plan
from firewright.workflows.prepare import Prepared, prepare
from firewright.workflows.selection import Wanted
from tests.kernel.policies import policy_text


class _Tool:
    """One host, the ways to it, and the plans for it."""

    def __init__(self, hosts: list[Host]) -> None:
        self.hosts = hosts
        self._plans: dict[int, Planned] = {}
        self._prepared: dict[int, Prepared] = {}

    def plan(self, generation: int) -> int:
        """Plan for the host as it is now. AssertionError with the report where something stands against it."""
        report = Report()
        if generation not in self._prepared:
            self._prepared[generation] = _prepared(generation)
        found = plan(self._prepared[generation], self.hosts[0], report)
        assert found is not None, report.sorted()
        assert not found.plan.is_refused, found.plan.findings.diagnostics
        self._plans[generation] = found
        return generation

    def apply(self, generation: int, host: int, wait: int, terminal: str) -> int:
        """A process that carries the plan out; it sits at a terminal if one is named."""

        def act() -> bool:
            report = Report()
            step = apply_plan(self._plans[generation], self.hosts[host], report, wait=wait)
            return step is not None and step.verb == "applied"

        return _aside(act, terminal)

    def confirm(self, host: int) -> int:
        """A process that confirms what waits, over a connection of its own."""
        return _aside(lambda: confirm(self.hosts[host], Report()) is not None, "")


def _prepared(generation: int) -> Prepared:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "policy.yaml").write_text(policy_text(generation))
        found = prepare(Wanted(Path(folder), datetime.now(timezone.utc), ("policy.yaml",)), report)  # noqa: UP017
    assert found is not None, report.sorted()
    return found


def _aside(act: Callable[[], bool], terminal: str) -> int:
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        os.setsid()
        # The first terminal that the leader of a session opens is that session's, and its end a hang-up for the leader.
        standard = os.open(terminal or os.devnull, os.O_RDWR)
        for one in (0, 1, 2):
            os.dup2(standard, one)
        code = 0 if act() else 1
    finally:
        os._exit(code)


def _hosts(said: dict[str, Any]) -> list[Host]:
    if said["config"]:
        return [Ssh(name, config=said["config"], folders=said["folders"]) for name in said["names"]]
    return [Local(said["folders"])]


def main() -> None:
    """Serve until the standard input ends."""
    die_with_parent()
    given, out = sys.stdin, os.fdopen(os.dup(1), "w")
    tool = _Tool(_hosts(json.loads(given.readline())))
    for line in given:
        request = json.loads(line)
        if "plan" in request:
            answer = tool.plan(request["plan"])
        elif "apply" in request:
            answer = tool.apply(request["apply"], request["host"], request["wait"], request["terminal"])
        elif "confirm" in request:
            answer = tool.confirm(request["confirm"])
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["ended"], 0)[1])
        out.write(f"{answer}\n")
        out.flush()


if __name__ == "__main__":
    main()
