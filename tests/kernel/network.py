"""Three machines in network namespaces: a client and a server, and the firewall between them, which is a managed host.

    client c0 (10.1.0.2, fd01:0:1::2) -- fc firewall fs -- s0 (10.2.0.2, fd01:0:2::2) server -- 10.3.0.0/16, fd01:0:3::/48

The namespaces belong to processes of this test and go with it; nothing has a name outside of them.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from firewright.live import _namespace
from firewright.live._netlink import attributes

ROOT = Path(__file__).parents[2]
FIREWALL = {4: "10.1.0.1", 6: "fd01:0:1::1"}
CLIENT = {4: "10.1.0.2", 6: "fd01:0:1::2"}
SERVER = {4: "10.2.0.2", 6: "fd01:0:2::2"}
MAC = {"c0": "02:00:00:00:01:02", "fc": "02:00:00:00:01:01", "fs": "02:00:00:00:02:01", "s0": "02:00:00:00:02:02"}
_OWN = {"fc": ("10.1.0.1/16", "fd01:0:1::1/48"), "fs": ("10.2.0.1/16", "fd01:0:2::1/48")}
_NETFILTER, _GET_GENERATION, _GENERATION_ID = 12, 10 << 8 | 16, 1
"""NETLINK_NETFILTER, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, and NFTA_GEN_ID (linux/netfilter/nf_tables.h)."""
_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
}


@cache
def obstacle() -> str:
    """Why there can be no such network here, or an empty text."""
    for program in ("unshare", "nsenter", "ip", "nft"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "a managed host is root's, and this test is not root"
    tried = subprocess.run(["unshare", "-n", "nft", "list", "ruleset"], capture_output=True, text=True)
    return f"no network namespace: {tried.stderr.strip()}" if tried.returncode else ""


def needs_network(*programs: str) -> None:
    """Skip a test where there can be no such network, and say why."""
    if why := obstacle():
        pytest.skip(why)
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


class Namespace:
    """A network namespace that lives as long as this value is open."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=_namespace.die_with_parent)
        own = Path("/proc/self/ns/net").readlink()
        until = time.monotonic() + 10
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == own:
            if self._holder.poll() is not None or time.monotonic() > until:
                raise RuntimeError("no namespace was made")
            time.sleep(0.001)
        self.pid = self._holder.pid
        self.before = ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--")

    def run(self, *words: str, given: str = "", environment: Mapping[str, str] | None = None) -> str:
        """What a command prints in here. Raises AssertionError with what it said where it fails."""
        done = self.try_run(*words, given=given, environment=environment)
        assert done.returncode == 0, f"{' '.join(words[:6])}: {done.stderr or done.stdout}"
        return done.stdout

    def try_run(
        self, *words: str, given: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """How a command ends in here."""
        return subprocess.run(
            [*self.before, *words], input=given, capture_output=True, text=True, timeout=120,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C", **(environment or {})},
        )  # fmt: skip

    def python(self, module: str, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """A module of these tests, running in here, with pipes to its standard input and output."""
        return subprocess.Popen(
            [*self.before, sys.executable, "-m", module, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, **more,
        )  # fmt: skip

    def load(self, text: str) -> None:
        """Give nft a text in here."""
        self.run("nft", "-f", "-", given=text)

    def listed(self, *what: str) -> str:
        """The ruleset, or a part of it, as nft lists it in words, without what counts."""
        return self.run("nft", "-s", "list", *(what or ("ruleset",)))

    def tree(self, *what: str) -> list[dict[str, Any]]:
        """The ruleset, or a part of it, as JSON."""
        return list(json.loads(self.run("nft", "-j", "list", *(what or ("ruleset",))))["nftables"])

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in here for a while: sockets that are made meanwhile stay here."""
        with (
            Path(f"/proc/{self.pid}/ns/net").open() as there,
            Path("/proc/self/ns/net").open() as here,
            _namespace.inside(there.fileno(), here.fileno()),
        ):
            yield

    def generation(self) -> int:
        """The number by which the kernel counts the transactions of nf_tables in here."""
        with self.entered():
            link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
        with link:
            link.bind((0, 0))
            link.send(struct.pack("=IHHIIBBH", 20, _GET_GENERATION, 1, 1, 0, 0, 0, 0))
            return int.from_bytes(attributes(link.recv(4096)[20:])[_GENERATION_ID], "big")

    def processes(self) -> set[int]:
        """The processes that are in here, but the one that holds the namespace."""
        own, found = Path(f"/proc/{self.pid}/ns/net").readlink(), set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it may end meanwhile
                if (path / "ns" / "net").readlink() == own:
                    found.add(int(path.name))
        return found - {self.pid}

    def close(self) -> None:
        """Let it go, with all that is in it."""
        self._holder.kill()
        self._holder.wait()


class Network:
    """The three machines, to be used in a `with`."""

    def __init__(self) -> None:
        self._spaces: list[Namespace] = []

    def __enter__(self) -> Network:
        try:
            for _ in range(3):
                self._spaces.append(Namespace())
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    @property
    def client(self) -> Namespace:
        """The machine that asks."""
        return self._spaces[0]

    @property
    def firewall(self) -> Namespace:
        """The machine between."""
        return self._spaces[1]

    @property
    def server(self) -> Namespace:
        """The machine that is asked."""
        return self._spaces[2]

    def close(self) -> None:
        """Take all three away."""
        while self._spaces:
            self._spaces.pop().close()

    def _build(self) -> None:
        for near, far, there in (("fc", "c0", self.client), ("fs", "s0", self.server)):
            self.firewall.run(
                *("ip", "link", "add", "name", near, "address", MAC[near], "type", "veth"),
                *("peer", "name", far, "address", MAC[far], "netns", str(there.pid)),
            )
        for space in self._spaces:
            space.run("sh", "-c", "".join(f"echo {value} >/proc/sys/{path}\n" for path, value in _SETTINGS.items()))
            space.run("ip", "link", "set", "lo", "up")
        for device, own in _OWN.items():
            _address(self.firewall, device, *own)
        _address(self.client, "c0", "10.1.0.2/16", "fd01:0:1::2/48")
        _address(self.server, "s0", "10.2.0.2/16", "fd01:0:2::2/48")
        for space, device, via, other in (
            (self.client, "c0", ("10.1.0.1", "fd01:0:1::1"), "fc"),
            (self.server, "s0", ("10.2.0.1", "fd01:0:2::1"), "fs"),
        ):
            for address in via:
                _neighbour(space, device, address, MAC[other])
                space.run("ip", *_family(address), "route", "add", "default", "via", address, "dev", device)
        for address in ("10.1.0.2", "fd01:0:1::2"):
            _neighbour(self.firewall, "fc", address, MAC["c0"])
        for address in ("10.2.0.2", "fd01:0:2::2"):
            _neighbour(self.firewall, "fs", address, MAC["s0"])
        for prefix, router in (("10.3.0.0/16", "10.2.0.2"), ("fd01:0:3::/48", "fd01:0:2::2")):
            self.firewall.run("ip", *_family(prefix), "route", "add", prefix, "via", router)


def _family(address: str) -> tuple[str, ...]:
    return ("-6",) if ":" in address else ("-4",)


def _address(space: Namespace, device: str, *addresses: str) -> None:
    space.run("ip", "link", "set", device, "up")
    for address in addresses:
        more = ("nodad",) if ":" in address else ()
        space.run("ip", *_family(address), "address", "add", address, "dev", device, *more)


def _neighbour(space: Namespace, device: str, address: str, mac: str) -> None:
    words = ("neighbour", "replace", address, "lladdr", mac, "dev", device, "nud", "permanent")
    space.run("ip", *_family(address), *words)
