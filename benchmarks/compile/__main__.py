"""`python -m benchmarks.compile [--quick]`: from policy to kernel, beside other generators, and RESULTS.md written anew."""

from __future__ import annotations

import argparse
import resource
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.analysis.contest import machine
from benchmarks.compile import by_aerleon, by_iptables, by_nft
from benchmarks.compile.contestant import Unable
from benchmarks.compile.contestants import OURS, emitted
from benchmarks.compile.equality import equality
from benchmarks.compile.policies import policy_of
from benchmarks.dataplane.lab import LONGEST
from benchmarks.dataplane.traffic import DAY
from firewright.diagnostic import Report, Severity
from firewright.model.policy import Firewall, Policy
from firewright.workflows.compile import compile_firewall

_HEAD = """# From policy to kernel, side by side

Written by `python -m benchmarks.compile` ({title}; {machine}); do not edit. Policies are those of `benchmarks/compile/policies.py`,
one firewall, IPv4 and IPv6, already read. Times are processor seconds (user and system, children included), of
one run (Firewright's text up to 10,000 rules: the best of three), so that other work on the machine counts little; loading is that
of one transaction into an empty namespace,
given up after {longest} s ("-").
Each contestant is given its own input made, so that only its own work is timed. Firewright's text is proved to mean what
the policy says, of every packet; the others' text is proved, where it is nftables and can be read, to decide as the rules do
of the packets that open a TCP or UDP flow, or has a packet beside it that shows that it does not.

"""
_AIMS = {10_000: (0.4, 2.5)}
_FASTER_THAN_AERLEON = 8.0


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant at one size; None where something was not measured."""

    rules: int
    name: str
    seconds: float | None
    proved: float | None = None
    loaded: float | None = None
    size: int = 0
    said: str = ""


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="policies of 1,000 rules only, in half a minute")
    is_quick = parser.parse_args().quick
    rows: list[Row] = []
    for rules in (1_000,) if is_quick else (1_000, 10_000, 100_000):
        policy = policy_of(rules)
        for row in measured(policy, rules):
            print(*_cells(row), sep=" | ", flush=True)
            rows.append(row)
    title = "quick run" if is_quick else "full run"
    text = (
        _HEAD.format(title=title, machine=machine(), longest=LONGEST)
        + "\n".join([*_aims(rows), "", *_table(rows)])
        + "\n"
    )
    Path(__file__).with_name("RESULTS.md").write_text(text)


def measured(policy: Policy, rules: int) -> list[Row]:
    """Every contestant at one size."""
    (firewall,) = policy.firewalls.values()
    runs = 3 if rules <= 10_000 else 1
    return [
        _ours(policy, firewall, rules, runs),
        _aerleon(policy, rules),
        *(
            _other(policy, firewall, rules, name, text)
            for name, text in (
                ("nftables, linear, by hand", _linear),
                ("concatenated interval sets, by hand", _concatenated),
                ("ferm", _ferm),
            )
        ),
    ]


def _ours(policy: Policy, firewall: Firewall, rules: int, runs: int) -> Row:
    """Emitting, then the whole compile with its proof, then loading."""
    texts: list[str] = []
    seconds = min(cpu(lambda: texts.append(emitted(policy, firewall))) for _ in range(runs))
    if len(set(texts)) != 1:
        raise AssertionError("the text is not the same each time")
    proved, said = None, f"not proved in this run: the proof of {_MOST_PROVED_OF_OURS:,} rules shows what it takes"
    if rules <= _MOST_PROVED_OF_OURS:
        report = Report()
        found: list[object] = []
        proved = cpu(lambda: found.append(compile_firewall(policy, firewall, DAY, report)))
        said = "proved equal, every packet" if found[0] is not None else f"**not proved**: {_why(report)}"
    return Row(rules, OURS, seconds, proved, _load(texts[0]), len(texts[0]), said)


def _why(report: Report) -> str:
    return next((one.message for one in report.sorted() if one.severity is Severity.ERROR), "no reason given")


def _aerleon(policy: Policy, rules: int) -> Row:
    name = "Aerleon"
    try:
        given = by_aerleon.prepare(policy)
    except Unable as why:
        return Row(rules, name, None, said=str(why))
    texts: list[str] = []
    seconds = cpu(lambda: texts.append(by_aerleon.generate(*given)))
    return _judged(policy, rules, name, seconds, texts[0])


def _other(policy: Policy, firewall: Firewall, rules: int, name: str, write: Callable[[Policy, Firewall], str]) -> Row:
    if rules > 10_000 and write is not _concatenated:
        return Row(rules, name, None, said="not asked: a list of so many rules is no ruleset to use")
    texts: list[str] = []
    try:
        seconds = cpu(lambda: texts.append(write(policy, firewall)))
    except Unable as why:
        return Row(rules, name, None, said=str(why))
    if write is _ferm:
        return Row(rules, name, seconds, size=len(texts[0]), said="iptables, checked in benchmarks/dataplane")
    return _judged(policy, rules, name, seconds, texts[0])


def _judged(policy: Policy, rules: int, name: str, seconds: float, text: str) -> Row:
    said = equality(policy, text) if rules <= _MOST_PROVED else "not proved at this size"
    loaded = _load(text) if rules <= _MOST_LOADED else None
    return Row(rules, name, seconds, None, loaded, len(text), said)


_MOST_PROVED_OF_OURS = 10_000
"""Above this size one proof would take longer than all the rest of a run."""
_MOST_LOADED = 10_000
"""Above this size nobody else's text is loaded: where it loads at all, it is measured in benchmarks/dataplane."""
_MOST_PROVED = 1_000
"""Lists of others are proved up to this size: they are long, and whoever is right with these is right with more."""


def _linear(policy: Policy, firewall: Firewall) -> str:
    return by_nft.linear_text(policy)


def _concatenated(policy: Policy, firewall: Firewall) -> str:
    return by_nft.concatenated(policy, firewall)[0].text


def _ferm(policy: Policy, firewall: Firewall) -> str:
    return "".join(step.text for step in by_iptables.by_ferm(policy, firewall))


def cpu(work: Callable[[], object]) -> float:
    """Processor seconds of some work, its children's included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    children = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.process_time() - began + children


def _load(text: str) -> float | None:
    """Processor seconds of `nft -f` into a fresh namespace; None if it is refused or takes longer than `LONGEST`."""
    words = ("unshare", "-n", "timeout", str(LONGEST), "nft", "-f", "-")
    codes: list[int] = []
    seconds = cpu(
        lambda: codes.append(subprocess.run(words, input=text, text=True, check=False, capture_output=True).returncode)
    )
    return None if codes[0] else seconds


def _aims(rows: list[Row]) -> list[str]:
    lines = ["| aim | rules | wanted | measured | |", "|---|---:|---:|---:|---|"]
    for row in rows:
        if row.name == OURS and row.rules in _AIMS and row.seconds is not None and row.proved is not None:
            text, proof = _AIMS[row.rules]
            lines.append(
                _aim("policy to text, without the proof, s", row.rules, text, row.seconds, row.seconds <= text)
            )
            lines.append(_aim("with the proof, s", row.rules, proof, row.proved, row.proved <= proof))
        other = next((one.seconds for one in rows if one.rules == row.rules and one.name == "Aerleon"), None)
        if row.name == OURS and other and row.seconds:
            times = other / row.seconds
            said = _aim(
                "times faster than Aerleon", row.rules, _FASTER_THAN_AERLEON, times, times >= _FASTER_THAN_AERLEON
            )
            lines.append(said)
    return lines


def _aim(name: str, rules: int, wanted: float, found: float, is_met: bool) -> str:
    return f"| {name} | {rules:,} | {wanted:g} | {found:.2f} | {'met' if is_met else '**missed**'} |"


def _table(rows: list[Row]) -> list[str]:
    heads = ("rules", "contestant", "generate", "generate and prove", "load", "text", "meaning")
    return [
        f"| {' | '.join(heads)} |",
        "|---:|---|---:|---:|---:|---:|---|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]


def _cells(row: Row) -> tuple[str, ...]:
    name = f"**{row.name}**" if row.name == OURS else row.name
    times = ("-" if one is None else f"{one:.2f} s" for one in (row.seconds, row.proved, row.loaded))
    return f"{row.rules:,}", name, *times, f"{row.size / 1e6:.2f} MB" if row.size else "-", row.said


if __name__ == "__main__":
    main()
