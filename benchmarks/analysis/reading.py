"""Reading what other programs list, into programs of which questions can be asked."""

from __future__ import annotations

from pathlib import Path

from benchmarks.analysis.contest import Contest
from benchmarks.analysis.listings import iptables_save, nft_json
from benchmarks.analysis.rulesets import Row, program_of
from firewright.analysis.anomaly import anomalies
from firewright.analysis.difference import first_difference
from firewright.readers import iptables, nftables
from firewright.space.question import forget
from firewright.space.ruleset import Hook, Ruleset

DUMPS = Path(__file__).parents[3] / "shared" / "corpora" / "iptables-save"


def measure_reading(contest: Contest, rows: list[Row]) -> list[str]:
    """The same rules from both kinds of listing; what was read is proved to decide as the rules do. The tasks' names."""
    tasks = []
    for kind, text in (("iptables-save", iptables_save(rows)), ("nft's JSON", nft_json(rows))):
        task = f"reading {kind}, {len(rows):,} rules"
        tasks.append(task)

        def ours(_: object, kind: str = kind, text: str = text) -> int:
            return len(_read(kind, text).hooks[Hook.FORWARD][4]) - 1

        contest.run(task, "Firewright", ours, say=lambda n: f"{n:,} rules", expected=len(rows), repeat=3)
        found = first_difference(program_of(rows), _read(kind, text).hooks[Hook.FORWARD][4])
        if found is not None:
            raise AssertionError(f"{kind} is read wrongly: {found}")
    return tasks


def _read(kind: str, text: str) -> Ruleset:
    if kind == "iptables-save":
        return iptables.encode(iptables.parse(text, kind))
    return nftables.encode(nftables.parse(text, kind))


def measure_largest_dump(contest: Contest) -> None:
    """The largest of the dumps that lie beside the project: read, and the rules of its forward chain that could go."""
    if not DUMPS.is_dir():
        contest.keep("the largest dump", "Firewright", None, "not there")
        return
    path = max(DUMPS.iterdir(), key=lambda one: one.stat().st_size)
    text = path.read_text("utf-8")
    ruleset = _read("iptables-save", text)
    size = f"{len(ruleset.lines):,} rules of a real dump"
    contest.run(f"reading {size}", "Firewright", lambda _: _said(_read("iptables-save", text)), repeat=3)
    program = ruleset.hooks[Hook.FORWARD][4]

    def ours(_: object) -> int:
        forget()
        return len(anomalies(program))

    contest.run(
        f"shadowed and redundant: {size}, {len(program):,} steps",
        "Firewright",
        ours,
        say=lambda n: f"{n} steps that could go or only skip",
    )


def _said(ruleset: Ruleset) -> str:
    return f"{len(ruleset.lines):,} rules, {len(ruleset.bounded):,} of them bounded"
