"""PacketSet: a set of packets, exact, as a sentence about first-match programs.

Writing a sentence costs nothing; each question is answered by one search, and a no comes with a packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.axis import point
from firewright.space.box import Box
from firewright.space.flow import Flow
from firewright.space.program import Program
from firewright.space.question import enumerate_flows, find_box, find_packet
from firewright.space.sentence import AllOf, AnyOf, Decides, Sentence, both, either, negate, union_of

Within = Mapping[Family, Box]
"""A question: for each family that is asked, the box in which; a family that is missing is not asked."""


@dataclass(frozen=True, slots=True, eq=False)
class PacketSet:
    """An immutable set of packets of both families. Made by `of` and `decided`, combined by | & - ~, asked by the rest.

    Literals (matches that are not understood) are free: equal text reads equally throughout a question.
    Every question may raise Undecided, within the budget of `budget.budget`; none ever guesses.
    """

    sentence: Sentence

    @classmethod
    def of(cls, boxes: Mapping[Family, Iterable[Box | None]]) -> PacketSet:
        """The packets that are in one of the boxes of their family. A None among them is no box and adds nothing.

        ValueError for a family that is neither 4 nor 6.
        """
        if strange := set(boxes) - set(FAMILIES):
            raise ValueError(f"there is no IPv{min(strange)}")
        return cls(union_of({family: [box for box in boxes[family] if box is not None] for family in boxes}))

    @classmethod
    def decided(cls, programs: Mapping[Family, Program], *words: str) -> PacketSet:
        """The packets that the programs, one for each family, decide with one of these words.

        ValueError if a family has no program, or a program does not decide every packet.
        """
        if missing := [family for family in FAMILIES if family not in programs]:
            raise ValueError(f"no program says what becomes of IPv{missing[0]}; both families need one")
        for family in FAMILIES:
            if programs[family].family != family:
                raise ValueError(f"a program of IPv{programs[family].family} cannot decide IPv{family}")
            programs[family].seal()
        every = frozenset(words).union(*(programs[family].words for family in FAMILIES))
        return cls(Decides({family: programs[family] for family in FAMILIES}, frozenset(words), every))

    def __or__(self, other: PacketSet) -> PacketSet:
        return PacketSet(either(self.sentence, other.sentence))

    def __and__(self, other: PacketSet) -> PacketSet:
        return PacketSet(both(self.sentence, other.sentence))

    def __invert__(self) -> PacketSet:
        return PacketSet(negate(self.sentence))

    def __sub__(self, other: PacketSet) -> PacketSet:
        return self & ~other

    def witness(self, within: Within | None = None) -> Packet | None:
        """One packet of the set inside the question, as realistic as the set allows; None if there is none.

        The packet is checked against the programs step by step, which shares no code with the search.
        """
        for family in FAMILIES:
            if within is None or family in within:
                found = find_packet(self.sentence, family, None if within is None else within[family])
                if found is not None:
                    packet, assumed = found
                    if not _holds(self.sentence, packet, assumed):
                        raise AssertionError(f"the search and the programs disagree about {packet}")
                    return packet
        return None

    def is_empty(self, within: Within | None = None) -> bool:
        """Whether no packet of the question is in the set."""
        asked = FAMILIES if within is None else within
        return all(find_box(self.sentence, each, None if within is None else within[each]) is None for each in asked)

    def __contains__(self, packet: Packet) -> bool:
        """Whether one packet is in the set; literals are taken not to hold."""
        return _holds(self.sentence, packet, {})

    def __le__(self, other: PacketSet) -> bool:
        return (self - other).is_empty()

    def __ge__(self, other: PacketSet) -> bool:
        return other <= self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PacketSet):
            return NotImplemented
        return self <= other and other <= self

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        """Refused: `if some_set` could mean either `is_empty` or its opposite."""
        raise TypeError("ask a packet set `is_empty()`")

    def flows(self, family: Family, within: Within | None = None) -> tuple[Flow, ...]:
        """The set inside the question as few disjoint products, sorted. Equal sets have equal flows.

        Undecided if there are more products than the budget's cells; never a part of the answer.
        """
        if within is not None and family not in within:
            return ()
        return enumerate_flows(self.sentence, family, None if within is None else within[family])


def _holds(sentence: Sentence, packet: Packet, assumed: Mapping[str, bool]) -> bool:
    match sentence:
        case Decides(programs=programs, words=words):
            program = programs[packet.family]
            return program.verdict[program.decide(point(packet), assumed)] in words
        case AllOf(parts):
            return all(_holds(part, packet, assumed) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, packet, assumed) for part in parts)
        case _:
            assert_never(sentence)


EMPTY = PacketSet.of({})
"""No packet."""
EVERYTHING = ~EMPTY
"""Every packet of both families."""
