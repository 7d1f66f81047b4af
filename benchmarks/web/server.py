"""`firewright serve` as a process of its own, looked at from outside: when it is ready, its processor time, its memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from time import monotonic, sleep

_TICKS = os.sysconf("SC_CLK_TCK")
WORKERS = 2


class Server:
    """A server of a folder, until `stop`; the tables of its database are there."""

    def __init__(self, folder: Path, state: Path, database: str) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {**os.environ, "FIREWRIGHT_STATE_HOME": str(state), "FIREWRIGHT_DATABASE_URL": database}
        if not database:
            del environment["FIREWRIGHT_DATABASE_URL"]
        words = ["serve", str(folder), "--listen", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
        words += ["--as-root"] if os.geteuid() == 0 else []
        began = monotonic()
        self.log = (state / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firewright", *words], env=environment, stdout=subprocess.DEVNULL, stderr=self.log
        )
        while not self._is_ready():
            if self._process.poll() is not None or monotonic() - began > 60:
                raise RuntimeError((state / "server.log").read_text()[-2000:])
            sleep(0.02)
        self.ready = monotonic() - began

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def processes(self) -> list[int]:
        """The processes that it is made of."""
        found, todo = [], [self._process.pid]
        while todo:
            one = todo.pop()
            found.append(one)
            todo += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        return found

    def cpu(self) -> float:
        """Seconds of the processor, user's and system's, that they have taken."""
        total = 0
        for one in self.processes():
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def calm(self) -> float:
        """Seconds until none of them works any more, from now."""
        began, quiet = monotonic(), 0
        while quiet < 3 and monotonic() - began < 300:
            before = self.cpu()
            sleep(1)
            quiet = quiet + 1 if self.cpu() - before < 0.15 else 0
        return monotonic() - began - quiet

    def memory(self) -> float:
        """What they hold together in MiB: pages that several share are counted once (Pss)."""
        total = 0
        for one in self.processes():
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self) -> None:
        """End it as an operator would, and wait until it has ended."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.log.close()
