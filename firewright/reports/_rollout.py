"""What became of the hosts of a rollout, as values, as text, as Markdown and as a tree: a row for each host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.reports._findings_text import place, several
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import diagnostic_tree


class Became(StrEnum):
    """What became of a host; the words are those of every report and of the state file."""

    CONFIRMED = "confirmed"
    UNCHANGED = "unchanged"
    WOULD_CHANGE = "would change"
    NOT_CHANGED = "not changed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"
    NOT_BEGUN = "not begun"


GOOD = frozenset({Became.CONFIRMED, Became.UNCHANGED, Became.WOULD_CHANGE})
"""After these the next host is changed; after any other nothing begins any more."""
_STYLES = {Became.NOT_BEGUN: "faint", Became.WOULD_CHANGE: "asked", Became.NOT_CHANGED: "warning"}


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """What became of one host: its generation (0 where none is known), and why, in one sentence, where it is not as wanted.

    `seconds` is how long it took; `diagnostics` are what was said of it.
    """

    host: str
    became: Became
    generation: int = 0
    seconds: float = 0.0
    why: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the host is as it was to be."""
        return self.became in GOOD


@dataclass(frozen=True, slots=True)
class Rollout:
    """One run over a fleet: its name, the batches, what became of each host, in their order.

    `state` is the path of the file that knows where it stands, empty where nothing was to be changed (`is_check`). `again` is how it
    goes on, in words; `policies` are the file and the firewall that each host was to have, by its name.
    """

    run: str
    inventory: str
    batches: tuple[tuple[str, ...], ...]
    outcomes: tuple[HostOutcome, ...]
    state: str = ""
    is_check: bool = False
    is_interrupted: bool = False
    again: str = ""
    policies: Mapping[str, str] = field(default_factory=dict)

    def count(self, became: Became) -> int:
        """How many hosts this became of."""
        return sum(one.became is became for one in self.outcomes)

    @property
    def is_done(self) -> bool:
        """Whether every host is as it was to be."""
        return all(one.is_good for one in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 if all is done, 3 if a host was rolled back, 130 if somebody stopped it, 4 if only a part was changed, else 1."""
        if self.is_done:
            return 0
        if self.count(Became.ROLLED_BACK):
            return 3
        if self.is_interrupted:
            return 130
        return 4 if self.count(Became.CONFIRMED) else 1


def rollout_text(rollout: Rollout, look: Look) -> str:
    """A row for each host, what was said of those that are not as wanted, and one line of what came of all."""
    paint = Paint(look.is_coloured)
    rows = list(_rows(rollout))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    lines = []
    for number, row in enumerate(rows):
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        if number == 0:
            lines.append(paint("title", "  ".join((*cells, row[-1])).rstrip()))
            continue
        cells[2] = paint(_style(rollout.outcomes[number - 1].became), cells[2])
        lines.append("  ".join((*cells, row[-1])).rstrip())
    for one in rollout.outcomes:
        lines += _said(one, paint, look)
    head = paint("open" if rollout.is_done else "error", state_words(rollout))
    lines.append(f"{head}: {summary_words(rollout)}")
    if not rollout.is_done and rollout.again:
        lines.append(f"  = {paint('help', 'help')}: {harmless(rollout.again, 1000)}")
    return "\n".join(lines) + "\n"


_HEAD = ("host", "batch", "result", "generation", "seconds", "why")


def _rows(rollout: Rollout) -> Iterator[tuple[str, ...]]:
    """The head of the table, and a row for each host."""
    batch_of = {name: number for number, batch in enumerate(rollout.batches, 1) for name in batch}
    yield _HEAD
    for one in rollout.outcomes:
        generation = str(one.generation) if one.generation else ""
        seconds = f"{one.seconds:.1f}" if one.became is not Became.NOT_BEGUN else ""
        batch = str(batch_of.get(one.host, ""))
        yield (harmless(one.host, 60), batch, one.became.value, generation, seconds, harmless(one.why, 200))


def _style(became: Became) -> str:
    return _STYLES.get(became, "open" if became in GOOD else "error")


def _said(one: HostOutcome, paint: Paint, look: Look) -> Iterator[str]:
    """What was said of a host; of one that is as wanted its notes only where much is wanted."""
    for said in one.diagnostics:
        if one.is_good and not look.is_verbose and said.severity is Severity.NOTE:
            continue
        head = paint.severity(said.severity, f"{said.severity}[{said.name}]")
        yield f"{harmless(one.host, 60)}: {head}: {harmless(said.message, 2000)}"
        if said.at.path:
            yield f"  {paint('place', '-->')} {place(said.at)}"
        for note in said.notes:
            yield f"  note: {harmless(note.text, 2000)}" + (f" ({place(note.at)})" if note.at.path else "")
        if said.witness:
            yield f"  = example: {harmless(said.witness, 2000)}"
        if said.help:
            yield f"  = help: {harmless(said.help, 2000)}"


def state_words(rollout: Rollout) -> str:
    """Done, planned, stopped or interrupted."""
    if rollout.is_done:
        return "planned" if rollout.is_check else "done"
    if rollout.is_interrupted:
        return "interrupted"
    return "planned in part" if rollout.is_check else "stopped"


def summary_words(rollout: Rollout) -> str:
    """How many hosts became what, in one line."""
    counts = Counter(one.became for one in rollout.outcomes)
    parts = ", ".join(f"{counts[one]} {one.value}" for one in Became if counts[one])
    return f"{several(len(rollout.outcomes), 'host')} of {harmless(rollout.inventory)}: {parts}"


def rollout_markdown(rollout: Rollout, look: Look) -> str:
    """A heading with what came of it, a table of hosts, and what was said of those that are not as wanted."""
    lines = [f"## Rollout: {state_words(rollout)}", "", f"{plain(summary_words(rollout))}.", ""]
    head, *rows = _rows(rollout)
    lines += [*table(head, (tuple(map(plain, row)) for row in rows)), ""]
    for one in rollout.outcomes:
        if not one.is_good:
            lines += [
                f"- {code(one.host)}: {plain(said.message)}" + (f" ({plain(said.help)})" if said.help else "")
                for said in one.diagnostics
            ]
    return "\n".join(lines).rstrip() + "\n"


def rollout_tree(rollout: Rollout) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "rollout",
        "run": rollout.run,
        "inventory": rollout.inventory,
        "state": state_words(rollout),
        "state_file": rollout.state,
        "check": rollout.is_check,
        "done": rollout.is_done,
        "batches": [list(batch) for batch in rollout.batches],
        "hosts": [outcome_tree(one, rollout.policies.get(one.host, "")) for one in rollout.outcomes],
    }


def outcome_tree(one: HostOutcome, policy: str = "") -> dict[str, Any]:
    """What became of a host as a mapping; with the policy that it was about, where that is given."""
    return {
        "host": one.host,
        **({"policy": policy} if policy else {}),
        "result": one.became.value,
        "generation": one.generation,
        "seconds": round(one.seconds, 1),
        "why": one.why,
        "diagnostics": [diagnostic_tree(said) for said in one.diagnostics],
    }
