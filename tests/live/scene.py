"""A machine of its own to look at: a network namespace with links, rules and sockets, in which commands of the program run.

Run as a program inside `unshare -Urn`, it sets the scene that its argument describes (JSON), runs the commands, and prints
what became of each.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


def needs(*programs: str) -> None:
    """Skip where a program or an unprivileged namespace is missing, by its name."""
    for program in ("unshare", "ip", "nft", *programs):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if said := _refusal():
        pytest.skip(f"no user namespace with nf_tables here: {said}")


@cache
def _refusal() -> str:
    """What is said where no namespace can be had; empty where one can."""
    tried = subprocess.run(["unshare", "-Urn", "nft", "list", "ruleset"], capture_output=True, text=True)
    return tried.stderr.strip() or "it fails" if tried.returncode else ""


def play(
    *commands: Sequence[str],
    nft: str = "",
    setup: Sequence[Sequence[str]] = (),
    sockets: Sequence[tuple[str, str, int]] = (),
    links: Mapping[str, Sequence[str]] = {"up0": ("192.0.2.10/24", "2001:db8::10/64")},
    given: str = "",
    without_rights: bool = False,
    calls: Sequence[tuple[str, str, int]] = (),
) -> list[Done]:
    """Run commands of the program on a machine with these links, nftables text, other set-up and listening sockets.

    `without_rights` takes every capability from the commands. `calls` are TCP connections that a neighbour, in a namespace of
    its own at the other end of the first link, tries to open: from an address, to an address and port; the last answer is
    a list of those that it opened.
    """
    wanted = {
        "links": links, "nft": nft, "setup": setup, "sockets": sockets, "commands": commands, "given": given,
        "without_rights": without_rights, "calls": calls,
    }  # fmt: skip
    ran = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-m", "tests.live.scene", json.dumps(wanted)],
        capture_output=True, text=True, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return [Done(*one) for one in json.loads(ran.stdout)]


def _must(*words: str, given: str = "") -> None:
    done = subprocess.run(words, input=given, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stderr}"


def _set(wanted: dict[str, Any]) -> None:
    _must("ip", "link", "set", "lo", "up")
    for number, (name, addresses) in enumerate(wanted["links"].items()):
        _must("ip", "link", "add", "name", name, "type", "veth", "peer", "name", f"peer{number}")
        for one in (name, f"peer{number}"):
            _must("ip", "link", "set", one, "up")
        for address in addresses:
            _must("ip", "address", "add", address, "dev", name, *(("nodad",) if ":" in address else ()))
    for words in wanted["setup"]:
        _must(*words)
    if wanted["nft"]:
        _must("nft", "-f", "-", given=wanted["nft"])


def _listen(kind: str, address: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, KINDS[kind])
    if ":" in address:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind((address, port))
    if kind == "tcp":
        one.listen()
    return one


def _main(wanted: dict[str, Any]) -> None:
    _set(wanted)
    done = []
    before = (
        ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"]
        if wanted["without_rights"]
        else []
    )
    with contextlib.ExitStack() as stack:
        for one in wanted["sockets"]:
            stack.enter_context(_listen(*one))
        for words in wanted["commands"]:
            command = [*before, sys.executable, "-m", "firewright", *words]
            ran = subprocess.run(command, capture_output=True, text=True, input=wanted["given"])
            done.append((ran.returncode, ran.stdout, ran.stderr))
        if wanted["calls"]:
            done.append((0, _called(wanted["calls"]), ""))
    sys.stdout.write(json.dumps(done))


_CALL = """
import json, socket, sys
opened = []
for source, address, port in json.loads(sys.argv[1]):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        one.settimeout(0.3)
        one.bind((source, 0))
        try:
            one.connect((address, port))
        except OSError:
            continue
        opened.append([source, address, port])
print(json.dumps(opened))
"""


def _called(calls: Sequence[tuple[str, str, int]]) -> str:
    """What a neighbour opens, with each of the addresses that it calls from."""
    neighbour = subprocess.Popen(["unshare", "-n", "sleep", "100"])
    try:
        while Path("/proc/self/ns/net").readlink() == Path(f"/proc/{neighbour.pid}/ns/net").readlink():
            time.sleep(0.01)
        _must("ip", "link", "set", "peer0", "netns", str(neighbour.pid))
        there = ["nsenter", "-t", str(neighbour.pid), "-n"]
        _must(*there, "ip", "link", "set", "peer0", "up")
        for source in dict.fromkeys(source for source, _, _ in calls):
            length = "/64" if ":" in source else "/24"
            _must(
                *there, "ip", "address", "add", source + length, "dev", "peer0", *(("nodad",) if ":" in source else ())
            )
        done = subprocess.run([*there, sys.executable, "-c", _CALL, json.dumps(calls)], capture_output=True, text=True)
        return done.stdout
    finally:
        neighbour.kill()
        neighbour.wait()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
