"""Whether what was seen of a host agrees with what a policy says.

Observations are never equal to a policy (decision 38 of the language): each service is confirmed, contradicted or undetermined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from firewright.analysis.ask import Part, Ruling, ask
from firewright.analysis.observed import Agreement, Answered, Judgement, Observation, Sightings, State
from firewright.analysis.path import When
from firewright.analysis.question import Question, Side
from firewright.catalog.udp_payloads import is_telling, udp_payloads
from firewright.model.decision import Outcome
from firewright.model.interval import Ranges, canonical, difference, intersection, is_within, union
from firewright.model.packet import ICMP, ICMPV6, PORTED, TCP, TYPED, UDP, Family
from firewright.model.policy import Policy, Term
from firewright.model.transport import EVERY_SELECTOR, Transport, service_ranges
from firewright.source import Span

_SOURCE_PORTS: Ranges = ((1024, 65535),)
"""Where a kernel takes the ports of its own calls from."""


class Expected(StrEnum):
    """What a path does with the packets that were sent."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else bears on a verdict.

    Whether a machine is there at all, whether silence of this service means that nobody was reached, and the firewalls of other
    authorities on the path, in words (empty: none).
    """

    is_alive: bool
    is_silence_telling: bool
    others: str = ""


def agreement(expected: Expected, seen: Observation, protocol: int, around: Circumstances) -> tuple[Agreement, str]:
    """Whether an observation agrees with what a path does, and why it does not, or why that cannot be said."""
    if seen.state is State.UNDETERMINED:
        return Agreement.UNDETERMINED, seen.why
    if seen.state is State.OPEN:
        if expected is Expected.ACCEPT:
            return Agreement.CONFIRMED, ""
        return Agreement.CONTRADICTED, f"it is open, and the policy says {expected}"
    if seen.state is State.HIDDEN:
        return _silent(expected, protocol, around)
    return _refused(expected, seen, protocol, around)


def _silent(expected: Expected, protocol: int, around: Circumstances) -> tuple[Agreement, str]:
    if not around.is_alive:
        return Agreement.UNDETERMINED, "nothing answered at all: it hides everything, or is not there"
    if expected is Expected.DROP:
        if around.is_silence_telling:
            return Agreement.CONFIRMED, ""
        return Agreement.UNDETERMINED, "silent, as a service that answers no stranger would be too"
    if not around.is_silence_telling and expected is Expected.ACCEPT:
        return Agreement.UNDETERMINED, "silent: dropped, or a service that answers no stranger"
    if around.others:
        return Agreement.UNDETERMINED, f"silent, and another firewall is on the path: {around.others}"
    return Agreement.CONTRADICTED, f"it is hidden, and the policy says {expected}"


def _refused(expected: Expected, seen: Observation, protocol: int, around: Circumstances) -> tuple[Agreement, str]:
    """Judge a refusal: a host without a service resets TCP, and says of UDP and other protocols that they are unreachable."""
    if expected is Expected.REJECT:
        return Agreement.CONFIRMED, ""
    if expected is Expected.ACCEPT:
        if _may_be_the_host(seen, protocol):
            return Agreement.CONFIRMED, ""
        blame = "something on the path says no"
    else:
        blame = "it answers no"
    if around.others and (seen.sender or seen.is_nearer):
        return Agreement.UNDETERMINED, f"{blame}, and another firewall is on the path: {around.others}"
    return Agreement.CONTRADICTED, f"{blame}, and the policy says {expected}"


def _may_be_the_host(seen: Observation, protocol: int) -> bool:
    """Whether a refusal is what a host says itself where nobody listens (RFC 1122, 3.2.2.1 and 4.1.3.1; RFC 4443, 3.1 and 3.4)."""
    if seen.sender or seen.is_nearer:
        return False
    if seen.answered in (Answered.RESET, Answered.REFUSED):
        return True
    if protocol == UDP:
        return (seen.type, seen.code) in ((3, 3), (1, 4))
    return protocol not in (6, *TYPED) and (seen.type, seen.code) in ((3, 2), (4, 1))


def judge(policy: Policy, when: When, sightings: Sightings, source: Side, destination: Side) -> tuple[Judgement, ...]:
    """Every service that was seen, against the whole path of a policy. Raises Unfilled, Undecided.

    `source` and `destination` are what the policy knows both machines by.
    """
    family = sightings.family
    seen = union(*(one.services for one in sightings.sights))
    if not seen:
        return ()
    question = Question(source, destination, Term("what was probed", tuple(_transports(seen, family))))
    parts = [(part, _services(part, family)) for part in ask(policy, question, when).parts]
    ordinary = [pair for pair in parts if pair[0].outcome is not Outcome.SPOOFED]
    held = union(*(services for _, services in ordinary))
    spoofed = [(part, difference(services, held)) for part, services in parts if part.outcome is Outcome.SPOOFED]
    return tuple(_judgements(policy, sightings, [*ordinary, *spoofed]))


def _transports(seen: Ranges, family: Family) -> Iterator[Transport]:
    by_protocol: dict[int, list[tuple[int, int]]] = {}
    for low, high in seen:
        by_protocol.setdefault(low >> 16, []).append((low & 0xFFFF, high & 0xFFFF))
    for protocol, selectors in by_protocol.items():
        ports = _SOURCE_PORTS if protocol in PORTED else EVERY_SELECTOR
        yield Transport((family,), protocol, tuple(selectors), ports)


def _services(part: Part, family: Family) -> Ranges:
    return union(*(flow.service for flow in part.flows if flow.family == family))


def _judgements(policy: Policy, sightings: Sightings, parts: list[tuple[Part, Ranges]]) -> Iterator[Judgement]:
    taken, doubtful = _overlaps(parts)
    for part, services in parts:
        own = difference(services, doubtful)
        mine = intersection(own, taken.pop(id(part), ()))
        yield from _of_part(policy, sightings, part, mine)
    for sight in sightings.sights:
        left = intersection(sight.services, doubtful)
        if left:
            why = "the policy decides by source or interface, which cannot be known from here"
            yield _judgement(policy, sightings, left, sight.observation, (Agreement.UNDETERMINED, why))


def _overlaps(parts: list[tuple[Part, Ranges]]) -> tuple[dict[int, Ranges], Ranges]:
    """What each part is asked about, no service twice; and the services that some parts decide otherwise than others."""
    by_action: dict[Expected | None, Ranges] = {}
    taken: dict[int, Ranges] = {}
    known: Ranges = ()
    for part, services in parts:
        taken[id(part)] = difference(services, known)
        known = union(known, services)
        action = expected(part)
        by_action[action] = union(by_action.get(action, ()), services)
    doubtful: Ranges = ()
    before: Ranges = ()
    for services in by_action.values():
        doubtful = union(doubtful, intersection(before, services))
        before = union(before, services)
    return taken, doubtful


def expected(part: Part) -> Expected | None:
    """What the whole path does with the packets of a part; None where no firewall of it sees them."""
    if part.stops:
        return Expected(part.stops[0].decision.action.value)
    return Expected.ACCEPT if part.passing else None


def _of_part(policy: Policy, sightings: Sightings, part: Part, services: Ranges) -> Iterator[Judgement]:
    wanted = expected(part)
    strangers = [one for one in part.passing if one.policy is not policy]
    others = ", ".join(f"{one.decision.firewall.name} of {one.policy.name}" for one in strangers)
    deciding = part.stops[0] if part.stops else part.passing[-1] if part.passing else None
    for sight in sightings.sights:
        for mine, is_silence_telling in _by_silence(intersection(sight.services, services)):
            around = Circumstances(sightings.is_alive, is_silence_telling, others)
            verdict = (
                (Agreement.UNDETERMINED, "no firewall of the policy is on the way")
                if wanted is None
                else agreement(wanted, sight.observation, mine[0][0] >> 16, around)
            )
            yield _judgement(policy, sightings, mine, sight.observation, verdict, deciding)


def _by_silence(services: Ranges) -> Iterator[tuple[Ranges, bool]]:
    """The services by protocol, and by whether silence tells something of them."""
    telling = canonical((UDP << 16 | port, UDP << 16 | port) for port in udp_payloads() if is_telling(port))
    for protocol in sorted({low >> 16 for low, _ in services}):
        mine = intersection(services, ((protocol << 16, protocol << 16 | 0xFFFF),))
        if protocol == UDP:
            yield from ((part, is_so) for part, is_so in (
                (intersection(mine, telling), True), (difference(mine, telling), False)
            ) if part)  # fmt: skip
        else:
            yield mine, protocol in (TCP, ICMP, ICMPV6)


def _judgement(
    policy: Policy,
    sightings: Sightings,
    services: Ranges,
    observation: Observation,
    verdict: tuple[Agreement, str],
    ruling: Ruling | None = None,
) -> Judgement:
    bare = (policy.name, sightings.name, sightings.family, sightings.address, services, observation, *verdict)
    if ruling is None:
        return Judgement(*bare)
    decision = ruling.decision
    said = (
        decision.rule.label
        if decision.rule is not None
        else decision.reason or f"the default of {decision.firewall.name}"
    )
    return Judgement(*bare, decision.verdict, decision.firewall.name, said, _at(ruling, services, sightings.family))


def _at(ruling: Ruling, services: Ranges, family: Family) -> Span:
    """The very word of the deciding rule that all of some services are of, or where there is none the rule's own place."""
    terms = ruling.decision.rule.terms if ruling.decision.rule is not None else ()
    for term in terms:
        held = union(*service_ranges(term.transports, family).values())
        if term.at.line and is_within(services, held):
            return term.at
    return ruling.at
