"""`python -m benchmarks.analysis [--quick]`: every task with every engine, side by side, and RESULTS.md written anew."""

from __future__ import annotations

import argparse
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks.analysis import by_aerleon, by_cudd, classbench
from benchmarks.analysis.contest import DEADLINE, Contest, machine
from benchmarks.analysis.detection import measure_anomalies, measure_difference
from benchmarks.analysis.memory import beyond_rules
from benchmarks.analysis.proofs import measure_allowlist, measure_equivalence, measure_path
from benchmarks.analysis.reading import measure_largest_dump, measure_reading
from benchmarks.analysis.rulesets import ACCESS_LIST, FIREWALL, flat, grouped


def main() -> None:
    """Run the contest and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analysis", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="rulesets of 1,000 rules only, in about a minute")
    is_quick = parser.parse_args().quick
    contest = Contest()
    for count in (1_000,) if is_quick else (1_000, 10_000):
        measure_rulesets(contest, count)
        measure_classbench(contest, f"{count}")
        allowlists, path = measure_allowlist(contest, count), measure_path(contest, count)
        if count == 10_000:
            for task in allowlists:
                contest.aim(task, 0.5)
            contest.aim(path, 0.001, share=50)
    measure_equivalence(contest, 300)
    if not is_quick:
        measure_largest(contest)
    title = "quick run" if is_quick else "full run"
    text = HEAD.format(title=title, machine=machine(), today=date.today(), deadline=DEADLINE, absent=absent())
    parts = [text, contest.aims_table(), "", contest.table(), ""]
    Path(__file__).with_name("RESULTS.md").write_text("\n".join(parts))


HEAD = """# Exact analysis, side by side

Written by `python -m benchmarks.analysis` ({title}; {today}; {machine}); do not edit. Times are processor seconds, since the
machine had other work to do meanwhile; caches and the clock are shared all the same, so the ratios of one run say more than
the times, and both vary, at times by half. Firewright's times are the best of two or three (of one from 30,000 rules on), the
others' of one, which favours Firewright. Engines are stopped after {deadline:.0f} s (z3 after as many by the clock). Every
answer that an engine got to was compared with Firewright's in the same run, except that Aerleon's is counted against it.
Firewright finds shadowed *and* redundant rules and says by which; the others were only asked which are shadowed, Aerleon only
by single rules. All are asked from rules in memory; indexes and formulas count, except for the path question, which is asked
of loaded programs.
Rulesets of ClassBench have no decisions: 60 in 100 rules accept, drawn once.{absent}
"""


def absent() -> str:
    """Which of the others were not there to be measured."""
    names = [name for name, module in (("CUDD", by_cudd), ("Aerleon", by_aerleon)) if not module.is_installed()]
    return f" Not installed, so not measured: {', '.join(names)}." if names else ""


def measure_rulesets(contest: Contest, count: int) -> None:
    """Rulesets of three shapes: what could go, what changed."""
    for name, rows in (
        ("access list", flat(count, ACCESS_LIST)),
        ("firewall", flat(count, FIREWALL)),
        ("groups", grouped(count)),
    ):
        title = f"{name}, {count:,} rules"
        found, changed = measure_anomalies(contest, title, rows), measure_difference(contest, title, rows)
        if name == "groups":
            contest.aim(found, 0.015 if count == 1_000 else 0.6)
            if count == 10_000:
                contest.aim_at_memory(found, 120, beyond_rules(partial(grouped, count)))
        if count == 10_000:
            contest.aim(changed, 0.2)


def measure_classbench(contest: Contest, size: str, *, is_alone: bool = False, wanted: float = 0) -> None:
    """Both sets of a size, and how they are held against an aim."""
    for name in ("acl1", "fw1"):
        rows = classbench.rows(f"{name}-{size}")
        title = f"ClassBench {name}, {int(size):,} filters"
        if rows is None:
            contest.keep(f"shadowed and redundant: {title}", "Firewright", None, "the sets are not there")
            continue
        task = measure_anomalies(contest, title, rows, is_alone=is_alone)
        if wanted:
            contest.aim(task, wanted)
            contest.aim_at_memory(task, 500, beyond_rules(partial(classbench.rows, f"{name}-{size}")))


def measure_largest(contest: Contest) -> None:
    """What the others are no longer asked, the largest proof, and reading."""
    task = measure_anomalies(contest, "groups, 30,000 rules", grouped(30_000), is_alone=True)
    contest.aim(task, 4)
    measure_classbench(contest, "100000", is_alone=True, wanted=20)
    for task in measure_equivalence(contest, 3_300):
        contest.aim(task, 1)
    for task in measure_equivalence(contest, 2_000, from_anywhere=0.6):
        contest.aim(task, 2)
    for task in measure_reading(contest, flat(10_000, ACCESS_LIST)):
        contest.aim(task, 0.5)
    measure_largest_dump(contest)


if __name__ == "__main__":
    main()
