"""What was seen to listen against what a policy says: open and to be closed, or open to be, and hidden by the rulesets.

Observations are never equal to a policy (decision 38 of the language): judged is each socket that was seen, by the same law as a
port that was probed. That nobody listens where a policy opens something contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from firewright.analysis.agreement import Circumstances, Expected, agreement
from firewright.analysis.observed import Agreement, Observation, State
from firewright.analysis.running import Running, openings
from firewright.analysis.subject import ACCEPT, Place, Subject, decision_of
from firewright.analysis.words import Namer
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.model.decision import Outcome
from firewright.model.interval import Ranges, union
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.space.box import Box
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.partition import partition
from firewright.workflows.targets import Target

_PERMITTED = (Outcome.ALLOWED, Outcome.REQUIRED)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A socket of which some packets are treated otherwise than a policy says: what was seen, the line of the policy, and how bad it is."""

    words: str
    place: Place
    severity: Severity
    help: str


def say_contradicted(
    subject: Subject, running: Running, targets: Iterable[Target], families: Iterable[Family], report: Report
) -> None:
    """Put in the report every socket that is reached against a policy, or hidden against it; what was not decided is an error.

    `subject` is the policy at the firewall that the rulesets are. Sockets that nobody outside can address are left out. Families of
    which the rulesets say nothing are not among `families`.
    """
    asked, namer = tuple(families), Namer(subject.vocabulary)
    for target in targets:
        found: dict[_Seen, dict[Family, _Part]] = {}
        try:
            for family in (family for family in target.boxes if family in asked):
                for seen, part in _contradictions(subject, running, target, family):
                    known = found.setdefault(seen, {}).get(family)
                    sources = part.sources if known is None else union(known.sources, part.sources)
                    found[seen][family] = _Part(sources, part.packet if known is None else known.packet)
        except Undecided as error:
            message = f"{target.service} against {harmless(subject.name)}: {harmless(str(error))}"
            report.error("undecided", message)
        for seen, parts in found.items():
            report.add(_told(target, seen, parts, namer))


def _contradictions(
    subject: Subject, running: Running, target: Target, family: Family
) -> Iterator[tuple[_Seen, _Part]]:
    within = target.boxes[family]
    if within is None:
        return
    guarded = target.running or running
    program = subject.programs[family]
    for opening in openings(family, within):
        for part in partition([program], family, opening):
            step = part.deciders[0]
            origin, word = program.origin[step], str(program.verdict[step])
            for state, found in _states(guarded, part.flows, family, target.is_certain):
                seen = _judged(subject, origin, word, state, target)
                if seen is not None:
                    yield seen, found


@dataclass(frozen=True, slots=True)
class _Part:
    """Packets of one family: who sends them, and one of them."""

    sources: Ranges
    packet: Packet


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the rulesets make of packets to a socket: it is open to them or hidden, for sure or possibly."""

    state: State
    is_certain: bool


def _states(
    running: Running, flows: Iterable[Flow], family: Family, is_certain: bool
) -> Iterator[tuple[_Sight, _Part]]:
    """How a socket is seen by some packets, each with who sends them and one of them: all that apply."""
    boxes = [flow.box for flow in flows if not flow.literals]
    sets = (
        (_Sight(State.OPEN, is_certain), running.surely),
        (_Sight(State.OPEN, is_certain=False), running.possibly - running.surely),
        (_Sight(State.HIDDEN, is_certain=True), ~running.possibly),
    )
    for sight, packets in sets:
        packet = _first(packets, family, boxes)
        if packet is not None:
            sources = (flow.source for one in boxes for flow in packets.flows(family, {family: one}))
            yield sight, _Part(union(*sources), packet)


def _first(packets: PacketSet, family: Family, boxes: Iterable[Box]) -> Packet | None:
    return next((found for one in boxes if (found := packets.witness({family: one})) is not None), None)


def _judged(subject: Subject, origin: object, word: str, sight: _Sight, target: Target) -> _Seen | None:
    """What is to be said of a socket that is seen so by packets that a policy decides so; None if they agree."""
    decision = decision_of(origin)
    is_permitted = decision is not None and decision.outcome in _PERMITTED
    if word == ACCEPT and not is_permitted:
        return None  # what passes no firewall of the policy, or every machine needs, is no word of its rules
    seen = Observation(sight.state)
    protocol = target.services[0][0] >> 16
    verdict, why = agreement(Expected(word), seen, protocol, Circumstances(is_alive=True, is_silence_telling=True))
    if verdict is not Agreement.CONTRADICTED:
        return None
    words = why if sight.is_certain else why.replace("it is", "it is possibly")
    is_open = sight.state is State.OPEN
    if word != ACCEPT and not is_open:
        return None  # hidden where it is to be refused: nobody reaches it, and how it is answered is no exposure
    severity = Severity.ERROR if is_open and sight.is_certain else Severity.WARNING
    if not is_open and decision is not None and decision.outcome is Outcome.ALLOWED:
        severity = Severity.NOTE
    way_out = "stop the program, or close it; or permit it in the policy" if is_open else "open it, or stop the program"
    return _Seen(words, subject.place_of(origin), severity, way_out)


def _told(target: Target, seen: _Seen, parts: Mapping[Family, _Part], namer: Namer) -> Diagnostic:
    held = f", held by {', '.join(target.programs)}," if target.programs else ""
    only = f" (IPv{next(iter(parts))} only)" if len(parts) < len(FAMILIES) else ""
    who = ", ".join(dict.fromkeys(namer.addresses(family, part.sources) for family, part in parts.items()))
    words = seen.words.replace("open,", f"open to {who},", 1).replace("hidden,", f"hidden from {who},", 1)
    message = harmless(f"{target.service} at {target.address}{held} listens: {words}{only}", 600)
    notes = (Note(f"the policy: {harmless(str(seen.place))}", seen.place.at),)
    witness = str(next(iter(parts.values())).packet)
    return Diagnostic("contradicted", seen.severity, message, seen.place.at, notes, witness, seen.help)
