"""Chains that jump, go and return, unfolded into one first-match list.

A jump puts the callee in place, clipped to the caller's box: who falls through meets the next step. A return skips to behind
the callee. A goto is the callee and then a skip to the caller's own return place. In a base chain with another behind it on
the hook, accept skips to that one; drop and reject are final.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from firewright.model.packet import Family
from firewright.space.bitmap import bitmap_of
from firewright.space.box import EVERY_BOX, Box, meet_box, minus_box
from firewright.space.budget import Undecided
from firewright.space.fold import fold_boxes
from firewright.space.index import Index
from firewright.space.program import Literals, Program, meet_literals, trim


@dataclass(frozen=True, slots=True)
class Final:
    """Decide: accept, drop, reject."""

    word: str


@dataclass(frozen=True, slots=True)
class Jump:
    """Ask another chain; who falls off its end, or returns, meets the next rule."""

    chain: str


@dataclass(frozen=True, slots=True)
class Goto:
    """Go to another chain for good: its end is this chain's end."""

    chain: str


@dataclass(frozen=True, slots=True)
class Return:
    """Go back to where this chain was called from; in a base chain its policy decides."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Match, and go on: counters, logs, marks."""


Target = Final | Jump | Goto | Return | Continue


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of packets that are in one of the boxes, where the literals read so."""

    boxes: tuple[Box, ...]
    target: Target
    origin: object = None
    literals: Literals = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order. `policy` (accept, drop) decides at the end of a base chain."""

    rules: tuple[Rule, ...]
    policy: str = "accept"
    origin: object = None


def verdict_map(
    entries: Iterable[tuple[Box, Target, object]], family: Family, literals: Literals = ()
) -> tuple[Rule, ...]:
    """The rules that a lookup in a verdict map amounts to: one for each distinct target, its keys folded into products.

    Keys that overlap under different targets keep their order, first match first.
    """
    rows = list(entries)
    groups: dict[Target, list[Box]] = {}
    origins: dict[Target, object] = {}
    for box, target, origin in rows:
        groups.setdefault(target, []).append(box)
        origins.setdefault(target, origin)
    folded = {target: fold_boxes(boxes, family) for target, boxes in groups.items()}
    if _overlap(list(folded.values()), family):
        return tuple(Rule((box,), target, origin, literals) for box, target, origin in _first_only(rows, family))
    return tuple(Rule(tuple(boxes), target, origins[target], literals) for target, boxes in folded.items())


def _overlap(groups: Sequence[list[Box]], family: Family) -> bool:
    flat = [(number, box) for number, boxes in enumerate(groups) for box in boxes]
    if len(flat) <= 64:
        return any(
            one != other and meet_box(a, b, family) is not None
            for place, (one, a) in enumerate(flat)
            for other, b in flat[:place]
        )
    program = Program(family)
    for number, box in flat:
        program.add(box, str(number))
    program.add(EVERY_BOX, "none")
    return _conflicting(program)


def _conflicting(program: Program) -> bool:
    """Whether two steps with different verdicts overlap, the last step aside."""
    index = Index([program], program.family)
    last = len(program) - 1
    steps: dict[str, list[int]] = {}
    for step in range(last):
        steps.setdefault(str(program.verdict[step]), []).append(step)
    alike = {verdict: bitmap_of(own, last) for verdict, own in steps.items()}
    for step in range(last):
        others = ((1 << last) - 1) & ~alike[str(program.verdict[step])]
        for axis in index.order:
            others &= index.overlapping[axis][index.values[step][axis]]
            if not others:
                break
        if others:
            return True
    return False


def _first_only(rows: Sequence[tuple[Box, Target, object]], family: Family) -> Iterable[tuple[Box, Target, object]]:
    """Overlapping keys made disjoint: a lookup finds one element, the first."""
    for place, (box, target, origin) in enumerate(rows):
        pieces = [box]
        for earlier, _, _ in rows[:place]:
            pieces = [piece for old in pieces for piece in minus_box(old, earlier, family)]
        for piece in pieces:
            yield piece, target, origin


def unfold(
    chains: Mapping[str, Chain], hook: Sequence[str], family: Family, *, last: str = "accept", limit: int = 2_000_000
) -> Program:
    """One program for the base chains of a hook, in order of priority: a packet passes every one of them.

    `last` is the word for having passed all. LookupError for a chain that does not exist, RecursionError for chains that call
    each other in a circle, Undecided if there are more steps than `limit`, or more calls than a
    quarter of that: chains that do nothing add no step.
    """
    if not hook:
        raise ValueError("a hook without base chains decides nothing")
    unfolding = _Unfolding(chains, family, limit)
    for place, name in enumerate(hook):
        unfolding.base(name, last if place == len(hook) - 1 else None)
    return trim(unfolding.out)


class _Unfolding:
    def __init__(self, chains: Mapping[str, Chain], family: Family, limit: int) -> None:
        self.chains, self.family, self.limit = chains, family, limit
        self.out = Program(family)
        self.passed: str | None = None
        self.accepts: list[int] = []
        self.calls = 0

    def base(self, name: str, passed: str | None) -> None:
        """A base chain: `passed` is the word of its accept, None if another base chain follows."""
        self.passed, self.accepts = passed, []
        chain = self._called(name, ())
        returns: list[int] = []
        self._chain(chain, EVERY_BOX, (), returns, (name,))
        for step in returns:
            self.out.skip(step, len(self.out))
        self._decide(EVERY_BOX, (), chain.policy, chain.origin)
        for step in self.accepts:
            self.out.skip(step, len(self.out))

    def _called(self, name: str, stack: tuple[str, ...]) -> Chain:
        if name in stack:
            raise RecursionError("chains call each other in a circle: " + " -> ".join((*stack, name)))
        if name not in self.chains:
            raise LookupError(f"no chain is called {name!r}")
        self.calls += 1
        if self.calls > self.limit // 4:
            raise Undecided(f"the chains unfold to more than {self.limit // 4} calls")
        return self.chains[name]

    def _decide(self, box: Box, literals: Literals, word: str, origin: object) -> None:
        if word == "accept":
            step = self.out.add(box, self.passed, origin, literals)
            if self.passed is None:
                self.accepts.append(step)
        else:
            self.out.add(box, word, origin, literals)

    def _chain(self, chain: Chain, box: Box, literals: Literals, returns: list[int], stack: tuple[str, ...]) -> None:
        """Write a chain clipped to a box; steps that go back to its caller are put in `returns`."""
        for rule in chain.rules:
            if isinstance(rule.target, Continue):
                continue
            read = meet_literals(literals, rule.literals)
            if read is None:
                continue
            for own in rule.boxes:
                clipped = meet_box(box, own, self.family)
                if clipped is not None:
                    self._rule(rule, rule.target, clipped, read, returns, stack)
            if len(self.out) > self.limit:
                raise Undecided(f"the chains unfold to more than {self.limit} steps")

    def _rule(
        self,
        rule: Rule,
        target: Final | Jump | Goto | Return,
        box: Box,
        literals: Literals,
        returns: list[int],
        stack: tuple[str, ...],
    ) -> None:
        match target:
            case Final(word):
                self._decide(box, literals, word, rule.origin)
            case Return():
                returns.append(self.out.add(box, None, rule.origin, literals))
            case Jump(name):
                back: list[int] = []
                self._chain(self._called(name, stack), box, literals, back, (*stack, name))
                for step in back:
                    self.out.skip(step, len(self.out))
            case Goto(name):
                self._chain(self._called(name, stack), box, literals, returns, (*stack, name))
                returns.append(self.out.add(box, None, rule.origin, literals))
            case _:
                assert_never(target)
