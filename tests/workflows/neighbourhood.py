"""A machine with other firewalls on it, in a network namespace: what is said of them beside a policy, and what the kernel does.

Run as a program inside `unshare -Urn`: it sets the links, loads our table and those of others, has somebody call from outside, and
prints what was said by looking from inside and by looking as at a host elsewhere, and which calls came through.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from firewright.diagnostic import Report
from firewright.live.host import Local
from firewright.reports import Look
from firewright.reports._neighbours import neighbours_text, neighbours_tree
from firewright.workflows.live import Seen, see, see_told
from firewright.workflows.neighbours import complaints, neighbours
from firewright.workflows.unguarded import no_firewall
from tests.language.world import DAY, policy
from tests.live.scene import ROOT

CASES = Path(__file__).parent / "neighbours"
WEB = policy((CASES / "web.yaml").read_text())
LINKS = (
    "link set lo up",
    "link add eth0 type veth peer name down0",
    "link set eth0 up",
    "address add 192.0.2.10/24 dev eth0",
    "address add 2001:db8::10/64 dev eth0 nodad",
)
_LISTEN = """
import socket, sys, time
kept = []
for port in map(int, sys.argv[1:]):
    one = socket.socket(socket.AF_INET6)
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind(("::", port))
    one.listen()
    kept.append(one)
print("ready", flush=True)
time.sleep(100)
"""
_CALL = """
import json, socket, sys
opened = []
for address, port in json.loads(sys.argv[1]):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        one.settimeout(0.4)
        try:
            one.connect((address, port))
        except OSError:
            continue
        opened.append([address, port])
print(json.dumps(opened))
"""


def play(
    *cases: str, more: str = "", ours: str = "", calls: Sequence[tuple[str, int]] = (), listen: Sequence[int] = ()
) -> dict[str, Any]:
    """What is said and done on a machine with the tables of some cases, further nftables text, and our own table.

    `listen` are TCP ports on the machine; a container-like namespace behind `box0`, where a case made that, listens at 80.
    """
    wanted = {"cases": cases, "more": more, "ours": ours, "calls": calls, "listen": listen}
    words = ["unshare", "-Urn", sys.executable, "-m", "tests.workflows.neighbourhood", json.dumps(wanted)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _must(*words: str, given: str = "") -> str:
    done = subprocess.run(words, input=given, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def _said(seen: Seen, report: Report) -> dict[str, Any]:
    firewall = WEB.firewalls["local"]
    found = neighbours(seen, WEB, firewall, DAY)
    first = no_firewall(seen)
    return {
        "text": neighbours_text(found, Look()),
        "tree": neighbours_tree(found),
        "complaints": [f"{one.severity}[{one.name}]: {one.message}" for one in complaints(found, seen, firewall)],
        "first": first.message if first else "",
        "unseen": [one.message for one in report.diagnostics if one.name == "not-seen"],
    }


def _looked() -> list[dict[str, Any]]:
    """The same by looking from inside and by what a host elsewhere would print."""
    inside, outside = Report(), Report()
    return [
        _said(see(inside), inside),
        _said(see_told(Local().call("look", seconds=120).sections, outside), outside),
    ]


@contextmanager
def _behind(link: str, *addresses: str, gateway: str = "") -> Iterator[list[str]]:
    """A namespace that has this link; the words that run something there."""
    holder = subprocess.Popen(["unshare", "-n", "sleep", "100"])
    try:
        while Path("/proc/self/ns/net").readlink() == Path(f"/proc/{holder.pid}/ns/net").readlink():
            time.sleep(0.01)
        there = ["nsenter", "-t", str(holder.pid), "-n"]
        _must("ip", "link", "set", link, "netns", str(holder.pid))
        _must(*there, "ip", "link", "set", link, "up")
        for one in addresses:
            _must(*there, "ip", "address", "add", one, "dev", link, *(("nodad",) if ":" in one else ()))
        if gateway:
            _must(*there, "ip", "route", "add", "default", "via", gateway)
        yield there
    finally:
        holder.kill()
        holder.wait()


@contextmanager
def _listening(where: Sequence[str], *ports: int) -> Iterator[None]:
    words = [*where, sys.executable, "-c", _LISTEN, *map(str, ports)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.kill()


def _main(wanted: dict[str, Any]) -> None:
    # No link-local addresses: they come when the kernel has time, which may be between two looks.
    Path("/proc/sys/net/ipv6/conf/default/addr_gen_mode").write_text("1")
    for words in LINKS:
        _must("ip", *words.split())
    for name in wanted["cases"]:
        path = CASES / name
        _must(*(("sh", str(path)) if path.suffix == ".sh" else ("nft", "-f", str(path))))
    for text in (wanted["more"], wanted["ours"]):
        if text:
            _must("nft", "-f", "-", given=text)
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        caller = stack.enter_context(_behind("down0", "192.0.2.20/24", "2001:db8::20/64"))
        if Path("/proc/sys/net/ipv4/conf/box0").exists():
            box = stack.enter_context(_behind("box0", "172.18.0.2/16", gateway="172.18.0.1"))
            stack.enter_context(_listening(box, 80))
        found["said"] = _looked()
        if wanted["calls"]:
            stack.enter_context(_listening((), *wanted["listen"]))
            found["opened"] = json.loads(_must(*caller, sys.executable, "-c", _CALL, json.dumps(wanted["calls"])))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
