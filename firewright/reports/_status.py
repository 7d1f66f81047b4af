"""A managed host as it stands: what is wrong first, then what runs, since when, what it counted, and who else filters there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import harmless
from firewright.reports._drift import Drift, drift_facts, moment, outcome_words
from firewright.reports._findings_text import diagnostic_lines, several
from firewright.reports._lines import Lines
from firewright.reports._markup import code, plain, table
from firewright.reports._neighbours import neighbours_markdown, neighbours_text, neighbours_tree
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Findings, Look
from firewright.reports._tree import diagnostic_tree

if TYPE_CHECKING:
    from firewright.analysis.neighbours import Neighbour

MOST_SHOWN = 12
"""Lines of a list that are shown where not all are asked for."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the rules with one comment counted in the window: `rule` is the comment, of a line of a policy without its place.

    `line` is 0 where it is no line of a policy. `is_let_pass` says that audit mode let pass what the rule refuses.
    """

    rule: str
    file: str
    line: int
    packets: int
    bytes: int
    is_let_pass: bool = False

    @property
    def key(self) -> tuple[str, str, int, bool]:
        """What tells it from others."""
        return self.rule, self.file, self.line, self.is_let_pass

    @property
    def is_of_policy(self) -> bool:
        """Whether it is a line of a policy."""
        return self.line > 0


@dataclass(frozen=True, slots=True)
class Window:
    """When counting began, in seconds since 1970 by the host's clock, 0 where that is not known; `why` it begins there."""

    since: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """A host at an instant of its own clock.

    `generation` is the one that should run, None where nothing was applied; `state` what became of it; `made` and `loaded` are
    seconds since 1970, 0 where unknown; `left` are the seconds until a pending one is taken back, None where none waits.
    `boot` is what the last boot loaded. `has_firewall` is False where nothing stops packets from outside in one family at
    least, None where that is not known. `findings` are in the order of their weight.
    """

    host: str
    hostname: str
    time: int
    uptime: int
    generation: int | None
    confirmed: int | None
    state: str
    policy: str
    path: str
    firewall: str
    day: str
    made: int
    by: str
    loaded: int
    mode: str
    until: int
    left: int | None
    is_watched: bool
    boot: str
    boot_way: str
    is_journal_whole: bool
    has_timer: bool
    has_firewall: bool | None
    ends: tuple[tuple[int, str], ...]
    window: Window
    counters: tuple[Counted, ...]
    neighbours: tuple[Neighbour, ...]
    drift: Drift | None
    findings: Findings
    is_whole: bool = True
    notes: tuple[str, ...] = field(default=())

    @property
    def drift_is_known(self) -> bool:
        """Whether what runs was compared with the generation, where there is one."""
        return self.generation is None or self.drift is not None

    @property
    def unused(self) -> tuple[Counted, ...]:
        """The lines of the policy that counted nothing in the window, not even what audit mode let pass."""
        used = {one.key[:3] for one in self.counters if one.packets}
        unused = {one.key[:3]: one for one in self.counters if one.is_of_policy and one.key[:3] not in used}
        return tuple(unused.values())


def span(seconds: int) -> str:
    """A length of time in its two largest units."""
    left = max(0, seconds)
    said: list[str] = []
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number, left = divmod(left, size)
        if number or (unit == "second" and not said):
            said.append(several(number, unit))
        if len(said) == 2:
            break
    return " ".join(said)


def head_words(status: Status) -> str:
    """What runs, in one line."""
    if status.generation is None:
        return "nothing of ours was ever confirmed"
    about = ", ".join(
        f"{name} {harmless(value, 80)}"
        for name, value in (("policy", status.policy), ("firewall", status.firewall))
        if value
    )
    return f"generation {status.generation}, {harmless(status.state, 200)}: {about}"


def window_words(status: Status) -> str:
    """Since when it is counted."""
    if not status.window.since:
        return f"since nobody knows when{f': {harmless(status.window.why, 200)}' if status.window.why else ''}"
    why = f" ({harmless(status.window.why, 200)})" if status.window.why else ""
    return f"since {moment(status.window.since)}, {span(status.time - status.window.since)}{why}"


def facts(status: Status) -> Iterator[tuple[str, str]]:
    """What is known of the host beside findings, counters and neighbours: names and sentences."""
    if status.generation is not None:
        if status.made:
            age = f", {span(status.time - status.made)} ago" if status.time >= status.made else ""
            by = f" by {harmless(status.by, 80)}" if status.by else ""
            yield "applied", f"{moment(status.made)}{by}{age}"
        yield "loaded", moment(status.loaded) if status.loaded else "nobody knows when"
        until = f" until {moment(status.until)}" if status.until else ""
        yield (
            "mode",
            f"audit: what it would refuse is counted and let pass{until}" if status.mode == "audit" else "enforcing",
        )
    if status.left is not None:
        last = f"confirmed is generation {status.confirmed}" if status.confirmed else "nothing is confirmed"
        yield "pending", f"taken back in {span(status.left)} unless somebody confirms it; {last}"
    yield (
        "boot",
        f"{harmless(status.boot) or 'nothing was loaded since this host started'}; "
        + (f"loaded by {harmless(status.boot_way)}" if status.boot_way else "nothing loads it at boot"),
    )
    if status.drift is not None:
        is_none = status.drift.gap is None
        yield "drift", ("none, " if is_none else "") + outcome_words(status.drift).partition(": ")[2]
    yield from (("ends", f"{moment(instant)}: {harmless(words)}") for instant, words in status.ends)


def status_text(status: Status, look: Look) -> str:
    """What is wrong, what runs, what was counted, who else filters."""
    paint = Paint(look.is_coloured)
    lines = Lines(status.findings.sources)
    rows: list[str] = []
    for one in status.findings.diagnostics:
        rows += diagnostic_lines(one, lines, look, paint)
    if rows:
        rows.append("")
    name = harmless(status.host, 80) + (f" ({harmless(status.hostname, 64)})" if status.hostname else "")
    rows.append(f"{paint('title', name)}: {head_words(status)}")
    rows += [f"  {title:9}{words}" for title, words in facts(status)]
    rows += _counter_lines(status, look, paint)
    rows += neighbours_text(status.neighbours, look)
    rows += [paint("faint", f"note: {harmless(one, 2000)}") for one in status.notes]
    return "\n".join(rows) + "\n"


def _counter_lines(status: Status, look: Look, paint: Paint) -> Iterator[str]:
    if not status.counters:
        return
    yield f"{paint('title', 'counted')} {window_words(status)}"
    shown = [one for one in status.counters if one.packets or look.is_verbose]
    most = len(shown) if look.is_verbose else MOST_SHOWN
    for of_policy in (True, False):
        listed = [one for one in shown if one.is_of_policy is of_policy]
        for one in listed[:most]:
            yield f"  {one.packets:>12,} {paint('faint', f'{size(one.bytes):>9}')}  {counted_words(one, paint)}"
        if len(listed) > most:
            yield paint("faint", f"  and {len(listed) - most} more: --verbose shows them")
    if status.unused:
        names = [f"{harmless(one.rule)} ({place(one)})" for one in status.unused]
        kept = names if look.is_verbose else names[:MOST_SHOWN]
        more = f" and {len(names) - len(kept)} more" if len(kept) < len(names) else ""
        yield f"  {paint('asked', 'unused')} in this time: {'; '.join(kept)}{more}"


def counted_words(one: Counted, paint: Paint) -> str:
    """What was counted, with its place."""
    where = f"  {paint('place', place(one))}" if one.is_of_policy else ""
    passed = f"  {paint('asked', 'would be refused, was let pass')}" if one.is_let_pass else ""
    return f"{harmless(one.rule)}{where}{passed}"


def place(one: Counted) -> str:
    """`web.yaml:6`."""
    return f"{harmless(one.file, 100)}:{one.line}"


def size(count: int) -> str:
    """Bytes in the largest unit of 1024 in which there is at least one."""
    for unit, scale in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


def status_markdown(status: Status, look: Look) -> str:
    """A heading, the findings, a table of facts, of counters and of other tables."""
    lines = [f"## {plain(status.host, 80)}: {plain(head_words(status))}", ""]
    if status.findings.diagnostics:
        rows = (
            (f"**{one.severity}**", code(one.name), plain(one.message) + _example(one.witness), plain(one.help))
            for one in status.findings.diagnostics
        )
        lines += [*table(("severity", "finding", "what", "help"), rows), ""]
    lines += [*table(("", ""), ((plain(title), plain(words)) for title, words in facts(status))), ""]
    if status.counters:
        lines += [f"Counted {plain(window_words(status))}:", ""]
        counted = (
            (str(one.packets), str(one.bytes), plain(one.rule), code(place(one)) if one.is_of_policy else "")
            for one in status.counters
        )
        lines += [*table(("packets", "bytes", "rule", "place"), counted), ""]
    lines += [*neighbours_markdown(status.neighbours, look), ""]
    lines += [f"{plain(one)}." for one in status.notes]
    return "\n".join(lines).rstrip() + "\n"


def _example(witness: str) -> str:
    return f"<br>example: {code(witness)}" if witness else ""


def status_tree(status: Status) -> dict[str, Any]:
    """The same as mappings and lists; `firewright status --since` reads it again."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "status",
        "host": status.host,
        "hostname": status.hostname,
        "time": status.time,
        "uptime": status.uptime,
        "whole": status.is_whole,
        "passed": status.is_whole and not status.findings.fails,
        "firewall_found": status.has_firewall,
        "generation": status.generation,
        "confirmed": status.confirmed,
        "state": status.state,
        "policy": status.policy,
        "file": status.path,
        "firewall": status.firewall,
        "day": status.day,
        "made": status.made,
        "by": status.by,
        "loaded": status.loaded,
        "mode": status.mode,
        "audit_until": status.until or None,
        "pending": None if status.left is None else {"seconds_left": status.left, "watchdog": status.is_watched},
        "boot": status.boot,
        "boot_way": status.boot_way,
        "journal_whole": status.is_journal_whole,
        "timer": status.has_timer,
        "ends": [{"instant": instant, "rule": words} for instant, words in status.ends],
        "window": {"since": status.window.since, "why": status.window.why},
        "counters": [
            {
                "rule": one.rule,
                "file": one.file or None,
                "line": one.line or None,
                "packets": one.packets,
                "bytes": one.bytes,
                "let_pass": one.is_let_pass,
            }
            for one in status.counters
        ],
        "neighbours": neighbours_tree(status.neighbours),
        "drift": None if status.drift is None else drift_facts(status.drift),
        "findings": [diagnostic_tree(one) for one in status.findings.diagnostics],
        "notes": list(status.notes),
    }
