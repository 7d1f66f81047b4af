"""`python -m benchmarks.rehearsal`: a rehearsal's rate and time, and what its witnesses find of planted faults; RESULTS.md anew."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timezone
from pathlib import Path

import firewright
from benchmarks.analysis.contest import machine
from benchmarks.rehearsal.policies import policy_text
from firewright.analysis.witnesses import witnesses
from firewright.diagnostic import Report
from firewright.live.rehearsal import rehearse
from firewright.live.testbed import Testbed
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from tests.live.mutants import Score, firewalls, score

RULES = 200
SEED = 3
PROFILES = Path(firewright.__file__).parent / "profiles"
KEPT = Path(__file__).parents[2] / "tests" / "live" / "policies"

HEAD = """# Rehearsal: rate, time, and faults found

Written by `python -m benchmarks.rehearsal{quick}` ({machine}); do not edit. Other work runs on the machine, so of {runs} runs the best
and the median stand here.

| what | best | median | aim |
|---|---:|---:|---:|
"""
FAULTS = """
## Faults found

Each fault is one change of a compiled ruleset (`tests/live/mutants.py` has the kinds: an address, port or element one off, a match lost,
rules swapped, ...), planted alone; the witnesses were chosen before. A fault that no packet shows, by the proof that compiles
are checked with, does not count; of {count} tried in each firewall those that nft itself refuses are not planted.
`python -m tests.live.mutants POLICY... --count {count} --seed {seed}` repeats it and names what survived.

| policy | firewall | witnesses | planted | shown by no packet | found | survived |
|---|---|---:|---:|---:|---:|---:|
"""


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rehearsal", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run, and few faults")
    parser.add_argument("--runs", type=int, default=7, help="runs of each measurement")
    parser.add_argument("--count", type=int, default=60, help="faults planted in each firewall")
    parser.add_argument("--seed", type=int, default=SEED, help="which faults")
    given = parser.parse_args()
    runs, count = (1, 6) if given.quick else (given.runs, given.count)
    day = datetime.now(timezone.utc).date()  # noqa: UP017
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sites.yaml")
        path.write_text(policy_text(RULES))
        text = HEAD.format(machine=machine(), runs=runs, quick=" --quick" if given.quick else "")
        text += "".join(_speed(path, day, runs)) + FAULTS.format(count=count, seed=given.seed)
        text += "".join(_faults(_subjects(), day, count, given.seed))
    Path(__file__).with_name("RESULTS.md").write_text(text)
    sys.stdout.write(text)


def _speed(path: Path, day: date, runs: int) -> Iterator[str]:
    whole = [_command(path) for _ in range(runs)]
    yield _row(f"`firewright rehearse`, {RULES} rules, from start to verdict (s)", whole, "{:.2f}", "3.00", min)
    policy = load(path, Report())
    if policy is None:
        raise AssertionError("the policy is malformed")
    choosing, rates, sent = _rates(path, policy, day, runs)
    yield _row(f"choosing its {sent:,} packets (s)", choosing, "{:.2f}", "", min)
    yield _row("packets a second: made, sent, seen, and judged", rates, "{:,.0f}", "50,000", max)


def _rates(path: Path, policy: Policy, day: date, runs: int) -> tuple[list[float], list[float], int]:
    """Seconds of choosing, packets a second, and how many packets. Raises AssertionError where a packet disagrees."""
    _, firewall, ground, text = next(firewalls(str(path), day))
    choosing, rates, sent = [], [], 0
    with Testbed(ground) as bed:
        for _ in range(runs):
            begun = time.perf_counter()
            chosen = witnesses(policy, firewall, day, ground).found
            choosing.append(time.perf_counter() - begun)
            outcome = rehearse(bed, text, chosen)
            if not all(outcome.agreed):
                raise AssertionError(f"{outcome.disagreements[:1]} {outcome.unsent[:1]}")
            sent = outcome.sent
            rates.append(sent / outcome.seconds)
    return choosing, rates, sent


def _command(path: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "firewright", "rehearse", str(path)], check=True, capture_output=True)
    return time.perf_counter() - begun


def _row(what: str, found: list[float], form: str, aim: str, best: Callable[[list[float]], float]) -> str:
    return f"| {what} | {form.format(best(found))} | {form.format(statistics.median(found))} | {aim} |\n"


def _subjects() -> Iterator[Path]:
    """The policies kept for the tests, and each that a profile begins with and that has no open question."""
    yield from sorted(KEPT.glob("*.yaml"))
    for path in sorted(PROFILES.glob("*/*.yaml")):
        policy = None if path.name == "profile.yaml" or ".test." in path.name else load(path, Report())
        if policy is not None and not policy.questions:
            yield path


def _faults(paths: Iterable[Path], day: date, count: int, seed: int) -> Iterator[str]:
    scores: list[Score] = []
    for path in paths:
        for policy, firewall, ground, text in firewalls(str(path), day):
            chosen = witnesses(policy, firewall, day, ground).found
            with Testbed(ground) as bed:
                one = score(bed, text, chosen, count, seed)
            scores.append(one)
            yield f"| {policy.name} | {firewall.name} | {len(chosen):,} | {_told(one)} |\n"
    whole = Score(
        sum(one.found for one in scores),
        sum(one.alike for one in scores),
        tuple(survivor for one in scores for survivor in one.survivors),
    )
    yield f"| all | | | {_told(whole)} |\n\nOf the faults that a packet can show {whole.share:.2%} were found; the aim is 99 %.\n"


def _told(one: Score) -> str:
    survived = len(one.survivors)
    return f"{one.found + one.alike + survived} | {one.alike} | {one.found} | {survived}"


if __name__ == "__main__":
    main()
