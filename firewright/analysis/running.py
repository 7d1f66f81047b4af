"""What a machine's own rulesets do with packets: every one of them must let a packet pass, and each is only known in bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from firewright.analysis.alike import rule_named
from firewright.analysis.cutting import regions
from firewright.analysis.passage import OPENERS
from firewright.model.interval import Ranges, complement
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.axis import TCP_SERVICES, Axis, top
from firewright.space.bounds import possibly, surely
from firewright.space.box import Box, box, meet_box
from firewright.space.flow import Flow
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import TRANSLATE, Hook, Line, Ruleset, machine

OTHER_SERVICES: Mapping[Family, Ranges] = {
    family: complement(TCP_SERVICES, top(family, Axis.SERVICE)) for family in FAMILIES
}


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

    @cached_property
    def _places(self) -> Mapping[str, Line]:
        """Every rule by its place."""
        return {line.place: line for line in self.lines}

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

    def regions(self, family: Family, within: Box) -> Iterator[tuple[Box, Running]]:
        """Disjoint boxes, together a question, each with the same for its packets alone: short programs, cheap to ask."""
        whole = [*self.programs, *self._middle]
        for inner, cut in regions([programs[family] for programs in whole], family, within):
            short = tuple({**programs, family: own} for programs, own in zip(whole, cut, strict=True))
            count = len(self.programs)
            yield inner, _Inside(self.rulesets, short[:count], short[count:], self._places)

    @cached_property
    def rewriting(self) -> Mapping[Family, Program]:
        """Which rule gives packets that come in another destination: where one ruleset does, and it is followed."""
        found = [one.rewriting for one in self.rulesets if one.translations]
        followed = found[0] if len(found) == 1 else {}
        return {family: program for family, program in followed.items() if TRANSLATE in program.words}

    @cached_property
    def before_rewriting(self) -> Running:
        """The hooks that see packets with the destination that they came with."""
        return self.at(Hook.PREROUTING)

    @cached_property
    def behind_rewriting(self) -> Running:
        """The hooks that see packets with the destination that they are given."""
        return self.at(Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)

    def judged(self, family: Family, within: Box) -> Iterable[tuple[tuple[Flow, ...], str, Line | None]]:
        """A question in parts, each with its verdict and the rule behind it. Raises Undecided."""
        for opening in openings(family, within):
            yield from self.decided(family, opening)

    def decided(self, family: Family, within: Box) -> Iterable[tuple[tuple[Flow, ...], str, Line | None]]:
        """The packets of a box, whether they begin a flow or not, each part with its verdict and the rule behind it. Raises Undecided."""
        programs = [one[family] for one in self.programs] or [_passing(family)]
        middle = [one[family] for one in self._middle]
        for part in partition([*programs, *middle], family, within):
            steps = list(zip([*programs, *middle], part.deciders, strict=True))
            verdicts = [str(program.verdict[step]) for program, step in steps[: len(programs)]]
            stop = next((place for place, word in enumerate(verdicts) if word != "accept"), None)
            asked = steps[len(programs) :][::-1] if stop is None else steps[stop : stop + 1]
            origins = (program.origin[step] for program, step in asked)
            line = next((one for one in origins if isinstance(one, Line)), None)
            yield part.flows, "accept" if stop is None else verdicts[stop], line

    def unknown_in(self, flow: Flow) -> tuple[Line, ...]:
        """The rules that are not understood and on whose reading it hangs what becomes of a flow: those whose conditions it has.

        Where it has none, every such rule that speaks of some of its packets.
        """
        asked = {text for text, _ in flow.literals}
        rules = self._places if asked else {}
        found: dict[str, Line] = {}
        for programs in self.programs:
            program = programs[flow.family]
            for one, literals, origin in zip(program.box, program.literals, program.origin, strict=True):
                texts = [text for text, _ in literals if text in asked] if asked else [text for text, _ in literals]
                if texts and isinstance(origin, Line) and meet_box(one, flow.box, flow.family) is not None:
                    lines = (rules.get(rule_named(text), origin) for text in texts)
                    found.update((line.place, line) for line in lines)
        return tuple(found.values())

    @cached_property
    def _middle(self) -> tuple[Mapping[Family, Program], ...]:
        """The decision of the filtering hooks alone: where a packet passes everything, it is their rule that people look for."""
        if not any(hook in (Hook.PREROUTING, Hook.POSTROUTING) for ruleset in self.rulesets for hook in ruleset.hooks):
            return self.programs
        return self.at(Hook.INPUT, Hook.FORWARD, Hook.OUTPUT).programs


@dataclass(frozen=True)
class _Inside(Running):
    """Rulesets as far as a box of packets meets them."""

    cut: tuple[Mapping[Family, Program], ...]
    cut_middle: tuple[Mapping[Family, Program], ...]
    places: Mapping[str, Line]

    @cached_property
    def programs(self) -> tuple[Mapping[Family, Program], ...]:
        """See Running."""
        return self.cut

    @cached_property
    def _middle(self) -> tuple[Mapping[Family, Program], ...]:
        return self.cut_middle

    @cached_property
    def _places(self) -> Mapping[str, Line]:
        return self.places


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
