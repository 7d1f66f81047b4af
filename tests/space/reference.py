"""A world small enough to ask about every packet: its own membership, its own chains, nothing of the engine.

Each axis is cut into a few segments. A match names segments; a cell is one segment of each axis. Whatever is said in segments
is true of all packets of a cell or of none, so asking each cell is asking every packet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

NAMES = (
    "in_interface",
    "out_interface",
    "source",
    "destination",
    "conntrack_state",
    "service",
    "source_port",
    "tcp_flags",
)
Cell = tuple[int, ...]
Match = Mapping[str, frozenset[int]]
"""For some axes the segments that match; the others are free."""


def _name(text: str) -> int:
    return int.from_bytes(text.encode().ljust(16, b"\0"), "big")


_TCP, _UDP = 6 << 16, 17 << 16
CUTS: dict[int, tuple[tuple[int, ...], ...]] = {
    family: (
        (0, 1, _name("eth0"), _name("eth0") + 1),
        (0, 1),
        (0, 1 << bits - 2, (1 << bits - 2) + 256),
        (0, 7 << bits - 4, 15 << bits - 4),
        (0, 1, 3),
        (0, _TCP, _TCP | 22, _TCP | 23, 7 << 16, _UDP, 18 << 16),
        (0, 1024),
        (0, 2, 3),
    )
    for family, bits in ((4, 32), (6, 128))
}
"""Where the segments of each axis begin."""
ENDS = {
    family: ((1 << 128) - 1, (1 << 128) - 1, (1 << bits) - 1, (1 << bits) - 1, 4, (1 << 24) - 1, 65535, 255)
    for family, bits in ((4, 32), (6, 128))
}
WITH_PORTS, TCP_ONLY = frozenset((1, 2, 3, 5)), frozenset((1, 2, 3))
"""Segments of the service axis whose packets have ports here, and flags."""


def segment(family: int, axis: int, number: int) -> tuple[int, int]:
    """The first and the last number of a segment."""
    cuts = CUTS[family][axis]
    return cuts[number], (cuts[number + 1] - 1 if number + 1 < len(cuts) else ENDS[family][axis])


def cells(family: int) -> list[Cell]:
    """Every cell."""
    return list(product(*(range(len(cuts)) for cuts in CUTS[family])))


def cell_of(family: int, numbers: Sequence[int]) -> Cell:
    """The cell of a packet."""
    return tuple(
        sum(1 for cut in cuts if cut <= number) - 1 for cuts, number in zip(CUTS[family], numbers, strict=True)
    )


def holds(match: Match, cell: Cell) -> bool:
    """Whether a match holds the packets of a cell."""
    return all(cell[NAMES.index(name)] in segments for name, segments in match.items())


@dataclass(frozen=True)
class Line:
    """A rule of a chain: `verdict` is a decision, `return`, `continue`, `jump:NAME`, `goto:NAME` or `skip:PLACE`."""

    match: Match
    verdict: str
    unknown: tuple[str, bool] | None = None
    """A match that nobody understands, and how it must read."""


def applies(line: Line, cell: Cell, reading: Mapping[str, bool]) -> bool:
    """Whether a line matches under a reading of what is not understood."""
    return holds(line.match, cell) and (line.unknown is None or reading[line.unknown[0]] == line.unknown[1])


def run_list(lines: Sequence[Line], cell: Cell, reading: Mapping[str, bool]) -> int:
    """The place of the line of a list that decides, skips followed."""
    place = 0
    while True:
        line = lines[place]
        if not applies(line, cell, reading):
            place += 1
        elif line.verdict.startswith("skip:"):
            place = int(line.verdict[5:])
        else:
            return place


def run_hook(
    chains: Mapping[str, tuple[Sequence[Line], str]], bases: Sequence[str], cell: Cell, reading: Mapping[str, bool]
) -> str:
    """What becomes of a packet that passes the base chains of a hook, as nft(8) says: packet by packet, with a stack."""
    for base in bases:
        word = run_chain(chains, base, cell, reading) or chains[base][1]
        if word != "accept":
            return word
    return "accept"


def run_chain(
    chains: Mapping[str, tuple[Sequence[Line], str]], name: str, cell: Cell, reading: Mapping[str, bool]
) -> str | None:
    """The decision of a chain, None if the packet falls off its end or returns."""
    for line in chains[name][0]:
        if not applies(line, cell, reading):
            continue
        kind, _, callee = line.verdict.partition(":")
        if kind in ("accept", "drop", "reject"):
            return kind
        if kind == "return":
            return None
        if kind == "goto":
            return run_chain(chains, callee, cell, reading)
        if kind == "jump":
            word = run_chain(chains, callee, cell, reading)
            if word is not None:
                return word
    return None


# -- random worlds ---------------------------------------------------------------------------------------------------


def random_match(random: Random, family: int) -> Match:
    """A few axes constrained; ports and flags only where packets have them."""
    found: dict[str, frozenset[int]] = {}
    for axis, name in enumerate(NAMES[:6]):
        if random.random() < (0.5 if axis in (2, 3, 5) else 0.2):
            found[name] = _some(random, len(CUTS[family][axis]))
    for name, services in (("source_port", WITH_PORTS), ("tcp_flags", TCP_ONLY)):
        if random.random() < 0.15:
            shared = found.get("service", services) & services
            if shared:
                found["service"] = shared
                found[name] = _some(random, len(CUTS[family][NAMES.index(name)]))
    return found


def _some(random: Random, count: int) -> frozenset[int]:
    return frozenset(random.sample(range(count), random.randint(1, count)))


def random_list(random: Random, family: int, longest: int = 7, *, skips: float, unknown: float) -> list[Line]:
    """A list of lines that decides every packet; `skips` and `unknown` say how often a line is so."""
    count = random.randint(0, longest)
    lines = []
    for place in range(count):
        verdict = random.choice(("accept", "drop", "reject"))
        if random.random() < skips:
            verdict = f"skip:{random.randint(place + 1, count)}"
        text = (random.choice("xy"), random.random() < 0.5) if random.random() < unknown else None
        lines.append(Line(random_match(random, family), verdict, text))
    return [*lines, Line({}, random.choice(("accept", "drop")))]


def readings() -> Iterator[dict[str, bool]]:
    """Every reading of the two matches that nobody understands."""
    for one, other in product((False, True), repeat=2):
        yield {"x": one, "y": other}
