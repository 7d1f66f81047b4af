"""A ruleset rule by rule: which steps each rule stands for, and what it does beside deciding.

A program has no step for a rule that only logs, or only calls a chain. So a reader's tree is read once more with **marks** in
it: unknown matches that drop, written where a rule does something beside deciding, or where it calls. Made into steps that
only go on, they say which packets come that far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firewright.space.program import Literals, Program
from firewright.space.ruleset import Line

MARK = "§"
"""The begin of a literal that is a mark; no reader makes one of its own with it."""
Key = tuple[str, str, int]
"""A rule: table, chain, number."""


class Mark(StrEnum):
    """What a mark stands before."""

    EFFECT = "§effect"
    """Something that the rule does beside deciding."""
    CALL = "§call"
    """A call of other chains, or a rule's end that does nothing."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One rule beside its packets.

    `word` is what it decides (a reject with the answer that it gives), "return", or empty where it decides nothing, or several
    things; `effects` are what else it does, `calls` the chains of its table that it may go to; `is_only_call` says that it does
    nothing but jump to them. `is_final` says that no packet comes behind it, whatever it holds; `sets` are the named sets that it asks.
    """

    line: Line
    word: str = ""
    effects: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    is_only_call: bool = False
    is_final: bool = False

    @property
    def key(self) -> Key:
        """Its table, chain and number."""
        return key_of(self.line)


def key_of(line: Line) -> Key:
    """The rule that a line is: table, chain, number (0 for a chain's policy)."""
    return line.table, line.chain, line.number


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of a table that rules may name: a set, a map, a chain, an object of connection tracking, a counter."""

    kind: str
    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A ruleset as its rules.

    `facts` are all rules in the order of the text. `programs` are, under a title each, marked programs: what happens at one
    hook to one family. `judged` are the chains (table, name) that only those programs reach; `idle` those that no base chain
    reaches; `callable` all that are no base chains. `unsure` is empty, or says why rules cannot be judged one by one.
    """

    path: str
    facts: Mapping[Key, Fact]
    programs: tuple[tuple[str, Program], ...]
    judged: frozenset[tuple[str, str]]
    idle: frozenset[tuple[str, str]] = frozenset()
    callable: frozenset[tuple[str, str]] = frozenset()
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """A program whose marks are steps that go on at the next.

    `effects` and `calls` are those steps as bitmaps, `own` all steps of each rule, its marks included; `keys` the rule behind
    each step, None where none is.
    """

    title: str
    program: Program
    effects: int
    calls: int
    keys: tuple[Key | None, ...]
    own: Mapping[Key, int] = field(default_factory=dict)


def marked(title: str, program: Program, facts: Mapping[Key, Fact]) -> Marked:
    """A program that was read with marks in it, as it is without: each mark a step that goes on. O(steps).

    What a reader makes around a mark, for packets of which it holds, is left out. The words of rules that reject say how.
    """
    kinds = [_mark_in(literals) for literals in program.literals]
    kept = [kind is None or program.verdict[step] == "drop" for step, kind in enumerate(kinds)]
    places, place = [], 0
    for is_kept in kept:
        places.append(place)
        place += is_kept
    out = Program(program.family)
    bitmaps = {Mark.EFFECT: 0, Mark.CALL: 0}
    keys: list[Key | None] = []
    own: dict[Key, int] = {}
    for step, (kind, is_kept) in enumerate(zip(kinds, kept, strict=True)):
        if not is_kept:
            continue
        key = _key(program.origin[step])
        verdict = program.verdict[step]
        word = _worded(verdict, facts.get(key)) if isinstance(verdict, str) and kind is None and key else None
        word = verdict if word is None and isinstance(verdict, str) and kind is None else word
        literals = tuple(one for one in program.literals[step] if MARK not in one[0])
        here = out.add(program.box[step], word, program.origin[step], literals)
        if kind is not None:
            bitmaps[kind] |= 1 << here
            out.skip(here, here + 1)
        elif isinstance(verdict, int):
            out.skip(here, places[verdict])
        keys.append(key)
        if key is not None and (kind is not None or not _calls(facts.get(key))):
            own[key] = own.get(key, 0) | 1 << here
    return Marked(title, out.seal(), bitmaps[Mark.EFFECT], bitmaps[Mark.CALL], tuple(keys), own)


def _mark_in(literals: Literals) -> Mark | None:
    for text, _ in literals:
        if MARK in text:
            return Mark.EFFECT if Mark.EFFECT in text else Mark.CALL
    return None


def _key(origin: object) -> Key | None:
    """The rule behind a step; a mark's line may say in its table what it is."""
    if not isinstance(origin, Line):
        return None
    table = origin.table
    for mark in Mark:
        table = table.removeprefix(f"{mark} ")
    return table, origin.chain, origin.number


def _worded(verdict: str, fact: Fact | None) -> str:
    return fact.word if fact is not None and verdict == "reject" and fact.word.startswith("reject") else verdict


def _calls(fact: Fact | None) -> bool:
    return fact is not None and bool(fact.calls)
