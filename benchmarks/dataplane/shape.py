"""Any nftables files against the baselines."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from benchmarks.compile.contestants import emitted
from benchmarks.compile.policies import policy_of
from benchmarks.dataplane.contest import BASELINES, FLOWS, Figure
from benchmarks.dataplane.frames import write
from benchmarks.dataplane.lab import Lab, turns
from benchmarks.dataplane.traffic import IN, OUT, Traffic
from firewright.model.packet import FAMILIES, TCP, UDP, Packet

_LINE = re.compile(r"(tcp|udp) \[?([0-9a-f.:]+?)\]?:(\d+) -> \[?([0-9a-f.:]+?)\]?:(\d+)")


def measure_files(files: Sequence[Path], mix: Path | None, rules: int, save: Path | None, cpu: int) -> None:
    """Print a table for each family. ValueError for a line of the mix that is no packet."""
    texts = dict(BASELINES)
    policy = policy_of(rules)
    (firewall,) = policy.firewalls.values()
    if not files:
        texts[f"Firewright, {rules:,} rules"] = emitted(policy, firewall)
        if save is not None:
            Path(save, f"firewright-{rules}.nft").write_text(emitted(policy, firewall))
    texts |= {path.name: path.read_text() for path in files}
    given = [] if mix is None else [_packet(line) for line in mix.read_text().splitlines() if line.strip()]
    traffic = Traffic(policy, firewall)
    with Lab(cpu) as lab:
        lanes = [lab.lane() for _ in texts]
        for lane, text in zip(lanes, texts.values(), strict=True):
            lane.load(text)
        for family in FAMILIES:
            chosen = [one for one in given if one.family == family]
            if mix is None:
                chosen = [one.packet for one in traffic.mixed(family, FLOWS)]
            if not chosen:
                continue
            found = turns(lanes, write(chosen, lab.folder / "mix"), 0.15, 7)
            figures = [Figure.of(rates) for rates in found]
            sys.stdout.write(
                f"IPv{family}, {len(chosen):,} flows: ns a packet, added, of empty, of tracked alone, passed\n"
            )
            for name, figure, rates in zip(texts, figures, found, strict=True):
                of = " ".join(f"{figure.part_of(base):6.3f}" for base in figures[:2])
                passed = sum(one.passed for one in rates) / sum(one.sent for one in rates)
                spread = f"({min(figure.rounds):.0f}-{max(figure.rounds):.0f})"
                added = figure.middle - figures[0].middle
                sys.stdout.write(f"  {name:40} {figure.middle:8.0f} {spread:15} {added:8.0f}  {of}  {passed:.3f}\n")


def _packet(line: str) -> Packet:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"no packet: {line!r}")
    word, source, source_port, destination, port = found.groups()
    start, end = ip_address(source), ip_address(destination)
    return Packet(
        start.version,
        int(start),
        int(end),
        TCP if word == "tcp" else UDP,
        int(port),
        int(source_port),
        in_interface=IN,
        out_interface=OUT,
    )
