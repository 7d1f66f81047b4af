"""A ruleset that a machine has loaded, as programs: one for each hook and family, with the line behind every step.

Readers of nftables and of iptables both end here. A packet passes the hooks on its way one after the other; `machine` joins
them, so that "may this packet enter, leave or pass" is one question about one program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from firewright.diagnostic import Diagnostic
from firewright.model.packet import FAMILIES, Family
from firewright.source import NOWHERE, Span
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import EVERY_BOX, Box, box, meet_box
from firewright.space.program import Program, trim

TRANSLATE = "translate"
"""The word for a packet that is given another destination."""


class Hook(StrEnum):
    """Where on its way through the machine a packet is judged (netfilter's own names, in order of a packet's way)."""

    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


@dataclass(frozen=True, slots=True)
class Line:
    """One rule of a ruleset, or the policy of a chain (number 0).

    `table` is named with its family (`inet filter`); `number` counts from 1 in the chain; `text` is the rule in the words of
    the program that lists it, harmless to print; `unknown` are the matches that were only bounded; `refused` says why a rule
    could not be read at all, and then it is taken to do anything. `at` never decides equality.
    """

    table: str
    chain: str
    number: int
    text: str
    comment: str = ""
    at: Span = field(default=NOWHERE, compare=False)
    unknown: tuple[str, ...] = ()
    refused: str = ""

    @property
    def place(self) -> str:
        """Where the rule stands, in words: table, chain and its number there."""
        where = f"{self.table} {self.chain}"
        return f"{where} rule {self.number}" if self.number else f"{where} policy"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What a listing means: for each hook the programs of both families, and every rule behind them.

    `hooks` has no entry for a hook that no base chain of type filter or route hooks: there every packet passes. The word for
    having passed all base chains of a hook is "accept". Each step's origin is a `Line`, or None where no base chain judges the
    family. `instants` are the epoch seconds that rules compare the time with; `translations` the rules that change addresses
    or ports of packets, so that hooks behind them see others than hooks before. `rewriting` says of packets that come in and
    begin a flow which rule gives them another destination: it decides "translate", its origin is that rule. It is empty where
    nothing does, or where that is not followed.
    """

    path: str
    hooks: Mapping[Hook, Mapping[Family, Program]]
    lines: tuple[Line, ...] = ()
    instants: tuple[int, ...] = ()
    translations: tuple[Line, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    rewriting: Mapping[Family, Program] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frozen = {hook: MappingProxyType(dict(programs)) for hook, programs in self.hooks.items()}
        object.__setattr__(self, "hooks", MappingProxyType(frozen))
        object.__setattr__(self, "rewriting", MappingProxyType(dict(self.rewriting)))

    @property
    def bounded(self) -> tuple[Line, ...]:
        """The rules of which some match was not understood, so that only bounds of their meaning are known."""
        return tuple(line for line in self.lines if line.unknown or line.refused)


_WAYS: tuple[tuple[bool, bool, tuple[Hook, ...]], ...] = (
    (True, True, (Hook.OUTPUT, Hook.POSTROUTING, Hook.PREROUTING, Hook.INPUT)),
    (True, False, (Hook.OUTPUT, Hook.POSTROUTING)),
    (False, True, (Hook.PREROUTING, Hook.INPUT)),
    (False, False, (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING)),
)
"""Whether a packet comes from the host itself, whether it is for the host itself, and the hooks that it then passes."""


def machine(ruleset: Ruleset, families: Iterable[Family] = FAMILIES) -> Mapping[Family, Program]:
    """The decision of the whole machine over every packet: each passes the hooks on its way, in order.

    From the host (no in-interface) by output and postrouting, to the host by prerouting and input, between interfaces by
    prerouting, forward and postrouting; from the host to itself by all of its own. A hook without base chains accepts; so
    does having passed them all. O(steps).
    """
    return {family: _machine(ruleset, family) for family in families}


def _machine(ruleset: Ruleset, family: Family) -> Program:
    out = Program(family)
    for from_host, to_host, hooks in _WAYS:
        within = box(
            family,
            in_interface=HOST if from_host else ANY_INTERFACE,
            out_interface=HOST if to_host else ANY_INTERFACE,
        )
        programs = [ruleset.hooks[hook][family] for hook in hooks if hook in ruleset.hooks]
        if within is None:
            raise AssertionError("every way has packets")
        for place, program in enumerate(programs):
            _append(out, program, within, is_last=place == len(programs) - 1)
    out.add(EVERY_BOX, "accept")
    return trim(out).seal()


def _append(out: Program, program: Program, within: Box, *, is_last: bool) -> None:
    """Write a program behind another, clipped to a box; where more is to be passed, its accept goes on behind it."""
    program.seal()
    clipped = [meet_box(one, within, program.family) for one in program.box]
    places, place = [], len(out)
    for one in clipped:
        places.append(place)
        place += one is not None
    for index, one in enumerate(clipped):
        if one is None:
            continue
        verdict = program.verdict[index]
        word = verdict if isinstance(verdict, str) and (is_last or verdict != "accept") else None
        here = out.add(one, word, program.origin[index], program.literals[index])
        if word is None:
            out.skip(here, places[verdict] if isinstance(verdict, int) else place)


def merged(*rulesets: Ruleset) -> Ruleset:
    """Rulesets that are in force at once, nft's and those of iptables: at each hook a packet passes all that have it.

    What is accepted is exact; where several stop a packet, the word is that of the first given. ValueError without any.
    O(steps).
    """
    if not rulesets:
        raise ValueError("no rulesets are no ruleset: an open machine has one without hooks")
    hooks: dict[Hook, dict[Family, Program]] = {}
    for hook in Hook:
        parts = [ruleset.hooks[hook] for ruleset in rulesets if hook in ruleset.hooks]
        if parts:
            hooks[hook] = {family: _in_series([part[family] for part in parts], family) for family in FAMILIES}
    return Ruleset(
        " + ".join(dict.fromkeys(ruleset.path for ruleset in rulesets)),
        hooks,
        tuple(line for ruleset in rulesets for line in ruleset.lines),
        tuple(sorted({instant for ruleset in rulesets for instant in ruleset.instants})),
        tuple(line for ruleset in rulesets for line in ruleset.translations),
        tuple(diagnostic for ruleset in rulesets for diagnostic in ruleset.diagnostics),
        rulesets[0].rewriting if not any(ruleset.translations for ruleset in rulesets[1:]) else {},
    )


def _in_series(programs: Sequence[Program], family: Family) -> Program:
    out = Program(family)
    for place, program in enumerate(programs):
        _append(out, program, EVERY_BOX, is_last=place == len(programs) - 1)
    return trim(out).seal()
