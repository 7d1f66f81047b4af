"""Guessing a packet that no step holds, where many steps come before: a guess can only ever say "here is one"."""

from __future__ import annotations

from collections.abc import Sequence

from firewright.space.bitmap import bits
from firewright.space.index import AtomBox, Index

_STEP, _ADD, _MASK = 6364136223846793005, 1442695040888963407, (1 << 64) - 1
"""Knuth's linear congruential generator, MMIX: the same guesses in every run."""
_WIDENING = 200
_CAREFUL, _LOOKED_AT = 2, 24
"""Tries that choose, on each axis, of so many atoms the one that fewest steps hold."""


def guess(index: Index, box: AtomBox, before: int, tries: int, is_wide: bool) -> AtomBox | None:
    """A part of a box that none of the steps `before` holds, widened if asked; None if a few tries did not hit one.

    First atoms are chosen blindly, at last with care: where thousands of steps each hold a little of a box, a blind choice is
    always in one of them.
    """
    draw = _Draw()
    axes = [(axis, box[axis], index.axes[axis].held) for axis in index.order]
    for careful in (*(False for _ in range(tries)), *(True for _ in range(_CAREFUL))):
        holding = before
        chosen: dict[int, int] = {}
        for axis, atoms, held in axes:
            atom = _least_held(draw, atoms, held, holding) if careful else draw.atom(atoms)
            chosen[axis] = atom
            holding &= held[atom]
            if not holding:
                return _around(index, box, before, chosen, is_wide)
    return None


class _Draw:
    """Atoms drawn one after another, the same in every run."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = 1

    def atom(self, atoms: int) -> int:
        """One of some atoms: the next from a random place on, so not evenly spread, which a guess need not be."""
        self.state = (self.state * _STEP + _ADD) & _MASK
        place = (self.state >> 33) % atoms.bit_length()
        rest = atoms >> place
        return (rest & -rest).bit_length() - 1 + place


def _least_held(draw: _Draw, atoms: int, held: Sequence[int], steps: int) -> int:
    """Of some of the atoms (all, where they are few) the one that fewest of the steps hold."""
    looked_at = bits(atoms) if atoms.bit_count() <= _LOOKED_AT else (draw.atom(atoms) for _ in range(_LOOKED_AT))
    return min(looked_at, key=lambda atom: (held[atom] & steps).bit_count())


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
