"""`python -m benchmarks.probe`: 65,535 TCP ports of one machine in a namespace, every state checked, nmap beside it; RESULTS.md anew."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.analysis.contest import machine
from tests.live import probed
from tests.live.probed import V4, V6

AIM = 1.6
OPEN = (22, 443, 8080)
RULES = """table inet probed {{
	chain input {{
		type filter hook input priority filter; policy accept;
{rules}	}}
}}
"""
States = Mapping[int, str]


@dataclass(frozen=True)
class Scene:
    """A firewall before services: what it does with which TCP ports, and what every other port does."""

    name: str
    rules: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Its ruleset."""
        return RULES.format(rules="".join(f"\t\ttcp dport {ports} {does}\n" for ports, does in self.rules.items()))

    def expected(self) -> States:
        """The state of each port."""
        found = dict.fromkeys(range(1, 65536), "closed")
        found.update(dict.fromkeys(OPEN, "open"))
        for ports, does in reversed(list(self.rules.items())):
            low, _, high = ports.partition("-")
            state = "hidden" if does == "drop" else "closed"
            found.update(dict.fromkeys(range(int(low), int(high or low) + 1), state))
        return found


UNRATIONED = {
    "net/ipv4/icmp_ratelimit": "0", "net/ipv6/icmp/ratelimit": "0", "net/ipv4/icmp_msgs_per_sec": "1000000",
    "net/ipv4/icmp_msgs_burst": "1000000",
}  # fmt: skip
RATIONED = {"net/ipv4/icmp_ratelimit": "1000", "net/ipv6/icmp/ratelimit": "1000"}
SCENES = (
    Scene("no firewall: closed but for three ports"),
    Scene("1,000 hidden, 1,000 reset by a rule", {"1000-1999": "drop", "3000-3999": "reject with tcp reset"}),
    Scene("50,000 hidden", {"10000-59999": "drop"}),
    Scene(
        "1,000 hidden, 1,000 refused by ICMP",
        {"1000-1999": "drop", "2000-2999": "reject with icmpx admin-prohibited"},
        UNRATIONED,
    ),
    Scene(
        "1,000 hidden, 1,000 refused by ICMP, 1,000 errors a second in all",
        {"1000-1999": "drop", "2000-2999": "reject with icmpx admin-prohibited"},
        {**UNRATIONED, "net/ipv4/icmp_msgs_per_sec": "1000", "net/ipv4/icmp_msgs_burst": "50"},
    ),
    Scene(
        "1,000 hidden, 3 refused by ICMP, errors rationed to one a second",
        {"1000-1999": "drop", "2001-2003": "reject"},
        RATIONED,
    ),
)

HEAD = """# Probe: time, and states that are right

Written by `python -m benchmarks.probe{quick}` ({machine}); do not edit. All 65,535 TCP ports of one machine over a pair of virtual
interfaces, by `firewright probe --all` from the start of the program to its answer, best and median of {runs} runs; nmap is
`nmap -sS -p- -n -Pn -T5`, {nmap_runs} run(s) of it, in the same scene. The aim is {aim} s where errors are not rationed. *Wrong* counts
ports whose state is not what the firewall and the services make it; *undetermined* ports are told to be so, with the reason. nmap's
`filtered` stands for hidden and for refused by ICMP, so it is right for both. Other work ran on the machine.

| scene | family | best (s) | median (s) | wrong | undetermined | nmap (s) | nmap wrong |
|---|---|---:|---:|---:|---:|---:|---:|
"""


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probe", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each, without nmap")
    parser.add_argument("--runs", type=int, default=5, help="runs of each probe")
    given = parser.parse_args()
    runs, nmap_runs = (1, 0) if given.quick or shutil.which("nmap") is None else (given.runs, 1)
    text = HEAD.format(
        quick=" --quick" if given.quick else "", machine=machine(), runs=runs, nmap_runs=nmap_runs, aim=AIM
    )
    for scene in SCENES:
        for row in rows(scene, runs, nmap_runs):
            text += row
            sys.stderr.write(row)
    Path(__file__).with_name("RESULTS.md").write_text(text)
    sys.stdout.write(text)


def rows(scene: Scene, runs: int, nmap_runs: int) -> Iterator[str]:
    """The lines of the table about a scene."""
    for address, family in ((V4, "IPv4"), (V6, "IPv6")):
        ours = (
            "-m",
            "benchmarks.probe.timed",
            str(runs),
            sys.executable,
            "-m",
            "firewright",
            "probe",
            address,
            "--all",
            "--format",
            "json",
        )
        nmap = ["nmap", "-sS", "-p-", "-n", "-Pn", "-T5", "-oX", "-", *(["-6"] if address == V6 else []), address]
        theirs = ("-m", "benchmarks.probe.timed", str(nmap_runs), *nmap)
        services = [("tcp", port, "") for port in OPEN]
        done = probed.play(
            *((ours, theirs) if nmap_runs else (ours,)),
            nft=scene.text(), services=services, sysctls=scene.sysctls, seconds=900,
        )  # fmt: skip
        for one in done:
            if one.code:
                raise SystemExit(one.err)
        mine = done[0].json()
        seen = _seen(json.loads(mine["out"]))
        expected = scene.expected()
        undetermined = sum(state == "undetermined" for state in seen.values())
        wrong = sum(seen.get(port) not in (state, "undetermined") for port, state in expected.items())
        cells = [
            scene.name,
            family,
            f"{min(mine['seconds']):.2f}",
            f"{statistics.median(mine['seconds']):.2f}",
            f"{wrong:,}",
            f"{undetermined:,}",
        ]
        cells += _nmap(done[1].json(), scene) if nmap_runs else ["", ""]
        yield f"| {' | '.join(cells)} |\n"


def _seen(tree: Any) -> States:
    found: dict[int, str] = {}
    for row in tree["addresses"][0]["seen"]:
        for low, high in re.findall(r"tcp/(\d+)(?:-(\d+))?", row["services"]):
            found.update(dict.fromkeys(range(int(low), int(high or low) + 1), row["state"]))
    return found


def _nmap(done: Any, scene: Scene) -> list[str]:
    """Its seconds, and how many ports it has otherwise than they are."""
    host = ElementTree.fromstring(done["out"]).find("host")
    if host is None:
        return [f"{min(done['seconds']):.2f}", "all"]
    named = {int(port.attrib["portid"]): port.find("state") for port in host.iter("port")}
    rest = {one.attrib["state"]: int(one.attrib["count"]) for one in host.iter("extraports")}
    refused = {
        port
        for ports, does in scene.rules.items()
        if does.startswith("reject") and "reset" not in does
        for port in _range(ports)
    }
    wanted = {
        port: "filtered" if state == "hidden" or port in refused else state for port, state in scene.expected().items()
    }
    wrong = sum(state is None or state.attrib["state"] != wanted[port] for port, state in named.items())
    left: dict[str, int] = {}
    for port, state in wanted.items():
        if port not in named:
            left[state] = left.get(state, 0) + 1
    wrong += sum(abs(left.get(state, 0) - rest.get(state, 0)) for state in {*left, *rest}) // 2
    return [f"{min(done['seconds']):.2f}", f"{wrong:,}"]


def _range(ports: str) -> range:
    low, _, high = ports.partition("-")
    return range(int(low), int(high or low) + 1)


if __name__ == "__main__":
    main()
