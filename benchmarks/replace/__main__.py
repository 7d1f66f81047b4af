"""`python -m benchmarks.replace [--quick]`: how long a large ruleset takes to be replaced under load, and what leaks; RESULTS.md anew."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.analysis.contest import machine
from benchmarks.replace.partners import OUTSIDE, Generation, packets_for
from benchmarks.replace.ways import WAYS, Way
from firewright.model.packet import FAMILIES
from tests.kernel.managed import Managed
from tests.kernel.network import SERVER, Network, obstacle
from tests.kernel.policies import Made, told_apart
from tests.kernel.traffic import Load, Traffic

PACKETS = 2_000
AIM = "1.5"
HEAD = """# Replacing a large ruleset under load

Written by `python -m benchmarks.replace{quick}` ({machine}); do not edit. Other work runs on the machine, so of {rounds} replacements
the best and the median stand here. It takes root; everything happens in network namespaces.

A policy says something of {elements:,} single addresses, half of them of IPv4 and half of IPv6: it opens two services to them alone, or
it bans them from what is open to everybody else. The next one has a tenth of the addresses changed. One processor sends packets of both
families through the firewall without a pause, up to {rate:,} a second: of ten, five that both policies forbid, four that both permit, one
that changes with the policy; the other processor replaces. Packets are counted before and behind the firewall's chains, so what a wire
loses is not counted as dropped. The seconds are those of the whole command, with the time that `nft` takes to read the text; the rate is
what was reached with the firewall's own work on the same processor.

While one transaction comes into force, the kernel (6.18) lets the new rules meet sets of intervals that it fills only at its end. What
that lets through or drops is in the last two columns, and grows with the size of the transaction.
"""
TABLE = """
## The addresses are {what}

| replaced by | seconds, idle: best | loaded: best | median | aim | packets/s | forbidden passed | permitted dropped |
|---|---:|---:|---:|---:|---:|---:|---:|
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The seconds of each replacement, alone and under load, and what became of the packets."""

    way: Way
    idle: list[float]
    loaded: list[float]
    load: Load


def main() -> None:
    """Measure, write the table, and end with 1 where a way of ours leaks or loses."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replace", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the elements, two replacements each")
    parser.add_argument("--elements", type=int, default=100_000, help="addresses in the policy")
    parser.add_argument("--rounds", type=int, default=7, help="replacements each")
    parser.add_argument("--rate", type=int, default=300_000, help="packets a second at most")
    given = parser.parse_args()
    if why := obstacle():
        raise SystemExit(f"nothing can be measured here: {why}")
    elements, rounds = (given.elements // 10, 2) if given.quick else (given.elements, given.rounds)
    words = {"quick": " --quick" if given.quick else "", "machine": machine(), "rounds": rounds}
    text, wrong = HEAD.format(elements=elements, rate=given.rate, **words), []
    for is_ban in (False, True):
        text += TABLE.format(what="banned" if is_ban else "permitted")
        for one in _measured(elements, rounds, given.rate, is_ban):
            text += _row(one, elements)
            if one.way.is_ours and (one.load.passed("forbidden") or one.load.dropped("permitted")):
                wrong.append(one.way.name)
    Path(__file__).with_name("RESULTS.md").write_text(text)
    sys.stdout.write(text)
    if wrong:
        raise SystemExit(f"not as it should be: {', '.join(wrong)}")


def _measured(elements: int, rounds: int, rate: float, is_ban: bool) -> Iterator[Measured]:
    generations = Generation.of(1, elements, is_ban), Generation.of(2, elements, is_ban)
    one, other = (generation.made() for generation in generations)
    kinds = told_apart(one, other, packets_for(*generations), PACKETS)
    for way in WAYS:
        with Network() as network, Managed(network.firewall) as host:
            network.firewall.run("ip", "route", "add", OUTSIDE, "via", SERVER[4])
            host.keep(one.text)
            idle = _times(way, host, (one, other), max(2, rounds // 2))
            traffic = Traffic(network, kinds, rate)
            with traffic:
                loaded = _times(way, host, (one, other), rounds)
            found = Measured(way, idle, loaded, traffic.done)
        _must_be_worth_something(found)
        yield found


def _times(way: Way, host: Managed, rulesets: tuple[Made, Made], rounds: int) -> list[float]:
    found = []
    for number in range(1, rounds + 1):
        begun = time.perf_counter()
        way.replace(host, rulesets[number % 2].text)
        found.append(time.perf_counter() - begun)
    return found


def _must_be_worth_something(found: Measured) -> None:
    load = found.load
    if not all(load.seen(kind, family) for kind in ("permitted", "forbidden", "changing") for family in FAMILIES):
        raise AssertionError(f"{found.way.name}: some kind of packet did not come to the firewall")
    if not load.passed("changing") or not load.dropped("changing"):
        raise AssertionError(f"{found.way.name}: nothing changed while it was replaced")


def _row(one: Measured, elements: int) -> str:
    aim = AIM if one.way.is_ours and elements == 100_000 else ""
    cells = (
        one.way.name,
        f"{min(one.idle):.2f}",
        f"{min(one.loaded):.2f}",
        f"{statistics.median(one.loaded):.2f}",
        aim,
        f"{one.load.rate:,.0f}",
        f"{one.load.passed('forbidden'):,}",
        f"{one.load.dropped('permitted'):,}",
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    main()
