"""What a machine's own rulesets do with packets: every one of them must let a packet pass, and each is only known in bounds.

No policy is needed: the zones of a question are the built-in ones, and `private` for what is not globally reachable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from firewright.analysis.passage import OPENERS, passage_words
from firewright.analysis.question import Question
from firewright.analysis.words import FlowWords, Namer
from firewright.model.interval import Ranges, complement
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.axis import TCP_SERVICES, Axis, top
from firewright.space.bounds import possibly, surely
from firewright.space.box import Box, box, meet_box
from firewright.space.flow import Flow
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import Hook, Line, Ruleset, machine

OTHER_SERVICES: Mapping[Family, Ranges] = {
    family: complement(TCP_SERVICES, top(family, Axis.SERVICE)) for family in FAMILIES
}


@dataclass(frozen=True, slots=True)
class Part:
    """Packets of a question that the same rules decide: in words, one of them, the verdict, and the rule of each ruleset.

    `is_open` says that every ruleset accepts, `is_certain` that it is so however what is not understood is read;
    `line` is the rule that stops them, or the last that lets them pass, None where no base chain judges them.
    """

    flows: tuple[Flow, ...]
    words: tuple[FlowWords, ...]
    witness: Packet
    verdict: str
    is_certain: bool
    line: Line | None

    @property
    def is_open(self) -> bool:
        """Whether these packets pass."""
        return self.verdict == "accept"


@dataclass(frozen=True)
class Running:
    """The rulesets on a machine's hooks, as one decision: a packet must pass every one."""

    rulesets: tuple[Ruleset, ...]

    @cached_property
    def programs(self) -> tuple[Mapping[Family, Program], ...]:
        """The whole decision of each ruleset."""
        return tuple(map(machine, self.rulesets))

    @cached_property
    def surely(self) -> PacketSet:
        """The packets that pass however what is not understood is read."""
        passing = EVERYTHING
        for programs in self.programs:
            passing = passing & surely(programs, "accept")
        return passing

    @cached_property
    def possibly(self) -> PacketSet:
        """The packets that pass under some reading of what is not understood."""
        passing = EVERYTHING
        for programs in self.programs:
            passing = passing & possibly(programs, "accept")
        return passing

    @cached_property
    def conditionally(self) -> PacketSet:
        """The packets that pass where the conditions hold that no axis has: limits, marks, hop limits, each read the same everywhere."""
        passing = EVERYTHING
        for programs in self.programs:
            passing = passing & PacketSet.decided(programs, "accept")
        return passing

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every rule."""
        return tuple(line for ruleset in self.rulesets for line in ruleset.lines)

    @property
    def bounded(self) -> tuple[Line, ...]:
        """The rules that are only known in bounds."""
        return tuple(line for ruleset in self.rulesets for line in ruleset.bounded)

    @property
    def translations(self) -> tuple[Line, ...]:
        """The rules that change addresses or ports."""
        return tuple(line for ruleset in self.rulesets for line in ruleset.translations)

    def at(self, *hooks: Hook) -> Running:
        """The same rulesets as far as they hook there: for packets whose addresses are changed on their way."""
        return Running(
            tuple(
                replace(ruleset, hooks={hook: ruleset.hooks[hook] for hook in hooks if hook in ruleset.hooks})
                for ruleset in self.rulesets
            )
        )

    def parts(self, question: Question, namer: Namer) -> tuple[Part, ...]:
        """The exact answer to a question about flows that begin: what passes first, then by the rules. Raises Undecided."""
        found: dict[object, tuple[list[Flow], str, bool, Line | None]] = {}
        for family, boxes in question.within().items():
            for within in boxes:
                for flows, verdict, line in self.judged(family, within):
                    for flow in flows:
                        is_certain = self._is_certain(flow, verdict == "accept")
                        place = None if line is None else (line.table, line.chain, line.number, line.text)
                        key = (verdict, is_certain, place)
                        found.setdefault(key, ([], verdict, is_certain, line))[0].append(flow)
        parts = [
            Part(tuple(flows), passage_words(flows, namer), witness(flows[0]), verdict, is_certain, line)
            for flows, verdict, is_certain, line in found.values()
        ]
        return tuple(sorted(parts, key=lambda part: (not part.is_open, not part.is_certain, part.words)))

    def judged(self, family: Family, within: Box) -> Iterable[tuple[tuple[Flow, ...], str, Line | None]]:
        """A question in parts, each with its verdict and the rule behind it. Raises Undecided."""
        programs = [one[family] for one in self.programs] or [_passing(family)]
        middle = [one[family] for one in self._middle]
        for opening in openings(family, within):
            for part in partition([*programs, *middle], family, opening):
                steps = list(zip([*programs, *middle], part.deciders, strict=True))
                verdicts = [str(program.verdict[step]) for program, step in steps[: len(programs)]]
                stop = next((place for place, word in enumerate(verdicts) if word != "accept"), None)
                asked = steps[len(programs) :][::-1] if stop is None else steps[stop : stop + 1]
                origins = (program.origin[step] for program, step in asked)
                line = next((one for one in origins if isinstance(one, Line)), None)
                yield part.flows, "accept" if stop is None else verdicts[stop], line

    @cached_property
    def _middle(self) -> tuple[Mapping[Family, Program], ...]:
        """The decision of the filtering hooks alone: where a packet passes everything, it is their rule that people look for."""
        if not any(hook in (Hook.PREROUTING, Hook.POSTROUTING) for ruleset in self.rulesets for hook in ruleset.hooks):
            return self.programs
        return self.at(Hook.INPUT, Hook.FORWARD, Hook.OUTPUT).programs

    def _is_certain(self, flow: Flow, is_open: bool) -> bool:
        if not self.bounded:
            return True
        against = ~self.surely if is_open else self.possibly
        return against.is_empty({flow.family: flow.box})


def openings(family: Family, within: Box) -> Iterable[Box]:
    """The packets of a box with which a flow can begin: of TCP only those with the flags for it."""
    tcp = box(family, service=TCP_SERVICES, tcp_flags=OPENERS)
    other = box(family, service=OTHER_SERVICES[family])
    for one in (tcp, other):
        met = None if one is None else meet_box(within, one, family)
        if met is not None:
            yield met


def witness(flow: Flow) -> Packet:
    """One packet of a flow."""
    packet = PacketSet.of({flow.family: [flow.box]}).witness()
    if packet is None:
        raise AssertionError("a flow holds at least one packet")
    return packet


def _passing(family: Family) -> Program:
    return machine(Ruleset("", {}))[family]
