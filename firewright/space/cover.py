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
    narrow_first = tuple(reversed(axes))
    while todo:
        meter.nodes += 1
        if meter.nodes > meter.limit:
            raise Undecided(f"the proof looked at {meter.limit} boxes and is not at its end")
        left, kept = _pare(*todo.pop(), boxes, narrow_first, used)
        if left is None:
            continue
        keep, pivot = _overlapping(left, kept, boxes, narrow_first)
        if not keep:
            return left
        keep.remove(pivot)
        if used is not None:
            used.add(pivot)
        _cut(left, boxes[pivot], axes, keep, todo)
    return None


def _pare(
    box: AtomBox, candidates: Sequence[int], boxes: Sequence[AtomBox], axes: Sequence[int], used: set[int] | None
) -> tuple[AtomBox | None, list[int]]:
    """What is left of a box when all that can be is cut off it whole, and the candidates that may still share a packet with it.

    None for the box if nothing is left. A candidate that is open on two axes is looked at no further: it is not cut off.
    """
    while True:
        keep: list[int] = []
        is_cut = False
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
                    if opened:
                        opened = 2
                        break
                    opened, last, cut = 1, axis, shared
            if opened < 0:
                continue
            if opened > 1:
                keep.append(candidate)
                continue
            if used is not None:
                used.add(candidate)
            if opened == 0:
                return None, keep
            # From now on less is asked; those looked at before, which may hold all of that, are looked at once more.
            box = (*box[:last], box[last] ^ cut, *box[last + 1 :])
            is_cut = bool(keep)
        if not is_cut:
            return box, keep
        candidates = keep


def _overlapping(
    box: AtomBox, candidates: Sequence[int], boxes: Sequence[AtomBox], axes: Sequence[int]
) -> tuple[list[int], int]:
    """The candidates that share a packet with a box, and the one of them that is open on fewest axes."""
    keep: list[int] = []
    fewest, pivot = 99, -1
    for candidate in candidates:
        other = boxes[candidate]
        opened = 0
        for axis in axes:
            here = box[axis]
            shared = here & other[axis]
            if shared != here:
                if not shared:
                    break
                opened += 1
        else:
            keep.append(candidate)
            if opened < fewest:
                fewest, pivot = opened, candidate
    return keep, pivot


def _cut(
    box: AtomBox, by: AtomBox, axes: Sequence[int], keep: Sequence[int], todo: list[tuple[AtomBox, Sequence[int]]]
) -> None:
    left = list(box)
    for axis in axes:
        outside = left[axis] & ~by[axis]
        if outside:
            todo.append(((*left[:axis], outside, *left[axis + 1 :]), keep))
            left[axis] &= by[axis]
