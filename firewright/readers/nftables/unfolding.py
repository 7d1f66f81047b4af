"""Chains of steps -> one program: jumps in place, returns as skips, several base chains one behind the other.

A jump from one box is the called chain clipped to that box. A jump from many (a verdict map, a set) is written once: the boxes
skip to it, everything else skips behind it. So a table of a hundred thousand keys calls a chain without copying it. A chain that
accepts whatever comes to it, and of which only bounds are known how, is one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firewright.model.packet import Family
from firewright.readers.nftables.fields import Scene
from firewright.readers.nftables.steps import FINAL, Step
from firewright.readers.nftables.terms import ALWAYS, Term, Terms
from firewright.space.axis import TOPS
from firewright.space.box import EVERY_BOX, Box, join, meet_box
from firewright.space.budget import Undecided
from firewright.space.program import Program, meet_literals, trim
from firewright.space.ruleset import TRANSLATE, Line

MOST_STEPS = 2_000_000
"""Steps that the chains of one hook may unfold to."""
MOST_CALLS = 200_000
"""Calls that are followed at one hook: chains that do nothing add no step, and may call each other more often than anybody waits."""
_COPIED = 1
_HULL = 512


@dataclass(frozen=True, slots=True)
class Base:
    """A base chain: its table and name, how its packets see rules, its policy and the line behind that."""

    table: str
    chain: str
    scene: Scene
    policy: str
    origin: Line


class Loop(Exception):
    """Chains that call each other in a circle; the text names them."""


class Unfolding:
    """Writes the base chains of one hook into one program.

    `steps` are the rules of each chain by its table, name and scene, `lines` every rule by its number.
    """

    def __init__(
        self,
        family: Family,
        steps: Mapping[tuple[str, str, Scene], Sequence[Sequence[Step]]],
        lines: Sequence[Line],
    ) -> None:
        self.family, self.steps, self.lines = family, steps, lines
        self.base: Base
        self.out = Program(family)
        self.is_last = False
        self.accepts: list[int] = []
        self.accepting: dict[tuple[str, str, Scene], bool] = {}
        self.bounded: dict[tuple[str, str, Scene], bool] = {}
        self.calls = 0

    def program(self, bases: Sequence[Base]) -> Program:
        """The program of these base chains, in order. Raises Loop, LookupError for a chain that does not exist, Undecided."""
        for place, base in enumerate(bases):
            self.is_last = place == len(bases) - 1
            self.base, self.accepts = base, []
            returns: list[int] = []
            self._chain(base.chain, (EVERY_BOX, ()), returns, (base.chain,))
            self._land(returns)
            self._final((EVERY_BOX, ()), base.policy, base.origin)
            self._land(self.accepts)
        return trim(self.out).seal()

    def _land(self, waiting: Sequence[int]) -> None:
        for step in waiting:
            self.out.skip(step, len(self.out))

    def _final(self, term: Term, word: str, origin: Line) -> None:
        if word == "accept" and not self.is_last:
            self.accepts.append(self.out.add(term[0], None, origin, term[1]))
        else:
            self.out.add(term[0], word, origin, term[1])

    def _clipped(self, terms: Terms, within: Term) -> list[Term]:
        if within == (EVERY_BOX, ()):
            return list(terms)
        out = []
        for box, literals in terms:
            met = meet_box(box, within[0], self.family)
            read = meet_literals(literals, within[1]) if met is not None else None
            if met is not None and read is not None:
                out.append((met, read))
        return out

    def _chain(self, name: str, within: Term, returns: list[int], stack: tuple[str, ...]) -> bool:
        """Write a chain for the packets of a term. True if it decides or sends back every one of them itself."""
        rules = self.steps.get((self.base.table, name, self.base.scene))
        if rules is None:
            raise LookupError(f"no chain is called {name!r}")
        for rule in rules:
            for step in rule:
                if self._step(step, within, returns, stack):
                    return True
            if len(self.out) > MOST_STEPS:
                raise Undecided(f"the chains unfold to more than {MOST_STEPS:,} steps")
        return False

    def _step(self, step: Step, within: Term, returns: list[int], stack: tuple[str, ...]) -> bool:
        """Write a step. True if no packet of the term comes behind it."""
        terms = self._clipped(step.terms, within)
        if not terms:
            return False
        origin = self.lines[step.rule]
        unless = self._clipped(step.unless, within) if step.unless else ()
        around = [self.out.add(box, None, origin, literals) for box, literals in unless]
        word, target = step.verdict.word, step.verdict.target
        is_whole = within in terms
        if word in FINAL or word == TRANSLATE:
            for term in terms:
                self._final(term, word, origin)
        elif word == "return":
            returns += [self.out.add(box, None, origin, literals) for box, literals in terms]
        else:
            decided = self._called(target, terms, within, word == "goto", origin, returns, stack)
            is_whole = is_whole and decided
        self._land(around)
        return is_whole and not around

    def _called(
        self,
        target: str,
        terms: list[Term],
        within: Term,
        is_goto: bool,
        origin: Line,
        returns: list[int],
        stack: tuple[str, ...],
    ) -> bool:
        """Write a called chain. True if every packet that calls it is decided or sent on in it."""
        if target in stack:
            raise Loop("chains call each other in a circle: " + " -> ".join((*stack, target)))
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Undecided(f"the chains unfold to more than {MOST_CALLS:,} calls")
        if self._accepts_all(target) and self._is_bounded(target):
            for term in terms:
                self._final(term, "accept", origin)
            return True
        behind: list[int] = []
        inner = terms[0] if len(terms) == _COPIED else (self._hull(terms, within), within[1])
        if len(terms) > _COPIED:
            entering = [self.out.add(box, None, origin, literals) for box, literals in terms]
            behind.append(self.out.add(inner[0], None, origin, inner[1]))
            self._land(entering)
        back: list[int] = []
        decided = self._chain(target, inner, back, (*stack, target))
        if is_goto:
            returns += back
            if not decided:
                returns.append(self.out.add(inner[0], None, origin, inner[1]))
        else:
            behind += back
        self._land(behind)
        return is_goto or (decided and not back)

    def _accepts_all(self, name: str) -> bool:
        """Whether a chain accepts every packet that calls it, by itself or by the chains that it goes to."""
        key = (self.base.table, name, self.base.scene)
        if key not in self.accepting:
            self.accepting[key] = False  # so is one that calls itself
            steps = [step for rule in self.steps.get(key, ()) for step in rule]
            is_whole = any(step.terms == ALWAYS and not step.unless for step in steps)
            self.accepting[key] = is_whole and all(
                step.verdict.word == "accept"
                or (step.verdict.word in ("goto", "jump") and self._accepts_all(step.verdict.target))
                for step in steps
            )
        return self.accepting[key]

    def _is_bounded(self, name: str) -> bool:
        """Whether some rule of a chain that accepts all, or of those that it goes to, is not known exactly."""
        key = (self.base.table, name, self.base.scene)
        if key not in self.bounded:
            self.bounded[key] = any(
                any(literals for _, literals in step.terms)
                or (bool(step.verdict.target) and self._is_bounded(step.verdict.target))
                for rule in self.steps[key]
                for step in rule
            )
        return self.bounded[key]

    def _hull(self, terms: list[Term], within: Term) -> Box:
        """A box around the terms: what the called chain need look at."""
        if len(terms) > _HULL:
            return within[0]
        tops = TOPS[self.family]
        return tuple(
            join(column, top) for column, top in zip(zip(*(box for box, _ in terms), strict=True), tops, strict=True)
        )
