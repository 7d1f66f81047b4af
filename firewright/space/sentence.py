"""Sentences about what programs decide, in negation normal form: negation lives in the words of a leaf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from firewright.model.packet import FAMILIES, Family
from firewright.space.box import EVERY_BOX, Box
from firewright.space.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Decides:
    """The packets that a program (one for each family) decides with one of these words; `every` are all its words.

    A union's programs are made by `union_of`.
    """

    programs: Mapping[Family, Program]
    words: frozenset[str]
    every: frozenset[str]
    is_union: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AllOf:
    """The packets that every part holds."""

    parts: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    """The packets that some part holds."""

    parts: tuple[Sentence, ...]


Sentence = Decides | AllOf | AnyOf
_IN, _OUT = "in", "out"
_INSIDE, _OUTSIDE = frozenset((_IN,)), frozenset((_OUT,))


def negate(sentence: Sentence) -> Sentence:
    """The packets that the sentence does not hold."""
    match sentence:
        case Decides(words=words, every=every):
            return replace(sentence, words=every - words)
        case AllOf(parts):
            return AnyOf(tuple(map(negate, parts)))
        case AnyOf(parts):
            return AllOf(tuple(map(negate, parts)))
        case _:
            assert_never(sentence)


def both(a: Sentence, b: Sentence) -> Sentence:
    """What two sentences share, without nesting; complements of unions become the complement of one union."""
    parts = (*(a.parts if isinstance(a, AllOf) else (a,)), *(b.parts if isinstance(b, AllOf) else (b,)))
    merged = _merged(parts, _OUTSIDE)
    return merged[0] if len(merged) == 1 else AllOf(merged)


def either(a: Sentence, b: Sentence) -> Sentence:
    """What at least one of two sentences holds, without nesting; unions become one union."""
    parts = (*(a.parts if isinstance(a, AnyOf) else (a,)), *(b.parts if isinstance(b, AnyOf) else (b,)))
    merged = _merged(parts, _INSIDE)
    return merged[0] if len(merged) == 1 else AnyOf(merged)


def union_of(boxes: Mapping[Family, Iterable[Box]]) -> Decides:
    """The packets that are in one of the boxes of their family."""
    programs = {}
    for family in FAMILIES:
        program = programs[family] = Program(family)
        for box in dict.fromkeys(boxes.get(family, ())):
            program.add(box, _IN)
        program.add(EVERY_BOX, _OUT)
        program.seal()
    return Decides(programs, _INSIDE, _INSIDE | _OUTSIDE, is_union=True)


def _merged(parts: tuple[Sentence, ...], words: frozenset[str]) -> tuple[Sentence, ...]:
    """Parts in which all unions, or all complements of unions, are one: however many are written, one list is searched."""
    unions = [part for part in parts if isinstance(part, Decides) and part.is_union and part.words == words]
    if len(unions) < 2:
        return parts
    one = union_of(
        {family: [box for union in unions for box in union.programs[family].box[:-1]] for family in FAMILIES}
    )
    rest = (part for part in parts if not any(part is union for union in unions))
    return replace(one, words=words), *rest
