"""A listing -> Ruleset: every base chain of type filter and route, by hook, priority and family, as one program each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.model.packet import FAMILIES, Family
from firewright.readers.nftables.collecting import without_collecting
from firewright.readers.nftables.conditions import Conditions
from firewright.readers.nftables.fields import UNSAID, Scene
from firewright.readers.nftables.frames import PASSED, FrameChain, before, bounded_lines, stopped
from firewright.readers.nftables.instants import instants_in
from firewright.readers.nftables.steps import Reading, Step
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Handover,
    ListedChain,
    ListedRule,
    ListedTable,
    Listing,
    Pairs,
    Reference,
    Statement,
    Translate,
    Verdict,
    VerdictMap,
)
from firewright.readers.nftables.unfolding import Base, Loop, Unfolding
from firewright.source import Span
from firewright.space.box import EVERY_BOX
from firewright.space.budget import Undecided
from firewright.space.program import Program
from firewright.space.ruleset import TRANSLATE, Hook, Line, Ruleset

_FAMILIES: dict[str, tuple[Family, ...]] = {"inet": (4, 6), "ip": (4,), "ip6": (6,)}
_TRACKING = -200
"""The priority at which connection tracking sees packets; base chains of prerouting and output before it know no state."""
_JUDGING = ("filter", "route")
_REWRITTEN = tuple(f"{name} {part}" for name in ("ip", "ip6") for part in ("saddr", "daddr"))
_PORTS = ("sport", "dport")
_SETTING = re.compile(r"((?:meta|ct|ip6?|tcp|udp|th|sctp|dccp|udplite) \w+) set ")

_FRAMES = "it sees frames, not the packets of this report"
"""Why a rule is refused that can only let frames pass, count or change them."""


@dataclass(frozen=True, slots=True)
class _Base:
    table: ListedTable
    chain: ListedChain
    hook: Hook


def encode(listing: Listing, instant: float | None = None, families: Collection[Family] = FAMILIES) -> Ruleset:
    """The meaning of a listing at an instant (epoch seconds); without one, what compares the time is a literal.

    `families` are those whose programs are wanted: nothing is said of the others, and they take no time.
    Total: what cannot be read is bounded, and said in the diagnostics. O(rules x families x hooks that reach them) and the
    elements of the sets that they name.
    """
    with without_collecting():
        return _Encoder(listing, instant, families).ruleset()


class _Encoder:
    def __init__(self, listing: Listing, instant: float | None, families: Collection[Family]) -> None:
        self.listing, self.instant = listing, instant
        self.families = {word: tuple(family for family in its if family in families) for word, its in _FAMILIES.items()}
        self.tables = [table for table in listing.tables if table.family in _FAMILIES]
        self.diagnostics: list[Diagnostic] = list(listing.diagnostics)
        self.rules: list[tuple[ListedTable, ListedChain, int, ListedRule]] = []
        self.first: dict[tuple[str, str], int] = {}
        for table in self.tables:
            for chain in table.chains.values():
                self.first[table.title, chain.name] = len(self.rules)
                self.rules += ((table, chain, place, rule) for place, rule in enumerate(chain.rules, 1))
        self.changed = frozenset(key for *_, rule in self.rules for part in rule.statements for key in _changes(part))
        self.conditions: dict[tuple[str, Scene], Conditions] = {}
        self.steps: dict[tuple[str, str, Scene], list[list[Step]]] = {}
        self.unknown: dict[int, dict[str, None]] = {}
        self.refused: dict[int, str] = {}
        self.lines: list[Line] = []
        self.at = Span(listing.path, 0, 0, 0)
        self.framed = tuple(self.frame_chains())
        self.drops = {
            (hook, family): [
                drop
                for one in self.framed
                if one.hook is hook
                for drop in stopped(one, family, instant, self.can_drop, self.at)
            ]
            for hook in dict.fromkeys(one.hook for one in self.framed)
            for family in self.families["inet"]
        }
        self.by_frames = bounded_lines(self.drops)

    def ruleset(self) -> Ruleset:
        bases = self.bases()
        for base in bases:
            for family in self.families[base.table.family]:
                self.read(base.table, base.chain.name, self.scene(base, family))
        rewriters = self.rewriters()
        for base in rewriters:
            for family in self.families[base.table.family]:
                self.read(base.table, base.chain.name, self.scene(base, family))
        self.read_the_rest()
        self.lines = [self.line(number) for number in range(len(self.rules))]
        hooks = {}
        for hook in Hook:
            own = [base for base in bases if base.hook is hook]
            if own or any(self.drops.get((hook, family)) for family in self.families["inet"]):
                hooks[hook] = {
                    family: before(self.program(own, family), self.drops.get((hook, family), []))
                    for family in self.families["inet"]
                }
        return Ruleset(
            self.listing.path,
            hooks,
            (*self.lines, *self.frames()),
            tuple(sorted(instants_in(self.tables))),
            tuple(self.translations()),
            tuple(self.diagnostics),
            {family: self.program(rewriters, family, self.translating()) for family in self.families["inet"]}
            if rewriters
            else {},
        )

    def rewriters(self) -> list[_Base]:
        """The base chains that give packets that come in another destination, by priority.

        None where packets are judged behind them at the same hook, or rules write addresses themselves: that is not followed.
        """
        found, last = [], None
        for table in self.tables:
            for chain in table.chains.values():
                if chain.hook != Hook.PREROUTING or table.is_dormant:
                    continue
                if chain.kind == "nat":
                    found.append(_Base(table, chain, Hook.PREROUTING))
                else:
                    last = max(chain.priority, chain.priority if last is None else last)
        if any(_is_rewritten(key) for key in self.changed):
            return []
        if found and last is not None and last >= min(base.chain.priority for base in found):
            return []
        found.reverse()
        return sorted(found, key=lambda base: base.chain.priority)

    def translating(self) -> dict[tuple[str, str, Scene], list[list[Step]]]:
        """The steps, in which rules that translate say so."""
        numbers = {
            number
            for number, (*_, rule) in enumerate(self.rules)
            if any(isinstance(part, Translate) for part in rule.statements)
        }
        return {
            key: [
                [
                    replace(step, verdict=Verdict(TRANSLATE))
                    if step.rule in numbers and step.verdict.word == "accept"
                    else step
                    for step in rule
                ]
                for rule in rules
            ]
            for key, rules in self.steps.items()
        }

    def bases(self) -> list[_Base]:
        """The base chains that judge packets, by priority; what else hooks packets is said."""
        found = []
        for table in self.listing.tables:
            for chain in table.chains.values():
                if not chain.hook or table.is_dormant:
                    continue
                if table.family in _FAMILIES and chain.kind in _JUDGING and chain.hook in tuple(Hook):
                    found.append(_Base(table, chain, Hook(chain.hook)))
                elif (table.family, chain.hook) in PASSED:
                    self.said(table, chain, "sees frames: packets that it may drop are bounded, none is surely dropped")
                elif table.family not in _FAMILIES or chain.kind != "nat":
                    self.said(table, chain, f"is not judged: {_FRAMES}")
                elif self.can_drop(table, chain):
                    self.said(table, chain, "translates addresses, and drops packets as well, which is not judged")
        # Of equal priority the one that was registered last comes first (measured); a listing has them as they were made.
        found.reverse()
        return sorted(found, key=lambda base: base.chain.priority)

    def frame_chains(self) -> Iterator[FrameChain]:
        """The base chains that see the frames of packets."""
        for table in self.listing.tables:
            for chain in () if table.is_dormant else table.chains.values():
                if (table.family, chain.hook) in PASSED:
                    yield FrameChain(table, chain, PASSED[table.family, chain.hook])

    def can_drop(self, table: ListedTable, chain: ListedChain) -> bool:
        """Whether a chain or one that it calls can drop packets."""
        seen, waiting = {chain.name}, [chain]
        while waiting:
            one = waiting.pop()
            verdicts = [verdict for rule in one.rules for verdict in _verdicts(table, rule)]
            if one.policy == "drop" or any(verdict.word in ("drop", "reject") for verdict in verdicts):
                return True
            for target in {verdict.target for verdict in verdicts} & table.chains.keys() - seen:
                seen.add(target)
                waiting.append(table.chains[target])
        return False

    def said(self, table: ListedTable, chain: ListedChain, what: str) -> None:
        message = f"chain {harmless(chain.name)} of {harmless(table.title)} (hook {harmless(chain.hook)}) {what}"
        self.warn(
            "not-judged", message, "look at it by hand: nft list chain " + harmless(f"{table.title} {chain.name}")
        )

    def warn(self, name: str, message: str, help: str = "") -> None:
        self.diagnostics.append(Diagnostic(name, Severity.WARNING, message, self.at, help=help))

    def scene(self, base: _Base, family: Family) -> Scene:
        is_early = base.hook in (Hook.PREROUTING, Hook.OUTPUT) and base.chain.priority <= _TRACKING
        return Scene(family, base.hook, is_early, self.instant)

    def read(self, table: ListedTable, name: str, scene: Scene) -> None:
        """Read a chain and every chain that it calls, as the packets of a scene meet them."""
        waiting = [name]
        while waiting:
            chain = waiting.pop()
            key = (table.title, chain, scene)
            if key in self.steps or chain not in table.chains:
                continue
            self.steps[key] = self.read_chain(table, table.chains[chain], scene)
            waiting += {step.verdict.target for rule in self.steps[key] for step in rule if step.verdict.target}

    def read_chain(self, table: ListedTable, chain: ListedChain, scene: Scene) -> list[list[Step]]:
        conditions = self.conditions.get((table.title, scene))
        if conditions is None:
            conditions = self.conditions[table.title, scene] = Conditions(table, scene, self.changed)
        first, out = self.first[table.title, chain.name], []
        for place, rule in enumerate(chain.rules):
            reading = Reading(conditions, first + place, f"{table.title} {chain.name} rule {place + 1}")
            out.append(reading.rule(rule))
            if reading.refused:
                self.refused[first + place] = reading.refused
            for step in out[-1]:
                for _, literals in (*step.terms, *step.unless) if step.unless else step.terms:
                    for text, _ in literals:
                        if not text.startswith(UNSAID):
                            self.unknown.setdefault(first + place, {})[text] = None
        return out

    def read_the_rest(self) -> None:
        """Chains that no base chain reaches, and those of NAT: read as well, so that every rule is accounted for."""
        done = {(title, chain) for title, chain, _ in self.steps}
        for table in self.tables:
            for chain in table.chains.values():
                if (table.title, chain.name) not in done:
                    for family in self.families[table.family]:
                        self.read_chain(table, chain, Scene(family, Hook.FORWARD, False, self.instant))

    def frames(self) -> Iterator[Line]:
        """The rules of tables that see frames, each refused: no program here says what they do."""
        for table in self.listing.tables:
            if table.family in _FAMILIES:
                continue
            for chain in table.chains.values():
                for place, rule in enumerate(chain.rules, 1):
                    words, name = harmless(table.title), harmless(chain.name)
                    refused = Line(words, name, place, rule.text, rule.comment, self.at, refused=_FRAMES)
                    yield self.by_frames.get(refused.place, refused)

    def line(self, number: int) -> Line:
        table, chain, place, rule = self.rules[number]
        literals = self.unknown.get(number, ())
        unknown = tuple(dict.fromkeys(text.removesuffix(")").split(" (", 1)[0] for text in literals))
        is_at_device = bool(chain.hook) and chain.hook not in tuple(Hook)
        refused = harmless(self.refused.get(number, _FRAMES if is_at_device else ""))
        line = Line(
            harmless(table.title), harmless(chain.name), place, rule.text, rule.comment, self.at, unknown, refused
        )
        return self.by_frames.get(line.place, line)

    def program(
        self,
        bases: Sequence[_Base],
        family: Family,
        steps: dict[tuple[str, str, Scene], list[list[Step]]] | None = None,
    ) -> Program:
        own = [base for base in bases if family in _FAMILIES[base.table.family]]
        if not own:
            out = Program(family)
            out.add(EVERY_BOX, "accept")
            return out.seal()
        unfolding = Unfolding(family, self.steps if steps is None else steps, self.lines)
        try:
            return unfolding.program(
                [
                    Base(
                        base.table.title,
                        base.chain.name,
                        self.scene(base, family),
                        base.chain.policy,
                        self.policy(base),
                    )
                    for base in own
                ]
            )
        except (Loop, LookupError, Undecided, RecursionError) as why:
            message = harmless(str(why)) or "chains call each other too deeply"
            self.warn("chains-not-followed", f"IPv{family} at {bases[0].hook} is not known: {message}")
            out = Program(family)
            out.add(EVERY_BOX, "accept", literals=((f"whatever {bases[0].hook} decides", True),))
            out.add(EVERY_BOX, "drop")
            return out.seal()

    def policy(self, base: _Base) -> Line:
        table, chain = harmless(base.table.title), harmless(base.chain.name)
        return Line(table, chain, 0, f"policy {base.chain.policy}", at=self.at)

    def translations(self) -> Iterator[Line]:
        """Rules that change addresses or ports: NAT, and headers that are written to."""
        for line, (*_, rule) in zip(self.lines, self.rules, strict=True):
            changed = [
                part.changes for part in rule.statements if isinstance(part, Effect) and _is_rewritten(part.changes)
            ]
            if changed:
                self.warn(
                    "header-rewritten", f"{line.place} writes {', '.join(changed)}: hooks behind it see other packets"
                )
            if changed or any(isinstance(part, Translate) for part in rule.statements):
                yield line


def _changes(part: Statement) -> list[str]:
    """The keys that a statement sets; of one that is not known, those that its words name so."""
    if isinstance(part, Effect):
        return [part.changes] if part.changes else []
    return _SETTING.findall(part.text) if isinstance(part, Handover) and not part.is_known else []


def _is_rewritten(key: str) -> bool:
    return key in _REWRITTEN or key.endswith(_PORTS)


def _verdicts(table: ListedTable, rule: ListedRule) -> Iterable[Verdict]:
    for part in rule.statements:
        if isinstance(part, Decide):
            yield part.verdict
        elif isinstance(part, VerdictMap):
            rows = part.data.rows if isinstance(part.data, Pairs) else ()
            if isinstance(part.data, Reference) and part.data.name in table.sets:
                rows = table.sets[part.data.name].rows
            yield from (value for _, value in rows if isinstance(value, Verdict))
