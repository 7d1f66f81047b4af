"""Guessing a packet that no step holds, where many steps come before: a guess can only ever say "here is one"."""

from __future__ import annotations

from firewright.space.bitmap import bits
from firewright.space.index import AtomBox, Index

_STEP, _ADD, _MASK = 6364136223846793005, 1442695040888963407, (1 << 64) - 1
"""Knuth's linear congruential generator, MMIX: the same guesses in every run."""
_WIDENING = 200


def guess(index: Index, box: AtomBox, before: int, tries: int, is_wide: bool) -> AtomBox | None:
    """A part of a box that none of the steps `before` holds, widened if asked; None if a few tries did not hit one."""
    axes = [(axis, box[axis], box[axis].bit_length(), index.axes[axis].held) for axis in index.order]
    state = 1
    for _ in range(tries):
        holding = before
        chosen: dict[int, int] = {}
        for axis, atoms, width, held in axes:
            state = (state * _STEP + _ADD) & _MASK
            # The next atom from a random place on: not evenly spread, which a guess need not be.
            place = (state >> 33) % width
            rest = atoms >> place
            atom = chosen[axis] = (rest & -rest).bit_length() - 1 + place
            holding &= held[atom]
            if not holding:
                return _around(index, box, before, chosen, is_wide)
    return None


def _around(index: Index, box: AtomBox, before: int, chosen: dict[int, int], is_wide: bool) -> AtomBox:
    """A box of chosen atoms, widened if asked, that no step holds; on axes where nothing was chosen everything will do."""
    out = list(box)
    for axis, atom in chosen.items():
        out[axis] = 1 << atom
    for axis in list(chosen) if is_wide else ():
        blocking = before
        for other, atom in chosen.items():
            if other != axis:
                blocking &= index.axes[other].held[atom]
        if blocking.bit_count() <= _WIDENING:
            blocked = 0
            for step in bits(blocking):
                blocked |= index.boxes[step][axis]
            atoms = box[axis] & ~blocked
            # Blocking steps may hold the chosen atom, where an axis widened before keeps them away: then it stays alone.
            if atoms:
                out[axis] = atoms
                del chosen[axis]
    return tuple(out)
