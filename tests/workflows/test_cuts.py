"""A host in audit mode, whole: applied, used, asked what would have been cut, and then enforcing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live import scene

POLICY = """policy: little
zones: {home: [10.77.0.0/24, "fd77::/64"]}
rules:
  - {from: home, to: local, require: ssh}
  - {from: local, to: home, allow: dns}
  - {from: local, to: home, deny: ntp, name: no-clock}
"""
_PLAY = """
import json, socket, subprocess, sys
for words in ("link set lo up", "link add up0 type veth peer peer0", "link set up0 up", "link set peer0 up",
              "address add 10.77.0.1/24 dev up0", "address add fd77::1/64 dev up0 nodad",
              "neighbour add 10.77.0.9 lladdr 02:00:00:00:00:07 dev up0",
              "neighbour add fd77::9 lladdr 02:00:00:00:00:07 dev up0"):
    subprocess.run(["ip", *words.split()], check=True)
def program(*words):
    done = subprocess.run([sys.executable, "-m", "firewright", *words, "-p", "little.yaml"], capture_output=True, text=True)
    came.append([done.returncode, done.stdout, done.stderr])
def send():
    refused = 0
    for family, address in ((socket.AF_INET, "10.77.0.9"), (socket.AF_INET6, "fd77::9")):
        for port, count in ((53, 5), (7, 3), (123, 2)):
            with socket.socket(family, socket.SOCK_DGRAM) as one:
                for _ in range(count):
                    try:
                        one.sendto(b"x", (address, port))
                    except PermissionError:
                        refused += 1
    return refused
came = []
program("apply", "--audit", "--enforce", "1h", "--confirm", "--format", "json")
came.append(send())
program("cuts", "--format", "json")
program("cuts")
program("apply", "--confirm", "--format", "json")
came.append(send())
program("cuts")
print(json.dumps(came))
"""


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What became of each step, on a machine of its own with folders of its own."""
    scene.needs()
    folder = tmp_path_factory.mktemp("host")
    (folder / "little.yaml").write_text(POLICY)
    (folder / "root").mkdir()
    places = {f"FIREWRIGHT_{name.upper()}": str(folder / name) for name in ("state", "run", "root")}
    ran = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-c", _PLAY],
        cwd=folder,
        env={**os.environ, **places, "PYTHONPATH": str(Path(__file__).parents[2]), "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[Any] = json.loads(ran.stdout)
    return found


def test_what_would_have_been_cut_is_told_with_its_line(came: list[Any]) -> None:
    """In audit mode nothing is refused, and both families' flows are listed, the busiest first, by rule and line of the file."""
    applied, refused, asked, shown = came[:4]
    assert (applied[0], refused) == (0, 0), applied[2]
    assert asked[0] == 1, asked[2]
    read = json.loads(asked[1])
    rows = [
        (
            one["packets"],
            one["flow"],
            one["way"],
            [(why["verdict"], why["rule"], (why["at"] or {"line": 0})["line"]) for why in one["refused_by"]],
        )
        for one in read["flows"]
    ]
    assert rows == [
        (3, "udp 10.77.0.1 -> 10.77.0.9:7", "out", [("closed", "no rule opens it", 0)]),
        (3, "udp [fd77::1] -> [fd77::9]:7", "out", [("closed", "no rule opens it", 0)]),
        (2, "udp 10.77.0.1 -> 10.77.0.9:123", "out", [("denied", "no-clock", 6)]),
        (2, "udp [fd77::1] -> [fd77::9]:123", "out", [("denied", "no-clock", 6)]),
    ]  # fmt: skip
    assert {one["rule"]: one["packets"] for one in read["lines"]}["no-clock (little.yaml:6)"] == 4
    assert abs(read["until"] - read["since"] - 86_400 - 3_600) <= 30
    assert shown[0] == 1 and "denied: no-clock (little.yaml:6:" in shown[1]


def test_afterwards_it_is_refused(came: list[Any]) -> None:
    """The same policy, applied to enforce, refuses what was listed, and the host says that nothing is recorded any more."""
    applied, refused, asked = came[4:]
    assert (applied[0], refused) == (0, 10), applied[2]
    assert asked[0] == 2
    assert "not-audited" in asked[2]
