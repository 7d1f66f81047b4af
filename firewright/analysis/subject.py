"""Subjects: a policy, a ruleset or a document of ports, each as one decision over every packet, whatever it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from firewright.analysis.passage import world
from firewright.model.decision import Decision, Outcome
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy
from firewright.source import NOWHERE, Span
from firewright.space.axis import HOST
from firewright.space.bounds import possibly, surely
from firewright.space.box import box
from firewright.space.packetset import PacketSet
from firewright.space.program import Hop, Program
from firewright.space.ruleset import Hook, Line, Ruleset, machine

ACCEPT = "accept"
"""The word by which a subject lets a packet through; "drop" and "reject" are the others."""


UNSAID = "unsaid"
"""The word of a document where it says nothing."""
_FILTERING = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)


class Kind(StrEnum):
    """What a subject was read from."""

    POLICY = "policy"
    RULESET = "ruleset"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Place:
    """What decided in its own words, the firewall that it stands in, and where; `at` is NOWHERE where no file says it."""

    firewall: str
    words: str
    at: Span = field(compare=False, default=NOWHERE)

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.firewall, self.words)))


@dataclass(frozen=True)
class Subject:
    """One decision over every packet, with the names in which it is told.

    `programs` decide with "accept", "drop" and "reject"; their origins are whatever `place_of` knows. `vocabulary` is the
    policy whose zones name its addresses: its own, or one with the built-in zones alone. `families` are those that the text
    says something of: of others nothing is known, although the programs accept them. `bounded` are the rules of which only
    bounds are known, `translations` those that change addresses. `telling` are, where more than the filtering hooks
    decide, the programs of those alone: where everything is passed it is their rule that people look for.
    """

    kind: Kind
    name: str
    path: str
    programs: Mapping[Family, Program]
    vocabulary: Policy
    families: tuple[Family, ...] = FAMILIES
    lines: tuple[Line, ...] = ()
    translations: tuple[Line, ...] = ()
    telling: Mapping[Family, Program] | None = None
    has_states: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "programs", MappingProxyType(dict(self.programs)))

    @property
    def answers(self) -> bool:
        """Whether it tells a refusal from silence: a document only says what is to pass."""
        return self.kind is not Kind.DOCUMENT

    @property
    def bounded(self) -> tuple[Line, ...]:
        """The rules of which some match was not understood."""
        return tuple(line for line in self.lines if line.unknown or line.refused)

    @cached_property
    def surely(self) -> PacketSet:
        """The packets that pass however what is not understood is read."""
        return surely(self.programs, ACCEPT)

    @cached_property
    def possibly(self) -> PacketSet:
        """The packets that pass under some reading of what is not understood."""
        return possibly(self.programs, ACCEPT)

    def place_of(self, origin: object) -> Place:
        """What a step's origin is in words, and where it stands; of a document the row."""
        decision = decision_of(origin)
        if self.kind is not Kind.DOCUMENT or decision is None:
            return place_of(origin)
        if decision.rule is None:
            return Place("", "no row speaks of it", Span(self.path, 0, 0, 0))
        return Place("", decision.rule.because or decision_words(decision), decision.at)


def of_ruleset(ruleset: Ruleset, name: str = "", families: tuple[Family, ...] = FAMILIES) -> Subject:
    """A ruleset that a machine loads: what enters, leaves and passes the machine."""
    filtering = {hook: programs for hook, programs in ruleset.hooks.items() if hook in _FILTERING}
    return Subject(
        Kind.RULESET,
        name or ruleset.path,
        ruleset.path,
        machine(ruleset),
        world(ruleset.path),
        families,
        ruleset.lines,
        ruleset.translations,
        None if len(filtering) == len(ruleset.hooks) else machine(replace(ruleset, hooks=filtering)),
    )


def of_policy(policy: Policy, programs: Mapping[Family, Program], *, has_states: bool) -> Subject:
    """A policy by programs whose origins are its decisions, or the hops that lead to them: by the words of their actions."""
    plain = {family: plainly(program) for family, program in programs.items()}
    return Subject(Kind.POLICY, policy.name, policy.path, plain, policy, has_states=has_states)


def said_only(subject: Subject) -> Subject:
    """A subject of a document as far as the document goes: what no row decides, and no policy could know of it, is left open.

    That is what passes no firewall, what every machine needs, and what the firewall itself sends and receives unless a row
    speaks of it: there it decides "unsaid", which differs from nothing. O(steps).
    """
    programs = {family: _said_only(program) for family, program in subject.programs.items()}
    return replace(subject, programs=programs)


def _said_only(program: Program) -> Program:
    out = Program(program.family)
    last = len(program) - 1
    for step, verdict in enumerate(program.verdict):
        if step == last:
            for own in (box(program.family, in_interface=HOST), box(program.family, out_interface=HOST)):
                if own is not None:
                    out.add(own, UNSAID)
        decision = decision_of(program.origin[step])
        is_said = decision is None or decision.rule is not None or decision.outcome is Outcome.CLOSED
        word = None if not isinstance(verdict, str) else verdict if is_said else UNSAID
        literals = program.literals[step] if is_said else ()
        out.add(program.box[step], word, program.origin[step], literals)
        if isinstance(verdict, int):
            out.skip(step, verdict)
    return out.seal()


def plainly(program: Program) -> Program:
    """A program of a policy, whose words become those of its decisions' actions. O(steps)."""
    out = Program(program.family)
    for step, verdict in enumerate(program.verdict):
        decision = decision_of(program.origin[step])
        word = None if not isinstance(verdict, str) else decision.action.value if decision else verdict
        out.add(program.box[step], word, program.origin[step], program.literals[step])
        if isinstance(verdict, int):
            out.skip(step, verdict)
    return out.seal()


def decision_of(origin: object) -> Decision | None:
    """The decision of a policy behind a step, None where a ruleset decided, or nobody."""
    inner = origin.origin if isinstance(origin, Hop) else origin
    return inner if isinstance(inner, Decision) else None


def line_of(origin: object) -> Line | None:
    """The rule of a ruleset behind a step, None where a policy decided, or nobody."""
    inner = origin.origin if isinstance(origin, Hop) else origin
    return inner if isinstance(inner, Line) else None


def place_of(origin: object) -> Place:
    """What a step's origin is in words, and where it stands: a rule of a ruleset, a decision of a policy, or nothing."""
    if (line := line_of(origin)) is not None:
        return Place(line.place, line.text, line.at)
    if (decision := decision_of(origin)) is not None:
        return Place(decision.firewall.name, decision_words(decision), decision.at)
    return Place("", "nothing judges it, so it passes")


def decision_words(decision: Decision) -> str:
    """A policy's decision in one line: the rule as it was written with its reason, or why there is none."""
    rule = decision.rule
    if rule is None:
        return decision.reason or decision.outcome.value
    words = ", ".join(term.word for term in rule.terms) or "any"
    said = f"{rule.verb}: [{words}]" if len(rule.terms) > 1 else f"{rule.verb}: {words}"
    named = f"{rule.name}: {said}" if rule.name else said
    return f"{named}  ({rule.because})" if rule.because else named
