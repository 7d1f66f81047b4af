"""What two subjects of any kind decide differently: exact flows with the rules behind them, or the proof that there is nothing.

Bounds are kept: a difference is certain where it is one however what is not understood is read, and equivalent means that no
reading shows one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from firewright.analysis.ask import identity
from firewright.analysis.cutting import Cell
from firewright.analysis.passage import MachineNamer, passage_words
from firewright.analysis.pieces import Disagreement, Pair, Piece, Scope, Side, Sort
from firewright.analysis.subject import Kind, Subject, decision_of, line_of
from firewright.analysis.wire import by_any
from firewright.analysis.words import FlowWords, Namer
from firewright.model.address import UNICAST, AddressSet
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.box import Box
from firewright.space.budget import Spent, Undecided, purse
from firewright.space.flow import Flow, flow_of

MOST = 2_000_000
"""The budget of a comparison where none is given."""
_OFTEN = 50
"""Parts after which it is told how far it is."""
Telling = Callable[[str], None]
"""Is told what was done so far, for whoever watches."""


def silent(step: str) -> None:
    """Tell nobody."""


__all__ = ["Change", "Contrast", "Scope", "Side", "Sort", "contrast", "namer_of"]


@dataclass(frozen=True, slots=True)
class Change:
    """Packets that two subjects decide differently: in flows, in words, one of them, and what decides that one on either side.

    `flows` is empty where they are too many to be told: then `example` stands for them. `is_certain` is whether they are
    decided differently however what is not understood is read. `pairs` counts the pairs of rules behind the flows.
    """

    sort: Sort
    is_certain: bool
    flows: tuple[Flow, ...]
    lines: tuple[FlowWords, ...]
    example: Packet
    before: Side
    after: Side
    pairs: int = 1


@dataclass(frozen=True, slots=True)
class Contrast:
    """Every difference between two subjects in the packets of a scope and of the families that both describe.

    `uncompared` says of each other family that was asked which of the two says nothing of it. `alike` are the conditions that
    both have by the same rule, and that are read alike. What the budget did not reach: `untold` parts differ and are told by
    an example alone, and of the packets of `unasked` it is not known whether they differ. `budget` is what there was.
    """

    before: Subject
    after: Subject
    scope: Scope
    families: tuple[Family, ...]
    changes: tuple[Change, ...]
    uncompared: tuple[tuple[Family, str], ...] = ()
    alike: tuple[str, ...] = ()
    untold: int = 0
    unasked: tuple[Flow, ...] = ()
    budget: int = MOST

    @property
    def is_equivalent(self) -> bool:
        """Whether no packet tells the two apart under any reading, proved, in every family that was asked."""
        return not self.changes and not self.uncompared and self.is_whole and bool(self.families)

    @property
    def is_whole(self) -> bool:
        """Whether every difference is told, none by an example alone because the budget was spent."""
        return not self.untold and not self.unasked

    @property
    def unasked_words(self) -> tuple[FlowWords, ...]:
        """The packets of which nothing is known, in the names of both."""
        return passage_words(map(by_any, self.unasked), namer_of(self.before, self.after))

    def of(self, sort: Sort) -> tuple[Change, ...]:
        """The changes of a sort, the certain ones first."""
        return tuple(one for one in self.changes if one.sort is sort)


def contrast(
    before: Subject,
    after: Subject,
    scope: Scope = Scope.NEW,
    families: Collection[Family] = FAMILIES,
    *,
    by_rule: bool = False,
    budget: int = MOST,
    telling: Telling = silent,
) -> Contrast:
    """What opens, closes, answers and hides from one subject to another; by every pair of rules, or by the rule that lets it.

    First every part of the question is asked whether it differs, which is cheap, then those that do are told in flows. Where
    the budget (in units of about one box looked at) ends meanwhile, the rest is told by an example each or, in the first pass,
    named as not asked: the Contrast is not whole then, as it is where one part is too much work by itself. `telling` is told
    now and then how far it is.
    """
    described = tuple(family for family in families if family in before.families and family in after.families)
    pair = Pair(before, after, scope)
    groups = _Groups(before, after, by_rule=by_rule)
    with purse(budget):
        found, unasked = _differing(pair, described, telling)
        untold = _tell(pair, found, groups, unasked, telling)
    return Contrast(
        before,
        after,
        scope,
        described,
        groups.changes(),
        tuple(_uncompared(before, after, families)),
        pair.alike,
        untold,
        tuple(flow_of(family, within) for family, within in unasked),
        budget,
    )


def _differing(
    pair: Pair, families: Collection[Family], telling: Telling
) -> tuple[list[tuple[Cell, Disagreement]], list[tuple[Family, Box]]]:
    """The parts of the question that differ, each with a packet; and, where the budget ended, the boxes that were not asked."""
    found: list[tuple[Cell, Disagreement]] = []
    unasked: list[tuple[Family, Box]] = []
    for family in families:
        for within in pair.question(family):
            asked = 0
            try:
                for cell in pair.cells(family, within):
                    try:
                        disagreement = pair.disagreement(cell)
                    except Spent:
                        raise
                    except Undecided:
                        disagreement = None
                        unasked.append((family, cell.within))
                    asked += 1
                    if disagreement is not None:
                        found.append((cell, disagreement))
                    if not asked % _OFTEN:
                        telling(f"{asked} parts of IPv{family} asked, {len(found)} differ")
            except Spent:
                # The part at which it ended is the first of those that are not known.
                unasked += ((family, cell.within) for cell in list(pair.cells(family, within))[asked:])
    return found, unasked


def _tell(
    pair: Pair,
    found: list[tuple[Cell, Disagreement]],
    groups: _Groups,
    unasked: list[tuple[Family, Box]],
    telling: Telling,
) -> int:
    """Tell each part that differs, in flows while the budget lasts; how many were told by an example alone."""
    untold, is_spent = 0, False
    for number, (cell, disagreement) in enumerate(found):
        if not number % _OFTEN and number:
            telling(f"{number} of {len(found)} parts that differ told")
        try:
            if not is_spent:
                groups.add(pair.told(cell))
                continue
        except Spent:
            is_spent = True
        except Undecided:
            pass
        untold += 1
        shown = pair.shown(cell, disagreement)
        if shown is None:
            unasked.append((cell.first.family, cell.within))
        else:
            groups.add((shown,))
    return untold


def _uncompared(before: Subject, after: Subject, families: Collection[Family]) -> Iterator[tuple[Family, str]]:
    """The families that only one of the two describes, and the name of the other; what neither describes is alike."""
    for family in families:
        silent = [one.name for one in (before, after) if family not in one.families]
        if len(silent) == 1:
            yield family, silent[0]


class _Groups:
    """Pieces put together: by the pair of rules behind them, or by the rules of that side which has fewer."""

    def __init__(self, before: Subject, after: Subject, *, by_rule: bool) -> None:
        self.by_rule = by_rule
        self.namer = namer_of(before, after)
        self.found: dict[Hashable, list[Piece]] = {}

    def add(self, pieces: Iterable[Piece]) -> None:
        """Put pieces where they belong."""
        for piece in pieces:
            self.found.setdefault((piece.sort, piece.is_certain, bool(piece.flows)), []).append(piece)

    def changes(self) -> tuple[Change, ...]:
        """The groups in the order of their weight, then of their words."""
        made = [self._change(group) for pieces in self.found.values() for group in self._grouped(pieces)]
        order = list(Sort)
        return tuple(
            sorted(made, key=lambda one: (order.index(one.sort), not one.is_certain, one.lines, str(one.example)))
        )

    def _grouped(self, pieces: list[Piece]) -> Iterable[list[Piece]]:
        groups: tuple[dict[Hashable, list[Piece]], ...] = ({}, {}, {})
        for piece in pieces:
            before, after = map(_identity, piece.origins)
            for found, key in zip(groups, (before, after, (before, after)), strict=True):
                found.setdefault(key, []).append(piece)
        return (groups[2] if self.by_rule else min(groups[1], groups[0], key=len)).values()

    def _change(self, pieces: list[Piece]) -> Change:
        first = pieces[0]
        flows = tuple(flow for piece in pieces for flow in piece.flows)
        pairs = {tuple(map(_identity, piece.origins)) for piece in pieces}
        before, after = (
            replace(side, unknown=tuple(dict.fromkeys(line for one in several for line in one.unknown)))
            for side, several in (
                (first.before, [piece.before for piece in pieces]),
                (first.after, [piece.after for piece in pieces]),
            )
        )
        lines = passage_words(map(by_any, flows), self.namer)
        return Change(first.sort, first.is_certain, flows, lines, first.example, before, after, len(pairs))


def _identity(origin: object) -> Hashable:
    """Equal for steps of the same rule, in both families."""
    line = line_of(origin)
    if line is not None:
        return "rule", line.place, line.text
    decision = decision_of(origin)
    return None if decision is None else ("decision", *identity(decision))


def namer_of(before: Subject, after: Subject) -> Namer:
    """Names addresses by the zones of both; a name that both have for other addresses is told with its owner.

    A ruleset has no zones: where the other has some, those are the words.
    """
    told = [one for one in (before, after) if one.kind is not Kind.RULESET] or [before]
    zones: dict[str, AddressSet] = {}
    for subject in told:
        for zone in subject.vocabulary.named_zones:
            known = zones.get(zone.name)
            name = zone.name if known is None or known == zone.addresses else f"{zone.name} of {subject.name}"
            zones[name] = zone.addresses
    return MachineNamer(told[0].vocabulary, UNICAST, zones.items())
