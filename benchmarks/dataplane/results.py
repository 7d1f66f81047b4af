"""The tables of a run, and the aims beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.analysis.contest import machine
from benchmarks.compile.contestants import OURS
from benchmarks.dataplane import shapes, statements
from benchmarks.dataplane.contest import EMPTY, TRACKED, Entry, Figure
from benchmarks.dataplane.frames import write
from benchmarks.dataplane.lab import Lab, LoadError, turns
from firewright.model.packet import FAMILIES, Family, Packet

_AIMS: dict[int, dict[Family, float]] = {
    1_000: {4: 0.80, 6: 0.75},
    10_000: {4: 0.75, 6: 0.70},
    100_000: {4: 0.60, 6: 0.55},
}
_AGAINST_LINEAR = {4: 60.0, 6: 100.0}
_ESTABLISHED = 0.95
_REFERENCE = "new flows, rate of `ct state established accept` alone"
_LINEAR = "nftables, linear"

_COLUMNS = (
    "ns a packet",
    "added to empty",
    "of an empty chain",
    "of tracked",
    "first packets, of tracked",
    "established, of tracked",
    "times Firewright's",
)

_HEAD = """# Data plane, side by side

Written by `python -m benchmarks.dataplane` ({title}; {machine}); do not edit. A client, a firewall for each contestant and a
server, in namespaces joined by veth; a program in C sends prepared frames from one core, which also filters and forwards them
before the next are sent. So a time is that of the whole way of a packet of 60 bytes or so, sending included: ns a packet,
the median of rounds in which the contestants took turns, with the lowest and highest round. The machine had other work
meanwhile, so ratios say more than times: each is the median of the rounds' own ratios. Every ruleset stays loaded from first to last.

Traffic: {flows} flows over TCP and UDP, one packet each and again, spread over all rules that open something; nine in ten are
allowed. No flow is answered, so that each packet is a new one to connection tracking and is judged by the rules, even when
its flow is in the table already. "First packets" are flows that are in no table yet: their entry is made, too. In
"established" the server has answered (UDP, allowed flows only).
Before anything is timed, packets at both sides of the edges of {edges} rules and a part of the traffic go through each contestant, and what
arrives is compared with what the policy says, which is compared with the specification (`analysis.decide`) on a part of them.
Whoever lets one wrong packet through, or stops a right one, is WRONG and has no rate; so has who forwards another number of
packets while timed. What is rejected and what is dropped are not told apart here: both do not arrive.

"Of an empty chain" is the rate as a part of an empty chain's, which does not track connections. Tracking alone, with one rule, is
the second row: no stateful ruleset can be above it, so "of tracked" is the part of *its* rate that is left.

"""


class Results:
    """Everything measured in one run."""

    def __init__(self, is_quick: bool) -> None:
        self.is_quick = is_quick
        self.edges = 0
        self._entries: dict[int, list[Entry]] = {}
        self._shapes: list[str] = []

    def add(self, rules: int, entries: Sequence[Entry]) -> None:
        """Keep the entries of a size, and print their table."""
        self._entries[rules] = list(entries)
        print(self._table(rules), flush=True)

    def text(self) -> str:
        """The whole page."""
        title = "quick run" if self.is_quick else "full run"
        head = _HEAD.format(title=title, machine=machine(), flows="16,384", edges=300)
        tables = [self._table(rules) for rules in self._entries]
        return "\n".join([head.rstrip(), "", *self._aims(), "", *tables, *self._shapes]).rstrip() + "\n"

    def _table(self, rules: int) -> str:
        lines = [f"## A policy of {rules:,} rules", ""]
        for family in FAMILIES:
            lines += [
                f"| IPv{family} | {' | '.join(_COLUMNS)} |",
                "|---|---:|---:|---:|---:|---:|---:|---:|",
                *(self._row(rules, one, family) for one in self._entries[rules]),
                "",
            ]
        checked = max(one.checked for one in self._entries[rules])
        return "\n".join([*lines, f"{checked:,} packets were checked through each.", ""])

    def _row(self, rules: int, one: Entry, family: Family) -> str:
        name = f"**{one.name}**" if one.name == OURS else one.name
        if family not in one.known:
            return f"| {name} | - | - | - | - | - | - | {one.said} |"
        known, empty = one.known[family], self._entry(rules, EMPTY).known[family]
        tracked, ours = self._entry(rules, TRACKED), self._entry(rules, OURS).known.get(family)
        cells = [
            f"{known.middle:,.0f} ({min(known.rounds):,.0f}-{max(known.rounds):,.0f})",
            f"{known.middle - empty.middle:,.0f}",
            _part(empty, known),
            _part(tracked.known[family], known),
            _part(tracked.first.get(family), one.first.get(family)),
            _part(tracked.established.get(family), one.established.get(family)),
            f"{ours.part_of(known):.2f}" if ours and one.name not in (OURS, EMPTY, TRACKED) else "",
        ]
        return f"| {name} | {' | '.join(cells)} |"

    def _entry(self, rules: int, name: str) -> Entry:
        return next(one for one in self._entries[rules] if one.name == name)

    def _aims(self) -> list[str]:
        lines = ["| aim | rules | family | wanted | measured | |", "|---|---:|---|---:|---:|---|"]
        for rules in self._entries:
            for family in FAMILIES:
                for name, wanted, found in self._aimed(rules, family):
                    said = "not measured" if found is None else "met" if found >= wanted else "**missed**"
                    if name == _REFERENCE:
                        said = "" if found is None else "for comparison, not an aim"
                    value = "-" if found is None else f"{found:.2f}"
                    lines.append(f"| {name} | {rules:,} | IPv{family} | {wanted:.2f} | {value} | {said} |")
        return lines

    def _aimed(self, rules: int, family: Family) -> list[tuple[str, float, float | None]]:
        entries = {one.name: one.known.get(family) for one in self._entries[rules]}
        ours, empty, tracked = entries[OURS], entries[EMPTY], entries[TRACKED]
        others = [one for name, one in entries.items() if one and name not in (OURS, EMPTY, TRACKED)]
        best = min(others, key=lambda one: one.middle) if others else None
        flows = [self._entry(rules, name).established.get(family) for name in (TRACKED, OURS)]
        aims = [
            ("new flows, rate of an empty chain's", _AIMS[rules][family], _ratio(empty, ours)),
            (
                _REFERENCE,
                _AIMS[rules][family],
                _ratio(tracked, ours),
            ),
            ("rate of the best other contestant's", 1.0, _ratio(best, ours)),
            ("established, of `ct state established accept` alone", _ESTABLISHED, _ratio(*flows)),
        ]
        if rules == 10_000:
            aims.append(("times linear nftables", _AGAINST_LINEAR[family], _ratio(entries[_LINEAR], ours)))
        return aims

    def add_shapes(self, cpu: int) -> None:
        """Measure single statements, and whole shapes of dispatch."""
        self._shapes += ["## Statements", "", _PARTS_SAID, "", *_parts(cpu), ""]
        self._shapes += ["## Shapes of dispatch", "", _SHAPES_SAID, "", *_dispatch(cpu), ""]


_PARTS_SAID = "ns that one of each adds to a packet that nothing tracks; most match nothing."
_SHAPES_SAID = (
    "ns added to a packet that nothing tracks, by so many permissions (from a network to a host and a port, ten a host); every\n"
    "packet hits one, spread over all."
)


def _part(base: Figure | None, one: Figure | None) -> str:
    found = _ratio(base, one)
    return "-" if found is None else f"{found:.2f}"


def _ratio(base: Figure | None, one: Figure | None) -> float | None:
    return None if base is None or one is None else one.part_of(base)


def _parts(cpu: int) -> list[str]:
    columns: dict[str, list[str]] = {}
    for family in FAMILIES:
        world = shapes.world(family, 1_000)
        with Lab(cpu) as lab:
            added = _added(lab, statements.parts(family), shapes.traffic(world, 4_096), rounds=5)
        for name, found in added.items():
            count = int(name.split()[0])
            columns.setdefault(name, []).append("-" if found is None else f"{found / count:.0f}")
    lines = ["| of | IPv4 | IPv6 |", "|---|---:|---:|"]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in columns.items()]


def _dispatch(cpu: int) -> list[str]:
    sizes = (1_000, 10_000, 100_000)
    rows: dict[str, list[str]] = {}
    for size in sizes:
        for family in FAMILIES:
            world = shapes.world(family, size)
            chosen: list[Callable[[shapes.World], str]] = [
                *shapes.DISPATCH,
                *([shapes.linear] if size == 1_000 else []),
            ]
            texts = {_title(one): one for one in chosen}
            if size == 100_000:
                texts = {name: one for name, one in texts.items() if one not in shapes.SLOW_TO_LOAD}
            with Lab(cpu) as lab:
                traffic = shapes.traffic(world, 8_192)
                added = _added(lab, {name: one(world) for name, one in texts.items()}, traffic, rounds=5)
            for name in map(_title, (*shapes.DISPATCH, shapes.linear)):
                found = added.get(name)
                rows.setdefault(name, []).append("-" if found is None else f"{found:,.0f}")
    heads = [f"{size:,} v{family}" for size in sizes for family in FAMILIES]
    lines = [f"| shape | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]


def _title(shape: Callable[[shapes.World], str]) -> str:
    return (shape.__doc__ or "").splitlines()[0]


def _added(lab: Lab, texts: dict[str, str], packets: Sequence[Packet], rounds: int) -> dict[str, float | None]:
    """ns that each text adds to an empty chain; None for one that does not load here."""
    frames = write(packets, lab.folder / "mix")
    empty = lab.lane()
    empty.load(shapes.table("", policy="accept"))
    found: dict[str, float | None] = dict.fromkeys(texts)
    lanes = {}
    for name, text in texts.items():
        lane = lab.lane()
        try:
            lane.load(text)
        except LoadError:
            continue
        lanes[name] = lane
    base, *others = turns([empty, *lanes.values()], frames, 0.06, rounds)
    for name, rates in zip(lanes, others, strict=True):
        found[name] = median(one.nanoseconds for one in rates) - median(one.nanoseconds for one in base)
    return found
