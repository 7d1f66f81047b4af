"""Folding: the same set, or the same program, in fewer boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from firewright.model.packet import Family
from firewright.space.axis import TOPS
from firewright.space.bitmap import bitmap_of
from firewright.space.box import Box, Value, join
from firewright.space.index import Index
from firewright.space.program import Literals, Program, Verdict


@dataclass(frozen=True, slots=True)
class Merged:
    """Where a folded step comes from: the origins of the steps in it, in order."""

    origins: tuple[object, ...]


def fold_boxes(boxes: Iterable[Box], family: Family) -> list[Box]:
    """The union of boxes in fewer boxes: those that differ on one axis only become one, axis by axis, until none does.

    Exact and greedy; disjoint boxes stay disjoint. O(passes x axes x n).
    """
    rows = list(dict.fromkeys(boxes))
    if not rows:
        return rows
    tops = TOPS[family]
    axes = [axis for axis in range(len(tops)) if any(row[axis] != rows[0][axis] for row in rows)]
    shrunk = True
    while shrunk and len(rows) > 1:
        shrunk = False
        for axis in axes:
            alike: dict[Box, list[Value]] = {}
            for row in rows:
                alike.setdefault(row[:axis] + row[axis + 1 :], []).append(row[axis])
            if len(alike) < len(rows):
                shrunk = True
                rows = [(*rest[:axis], join(values, tops[axis]), *rest[axis:]) for rest, values in alike.items()]
    return rows


def fold(program: Program) -> Program:
    """The same decisions by fewer steps.

    Two steps conflict where they overlap and differ in verdict. The longest chain of conflicts before a step is its layer;
    the steps of a layer commute, so each layer is folded, verdict by verdict. Nothing moves across a place where a skip
    lands, and the last step stays the last. A merged step's origin is a `Merged`.
    """
    program.seal()
    count = len(program)
    landings = sorted({0, count - 1, count, *(verdict for verdict in program.verdict if isinstance(verdict, int))})
    index = Index([program], program.family)
    by_verdict: dict[Verdict, list[int]] = {}
    for step, verdict in enumerate(program.verdict):
        by_verdict.setdefault(verdict, []).append(step)
    alike = {verdict: bitmap_of(steps, count) for verdict, steps in by_verdict.items()}
    out = Program(program.family)
    places: dict[int, int] = {}
    pending: list[tuple[int, int]] = []
    for start, end in pairwise(landings):
        places[start] = len(out)
        for layer in _layers(index, program, alike, start, end):
            _write_layer(program, layer, out, pending)
    for step, target in pending:
        out.skip(step, places[target])
    return out


def fold_runs(program: Program) -> Program:
    """The same decisions by fewer steps, cheaply: neighbours with one verdict become one group, and each group is folded.

    Nothing moves across another verdict or a place where a skip lands, and the last step stays the last. A merged step's
    origin is a `Merged`. O(n), without an index; `fold` finds more.
    """
    program.seal()
    last = len(program) - 1
    landings = {verdict for verdict in program.verdict if isinstance(verdict, int)}
    out = Program(program.family)
    places: dict[int, int] = {}
    pending: list[tuple[int, int]] = []
    start = 0
    while start <= last:
        verdict, end = program.verdict[start], start + 1
        while end < last and program.verdict[end] == verdict and end not in landings:
            end += 1
        places[start] = len(out)
        _write_layer(program, range(start, end), out, pending)
        start = end
    for step, target in pending:
        out.skip(step, places[target])
    return out


def _layers(index: Index, program: Program, alike: dict[Verdict, int], start: int, end: int) -> list[list[int]]:
    """The steps from `start` to before `end`, by the longest chain of conflicts before each."""
    masks: list[int] = []
    layers: list[list[int]] = []
    for step in range(start, end):
        conflicts = ((1 << step) - (1 << start)) & ~alike[program.verdict[step]]
        values = index.values[step]
        for axis in index.order:
            if not conflicts:
                break
            conflicts &= index.overlapping[axis][values[axis]]
        depth = 0
        if conflicts:
            depth = next((at + 1 for at in range(len(masks) - 1, -1, -1) if masks[at] & conflicts), 0)
        if depth == len(layers):
            masks.append(0)
            layers.append([])
        masks[depth] |= 1 << step
        layers[depth].append(step)
    return layers


def _write_layer(program: Program, steps: Sequence[int], out: Program, pending: list[tuple[int, int]]) -> None:
    groups: dict[tuple[Verdict, Literals], list[int]] = {}
    for step in steps:
        groups.setdefault((program.verdict[step], program.literals[step]), []).append(step)
    for (verdict, literals), group in groups.items():
        boxes = [program.box[step] for step in group]
        origins = tuple(program.origin[step] for step in group)
        origin = origins[0] if len(origins) == 1 else Merged(origins)
        for box in fold_boxes(boxes, program.family) if len(boxes) > 1 else boxes:
            place = out.add(box, verdict if isinstance(verdict, str) else None, origin, literals)
            if isinstance(verdict, int):
                pending.append((place, verdict))
