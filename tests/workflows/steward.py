"""A managed host of its own to run commands on: a network namespace with a link, a state folder, and everything that is real there.

Run as a program inside `unshare`, it takes steps (JSON) and prints what became of each. All that it starts ends with it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENVELOPE = ["unshare", "-Urnmpf", "--mount-proc"]
Step = Sequence[Any]


@dataclass(frozen=True)
class Done:
    """How a step ended, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


def needs_host() -> None:
    """Skip where a managed host cannot be had, by the name of what is missing."""
    for program in ("unshare", "ip", "nft", "sh"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if said := _refusal():
        pytest.skip(f"no namespaces with nf_tables here: {said}")


@cache
def _refusal() -> str:
    tried = subprocess.run([*ENVELOPE, "nft", "list", "ruleset"], capture_output=True, text=True)
    return tried.stderr.strip() or "it fails" if tried.returncode else ""


def play(*steps: Step) -> list[Done]:
    """What became of steps, one after the other, on a host that nobody has managed yet.

    ("firewright", word...) a command; ("apply", text, seconds, facts) a load of a generation; ("confirm", number); ("nft", text);
    ("write", path below the state's folder, text); ("read", path); ("send", port, count) UDP packets to a neighbour;
    ("kill", path) the process whose number a file has; ("sleep", seconds); ("enter", folder, environment) for further commands.
    """
    wanted = json.dumps(steps)
    ran = subprocess.run(
        [*ENVELOPE, sys.executable, "-m", "tests.workflows.steward"],
        input=wanted, capture_output=True, text=True, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return [Done(*one) for one in json.loads(ran.stdout.rpartition("\n")[2])]


class Steward:
    """The host that steps are done on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = {f"FIREWRIGHT_{name}": str(folder / name.lower()) for name in ("STATE", "RUN", "ROOT")}
        (folder / "root" / "etc" / "local.d").mkdir(parents=True)
        for words in (
            "link set lo up",
            "link add name up0 type veth peer name peer0",
            "address add 10.0.0.1/24 dev up0",
            "address add 2001:db8:1::1/64 dev up0 nodad",
            "link set up0 up",
            "link set peer0 up",
        ):
            subprocess.run(["ip", *words.split()], check=True)

    def firewright(self, *words: str) -> Done:
        """A command of the program, in this process; `HERE` in a word is the folder."""
        from tests.cli.running import run

        # Leaving by an exit code is what the program does; its streams are taken by the runner.
        done = run(*(word.replace("HERE", str(self.folder)) for word in words), environment=self.places)
        return Done(done.exit_code, done.stdout, done.stderr)

    def apply(self, text: str, seconds: int = 60, facts: Mapping[str, str] | None = None, ends: str = "") -> Done:
        """A generation, loaded as the host's program does; whoever it is proved for is not asked."""
        from firewright.live.host import Local, program

        said = {"policy": "web", "path": "web.yaml", "firewall": "local", "made": str(int(time.time())), "by": "root"}
        meta = "".join(f"{name}={value}\n" for name, value in {**said, **(facts or {})}.items())
        texts = {"ruleset.nft": text, "meta": meta, "ends": ends, "minimal.nft": text, "host.sh": program()}
        return Done(0, Local(self.places).call("apply", "any", str(seconds), "-", texts=texts).line("generation"), "")

    def confirm(self, number: str) -> Done:
        """It is confirmed."""
        from firewright.live.host import Local

        return Done(0, Local(self.places).call("confirm", number, "-").line("generation"), "")

    def enter(self, folder: str, environment: Mapping[str, str]) -> Done:
        """Commands from here on are called in a folder, with these in their environment besides."""
        os.chdir(folder)
        self.places.update(environment)
        return Done(0, "", "")

    def nft(self, text: str) -> Done:
        """What somebody else loads."""
        done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True)
        return Done(done.returncode, done.stdout, done.stderr)

    def write(self, path: str, text: str) -> Done:
        """A file."""
        (self.folder / path).write_text(text)
        return Done(0, "", "")

    def read(self, path: str) -> Done:
        """What a file says."""
        return Done(0, (self.folder / path).read_text(), "")

    def remove(self, path: str) -> Done:
        """A file goes."""
        (self.folder / path).unlink()
        return Done(0, "", "")

    def kill(self, path: str) -> Done:
        """The process whose number a file has is killed."""
        number = int((self.folder / path).read_text().split()[0])
        os.kill(number, 9)
        os.waitpid(number, 0)  # This is process 1 of the namespace: orphans are its children.
        return Done(0, str(number), "")

    def send(self, port: int, count: int) -> Done:
        """UDP packets to a neighbour whom nobody answers for; each is counted before it waits for an address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            for _ in range(count):
                with contextlib.suppress(OSError):
                    one.sendto(b"x", ("10.0.0.9", port))
        return Done(0, "", "")

    def sleep(self, seconds: float) -> Done:
        """Time goes by."""
        time.sleep(seconds)
        return Done(0, "", "")


def _main() -> None:
    steps = json.load(sys.stdin)
    folder = Path(tempfile.mkdtemp(prefix="firewright-steward-"))
    try:
        host = Steward(folder)
        done = []
        for name, *words in steps:
            with contextlib.redirect_stdout(io.StringIO()):
                one: Done = getattr(host, name)(*words)
            done.append((one.code, one.out, one.err))
        sys.stdout.write("\n" + json.dumps(done))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main()
