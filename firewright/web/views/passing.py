"""Answers along the path: for each part of a question its flows, one packet of them, and a station for each firewall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from firewright.analysis.ask import Part, Ruling, witness_of
from firewright.analysis.words import FlowWords, Namer, flow_words
from firewright.diagnostic import harmless
from firewright.model.account import Actor
from firewright.model.decision import Outcome
from firewright.model.moment import iso
from firewright.model.policy import Action
from firewright.reports._answers_text import DOES, overall_words, where, why_words, written
from firewright.source import Source
from firewright.space.flow import Flow
from firewright.web.views.sight import Sight, count

_TONES = {
    Outcome.REQUIRED: "permitted",
    Outcome.ALLOWED: "permitted",
    Outcome.ESSENTIAL: "permitted",
    Outcome.LOOPBACK: "permitted",
    Outcome.REQUESTED: "request",
    Outcome.DENIED: "denied",
    Outcome.REJECTED: "denied",
    Outcome.SPOOFED: "denied",
    Outcome.UNENFORCED: "unenforced",
}
"""The colour of an outcome, by its class; what is not named is `closed`."""
WITHHELD = "its line names other zones too, and is shown to whoever may see them"


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One line of flows: from where, to where, which services, in which families (`IPv4`, `IPv6`)."""

    source: str
    destination: str
    service: str
    families: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Station:
    """One firewall on the way: what it does, by which rule at which place, in which words, and the line as it stands there.

    `does` is "passes", "stops" or "is not on the way"; `rule`, `because` and `line` are empty where the rule may not be shown.
    """

    policy: str
    firewall: str
    does: str
    outcome: str
    tone: str
    place: str
    rule: str
    because: str
    line: str
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Flows that the same lines decide: `words` is what becomes of them, `witness` one packet, `counts` how many addresses.

    `sources` and `destinations` are addresses in IPv4 and in IPv6.
    """

    flows: tuple[FlowLine, ...]
    words: str
    outcome: str
    tone: str
    is_open: bool
    witness: str
    stations: tuple[Station, ...]
    sources: tuple[int, int] = (0, 0)
    destinations: tuple[int, int] = (0, 0)


def tone_of(outcome: Outcome) -> str:
    """The class of an outcome's colour."""
    return _TONES.get(outcome, "closed")


def pieces(parts: Iterable[Part], sight: Sight, namer: Namer, sources: Mapping[str, Source]) -> Iterator[Piece]:
    """What may be shown of the parts of an answer, in their order."""
    for part in parts:
        flows = tuple(sight.flows(part.flows))
        if flows:
            yield _piece(part, flows, sight, namer, sources)


def _piece(part: Part, flows: tuple[Flow, ...], sight: Sight, namer: Namer, sources: Mapping[str, Source]) -> Piece:
    here, there = count(flows, is_source=True), count(flows, is_source=False)
    return Piece(
        flow_lines(flow_words(flows, namer)),
        overall_words(part),
        part.outcome.value,
        tone_of(part.outcome),
        part.is_open,
        witness(flows, sight),
        stations(part.rulings, sight.actor, sources),
        (here.get(4, 0), here.get(6, 0)),
        (there.get(4, 0), there.get(6, 0)),
    )


def flow_lines(lines: Iterable[FlowWords]) -> tuple[FlowLine, ...]:
    """Flows in words, for a page."""
    return tuple(
        FlowLine(one.source, one.destination, one.service, tuple(f"IPv{family}" for family in one.families))
        for one in lines
    )


def witness(flows: Iterable[Flow], sight: Sight) -> str:
    """One packet of these flows of which both addresses may be told; empty where there is none."""
    told = next((flow for flow in flows if sight.is_open_about(flow)), None)
    return "" if told is None else str(witness_of(told))


def stations(rulings: Iterable[Ruling], actor: Actor, sources: Mapping[str, Source]) -> tuple[Station, ...]:
    """The firewalls in the order in which the packets meet them."""
    return tuple(_station(ruling, Sight(actor, ruling.policy), sources) for ruling in rulings)


def _station(ruling: Ruling, sight: Sight, sources: Mapping[str, Source]) -> Station:
    decision, rule = ruling.decision, ruling.decision.rule
    is_shown = rule is None or sight.rule(rule)
    does = "stops" if not decision.outcome.is_open else "passes"
    if decision.outcome is Outcome.UNENFORCED:
        does = "is not on the way"
    because = (rule.because if is_shown else WITHHELD) if rule is not None else why_words(ruling)
    return Station(
        ruling.policy.name,
        decision.firewall.name,
        does,
        decision.outcome.value,
        tone_of(decision.outcome),
        where(ruling) if decision.outcome is not Outcome.UNENFORCED else "",
        (written(ruling) if is_shown else f"{rule.verb}") if rule is not None else "",
        because if decision.outcome is not Outcome.UNENFORCED else f"{DOES[decision.outcome]}",
        line_at(ruling.at.path, ruling.at.line, sources) if rule is not None and is_shown else "",
        decision.action is Action.REJECT and not decision.outcome.is_open,
    )


def line_at(path: str, number: int, sources: Mapping[str, Source]) -> str:
    """A line of a file that was read, fit to be shown; empty where it is not known."""
    source = sources.get(path)
    return "" if source is None else harmless(source.line(number).strip())


def until_words(until: object) -> str:
    """An end as it is written, or nothing."""
    from datetime import date

    return iso(until) if isinstance(until, date) else ""
