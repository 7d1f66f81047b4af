"""A ruleset's policy compared with the ruleset, packet by packet: each difference, or that there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from firewright.analysis.contrast import Scope, namer_of
from firewright.analysis.homes import Homes
from firewright.analysis.passage import passage_words
from firewright.analysis.pieces import Pair, Piece, Sort
from firewright.analysis.proposal import Way, way_box
from firewright.analysis.subject import Subject, decision_of, of_policy
from firewright.analysis.wire import by_any
from firewright.diagnostic import Report, Severity, harmless
from firewright.model.address import EVERYWHERE, UNICAST
from firewright.model.decision import Outcome
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import intersection, is_within, union
from firewright.model.packet import Family
from firewright.readers.policy_yaml import load
from firewright.source import Source
from firewright.space.axis import HOST
from firewright.space.box import Box, meet_box
from firewright.space.budget import Undecided
from firewright.space.encode import encode_enforced
from firewright.space.flow import Flow

_OWN = (Outcome.ESSENTIAL, Outcome.LOOPBACK, Outcome.SPOOFED)
"""What a policy decides by itself, whatever its rules say."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Packets that a policy and a ruleset decide otherwise, by one rule each: in lines, with an example and both rules in words.

    `own_words` are empty unless every policy decides so by itself, whatever its rules.
    """

    sort: Sort
    is_certain: bool
    own_words: str
    lines: tuple[str, ...]
    example: str
    before: str
    after: str

    @property
    def is_own(self) -> bool:
        """Whether every policy decides so, whatever its rules."""
        return bool(self.own_words)


def differences(
    subject: Subject, body: str, homes: Homes, ways: Collection[Way], report: Report
) -> tuple[list[Difference], dict[Way, str]] | None:
    """How a policy's text, read by the reader of policies, and a ruleset differ on some ways, and why on others that is not decided.

    None after an error where the text is no policy.
    """
    own = Report()
    policy = load(Source(subject.path, body), own, with_exceptions=False)
    errors = [said for said in own.diagnostics if said.severity is Severity.ERROR]
    if policy is None or errors:
        said = f"{errors[0].message}" if errors else "it cannot be read"
        report.error("miswritten", f"the policy of the ruleset is not one: {said}")
        return None
    firewall = next(iter(policy.firewalls.values()))
    other = of_policy(policy, encode_enforced(policy, firewall, date.min), has_states=True)
    pair, namer = Pair(subject, other, Scope.NEW), namer_of(subject, other)
    groups: dict[tuple[object, ...], list[Piece]] = {}
    undecided: dict[Way, str] = {}
    for way in ways:
        try:
            found = [piece for family in subject.families for piece in _pieces(pair, family, way)]
        except Undecided as error:
            undecided[way] = str(error)
            continue
        for piece in found:
            places = str(piece.before.place), str(piece.after.place)
            groups.setdefault((piece.sort, piece.is_certain, _own_words(piece, homes), *places), []).append(piece)
    told = []
    for pieces in groups.values():
        first = pieces[0]
        lines = passage_words((by_any(flow) for piece in pieces for flow in piece.flows), namer)
        told.append(
            Difference(
                first.sort, first.is_certain, _own_words(first, homes), tuple(map(str, lines)), str(first.example),
                str(first.before.place), str(first.after.place),
            )
        )  # fmt: skip
    return told, undecided


def _pieces(pair: Pair, family: Family, way: Way) -> Iterator[Piece]:
    for within in _parts(pair, family, way):
        yield from pair.pieces(family, within)


def _parts(pair: Pair, family: Family, way: Way) -> Iterator[Box]:
    """The packets of a way among those that are compared; those that the machine sends itself go with what leaves it."""
    for one in pair.question(family):
        for part in way_box(family, way):
            met = meet_box(one, part, family)
            if met is not None:
                yield met


def _own_words(piece: Piece, homes: Homes) -> str:
    """What a policy decides by itself, in words; empty where it is its rules that differ."""
    if _is_own(piece):
        return harmless(str(piece.after.place), 160)
    stops = piece.sort in (Sort.CLOSES, Sort.HIDES, Sort.ANSWERS)
    if homes and stops and piece.flows and all(_is_homeless(flow) for flow in piece.flows):
        return "link-local addresses and groups are behind no interface, so no rule by interface speaks of them"
    return ""


def _is_homeless(flow: Flow) -> bool:
    homeless = union(LINK_LOCAL.ranges(flow.family), (EVERYWHERE - UNICAST).ranges(flow.family))
    return is_within(flow.source, homeless) or (flow.out_interface != HOST and is_within(flow.destination, homeless))


def _is_own(piece: Piece) -> bool:
    """Whether a policy decides so by itself: essentials, loopback addresses, redirects, what is sent to no machine."""
    decision = decision_of(piece.origins[1])
    if decision is not None and (
        decision.outcome in _OWN or (decision.rule is None and decision.outcome is Outcome.DENIED)
    ):
        return True
    return bool(piece.flows) and all(
        flow.out_interface != HOST and not intersection(flow.destination, UNICAST.ranges(flow.family))
        for flow in piece.flows
    )
