"""Namespaces joined by veth: one client, one server, and between them as many firewalls as there are contestants.

Every firewall has a wire of its own to the client and to the server, with the same hardware addresses on each, so that the same
frames go through any of them, and what was loaded stays loaded while the contestants take turns. Packets of any address are
forwarded to the server, which drops them as the first thing it does.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

CLIENT_MAC, FIREWALL_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
OUTSIDE_MAC, SERVER_MAC = "02:00:00:00:00:03", "02:00:00:00:00:04"

_SETTINGS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
)


LONGEST = 100
"""Seconds after which a load is given up."""


class LoadError(Exception):
    """The kernel or a tool refused a ruleset; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One turn: nanoseconds a packet, packets sent, and how many of them the server got."""

    nanoseconds: float
    sent: int
    passed: int


class Lane:
    """One firewall between the client and the server."""

    def __init__(self, lab: Lab, number: int) -> None:
        self.lab, self.number = lab, number
        self.space = f"{lab.name}-{number}"
        self.near, self.far = f"c{number}", f"s{number}"

    def run(self, *words: str, text: str | None = None) -> str:
        """What a command prints inside this firewall's namespace; LoadError if it fails or takes too long."""
        given = ("ip", "netns", "exec", self.space, *words)
        try:
            done = subprocess.run(given, input=text, capture_output=True, text=True, check=False, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise LoadError(f"Error: {words[0]} was stopped after {LONGEST} s") from None
        if done.returncode:
            raise LoadError((done.stderr or done.stdout).strip())
        return done.stdout

    def load(self, ruleset: str) -> None:
        """Replace whatever nftables rules are here."""
        self.run("nft", "-f", "-", text="flush ruleset\n" + ruleset)

    def rate(self, frames: Path, seconds: float) -> Rate:
        """Send whole passes over the frames for about so many seconds."""
        before = self._received()
        words = ("rate", self.lab.path("c"), self.near, str(frames), str(seconds), str(self.lab.cpu))
        sent, nanoseconds = _run(self.lab.generator, *words).split()
        return Rate(float(nanoseconds), int(sent), self._received() - before)

    def passes(self, frames: Path) -> str:
        """One character a frame: 1 if the server got it."""
        words = (self.lab.path("c"), self.near, str(frames), self.lab.path("s"), self.far, str(self.lab.cpu))
        return _run(self.lab.generator, "probe", *words).strip()

    def answer(self, frames: Path) -> None:
        """Send frames once from the server's side: what they answer is an established flow from then on."""
        _run(self.lab.generator, "rate", self.lab.path("s"), self.far, str(frames), "0", str(self.lab.cpu))

    def remove(self) -> None:
        """Take this firewall away."""
        subprocess.run(("ip", "netns", "delete", self.space), check=False)

    def forget(self) -> None:
        """End every tracked flow."""
        subprocess.run(("ip", "netns", "exec", self.space, "conntrack", "-F"), stderr=subprocess.DEVNULL, check=False)

    def _received(self) -> int:
        words = ("cat", f"/sys/class/net/{self.far}/statistics/rx_packets")
        return int(_run("ip", "netns", "exec", f"{self.lab.name}-s", *words))


class Lab:
    """All namespaces of one run; leaving it takes them away. Needs root, `ip`, `nft` and a C compiler."""

    def __init__(self, cpu: int = 1) -> None:
        self.name, self.cpu = f"fwbench{os.getpid()}", cpu
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.generator = str(self.folder / "generator")
        self._lanes: list[Lane] = []

    def __enter__(self) -> Lab:
        _run("gcc", "-O2", "-o", self.generator, str(Path(__file__).with_name("generator.c")))
        for one in "cs":
            _run("ip", "netns", "add", f"{self.name}-{one}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in ("c", "s", *(str(lane.number) for lane in self._lanes)):
            if Path(self.path(one)).exists():
                subprocess.run(("ip", "netns", "delete", f"{self.name}-{one}"), check=False)
        self._folder.cleanup()

    def path(self, space: str) -> str:
        """Where a namespace is found."""
        return f"/run/netns/{self.name}-{space}"

    def lane(self) -> Lane:
        """One more firewall, with no rules yet."""
        lane = Lane(self, len(self._lanes))
        _run("ip", "netns", "add", lane.space)
        self._lanes.append(lane)
        for setting in _SETTINGS:
            lane.run("sysctl", "-qw", setting)
        self._wire(lane, "c", lane.near, CLIENT_MAC, "near", FIREWALL_MAC)
        self._wire(lane, "s", lane.far, SERVER_MAC, "far", OUTSIDE_MAC)
        for family, own, other in (("-4", "198.18.255.1/30", "198.18.255.2"), ("-6", "fe80::1/64", "fe80::2")):
            lane.run("ip", family, "address", "add", own, "dev", "far", *(("nodad",) if family == "-6" else ()))
            lane.run(
                "ip", family, "neighbour", "replace", other, "lladdr", SERVER_MAC, "dev", "far", "nud", "permanent"
            )
            lane.run("ip", family, "route", "add", "default", "via", other, "dev", "far")
        name = f"in{lane.number}"
        text = f'table netdev {name} {{ chain {name} {{ type filter hook ingress device "{lane.far}" priority 0; policy drop; }}; }}'
        done = subprocess.run(("ip", "netns", "exec", f"{self.name}-s", "nft", text), check=False, capture_output=True)
        if done.returncode:
            raise LoadError(done.stderr.decode())
        return lane

    def _wire(self, lane: Lane, there: str, device: str, mac: str, here: str, own_mac: str) -> None:
        ends = ("name", here, "address", own_mac, "netns", lane.space)
        _run("ip", "-n", f"{self.name}-{there}", "link", "add", device, "address", mac, "type", "veth", "peer", *ends)
        for space, name in ((f"{self.name}-{there}", device), (lane.space, here)):
            _run("ip", "-n", space, "link", "set", name, "addrgenmode", "none", "up")


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"{' '.join(words[:6])}: {done.stderr.strip()}")
    return done.stdout


def turns(lanes: Sequence[Lane], frames: Path, seconds: float, rounds: int) -> list[list[Rate]]:
    """Every lane once a round, in turn, after one short round that warms caches and makes the flows known."""
    for lane in lanes:
        lane.rate(frames, 0)
    found: list[list[Rate]] = [[] for _ in lanes]
    for number in range(rounds):
        order = list(enumerate(lanes))
        for place, lane in order if number % 2 == 0 else reversed(order):
            found[place].append(lane.rate(frames, seconds))
    return found
