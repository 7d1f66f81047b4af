"""The commands of a page that change a firewall, run on a machine of their own: a network namespace with an address and a state.

Run as a program inside `unshare -Urn`, it sets the network up, runs the commands (JSON) and prints what each said.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cli.running import CALM
from tests.live.scene import ROOT, needs

NETWORK = (
    "ip link set lo up",
    "ip link add eth0 type veth peer name peer0",
    "ip address add 10.77.0.2/24 dev eth0",
    "ip address add fd77::2/64 dev eth0 nodad",
    "ip link set eth0 up",
    "ip link set peer0 up",
    "ip route add default via 10.77.0.1",
)
CHANGING = (
    (r"\d{4}-\d\d-\d\d (?!00:00:00)\d\d:\d\d:\d\d UTC", "2026-11-21 12:00:00 UTC"),
    (r"\b\d+ (seconds|minutes)\b(?= ago| \(loaded)", r"5 \1"),
    (r"\b[\w.-]+@[\w.-]+(?=[,\s])", "root@desk"),
    (r"this machine \([^)]*\)", "this machine (desk)"),
)
"""What is another time or another machine, and stands on a page as it was on one."""


def said_on_a_machine(commands: Sequence[str], folder: Path, state: Path) -> list[str]:
    """What each command says on a machine of its own, in a folder; each comes over a new ssh connection from 10.77.0.1."""
    needs("conntrack")
    (state / "root" / "etc" / "systemd" / "system").mkdir(parents=True)
    places = {f"FIREWRIGHT_{name.upper()}": str(state / name) for name in ("state", "run", "root")}
    ran = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-m", "tests.docs.machine", json.dumps([str(folder), *commands])],
        capture_output=True, text=True, cwd=ROOT, timeout=300, env={**os.environ, **CALM, **places},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = [
        one.replace(str(state / "root"), "").replace(str(state / "state"), "/var/lib/firewright")
        for one in json.loads(ran.stdout)
    ]
    for changing, shown in CHANGING:
        found = [re.sub(changing, shown, one) for one in found]
    return found


def _main(folder: str, commands: Sequence[str]) -> list[str]:
    for line in NETWORK:
        subprocess.run(shlex.split(line), check=True, capture_output=True)
    said = []
    for number, command in enumerate(commands):
        words = shlex.split(command, comments=True)
        assert words[0] == "sudo", f"a page cannot run {command}"
        words = [sys.executable, "-m", *words[1:]] if words[1] == "firewright" else words[1:]
        environment = {
            **os.environ,
            "SSH_CONNECTION": f"10.77.0.1 {50000 + number} 10.77.0.2 22",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=environment)
        said.append(done.stdout + done.stderr)
    return said


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(_main(given[0], given[1:])))
