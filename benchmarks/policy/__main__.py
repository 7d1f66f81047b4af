"""`python -m benchmarks.policy`: whole commands, and the parts of a check, over policies of 10,000 lines; RESULTS.md written anew."""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import yaml

from benchmarks.analysis.contest import machine
from benchmarks.policy.policies import one_line_a_rule, one_line_a_value
from firewright.audits._audit import AUDITS, Context
from firewright.diagnostic import Report
from firewright.readers.policy_yaml import load

DAY = date(2026, 11, 21)

HEAD = """# Start-up, loading, checking

Written by `python -m benchmarks.policy` ({machine}); do not edit. Commands are whole processes: processor time (user and system)
of the median of {runs} runs, so that other work on the machine counts little. Parts are the best of three in one process.

| what | time | aim |
|---|---:|---:|
"""


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policy", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command")
    runs = parser.parse_args().runs
    rows: list[tuple[str, float, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty")
        empty.mkdir()
        values, rules = Path(folder, "values.yaml"), Path(folder, "rules.yaml")
        values.write_text(one_line_a_value(10_000))
        rules.write_text(one_line_a_rule(10_000))
        rows.append(("`firewright --help`", command(runs, "--help"), "0.15 s"))
        rows.append(("`firewright explain 445`", command(runs, "explain", "445", cwd=empty), "0.3 s"))
        for name, path in (("one line a value (2,300 rules)", values), ("one line a rule (9,800 rules)", rules)):
            aim = "0.6 s" if path is values else ""
            rows.append((f"`firewright check`, 10,000 lines, {name}", command(runs, "check", str(path)), aim))
            rows += parts(name, path)
    text = HEAD.format(machine=machine(), runs=runs) + "".join(
        f"| {what} | {seconds:.3f} s | {aim} |\n" for what, seconds, aim in rows
    )
    Path(__file__).with_name("RESULTS.md").write_text(text)
    sys.stdout.write(text)


def command(runs: int, *words: str, cwd: Path | None = None) -> float:
    """Median processor seconds of a command."""
    taken = []
    for _ in range(runs + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "firewright", *words], check=False, capture_output=True, cwd=cwd)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken[1:])


def parts(name: str, path: Path) -> list[tuple[str, float, str]]:
    """Loading, beside PyYAML's own composing of the same text, and all audits."""
    text = path.read_text()

    def compose() -> None:
        yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def loaded() -> None:
        if load(path, Report()) is None:
            raise AssertionError("the policy is malformed")

    def audited() -> None:
        policy = load(path, Report())
        if policy is None:
            raise AssertionError("the policy is malformed")
        context = Context(DAY)
        for _, audit in AUDITS.all():
            list(audit(policy, context))

    load_time = best(loaded)
    return [
        (f"PyYAML composes the text, {name}", best(compose), ""),
        (f"load: text to policy, {name}", load_time, ""),
        (f"all audits, {name}", best(audited) - load_time, ""),
    ]


def best(work: Callable[[], None]) -> float:
    """The shortest of three runs, in processor seconds."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


if __name__ == "__main__":
    main()
