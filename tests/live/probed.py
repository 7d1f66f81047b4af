"""A machine to probe: a neighbour in a network namespace of its own, with a firewall and services that really answer.

Run as a program inside `unshare -Urn`, it sets the scene that its argument describes (JSON), runs the commands in the neighbour's
neighbourhood, and prints what became of each. The prober has 192.0.2.1 and 2001:db8::1, the probed machine 192.0.2.2 and
2001:db8::2; behind it, as a router, is 198.51.100.2 and 2001:db8:1::2.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.live.scene import Done

ROOT = Path(__file__).parents[2]
V4, V6 = "192.0.2.2", "2001:db8::2"
BEHIND_V4, BEHIND_V6 = "198.51.100.2", "2001:db8:1::2"

SERVE = r"""
import json, select, socket, sys
wanted = json.loads(sys.argv[1])
held, answers = [], {}
for kind, port, answer in wanted:
    for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        one = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((anywhere, port))
        if kind == "tcp":
            one.listen(64)
        else:
            answers[one.fileno()] = (one, answer)
        held.append(one)
print("ready", flush=True)
while True:
    ready, _, _ = select.select([one for one, _ in answers.values()], [], []) if answers else select.select([], [], [])
    for one in ready:
        data, where = one.recvfrom(4096)
        mode = answers[one.fileno()][1]
        if mode == "echo":
            one.sendto(data or b"nothing", where)
        elif mode == "elsewhere":
            with socket.socket(one.family, socket.SOCK_DGRAM) as other:
                other.sendto(b"from another port", where)
"""


def play(
    *commands: Sequence[str],
    nft: str = "",
    own_nft: str = "",
    behind_nft: str = "",
    services: Sequence[tuple[str, int, str]] = (),
    sysctls: Mapping[str, str] = {},
    behind_sysctls: Mapping[str, str] = {},
    without_rights: bool = False,
    before: Sequence[Sequence[str]] = (),
    seconds: float = 120,
) -> list[Done]:
    """Run commands beside a machine with this nftables text and these services (kind, port, and for UDP: silent, echo, elsewhere).

    `own_nft` is loaded on the prober's side, `behind_nft` on the machine behind the probed one, which has the services too.
    `sysctls` are set on the probed machine, `behind_sysctls` on the one behind, `before` runs on the prober's side first.
    """
    wanted = {
        "nft": nft, "own_nft": own_nft, "behind_nft": behind_nft, "services": services, "sysctls": sysctls,
        "behind_sysctls": behind_sysctls,
        "commands": commands, "without_rights": without_rights, "before": before,
    }  # fmt: skip
    ran = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-m", "tests.live.probed", json.dumps(wanted)],
        capture_output=True, text=True, cwd=ROOT, timeout=seconds,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return [Done(*one) for one in json.loads(ran.stdout)]


class Stage:
    """Three namespaces in a row: this one, the probed machine's, and that of a machine behind it."""

    def __init__(self) -> None:
        self.children: list[subprocess.Popen[str]] = []
        must("ip", "link", "set", "lo", "up")
        self.near, self.far = self._namespace(), self._namespace()
        self._link("veth0", "eth0", os.getpid(), self.near)
        self._link("eth1", "eth0", self.near, self.far)
        self._address(os.getpid(), "veth0", "192.0.2.1/24", "2001:db8::1/64")
        self._address(self.near, "eth0", f"{V4}/24", f"{V6}/64")
        self._address(self.near, "eth1", "198.51.100.1/24", "2001:db8:1::1/64")
        self._address(self.far, "eth0", f"{BEHIND_V4}/24", f"{BEHIND_V6}/64")
        for route in ("198.51.100.0/24 via 192.0.2.2", "2001:db8:1::/64 via 2001:db8::2"):
            must("ip", "route", "add", *route.split())
        for route in ("192.0.2.0/24 via 198.51.100.1", "2001:db8::/64 via 2001:db8:1::1"):
            must(*self.inside(self.far), "ip", "route", "add", *route.split())
        self.set(self.near, {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"})

    def _namespace(self) -> int:
        child = subprocess.Popen(["unshare", "-n", "sleep", "1000"], text=True)
        self.children.append(child)
        while Path("/proc/self/ns/net").readlink() == Path(f"/proc/{child.pid}/ns/net").readlink():
            time.sleep(0.005)
        must(*self.inside(child.pid), "ip", "link", "set", "lo", "up")
        self.set(child.pid, {"net/ipv6/conf/default/accept_dad": "0"})
        return child.pid

    @staticmethod
    def inside(pid: int) -> list[str]:
        """The words that run a command in a namespace."""
        return ["nsenter", "-t", str(pid), "-n"]

    def _link(self, here: str, there: str, pid: int, other: int) -> None:
        must("ip", "link", "add", "name", "tmp0", "type", "veth", "peer", "name", "tmp1")
        for name, wanted, owner in (("tmp0", here, pid), ("tmp1", there, other)):
            must("ip", "link", "set", name, "netns", str(owner))
            must(*self.inside(owner), "ip", "link", "set", name, "name", wanted, "up")

    def _address(self, pid: int, name: str, v4: str, v6: str) -> None:
        must(*self.inside(pid), "ip", "address", "add", v4, "dev", name)
        must(*self.inside(pid), "ip", "address", "add", v6, "dev", name, "nodad")

    def set(self, pid: int, sysctls: Mapping[str, str]) -> None:
        """Set some settings of a namespace's kernel."""
        for name, value in sysctls.items():
            must(*self.inside(pid), "tee", f"/proc/sys/{name}", given=value)

    def serve(self, pid: int, services: Sequence[Sequence[Any]]) -> None:
        """Let services answer in a namespace."""
        words = [*self.inside(pid), sys.executable, "-c", SERVE, json.dumps(services)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"

    def load(self, pid: int, text: str) -> None:
        """Load a ruleset in a namespace."""
        if text:
            must(*self.inside(pid), "nft", "-f", "-", given=text)

    def close(self) -> None:
        """End everything that was started."""
        for child in self.children:
            child.kill()
            child.wait()


def must(*words: str, given: str = "") -> None:
    """Run a command that has to work."""
    done = subprocess.run(words, input=given, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stderr}"


def _main(wanted: dict[str, Any]) -> None:
    stage = Stage()
    try:
        stage.set(stage.near, wanted["sysctls"])
        stage.set(stage.far, wanted["behind_sysctls"])
        stage.load(stage.near, wanted["nft"])
        stage.load(stage.far, wanted["behind_nft"])
        stage.serve(stage.near, wanted["services"])
        stage.serve(stage.far, wanted["services"])
        stage.load(os.getpid(), wanted["own_nft"])
        for words in wanted["before"]:
            must(*words)
        drop = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--") if wanted["without_rights"] else ()
        done = []
        for command in wanted["commands"]:
            ran = subprocess.run([*drop, sys.executable, *command], capture_output=True, text=True)
            done.append((ran.returncode, ran.stdout, ran.stderr))
        sys.stdout.write(json.dumps(done))
    finally:
        stage.close()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
