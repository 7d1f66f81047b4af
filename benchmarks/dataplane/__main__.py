"""`python -m benchmarks.dataplane [--quick]`: what rulesets cost a packet, side by side, and RESULTS.md written anew.

`python -m benchmarks.dataplane shape FILE.nft...` measures any nftables text: each file against an empty chain and against
`ct state established accept` alone, in turns, IPv4 and IPv6. What is sent is `--mix FILE` (a packet a line, as Firewright prints
them: `udp 10.1.0.5:4000 -> 10.2.0.7:53`, `tcp [2001:db8::1]:4000 -> [2001:db8::2]:443`), or what the generated policy of
`--rules N` (1,000 if not said) allows, nine tenths, and does not, one tenth; no file then means Firewright's own text of it, and
`--save DIRECTORY` keeps that text and the policy's. Needs root, nft, iproute2, conntrack and a C compiler; nothing of this
machine's own rules is touched: everything is in namespaces of its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.compile.contestants import CONTESTANTS
from benchmarks.compile.policies import policy_of
from benchmarks.dataplane.contest import Run, contest
from benchmarks.dataplane.lab import Lab
from benchmarks.dataplane.results import Results
from benchmarks.dataplane.shape import measure_files


def main() -> None:
    """Run the contest and write the tables, or measure some files."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dataplane", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="policies of 1,000 rules only, in under two minutes")
    parser.add_argument("--cpu", type=int, default=1, help="the core that sends and forwards")
    inner = parser.add_subparsers(dest="task")
    shape = inner.add_parser("shape", help="measure nftables files")
    shape.add_argument("files", nargs="*", type=Path)
    shape.add_argument("--mix", type=Path, help="packets, one a line")
    shape.add_argument("--rules", type=int, default=1_000, help="rules of the generated policy")
    shape.add_argument("--save", type=Path, help="where to keep the generated ruleset")
    given = parser.parse_args()
    if given.task == "shape":
        measure_files(given.files, given.mix, given.rules, given.save, given.cpu)
        return
    results, page = Results(given.quick), Path(__file__).with_name("RESULTS.md")
    for rules in (1_000,) if given.quick else (1_000, 10_000, 100_000):
        with Lab(given.cpu) as lab:
            run = Run(rounds=5 if given.quick else 9, questions=max(20, min(300, 300_000 // rules)))
            results.add(rules, contest(lab, policy_of(rules), CONTESTANTS, run))
        page.write_text(results.text())
    if not given.quick:
        results.add_shapes(given.cpu)
        page.write_text(results.text())


if __name__ == "__main__":
    main()
