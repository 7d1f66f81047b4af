"""From one zone to another: every flow, what becomes of it at each firewall, by which line, with a packet of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firewright.analysis.ask import Answer, ask
from firewright.analysis.narrowing import narrowed_to
from firewright.analysis.path import OWN, When, internet_of
from firewright.analysis.question import Question, Side, zone_named
from firewright.model.decision import Outcome
from firewright.model.policy import Policy, Term, Zone, ZoneKind
from firewright.source import Source
from firewright.web.views.passing import Piece, pieces
from firewright.web.views.sight import Sight

_ASIDE = (Outcome.SPOOFED, Outcome.LOOPBACK)
_GROUPS = (ZoneKind.MULTICAST, ZoneKind.BROADCAST)


@dataclass(frozen=True, slots=True)
class Pair:
    """What becomes of everything from one zone to another, the open flows first; `question` asks the same in words."""

    policy: str
    source: str
    destination: str
    question: str
    pieces: tuple[Piece, ...]

    @property
    def open(self) -> tuple[Piece, ...]:
        """What passes."""
        return tuple(one for one in self.pieces if one.is_open)


def question(policy: Policy, source: Zone, destination: Zone, term: Term | None = None) -> Question:
    """The question of all flows, or of some services, from one zone of a policy to another."""
    return Question(_side(policy, source), _side(policy, destination), term or Term("any", ()))


def _side(policy: Policy, zone: Zone) -> Side:
    if zone.is_local:
        return Side(zone.name, OWN, is_local=True)
    addresses = internet_of(policy) if zone.kind is ZoneKind.INTERNET else zone.addresses
    return Side(zone.name, addresses, is_group=zone.kind in _GROUPS)


def answer(policy: Policy, source: str, destination: str, when: When, term: Term | None = None) -> Answer:
    """The policy's exact answer. Raises LookupError for a zone that it has not, Unfilled, Undecided."""
    zones = [zone_named(name, policy) for name in (source, destination)]
    if zones[0] is None or zones[1] is None:
        raise LookupError(source if zones[0] is None else destination)
    asked = question(policy, zones[0], zones[1], term)
    return ask(narrowed_to(policy, asked), asked, when)


def pair(found: Answer, sight: Sight, sources: Mapping[str, Source]) -> Pair:
    """What somebody may see of an answer; loopback addresses from elsewhere, which no rule decides, are left out."""
    here, there = found.question.source, found.question.destination
    asked = ((side.words, side.addresses) for side in (here, there) if not side.is_local)
    namer = sight.namer(asked=asked if sight.is_whole else ())
    told = [part for part in found.parts if part.outcome not in _ASIDE] or list(found.parts)
    return Pair(
        found.policy.name, here.words, there.words, str(found.question), tuple(pieces(told, sight, namer, sources))
    )


CSV_HEAD = ("from", "to", "services", "families", "outcome", "decided by", "rule", "because", "example")


def csv_rows(found: Pair) -> list[tuple[str, ...]]:
    """The rows of a table: one for each line of flows."""
    rows: list[tuple[str, ...]] = []
    for piece in found.pieces:
        decided = next((one for one in piece.stations if one.does == "stops"), None) or next(
            (one for one in reversed(piece.stations) if one.does == "passes"), None
        )
        place, rule, because = (decided.place, decided.rule, decided.because) if decided else ("", "", "")
        for flow in piece.flows:
            line = flow.source, flow.destination, flow.service, " ".join(flow.families)
            rows.append((*line, piece.words, place, rule, because, piece.witness))
    return rows
