"""The one primitive of every proof: is a box inside the union of others, and where not?"""

from collections.abc import Sequence

from firewright.space.budget import Meter, Undecided
from firewright.space.index import AtomBox


def cover(
    box: AtomBox,
    candidates: Sequence[int],
    boxes: Sequence[AtomBox],
    axes: Sequence[int],
    meter: Meter,
    used: set[int] | None = None,
) -> AtomBox | None:
    """None if a box is inside the union of the candidates among `boxes`, else a part of it that is outside all of them.

    A candidate that holds the box ends the search there; one that is open on a single axis is cut off without branching;
    else the one that is open on fewest axes cuts the box into pieces. Exact; exponential in the number of axes at worst,
    so counted: Undecided when the meter runs out. `used` gathers the candidates that a proof of "inside" rests on.
    """
    todo = [(box, candidates)]
    while todo:
        meter.nodes += 1
        if meter.nodes > meter.limit:
            raise Undecided(f"the proof looked at {meter.limit} boxes and is not at its end")
        left, keep, pivot = _pare(*todo.pop(), boxes, axes, used)
        if left is None:
            continue
        if not keep:
            return left
        keep.remove(pivot)
        if used is not None:
            used.add(pivot)
        _cut(left, boxes[pivot], axes, keep, todo)
    return None


def _pare(
    box: AtomBox, candidates: Sequence[int], boxes: Sequence[AtomBox], axes: Sequence[int], used: set[int] | None
) -> tuple[AtomBox | None, list[int], int]:
    """What is left of a box when all that can be is cut off it whole, the candidates left, and the one open on fewest axes.

    None for the box if nothing is left.
    """
    while True:
        keep: list[int] = []
        fewest, pivot, is_cut = 99, -1, False
        for candidate in candidates:
            other = boxes[candidate]
            opened = 0
            for axis in axes:
                here = box[axis]
                shared = here & other[axis]
                if shared != here:
                    if not shared:
                        opened = -1
                        break
                    opened += 1
                    last, cut = axis, shared
            if opened < 0:
                continue
            if opened > 1:
                keep.append(candidate)
                if opened < fewest:
                    fewest, pivot = opened, candidate
                continue
            if used is not None:
                used.add(candidate)
            if opened == 0:
                return None, keep, pivot
            # From now on less is asked; those looked at before, which may hold all of that, are looked at once more.
            box = (*box[:last], box[last] ^ cut, *box[last + 1 :])
            is_cut = bool(keep)
        if not is_cut:
            return box, keep, pivot
        candidates = keep


def _cut(
    box: AtomBox, by: AtomBox, axes: Sequence[int], keep: Sequence[int], todo: list[tuple[AtomBox, Sequence[int]]]
) -> None:
    left = list(box)
    for axis in axes:
        outside = left[axis] & ~by[axis]
        if outside:
            todo.append(((*left[:axis], outside, *left[axis + 1 :]), keep))
            left[axis] &= by[axis]
