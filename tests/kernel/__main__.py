"""`python -m tests.kernel`: replacements under load, kills and confirmations in full; RESULTS.md anew; 1 if anything is wrong."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from benchmarks.analysis.contest import machine
from firewright.model.packet import FAMILIES
from tests.kernel.confirming import VICTIMS, Confirmed, confirming
from tests.kernel.killing import Killed, killing
from tests.kernel.network import obstacle
from tests.kernel.replacing import Replaced, apply_and_confirm, in_two_commands, replacing, transaction

LEAST = 100_000
"""Packets a second below which a run of replacements says too little."""
RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# The kernel suite in full

Written by `scripts/kernel-suite{words}` ({machine}, while other work ran on it); do not edit. `docs/kernel.md` says what it is about;
`pytest tests/kernel` runs the same with small counts.
"""
_Found = TypeVar("_Found", Killed, Confirmed)


def main() -> None:
    """Run the three suites, write the table, and say whether all is as it should be."""
    parser = argparse.ArgumentParser(prog="scripts/kernel-suite", description=__doc__)
    parser.add_argument("--replacements", type=int, default=500, help="applies under load, each confirmed")
    parser.add_argument("--rate", type=float, default=300_000, help="packets a second that are sent at most")
    parser.add_argument("--kills", type=int, default=500, help="kill -9 of what applies or confirms")
    parser.add_argument("--confirmations", type=int, default=100, help="applies over ssh, every other confirmed")
    parser.add_argument("--hosts", type=int, default=3, help="hosts at the same time, for kills and confirmations")
    parser.add_argument("--no-results", action="store_true", help="only print")
    given = parser.parse_args()
    if why := obstacle():
        raise SystemExit(f"nothing can be shown here: {why}")
    words = "".join(f" {word}" for word in sys.argv[1:])
    text, wrong = HEAD.format(words=words, machine=machine()), []
    for part in (_replacements(given), _kills(given), _confirmations(given)):
        said, found = part
        text += said
        wrong += found
    if not given.no_results:
        RESULTS.write_text(text)
    sys.stdout.write(text)
    if wrong:
        raise SystemExit("\n".join(["wrong:", *wrong]))


def _replacements(given: argparse.Namespace) -> tuple[str, list[str]]:
    rows = [
        ("apply and confirm", replacing(given.replacements, given.rate, apply_and_confirm)),
        ("the transaction alone", replacing(given.replacements, given.rate, transaction)),
        ("for comparison: delete, then load", replacing(max(2, given.replacements // 25), given.rate, in_two_commands)),
    ]
    wrong = [
        f"{what}: {one.leaked} forbidden passed, {one.lost} permitted dropped"
        for what, one in rows[:2]
        if one.leaked or one.lost
    ]
    wrong += [f"{what}: only {one.load.rate:,.0f} packets/s" for what, one in rows[:2] if one.load.rate < LEAST]
    if not rows[2][1].leaked:
        wrong.append("what is known to leak was not seen to leak")
    return _REPLACED + "".join(_replaced_row(what, one) for what, one in rows), wrong


_REPLACED = """
## Replacements under load

Two rulesets of the writer's replace each other on a managed host while one processor sends, without a pause, packets of both families,
through the firewall and to it: of ten, five that both policies forbid, four that both permit (a part of them of open flows), and one that
changes with the policy. They are counted before and behind the firewall's chains.

| replaced by | times | packets/s | forbidden: seen | passed | permitted: seen | dropped | changing: passed | dropped |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def _replaced_row(what: str, one: Replaced) -> str:
    load = one.load
    seen = {kind: sum(load.seen(kind, family) for family in FAMILIES) for kind in ("forbidden", "permitted")}
    return (
        f"| {what} | {one.count} | {load.rate:,.0f} | {seen['forbidden']:,} | {one.leaked:,} | {seen['permitted']:,} "
        f"| {one.lost:,} | {load.passed('changing'):,} | {load.dropped('changing'):,} |\n"
    )


_KILLED = """
## kill -9 at any moment

An apply that nobody will confirm, or the confirmation of one, is killed at a moment drawn evenly over about the time that it takes. At
once the kernel must have one of the two rulesets, whole; when nothing is at work any more, the one that the state on disk calls confirmed;
and then the host must start anew with it, or take the next apply.

| killed | kills |
|---|---:|
"""


def _kills(given: argparse.Namespace) -> tuple[str, list[str]]:
    seen = Killed()
    for one in _on_hosts(killing, given.kills, given.hosts):
        seen.add(one)
    rows = "".join(f"| {whose} | {number} |\n" for whose, number in sorted(seen.kills.items()))
    held = ", ".join(f"{what} {number} times" for what, number in sorted(seen.found.items()))
    return (
        f"{_KILLED}{rows}\nRight after the kill the kernel had {held}; what was wrong: {len(seen.wrong)}.\n",
        seen.wrong,
    )


_CONFIRMED = """
## Confirmed or taken back

Applies over ssh to a real sshd, IPv4 and IPv6 in turn; from the arming of the watchdog on the tool, its terminal, or the
connection is killed. Every other one is then confirmed over a new connection. Where the kill came before the load, nothing was loaded,
and nothing changed.

| killed | confirmed and kept | not confirmed and taken back | never loaded |
|---|---:|---:|---:|
"""


def _confirmations(given: argparse.Namespace) -> tuple[str, list[str]]:
    seen = Confirmed()
    for one in _on_hosts(confirming, given.confirmations, given.hosts):
        seen.add(one)
    rows = "".join(
        f"| {victim} | "
        + " | ".join(str(seen.trials[victim, how]) for how in ("kept", "taken back", "never loaded"))
        + " |\n"
        for victim in VICTIMS
    )
    return f"{_CONFIRMED}{rows}\nWhat was wrong: {len(seen.wrong)}.\n", seen.wrong


def _on_hosts(trials: Callable[[int, int], _Found], count: int, hosts: int) -> Iterator[_Found]:
    """So many trials, divided among hosts that are tried at the same time."""
    parts: Sequence[int] = [count // hosts + (number < count % hosts) for number in range(hosts)]
    with ProcessPoolExecutor(hosts, mp_context=get_context("spawn")) as pool:
        yield from pool.map(trials, parts, range(1, hosts + 1))


if __name__ == "__main__":
    begun = time.monotonic()
    main()
    sys.stderr.write(f"{time.monotonic() - begun:.0f} s\n")
