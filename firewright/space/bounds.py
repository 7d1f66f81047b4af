"""What a program surely and what it possibly decides, where it has matches that are not understood.

Each occurrence of such a match is read anew for the better (possibly) or for the worse (surely), so the two bounds hold
whatever the match means. Where there is none they are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heappop, heappush

from firewright.model.packet import FAMILIES, Family
from firewright.space.box import EVERY_BOX
from firewright.space.budget import Undecided
from firewright.space.packetset import PacketSet
from firewright.space.program import Program, trim

_YES, _NO = "possible", "impossible"


def possibly(programs: Mapping[Family, Program], *words: str) -> PacketSet:
    """The packets that the programs decide with one of these words under some reading of what is not understood."""
    return PacketSet.decided({family: _possible(programs[family], words) for family in FAMILIES}, _YES)


def surely(programs: Mapping[Family, Program], *words: str) -> PacketSet:
    """The packets that the programs decide with one of these words however what is not understood is read."""
    others = {family: _possible(programs[family], programs[family].words - frozenset(words)) for family in FAMILIES}
    return PacketSet.decided(others, _NO)


def _possible(program: Program, words: Collection[str]) -> Program:
    """A program without literals that says where some reading decides with one of the words.

    Readings are threads: a set of places at which the packet may be, of which the first is followed and the rest wait. A
    thread that decides otherwise ends; a step that is not understood and skips splits one thread in two.
    """
    program.seal()
    out = Program(program.family)
    start = frozenset((0,))
    todo: list[tuple[int, tuple[int, ...]]] = [(0, (0,))]
    seen = {start}
    at: dict[frozenset[int], int] = {}
    pending: list[tuple[int, frozenset[int]]] = []

    def follow(step: int, threads: frozenset[int]) -> None:
        pending.append((step, threads))
        if threads not in seen:
            seen.add(threads)
            heappush(todo, (min(threads), tuple(sorted(threads))))

    while todo:
        if len(at) > 4 * len(program) + 10_000:
            raise Undecided("too many readings of matches that are not understood")
        _, places = heappop(todo)
        threads = frozenset(places)
        at[threads] = len(out)
        step, waiting = places[0], threads - {places[0]}
        box, verdict, weak = program.box[step], program.verdict[step], bool(program.literals[step])
        if isinstance(verdict, int):
            target = waiting | {verdict} | ({step + 1} if weak else set())
            follow(out.add(box, None), frozenset(target))
        elif verdict in words:
            out.add(box, _YES)
        elif not weak:
            if waiting:
                follow(out.add(box, None), waiting)
            else:
                out.add(box, _NO)
        if step + 1 < len(program):
            follow(out.add(EVERY_BOX, None), waiting | {step + 1})
    for step, threads in pending:
        out.skip(step, at[threads])
    if not isinstance(out.verdict[-1], str):
        raise AssertionError("the last step of a program decides, whatever is waiting")
    return trim(out)
