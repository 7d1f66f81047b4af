"""Sentences about what programs decide, in negation normal form: negation lives in the words of a leaf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from firewright.model.packet import Family
from firewright.space.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Decides:
    """The packets that a program (one for each family) decides with one of these words; `every` are all its words."""

    programs: Mapping[Family, Program]
    words: frozenset[str]
    every: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class AllOf:
    """The packets that every part holds."""

    parts: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    """The packets that some part holds."""

    parts: tuple[Sentence, ...]


Sentence = Decides | AllOf | AnyOf


def negate(sentence: Sentence) -> Sentence:
    """The packets that the sentence does not hold."""
    match sentence:
        case Decides(programs, words, every):
            return Decides(programs, every - words, every)
        case AllOf(parts):
            return AnyOf(tuple(map(negate, parts)))
        case AnyOf(parts):
            return AllOf(tuple(map(negate, parts)))
        case _:
            assert_never(sentence)


def both(a: Sentence, b: Sentence) -> Sentence:
    """What two sentences share, without nesting."""
    return AllOf((*(a.parts if isinstance(a, AllOf) else (a,)), *(b.parts if isinstance(b, AllOf) else (b,))))


def either(a: Sentence, b: Sentence) -> Sentence:
    """What at least one of two sentences holds, without nesting."""
    return AnyOf((*(a.parts if isinstance(a, AnyOf) else (a,)), *(b.parts if isinstance(b, AnyOf) else (b,))))


def leaves_of(sentence: Sentence) -> list[Decides]:
    """The leaves, from left to right."""
    if isinstance(sentence, Decides):
        return [sentence]
    return [leaf for part in sentence.parts for leaf in leaves_of(part)]
