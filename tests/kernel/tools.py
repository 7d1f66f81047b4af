"""Starting the tool in a namespace, and having it do things."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.kernel.network import Namespace


class Tool:
    """A tool that runs in a namespace, to be used in a `with`: on the host itself, or where `config` lets ssh reach it by some names."""

    def __init__(self, space: Namespace, folders: Mapping[str, str], config: str = "", *names: str) -> None:
        self._process = space.python("tests.kernel.tool")
        self._send({"config": config, "names": names, "folders": dict(folders)})

    def __enter__(self) -> Tool:
        return self

    def __exit__(self, *reason: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def number(self) -> int:
        """The process that starts the others."""
        return self._process.pid

    def plan(self, generation: int) -> None:
        """Have it plan for the host as it is now."""
        self._ask({"plan": generation})

    def apply(self, generation: int, wait: int, terminal: str = "", host: int = 0) -> int:
        """The process that carries out the plan for a generation, as it was made last; `host` is the place of a name."""
        return self._ask({"apply": generation, "host": host, "wait": wait, "terminal": terminal})

    def confirm(self, host: int = 0) -> int:
        """The process that confirms."""
        return self._ask({"confirm": host})

    def ended(self, number: int) -> int:
        """Wait for a process; its exit code."""
        return self._ask({"ended": number})

    def _send(self, request: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def _ask(self, request: Mapping[str, object]) -> int:
        self._send(request)
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def is_running(number: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
